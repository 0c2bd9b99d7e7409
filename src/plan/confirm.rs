//! Answers are tried in all mixes. Where a harder amount can make a VM better, a mix may break the
//! limit with an amount above its own need, because only the amounts of the list were tried there.

use rayon::prelude::*;

use super::{Failure, Mixes, Need, Question};

impl Mixes {
    /// Tries each policy's answer, which `answers` makes of the needs, in all mixes. A mix that
    /// breaks the limit there needs an easier amount than was found. This is repeated until every
    /// answer has been tried.
    ///
    /// # Errors
    /// If a run fails.
    pub fn confirm(
        &self,
        question: &Question,
        needs: &mut [Vec<Need>],
        answers: impl Fn(&[Vec<Need>]) -> Vec<Option<u64>>,
    ) -> Result<(), Failure> {
        let mut tried = vec![None; question.policies.len()];
        loop {
            let found = answers(needs);
            let is_new = |&(at, answer): &(usize, u64)| answer > 0 && tried[at] != Some(answer);
            let new = found.iter().enumerate().filter_map(|(at, &answer)| Some((at, answer?)));
            let new: Vec<(usize, u64)> = new.filter(is_new).collect();
            if new.is_empty() {
                return Ok(());
            }
            needs.par_iter_mut().enumerate().try_for_each(|(mix, needs)| {
                let mix = mix as u64;
                // As in `needs`, accesses are generated once.
                let held = self.largest_of(mix, question).map_err(Failure::Refused)?;
                held.index();
                new.iter().try_for_each(|&(at, answer)| {
                    self.asked(mix, question, question.policies[at]).keep(answer, &mut needs[at])
                })
            })?;
            tried = found;
        }
    }
}

impl super::Asked<'_> {
    /// Makes the need easier if the limit is broken with an amount that it says is enough.
    fn keep(&self, amount: u64, need: &mut Need) -> Result<(), Failure> {
        let quantity = &self.question.quantity;
        let is_enough = need.amount.is_some_and(|need| !quantity.is_easier(need, amount));
        if !is_enough || self.is_kept(amount)? {
            return Ok(());
        }
        let easier = self.question.easiest_first().into_iter();
        let kept = easier.take_while(|&easier| quantity.is_easier(easier, amount)).last();
        need.amount = match kept {
            Some(kept) => Some(self.between(kept, amount)?),
            None => self.easier(amount)?,
        };
        need.is_split = true;
        need.first = self.first_beyond(need.amount)?;
        Ok(())
    }
}

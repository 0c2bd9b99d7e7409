//! A plan on its way: what is asked of a scenario, the mixes as they run, and their needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use balloonist::balance::PolicyKind;
use balloonist::number::counted;
use balloonist::plan::order::fewest;
use balloonist::plan::{self, Answers, Mixes, Need, Quantity, Question};
use balloonist::scenario::plan::{Asked, VmLimit};
use balloonist::scenario::{Diagnostics, PlanSpec, Scenario};
use balloonist::store::manifest::Study;
use balloonist::store::mixes;
use balloonist::sweep::journal::{Fault, Header, Journal};
use balloonist::units::Decimal;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::input::{self, Opened};
use super::progress::Progress;
use super::sweep_folder::{difference, refused};
use super::{Context, Failure, jobs};

/// A plan on its way.
pub(super) struct Planning {
    scenario: Scenario,
    mixes: Mixes,
    question: Question,
    confidence: Decimal,
    count: u64,
    pool: ThreadPool,
    /// The pages that the VMs of each mix touch.
    pages: Vec<u64>,
    /// What journals have of mixes already.
    known: BTreeMap<u64, Vec<Need>>,
    /// The journal of this plan, if it keeps one.
    journal: Option<Mutex<(PathBuf, Journal)>>,
    /// The needs of the mixes that ran.
    needs: Vec<Vec<Need>>,
}

impl Planning {
    /// What is asked, with the defaults of what it leaves out.
    pub(super) fn new(
        opened: Opened,
        asked: &PlanSpec,
        policies: Vec<&'static PolicyKind>,
        jobs: Option<u16>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let Opened { scenario, document, traces } = opened;
        let limit = asked.limit.map_or_else(|| VmLimit::slowdown(SLOWDOWN), Ok);
        let limit = limit.map_err(Failure::Usage)?;
        refuse_free(&scenario, limit)?;
        let bad = |wrong: Box<Diagnostics>| input::refused(&wrong, context);
        let mut mixes = Mixes::new(document, scenario.seed, traces).map_err(bad)?;
        let confidence = asked.confidence.unwrap_or(CONFIDENCE);
        let few = if mixes.is_drawn() { fewest(confidence).max(1) } else { 1 };
        let count = asked.mixes.filter(|_| mixes.is_drawn()).unwrap_or(few);
        let pool = jobs::pool(jobs, count)?;
        jobs::plan_memory(&scenario, pool.current_num_threads(), context)?;
        mixes.read_ahead(count).map_err(bad)?;
        input::register_traces(mixes.traces())?;
        let pages = pool.install(|| pages(&mixes, count)).map_err(bad)?;
        let (quantity, most) = quantity(&asked.asked, &scenario, &pages)?;
        let amounts = quantity.amounts(most, asked.sizes.unwrap_or(SIZES));
        let VmLimit { metric, at_most } = limit;
        let question = Question { metric, at_most, quantity, amounts, policies };
        if let Quantity::Copies(_) = question.quantity {
            let largest = mixes.largest(&question).map_err(bad)?;
            jobs::plan_memory(&largest, pool.current_num_threads(), context)?;
        }
        Ok(Self {
            scenario,
            mixes,
            question,
            confidence,
            count,
            pool,
            pages,
            known: BTreeMap::new(),
            journal: None,
            needs: Vec::new(),
        })
    }

    /// The study, whose needs a journal keeps.
    pub(super) fn study(&self) -> Study {
        let traces = self.mixes.traces().files();
        Study::of_plan(&self.scenario, &self.question, self.count, traces)
    }

    /// The first line of a journal.
    pub(super) fn header(&self) -> Header {
        Header { study: self.study().to_line(), runs: 0..self.count, total: self.count }
    }

    /// Takes the mixes of this plan that a journal has.
    pub(super) fn take(&mut self, place: &Path, journal: &mut Journal) -> Result<(), Failure> {
        if let Some(difference) = difference(&journal.header, &self.header()) {
            let place = place.display();
            return Err(Failure::wrong(format!(
                "{place} is of {difference}; use that of this plan"
            )));
        }
        let done = journal.which();
        for mix in (0..self.count).filter(|&mix| done[mix as usize]) {
            let text = journal.text(mix).map_err(|fault| refused(place, fault))?;
            let read = mixes::read(&text, &self.question, self.scenario.vms.len());
            let Some(needs) = read else {
                let what = format!("the line of mix {mix} is not one of this plan");
                return Err(refused(place, Fault::Damaged(0, what)));
            };
            self.known.insert(mix, needs);
        }
        Ok(())
    }

    /// Keeps the mixes in a journal: those of other journals now, and others as they run.
    pub(super) fn keep(&mut self, place: PathBuf, mut journal: Journal) -> Result<(), Failure> {
        let done = journal.which();
        for (&mix, needs) in self.known.iter().filter(|(mix, _)| !done[**mix as usize]) {
            let line = mixes::line(needs);
            let kept = journal.append_text(mix, &line);
            kept.map_err(|error| Failure::io(&place, &error))?;
        }
        self.journal = Some(Mutex::new((place, journal)));
        Ok(())
    }

    /// Runs the mixes of a shard alone, for a journal.
    pub(super) fn run_shard(
        &self,
        (shard, shards): (u64, u64),
        context: &Context,
    ) -> Result<u64, Failure> {
        let is_own = |mix: &u64| mix % shards == shard - 1;
        let own: Vec<u64> = (0..self.count).filter(is_own).collect();
        let progress = Progress::of(context, own.len() as u64, "mixes");
        let one = |&mix: &u64| self.needs_of(mix, &progress, context).map(drop);
        self.install(|| own.par_iter().try_for_each(one))?;
        Ok(own.len() as u64)
    }

    /// Runs the mixes, those that start `within` a time, and tries the answers in all of them.
    pub(super) fn run(
        &mut self,
        within: Option<Duration>,
        context: &Context,
    ) -> Result<(), Failure> {
        self.needs = self.pool.install(|| self.needs_in(within, context))?;
        let done = self.needs.len() as u64;
        if done < self.count {
            let all = counted(self.count, "mix");
            context.note(&format!("--within is over: {done} of {all} ran"));
        }
        self.pages.truncate(self.needs.len());
        let mut needs = std::mem::take(&mut self.needs);
        let bounds = |needs: &[Vec<Need>]| Answers { needs, ..self.answers() }.bounds();
        let confirmed =
            self.pool.install(|| self.mixes.confirm(&self.question, &mut needs, bounds));
        confirmed.map_err(|failure| failed(&failure, context))?;
        self.needs = needs;
        Ok(())
    }

    /// What the mixes that ran say together.
    pub(super) fn answers(&self) -> Answers<'_> {
        Answers {
            question: &self.question,
            confidence: self.confidence,
            is_drawn: self.mixes.is_drawn(),
            scenario: &self.scenario,
            pages: &self.pages,
            needs: &self.needs,
        }
    }

    pub(super) fn mixes(&self) -> &Mixes {
        &self.mixes
    }

    /// Runs something on the threads of the plan.
    pub(super) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// The needs of the mixes in order, up to the first that was not started in time.
    fn needs_in(
        &self,
        within: Option<Duration>,
        context: &Context,
    ) -> Result<Vec<Vec<Need>>, Failure> {
        let began = Instant::now();
        let is_over = AtomicBool::new(false);
        let progress = Progress::of(context, self.count, "mixes");
        let one = |mix: u64| {
            if self.known.contains_key(&mix) {
                return self.needs_of(mix, &progress, context).map(Some);
            }
            if mix > 0 && within.is_some_and(|within| began.elapsed() >= within) {
                is_over.store(true, Ordering::Relaxed);
            }
            if is_over.load(Ordering::Relaxed) {
                return Ok(None);
            }
            self.needs_of(mix, &progress, context).map(Some)
        };
        let all: Vec<Option<Vec<Need>>> =
            (0..self.count).into_par_iter().map(one).collect::<Result<_, Failure>>()?;
        Ok(all.into_iter().map_while(|needs| needs).collect())
    }

    /// The needs of a mix, from a journal or from its runs.
    fn needs_of(
        &self,
        mix: u64,
        progress: &Progress,
        context: &Context,
    ) -> Result<Vec<Need>, Failure> {
        if let Some(known) = self.known.get(&mix) {
            progress.step();
            return Ok(known.clone());
        }
        let began = Instant::now();
        let needs = self.mixes.needs(mix, &self.question);
        let needs = needs.map_err(|failure| failed(&failure, context))?;
        if let Some(journal) = &self.journal {
            let line = mixes::line(&needs);
            let mut journal = journal.lock().expect("no thread panics while it holds the journal");
            let (place, journal) = &mut *journal;
            let kept = journal.append_text(mix, &line);
            // A mix takes longer than a flush.
            let kept = kept.and_then(|()| journal.handle()?.sync_data());
            kept.map_err(|error| Failure::io(&*place, &error))?;
        }
        progress.step_of(began.elapsed(), || format!("mix {mix}"));
        Ok(needs)
    }
}

/// No VM is slowed down by more than 5 %.
const SLOWDOWN: Decimal = Decimal { digits: 105, places: 2 };

const CONFIDENCE: Decimal = Decimal { digits: 95, places: 2 };

/// The number of amounts on the curve.
const SIZES: u64 = 16;

/// What is asked, and the most of it on the curve.
fn quantity(asked: &Asked, scenario: &Scenario, pages: &[u64]) -> Result<(Quantity, u64), Failure> {
    let most = pages.iter().copied().max().unwrap_or(1).max(1);
    let copies = match asked {
        Asked::Memory => return Ok((Quantity::Memory, most)),
        Asked::Tier(tier) => return Ok((Quantity::Tier(tier.clone()), most)),
        Asked::Copies(copies) => *copies,
    };
    let host = scenario.host.memory;
    let possible = (Scenario::VMS_MAX / scenario.vms.len()) as u64;
    let least = pages.iter().copied().min().unwrap_or(1).max(1);
    let most = copies.unwrap_or(host.0.saturating_mul(2).div_ceil(least).min(possible));
    if most > possible {
        let text = format!("{most} copies are too many, expected at most {possible}");
        return Err(Failure::Usage(text));
    }
    Ok((Quantity::Copies(host), most.max(1)))
}

/// Refuses a limit of the slowdown where nothing costs time: every host would keep it.
fn refuse_free(scenario: &Scenario, limit: VmLimit) -> Result<(), Failure> {
    if limit.metric.name != VmLimit::SLOWDOWN || scenario.has_costs() {
        return Ok(());
    }
    let text = "the scenario has no `[cost]`, so nothing slows a VM down; say what a fault costs, \
                for example `--set cost.fault=1000`, or limit another column, for example \
                fault_ratio=0.001";
    Err(Failure::Usage(text.to_owned()))
}

/// The pages that the VMs of each mix touch.
fn pages(mixes: &Mixes, count: u64) -> Result<Vec<u64>, Box<Diagnostics>> {
    let pages = |mix| {
        let scenario = mixes.scenario(mix)?;
        Ok(scenario.vms.iter().map(|vm| vm.trace.distinct_pages() as u64).sum())
    };
    (0..count).into_par_iter().map(pages).collect()
}

/// The failure of a plan or a search, for the command line.
pub(super) fn failed(failure: &plan::Failure, context: &Context) -> Failure {
    match failure {
        plan::Failure::Refused(wrong) => input::refused(wrong, context),
        plan::Failure::Run(error) => Failure::from(error.clone()),
    }
}

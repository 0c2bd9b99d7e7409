//! `mom-balloon-2013-07`: the balloon rules that oVirt's sample had in summer 2013, slips included.
//!
//! *Idea.* As `mom-balloon`; kept as a lesson, because a dry run would have shown both slips.
//! *Follows.* doc/balloon.rules of oVirt's Memory Overcommitment Manager at 7e561ce, July 2013,
//! corrected by 8974f3d, "Fix balloon policy syntax and semantics", September 2013.
//! *Departs.* From what was meant, as it did: (1) the floor of a shrinking guest is the *lesser* of
//! its guaranteed minimum and what it needs, where the greater is meant, so nothing stops a guest
//! from shrinking into what it uses; (2) the rule for growing reads a variable that only the rule
//! for shrinking sets, and the interpreter ends the round with an error, so no guest ever grows
//! again. Below its minimum a guest would shrink too; the host here does not allow that. For the
//! rest see `mom-balloon`.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* As `mom-balloon`.

use super::mom_balloon::{Guest, HostFree, Mom, PARAMS, Rules};
use crate::balance::PolicyKind;
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::units::Ticks;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mom-balloon-2013-07",
    summary: "mom-balloon as it was shipped for two months, with a floor that does not hold and \
              guests that never grow",
    follows: "the sample balloon rules of oVirt's Memory Overcommitment Manager, July 2013",
    live_interval: Some(Ticks(10_000_000_000)),
    params: PARAMS,
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        // The round ends with "undefined symbol" at the first guest that could grow.
        Mom::boxed(settings, |rules, host| rules.is_short(host).then_some(shrink))
    },
};

/// `min` where `max` is meant.
fn shrink(rules: &Rules, host: HostFree, guest: &Guest) -> Option<i128> {
    rules.shrink(guest, guest.min().min(rules.need_under_pressure(host, guest)))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::super::mom_balloon;
    use super::*;
    use crate::units::Frames;

    #[test]
    fn a_guest_shrinks_into_what_it_uses_where_the_corrected_rules_stop() {
        for (kind, expected) in [(&KIND, 950), (&mom_balloon::KIND, 980)] {
            let guests = vec![resident(880, vm(1000, 200, 1000)), vm(8120, 1, 10_000)];
            let mut view = view(10_000, guests);
            assert_eq!(step(&mut *policy(kind, &[]), &mut view)[0], expected);
        }
    }

    #[test]
    fn a_guest_never_grows() {
        let mut view = view(10_000, vec![resident(790, vm(800, 200, 1000)), vm(1, 1, 1)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view)[0], 800);
        assert_eq!(step(&mut *policy(&mom_balloon::KIND, &[]), &mut view)[0], 950);
    }

    #[test]
    fn under_pressure_that_stays_guests_shrink_to_their_minimum() {
        // The guest with fixed memory alone keeps the host short.
        let mut view = view(1000, vec![vm(100, 20, 400), vm(900, 900, 900)]);
        let mut slipped = policy(&KIND, &[]);
        for _ in 0..100 {
            step(&mut *slipped, &mut view);
        }
        assert_eq!(view.vms[0].allocation, Frames(20));
    }
}

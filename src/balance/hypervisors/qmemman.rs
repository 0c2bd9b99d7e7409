//! `qmemman`: memory in proportion to what guests use, a preferred size before all.
//!
//! *Idea.* A domain prefers a third more than it uses. While all can have that, the surplus is
//! divided in the same proportion; if not, those above their preference give up the difference and
//! the others share what is free. Small changes are not worth a move, and some memory stays free.
//! *Follows.* qmemman of Qubes OS: QubesOS/qubes-core-admin qubes/qmemman/algo.py (`balance`) and
//! systemstate.py (`do_balance`) at 1ad5f9b; R. Wojtczuk and M. Marczykowski, 2010 on.
//! *Departs.* Used memory is the working set of the interval unless the parameter says otherwise: a
//! real guest's caches do not count as used, and a trace does not say which pages are cache.
//! The daemon runs whenever a guest reports a change; here at checkpoints. A VM's minimum, which
//! the daemon does not have, raises its preference; there is no dom0 with an allowance of its own,
//! and the host's memory is what Xen can assign. Bytes are scaled in integers, where the original
//! has floating-point numbers; targets are rounded down to a frame. The daemon waits half a second
//! for donors before it serves an acceptor, and at the first that cannot be served it marks donors
//! that did not react, orders what is free and ends the round. Here the host gives frames as they
//! come, and at the next checkpoint a VM that is still below its order counts as ordered what it
//! holds, and donors that gave nothing since are marked. A VM that arrives is served by the host,
//! not by borrowing from donors. A host no larger than `reserve` keeps no reserve, and every change
//! is worth it there: no host that runs Qubes is so small.
//! *Cost.* O(V) per checkpoint for V VMs, times the number of maxima that bind.
//! *Parameters.* `cache_factor`: preferred bytes per used byte (1.3); `pref_min`: the least that a
//! VM prefers (200 MiB); `donor_min`: in shortage, surplus below which a VM is left alone (10 MiB);
//! `reserve`: memory that stays free (50 MiB); `min_transfer`: the sum of changes, with that of the
//! free memory, that is worth a move (150 MiB); `min_gain`: a gain that is worth it for a VM below
//! its preference (15 MiB), and so is free memory that is short by more; `safety`: the part of each
//! target that is given (0.999); all Qubes'. `used`: what is used (`working-set`).

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "qmemman",
    summary: "divides memory in proportion to what guests use and a third more",
    follows: "qmemman of Qubes OS, R. Wojtczuk and M. Marczykowski, 2010",
    live_interval: None,
    params: &[
        CACHE_FACTOR,
        PREF_MIN,
        DONOR_MIN,
        RESERVE,
        MIN_TRANSFER,
        MIN_GAIN,
        SAFETY,
        meminfo::WORKING_SET_PARAM,
    ],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(Qmemman { rule: Rule::of(settings), orders: BTreeMap::new() }),
};

const CACHE_FACTOR: Param = Param {
    name: "cache_factor",
    doc: "frames that a VM prefers for each one that it uses; Qubes'",
    domain: Domain::Decimal { min: exact::hundredths(100), max: exact::hundredths(1000) },
    default: Value::Decimal(Decimal { digits: 13, places: 1 }),
};

const fn size(name: &'static str, doc: &'static str, mebibytes: u64) -> Param {
    let default = Value::Bytes(mebibytes << 20);
    Param { name, doc, domain: Domain::Frames { min: 0 }, default }
}

const PREF_MIN: Param = size("pref_min", "the fewest frames that a VM prefers; Qubes'", 200);

const DONOR_MIN: Param =
    size("donor_min", "in shortage, a VM with a smaller surplus is left alone; Qubes'", 10);

const RESERVE: Param = size(
    "reserve",
    "frames that stay free; a host that has no more keeps none and finds every change worth a \
     move; Qubes'",
    50,
);

const MIN_TRANSFER: Param = size(
    "min_transfer",
    "a move is worth it if it and what the free frames are off the reserve come to more; Qubes'",
    150,
);

const MIN_GAIN: Param = size(
    "min_gain",
    "a move is worth it too if a VM below its preference gains more, or if the free frames are \
     short of the reserve by more; Qubes'",
    15,
);

const SAFETY: Param = Param {
    name: "safety",
    doc: "the part of what a VM should get that it gets, in whole millionths; Qubes', against \
          rounding",
    domain: Domain::Decimal { min: exact::hundredths(50), max: exact::hundredths(100) },
    default: Value::Decimal(Decimal { digits: 999, places: 3 }),
};

struct Qmemman {
    rule: Rule,
    orders: BTreeMap<VmId, Order>,
}

/// What the daemon remembers of a domain, in bytes.
#[derive(Clone, Copy)]
struct Order {
    target: i128,
    /// What the domain held when that was ordered.
    held: i128,
    /// Whether it ignored an order to shrink.
    no_progress: bool,
}

/// The constants, in bytes.
struct Rule {
    page: i128,
    cache_factor: Decimal,
    pref_min: i128,
    donor_min: i128,
    reserve: i128,
    min_transfer: i128,
    min_gain: i128,
    /// In millionths.
    safety: i128,
    used: fn(&VmView) -> Frames,
}

/// A domain as the rule sees it, in bytes.
#[derive(Clone, Copy)]
struct Domu {
    preferred: i128,
    held: i128,
    max: i128,
}

impl Policy for Qmemman {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let kept = self.rule.reserve;
        let reserve = if self.rule.bytes(view.host) > kept { kept } else { 0 };
        self.refresh(view, reserve);
        let rule = &self.rule;
        let free = rule.bytes(view.free());
        let active: Vec<usize> =
            (0..view.vms.len()).filter(|&at| !self.orders[&view.vms[at].id].no_progress).collect();
        let domains: Vec<Domu> = active.iter().map(|&at| rule.domain(&view.vms[at])).collect();
        let mut requests = rule.balance(free - reserve, &domains);
        let mut targets: Vec<Option<i128>> = vec![None; view.vms.len()];
        let orders: Vec<i128> =
            active.iter().map(|&at| self.orders[&view.vms[at].id].target).collect();
        let is_worth_it =
            reserve == 0 || rule.is_significant(&domains, &orders, &requests, free - reserve);
        keep_reserve(free, reserve, &domains, &mut requests);
        for (&at, &request) in active.iter().zip(&requests) {
            targets[at] = request;
        }
        let plan = view.vms.iter().zip(targets).map(|(vm, target)| {
            let order = self.orders.get_mut(&vm.id).expect("every VM has been refreshed");
            if let Some(target) = target.filter(|_| is_worth_it) {
                (order.target, order.held) = (target, rule.bytes(vm.allocation));
            }
            vm.bounds.clamp(Frames((order.target / rule.page) as u64))
        });
        Ok(Plan(plan.collect()))
    }
}

/// Lets the first donor free the whole reserve, and ends the round there, if what it should give
/// would leave less than nine tenths of the reserve free. The daemon makes sure of those for each
/// domain in turn, donors first, and waits for the donors before; so this happens only where hardly
/// anything is free.
fn keep_reserve(mut free: i128, reserve: i128, domains: &[Domu], requests: &mut [Option<i128>]) {
    let gives = |at: usize| Some(domains[at].held - requests[at]?).filter(|given| *given > 0);
    let donors: Vec<(usize, i128)> =
        (0..domains.len()).filter_map(|at| Some((at, gives(at)?))).collect();
    for (turn, &(at, given)) in donors.iter().enumerate() {
        if 10 * (free + given) < 9 * reserve {
            requests[at] = Some((domains[at].held + free - reserve).max(0));
            let served = &donors[..=turn];
            let is_served = |at: usize| served.iter().any(|&(donor, _)| donor == at);
            for (_, request) in requests.iter_mut().enumerate().filter(|(at, _)| !is_served(*at)) {
                *request = None;
            }
            return;
        }
        free += given;
    }
}

impl Qmemman {
    /// Checks how the domains reacted to their orders.
    fn refresh(&mut self, view: &View, reserve: i128) {
        let page = self.rule.page;
        let bytes = |frames: Frames| i128::from(frames.0) * page;
        // A domain that waits for memory shows that donors have not given what they should.
        let waits = view.vms.iter().any(|vm| vm.allocation < vm.target);
        for vm in &view.vms {
            let held = bytes(vm.allocation);
            let fresh = Order { target: bytes(vm.target), held, no_progress: false };
            let order = self.orders.entry(vm.id).or_insert(fresh);
            if vm.allocation <= vm.target {
                // It was ordered what was free, or has what it was ordered but for a part of a
                // page.
                order.target = held;
            }
            // Marks are cleared where the domain has reacted, or wants memory itself.
            if held <= order.target + reserve / 2 || held < self.rule.preferred(vm) {
                order.no_progress = false;
            }
            let above = held > order.target + reserve / 4;
            if waits && above && held == order.held {
                order.no_progress = true;
            }
        }
    }
}

impl Rule {
    fn of(settings: &Settings) -> Self {
        let bytes = |param: &Param| exact::bytes(settings, param.name);
        Self {
            page: settings.page_size().into(),
            cache_factor: settings.decimal(CACHE_FACTOR.name),
            pref_min: bytes(&PREF_MIN),
            donor_min: bytes(&DONOR_MIN),
            reserve: bytes(&RESERVE),
            min_transfer: bytes(&MIN_TRANSFER),
            min_gain: bytes(&MIN_GAIN),
            safety: i128::from(settings.decimal(SAFETY.name).floor_of(MILLION)),
            used: meminfo::used_of(settings),
        }
    }

    fn bytes(&self, frames: Frames) -> i128 {
        i128::from(frames.0) * self.page
    }

    fn domain(&self, vm: &VmView) -> Domu {
        Domu {
            preferred: self.preferred(vm),
            held: self.bytes(vm.allocation),
            max: self.bytes(vm.bounds.max),
        }
    }

    fn preferred(&self, vm: &VmView) -> i128 {
        let wanted = times(self.bytes((self.used)(vm)), self.cache_factor);
        let wanted = wanted.min(self.bytes(vm.bounds.max)).max(self.pref_min);
        wanted.max(self.bytes(vm.bounds.min))
    }

    /// `amount` · `numerator` / `denominator`, less what safety takes.
    fn safely(&self, amount: i128, numerator: i128, denominator: i128) -> i128 {
        amount * numerator * self.safety / (denominator.max(1) * i128::from(MILLION))
    }

    /// The size that each domain should have; `None` if it is left alone. `free` is what may be
    /// given away, negative if that is less than nothing.
    fn balance(&self, free: i128, domains: &[Domu]) -> Vec<Option<i128>> {
        let sum: i128 = domains.iter().map(|domain| domain.preferred).sum();
        let needed: i128 = domains.iter().map(|domain| domain.preferred - domain.held).sum();
        if free - needed > 0 {
            self.share_plenty(domains, sum, free - needed).into_iter().map(Some).collect()
        } else {
            self.share_shortage(domains, free)
        }
    }

    /// All have what they prefer; what is available beyond is divided in the same proportion.
    fn share_plenty(&self, domains: &[Domu], sum: i128, available: i128) -> Vec<i128> {
        let mut left = 0;
        let mut acceptors = 0;
        let mut targets: Vec<i128> = domains
            .iter()
            .map(|domain| {
                let target = self.safely(domain.preferred, sum + available, sum);
                // More than the maximum is not given but left over.
                if target > domain.max {
                    left += target - domain.max;
                } else {
                    acceptors += 1;
                }
                target.min(domain.max)
            })
            .collect();
        // What is left over is divided equally among those that can take more.
        while left > 0 && acceptors > 0 {
            let bonus = self.safely(left, 1, acceptors);
            left = 0;
            let mut full = 0;
            for (target, domain) in targets.iter_mut().zip(domains) {
                if *target >= domain.max {
                    continue;
                }
                *target += bonus;
                if *target >= domain.max {
                    left += *target - domain.max;
                    *target = domain.max;
                    full += 1;
                }
            }
            acceptors -= full;
        }
        targets
    }

    /// Donors go down to what they prefer; the others share by preference what is free already:
    /// what donors free is subtracted, so it is given a round later.
    fn share_shortage(&self, domains: &[Domu], free: i128) -> Vec<Option<i128>> {
        let donates = |domain: &Domu| domain.preferred < domain.held || domain.held >= domain.max;
        let mut left = free;
        let mut targets: Vec<Option<i128>> = vec![None; domains.len()];
        for (target, domain) in targets.iter_mut().zip(domains).filter(|(_, d)| donates(d)) {
            let surplus = domain.held - domain.preferred;
            // A smaller surplus was probably tried before.
            if surplus >= self.donor_min {
                left -= surplus;
                *target = Some(domain.preferred);
            }
        }
        if left < 0 {
            return targets;
        }
        let sum: i128 = domains.iter().filter(|d| !donates(d)).map(|d| d.preferred).sum();
        for (target, domain) in targets.iter_mut().zip(domains).filter(|(_, d)| !donates(d)) {
            let share = self.safely(domain.held * sum + domain.preferred * left, 1, sum);
            *target = Some(share.min(domain.max));
        }
        targets
    }

    /// Whether the requests are worth a move. `beyond` is what is free beyond the reserve.
    fn is_significant(
        &self,
        domains: &[Domu],
        orders: &[i128],
        requests: &[Option<i128>],
        beyond: i128,
    ) -> bool {
        if -beyond > self.min_gain {
            return true;
        }
        let mut transfer = beyond.abs();
        for ((domain, &order), request) in domains.iter().zip(orders).zip(requests) {
            let Some(request) = request else { continue };
            let change = request - order;
            transfer += change.abs();
            if order > 0 && order < domain.preferred && change > self.min_gain {
                return true;
            }
        }
        transfer > self.min_transfer
    }
}

const MILLION: u64 = 1_000_000;

fn times(bytes: i128, factor: Decimal) -> i128 {
    bytes * i128::from(factor.digits) / i128::from(factor.denominator())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{divide, policy, step, using, view, vm};
    use super::*;

    const SMALL: &[(&str, Value)] =
        &[("pref_min", Value::Integer(200)), ("donor_min", Value::Integer(10))];

    fn divided(used: [u64; 2], max: u64) -> Vec<u64> {
        let mut view = view(1000, used.map(|used| using(used, vm(500, 1, max))).to_vec());
        step(&mut *policy(&KIND, SMALL), &mut view)
    }

    #[test]
    fn plenty_is_divided_in_proportion_to_preferences() {
        // Preferred 260 and 520, available 220.
        assert_eq!(divided([200, 400], 900), [333, 666]);
    }

    #[test]
    fn in_shortage_the_donor_gives_and_the_other_gets_it_a_round_later() {
        // Preferred 260 and 900: 910 is above the maximum.
        let mut view = view(1000, [200, 700].map(|used| using(used, vm(500, 1, 900))).to_vec());
        let mut qmemman = policy(&KIND, SMALL);
        assert_eq!(step(&mut *qmemman, &mut view), [260, 500]);
        // 240 are free, of which 900 of 1160 parts; then a thousandth is taken from the whole.
        assert_eq!(step(&mut *qmemman, &mut view), [313, 685]);
    }

    #[test]
    fn what_a_maximum_leaves_over_goes_to_the_others() {
        let vms = vec![using(100, vm(300, 1, 250)), using(100, vm(100, 1, 900))];
        let mut view = view(1000, vms);
        // 499 each, the 249 beyond the maximum to the other, less a thousandth.
        assert_eq!(step(&mut *policy(&KIND, SMALL), &mut view), [250, 748]);
    }

    #[test]
    fn a_small_surplus_is_not_collected() {
        let vms = vec![using(380, vm(503, 1, 900)), using(700, vm(497, 1, 900))];
        let mut view = view(1000, vms);
        assert_eq!(step(&mut *policy(&KIND, SMALL), &mut view), [503, 496]);
    }

    const MIB: u64 = 256;

    /// The original's targets for the same numbers.
    #[test]
    fn fifty_mebibytes_stay_free() {
        let vms = [500_000, 1_000_000].map(|used| using(used, vm(2_000_000, 1, 4_194_304)));
        let mut view = view(4_194_304, vms.to_vec());
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [1_392_440, 2_784_881]);
    }

    #[test]
    fn small_changes_are_not_worth_a_move() {
        let vms = [502_000, 500_000].map(|used| using(used, vm(2_090_000, 1, 4_194_304)));
        let mut view = view(4_194_304, vms.to_vec());
        let mut qmemman = policy(&KIND, &[]);
        assert_eq!(step(&mut *qmemman, &mut view), [2_090_000, 2_090_000]);
        view.vms[0].seen.window.distinct = Frames(504_000);
        assert_eq!(step(&mut *qmemman, &mut view), [2_090_000, 2_090_000]);
    }

    #[test]
    fn a_domain_below_its_preference_is_served_for_less() {
        // 16 MiB more for the second, which prefers a third of a GiB.
        let vms = vec![
            using(842 * MIB, vm(1100 * MIB, 1, 1100 * MIB)),
            using(300 * MIB, vm(300 * MIB, 1, 2048 * MIB)),
        ];
        let mut view = view(1468 * MIB, vms);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view)[1] / MIB, 317);
    }

    /// What `do_balance` orders of eight domains that prefer 2 GiB each and hold all of the host:
    /// the first should give 14 MiB, which leaves less than 45 free.
    #[test]
    fn the_first_donor_frees_the_reserve_of_a_full_host() {
        let vms = (0..8).map(|_| using(100, vm(8192 * MIB, 2048 * MIB, 16_384 * MIB))).collect();
        let mut view = view(65_536 * MIB, vms);
        let mut expected = [8192 * MIB; 8];
        expected[0] = 8142 * MIB;
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), expected);
    }

    /// A is stuck; the others get on without it as the original's `algo.py` has it.
    #[test]
    fn a_domain_that_does_not_react_is_left_out_of_all_sums() {
        let vms = vec![
            using(100, vm(600, 1, 1000)),
            using(300, vm(200, 1, 1000)),
            using(100, vm(200, 1, 1000)),
        ];
        let mut view = view(1000, vms);
        let settings = [("pref_min", Value::Integer(20)), ("donor_min", Value::Integer(1))];
        let mut qmemman = policy(&KIND, &settings);
        let mut round = |view: &mut View| {
            let targets = divide(&mut *qmemman, view);
            for (vm, &target) in view.vms.iter_mut().zip(&targets) {
                vm.target = target;
            }
            // A keeps what it has; C gives, and B takes what there is.
            let held = view.vms[2].allocation.min(targets[2]);
            view.vms[2].allocation = held;
            let free = view.free();
            let (b, c) = (view.vms[1].allocation, view.vms[2].allocation);
            view.vms[1].allocation = targets[1].min(b + free).max(b.min(targets[1]));
            let free = view.free();
            view.vms[2].allocation = targets[2].min(c + free);
            view.vms[1..].iter().map(|vm| vm.allocation.0).collect::<Vec<_>>()
        };
        assert_eq!(round(&mut view), [201, 199]);
        assert_eq!(round(&mut view), [201, 130]);
        assert_eq!(round(&mut view), [252, 147]);
        round(&mut view);
        assert_eq!(round(&mut view)[0], 265);
    }
}

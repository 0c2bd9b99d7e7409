//! `esx-idle-tax`: frames by shares, but an idle page costs more than one in use.
//!
//! *Idea.* A VM pays for its frames with its shares, and for an idle frame as much as for 1 / (1 −
//! tax) active ones. The VM that pays least per frame gives; so idle memory goes to VMs that would
//! use it, and with equal use memory is divided by shares.
//! *Follows.* C. A. Waldspurger, "Memory resource management in `VMware` ESX Server", OSDI 2002:
//! min-funding revocation with the idle-memory tax, and its estimate of active memory.
//! *Departs.* Frames are not moved one at a time: the targets are those at which all VMs between
//! their bounds pay the same, in closed form. At price level *μ* a VM of *S* shares and *A*
//! active frames is entitled to *S·μ* frames: it holds the first *A* of them, and of the rest only
//! the fraction 1 − tax. The level is found by halving in integers, the tax counts to its fourth
//! decimal place, and rounding goes to the largest remainders. Targets are computed at every
//! checkpoint. ESX's states of free memory (high, soft, hard, low: 6, 4, 2 and 1 %), in which it
//! reclaims nothing, balloons, pages to its own swap, or also blocks VMs above their targets, are
//! the mechanism `esx-states` (`reclaim/esx_states.rs`), and the system is both. With another
//! actuator targets are of the whole host, and where that is slow, nothing pages in its stead.
//! Pages are sampled from the VM's configured memory (`max`).
//! *Cost.* O(V) per checkpoint for V VMs, times 123 halvings; on a real machine up to 100 traps an
//! interval and VM.
//! *Parameters.* `tax`: the part of an idle frame that is taxed away (0.75, the paper's; 0
//! means plain proportional shares); `samples`: pages sampled in each interval (100, the paper's).

use crate::balance::fill::{Claim, fill};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::observe::{ACTIVE, SAMPLES};
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "esx-idle-tax",
    summary: "divides frames by shares and taxes those that VMs do not use",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002",
    live_interval: Some(Ticks(15_000_000_000)),
    params: &[TAX, SAMPLES],
    meets: Meets::Never,
    observers: |_| &[&ACTIVE],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(IdleTax { tax: settings.decimal(TAX.name) }),
};

const TAX: Param = Param {
    name: "tax",
    doc: "the part of an idle frame that is taxed away, τ; 0 divides by shares alone; the paper's",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(99) },
    default: Value::Decimal(exact::hundredths(75)),
};

struct IdleTax {
    tax: Decimal,
}

impl Policy for IdleTax {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let claims = view.vms.iter().map(|vm| Claim {
            weight: vm.shares,
            in_full: vm.seen.active.frames,
            bounds: vm.bounds,
        });
        Ok(Plan(fill(view.host, &claims.collect::<Vec<_>>(), self.tax)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::*;
    use crate::balance::VmView;
    use crate::units::Frames;

    fn active(frames: u64, shares: u64, max: u64) -> VmView {
        let mut vm = vm(1, 1, max);
        vm.seen.active.frames = Frames(frames);
        vm.shares = shares;
        vm
    }

    fn taxed(tax: u64, host: u64, vms: Vec<VmView>) -> Vec<u64> {
        let mut esx = policy(&KIND, &[("tax", Value::Decimal(exact::hundredths(tax)))]);
        let mut view = view(host, vms);
        let targets = step(&mut *esx, &mut view);
        assert_eq!(step(&mut *esx, &mut view), targets, "nothing changes, nothing moves");
        targets
    }

    #[test]
    fn an_idle_frame_costs_four_active_ones_at_a_tax_of_three_quarters() {
        let vms = || vec![active(40, 1000, 256), active(240, 1000, 256)];
        assert_eq!(taxed(0, 360, vms()), [180, 180]);
        assert_eq!(taxed(75, 360, vms()), [105, 255]);
    }

    #[test]
    fn shares_of_three_to_one_yield_to_use_as_the_tax_rises() {
        let vms = || vec![active(50, 3000, 300), active(200, 1000, 300)];
        assert_eq!(taxed(0, 400, vms()), [300, 100]);
        // 196.875 and 203.125; 169.375 and 230.625.
        assert_eq!(taxed(75, 400, vms()), [197, 203]);
        assert_eq!(taxed(95, 400, vms()), [169, 231]);
    }

    /// Shares per page as the paper has it, S / (P · (f + k · (1 − f))) with k = 1 / (1 − τ), in
    /// thousandths.
    fn price(shares: u64, pages: u64, active: u64, tax_percent: u64) -> u64 {
        let taxed_pages = active + (pages - active) * 100 / (100 - tax_percent);
        shares * 1000 / taxed_pages
    }

    #[test]
    fn prices_are_the_published_ones_and_the_cheaper_vm_gives_until_they_are_equal() {
        assert_eq!(price(6000, 4000, 1000, 80), 375);
        assert_eq!(price(2000, 2000, 1700, 80), 625);
        // P = 0.2·S·μ + 0.8·A of both add up to 6000 at μ = 2.4, where both pay 1/μ.
        let vms = || vec![active(1000, 6000, 6000), active(1700, 2000, 6000)];
        let targets = taxed(80, 6000, vms());
        assert_eq!(targets, [3680, 2320]);
        assert_eq!(price(6000, targets[0], 1000, 80), 416);
        assert_eq!(price(2000, targets[1], 1700, 80), 416);
    }

    #[test]
    fn at_the_targets_all_pay_the_same() {
        let targets = taxed(75, 360, vec![active(40, 1000, 256), active(240, 1000, 256)]);
        let prices = [(targets[0], 40), (targets[1], 240)]
            .map(|(pages, active)| price(1_000_000, pages, active, 75));
        assert_eq!(prices[0], prices[1]);
    }

    /// Starts every VM at its maximum and revokes one frame at a time, as in the paper.
    fn revoked(host: u64, vms: &[VmView], tax_percent: u64) -> Vec<u64> {
        let mut pages: Vec<u64> = vms.iter().map(|vm| vm.bounds.max.0).collect();
        while pages.iter().sum::<u64>() > host {
            let cost = |at: usize| {
                let active = vms[at].seen.active.frames.0.min(pages[at]);
                active * (100 - tax_percent) + (pages[at] - active) * 100
            };
            // Least shares per cost; the last such.
            let victim = (0..vms.len())
                .filter(|&at| pages[at] > vms[at].bounds.min.0)
                .min_by(|&one, &other| {
                    (vms[one].shares * cost(other)).cmp(&(vms[other].shares * cost(one)))
                })
                .unwrap();
            pages[victim] -= 1;
        }
        pages
    }

    #[test]
    fn the_closed_form_is_what_revocation_page_by_page_comes_to() {
        let mut rng = Stream::new(crate::random::Generator::ChaCha8, 1, 0, "test");
        for case in 0..300 {
            let count = 2 + rng.below(4);
            let vms: Vec<VmView> = (0..count)
                .map(|_| {
                    let max = 50 + rng.below(250);
                    let vm = active(rng.below(max + 1), 1 + rng.below(4), max);
                    let min = Frames(1 + rng.below(50));
                    VmView { bounds: crate::balance::Bounds { min, ..vm.bounds }, ..vm }
                })
                .collect();
            let tax = [0, 25, 75, 95][rng.below(4) as usize];
            let minima: u64 = vms.iter().map(|vm| vm.bounds.min.0).sum();
            let host = minima + rng.below(50 * count);
            let one_by_one = revoked(host, &vms, tax);
            for (closed, page) in taxed(tax, host, vms).into_iter().zip(one_by_one) {
                assert!(closed.abs_diff(page) <= 2, "case {case}: {closed} against {page}");
            }
        }
    }
}

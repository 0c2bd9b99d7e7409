//! `ksmtuned`: the host scans for equal pages only while memory is short, and the shorter the more.
//!
//! *Idea.* Each minute the host compares what its VMs use, and what is free, with a threshold. With
//! enough of both it stops scanning; what is shared stays so. Otherwise it scans, and looks at more
//! pages at a time while free memory is below the threshold, at fewer while it is not.
//! *Follows.* The shell script `ksmtuned` of Red Hat's qemu-kvm (D. Kenigsberg, 2009), which oVirt,
//! Debian and Proxmox ship: bzed/debian-ksmtuned `ksmtuned` (`adjust`, `increase_npages`), read at
//! 5b96723. Thresholds are compared in KiB as there, so its constant of 2048 is 2 MiB.
//! *Departs.* VMs use their resident pages, shared ones included, and nothing else runs on the host
//! (`balance/meminfo.rs`). Until its first round, a checkpoint after the start, the host scans as
//! the scenario says. A scan that is due earlier after a round happens at once. It moves no frame,
//! and on a host that does not share it does nothing.
//! *Cost.* O(V) per checkpoint for V VMs.
//! *Parameters.* `boost`: pages that a scan looks at in addition while memory is short (300);
//! `decay`: pages fewer while it is not (50); `npages_min`, `npages_max`: their limits (64, 1250);
//! `sleep_msec`: milliseconds between scans on a host of 16 GiB, fewer on a larger one, but at
//! least 10 (10); `thres_coef`: the threshold, in percent of the host's memory (20);
//! `thres_const`: at least this (2 MiB); `committed`: what counts as used, `rsz` the resident
//! pages, or `vsz` all memory of the VMs, as older versions have it (rsz); `millisecond`: the
//! ticks of a millisecond (1 ms). All the script's.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::share::Scanning;
use crate::units::{Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "ksmtuned",
    summary: "moves no frame; scans for equal pages while memory is short, more pages a time the \
              longer it is",
    follows: "ksmtuned of Red Hat's qemu-kvm, 2009",
    live_interval: Some(Ticks(60_000_000_000)),
    params: &[
        BOOST,
        DECAY,
        NPAGES_MIN,
        NPAGES_MAX,
        SLEEP_MSEC,
        THRES_COEF,
        THRES_CONST,
        COMMITTED,
        MILLISECOND,
    ],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |settings, _, _| {
        if settings.integer(NPAGES_MIN.name) > settings.integer(NPAGES_MAX.name) {
            return Err("`npages_min` must not exceed `npages_max`; change one of them".to_owned());
        }
        Ok(())
    },
    build: |settings| Box::new(Ksmtuned { rule: Rule::of(settings), npages: 0, scanning: None }),
};

const fn pages(name: &'static str, doc: &'static str, [min, default]: [u64; 2]) -> Param {
    let domain = Domain::Integer { min, max: 1_000_000_000 };
    Param { name, doc, domain, default: Value::Integer(default) }
}

const BOOST: Param = pages(
    "boost",
    "pages that a scan looks at in addition while memory is short; the script's",
    [0, 300],
);

const DECAY: Param =
    pages("decay", "pages that it looks at less while memory is not; the script's", [0, 50]);

const NPAGES_MIN: Param =
    pages("npages_min", "the fewest pages that a scan looks at; the script's", [1, 64]);

const NPAGES_MAX: Param =
    pages("npages_max", "the most pages that a scan looks at; the script's", [1, 1250]);

const SLEEP_MSEC: Param =
    pages("sleep_msec", "milliseconds between scans on a host of 16 GiB; the script's", [0, 10]);

const THRES_COEF: Param = Param {
    name: "thres_coef",
    doc: "the threshold of free and unused memory, in percent of the host's; the script's",
    domain: Domain::Integer { min: 0, max: 100 },
    default: Value::Integer(20),
};

const THRES_CONST: Param = Param {
    name: "thres_const",
    doc: "the threshold is at least this; the script's 2048, which it takes for KiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(2 << 20),
};

const COMMITTED: Param = Param {
    name: "committed",
    doc: "what VMs count as using: their resident pages, or all of their memory",
    domain: Domain::Choice(&["rsz", "vsz"]),
    default: Value::Choice("rsz"),
};

const MILLISECOND: Param = Param {
    name: "millisecond",
    doc: "the ticks of a millisecond",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(1_000_000),
};

struct Ksmtuned {
    rule: Rule,
    /// Pages that a scan looks at, as of the last round that was short of memory.
    npages: u64,
    scanning: Option<Scanning>,
}

/// The constants of the script.
#[derive(Clone, Debug)]
struct Rule {
    page_size: u64,
    boost: u64,
    decay: u64,
    npages: [u64; 2],
    sleep_msec: u64,
    thres_coef: u64,
    /// In KiB, as all that follows.
    thres_const: u64,
    is_vsz: bool,
    millisecond: u64,
}

impl Rule {
    fn of(settings: &Settings) -> Self {
        let of = |param: &Param| settings.integer(param.name);
        let page_size = settings.page_size();
        Self {
            page_size,
            boost: of(&BOOST),
            decay: of(&DECAY),
            npages: [of(&NPAGES_MIN), of(&NPAGES_MAX)],
            sleep_msec: of(&SLEEP_MSEC),
            thres_coef: of(&THRES_COEF),
            thres_const: kibibytes(Frames(of(&THRES_CONST)), page_size),
            is_vsz: settings.choice(COMMITTED.name) == "vsz",
            millisecond: of(&MILLISECOND),
        }
    }

    /// One round: how many pages a scan looks at, given what a scan looked at before; `None` if
    /// scans stop.
    fn adjust(&self, npages: u64, [total, committed, free]: [u64; 3]) -> Option<u64> {
        let threshold = self.threshold(total);
        if committed.saturating_add(threshold) < total && free > threshold {
            return None;
        }
        let [least, most] = self.npages;
        // Free memory below the threshold: boost; else: decay.
        let wanted = if free < threshold {
            npages.saturating_add(self.boost)
        } else {
            npages.saturating_sub(self.decay)
        };
        Some(wanted.clamp(least, most))
    }

    fn threshold(&self, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.thres_coef) / 100;
        u64::try_from(part).unwrap_or(u64::MAX).max(self.thres_const)
    }

    /// Milliseconds between scans.
    fn sleep(&self, total: u64) -> u64 {
        const OF_16_GIB: u64 = 16 * 1024 * 1024;
        (self.sleep_msec.saturating_mul(OF_16_GIB) / total.max(1)).max(10)
    }
}

fn kibibytes(Frames(frames): Frames, page_size: u64) -> u64 {
    let bytes = u128::from(frames) * u128::from(page_size);
    u64::try_from(bytes / 1024).unwrap_or(u64::MAX)
}

impl Policy for Ksmtuned {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let rule = &self.rule;
        let of = |frames| kibibytes(frames, rule.page_size);
        let size: Frames = view.vms.iter().map(|vm| vm.bounds.max).sum();
        let committed = of(if rule.is_vsz { size } else { view.used() });
        let total = of(view.host - view.saving);
        let free = of(view.host - view.used());
        let pages = rule.adjust(self.npages, [total, committed, free]);
        self.npages = pages.unwrap_or(self.npages);
        let every = Ticks(rule.sleep(total).saturating_mul(rule.millisecond).min(1 << 62));
        self.scanning = Some(Scanning { every, pages: pages.unwrap_or(0) });
        Ok(Plan::unchanged(view))
    }

    fn scanning(&self) -> Option<Scanning> {
        self.scanning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of the script itself, run by bash: the host's total, then rounds of what was
    /// committed and free, all in KiB, and the pages and milliseconds that it told the kernel, or
    /// that it stopped scans.
    const ROUNDS: &str = include_str!("ksmtuned.csv");

    #[test]
    fn rounds_are_those_of_the_script() {
        let mut npages = 0;
        let mut rounds = 0;
        let mut rule = Rule::of(&Settings::defaults(KIND.params));
        for line in ROUNDS.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<i64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            if let &[boost, decay, least, most, sleep, coef, constant] = cells.as_slice() {
                let [boost, decay] = [boost, -decay].map(i64::unsigned_abs);
                rule = Rule {
                    boost,
                    decay,
                    npages: [least.unsigned_abs(), most.unsigned_abs()],
                    sleep_msec: sleep.unsigned_abs(),
                    thres_coef: coef.unsigned_abs(),
                    thres_const: constant.unsigned_abs(),
                    ..rule
                };
                npages = 0;
                continue;
            }
            let cells: Vec<u64> = cells.into_iter().map(i64::unsigned_abs).collect();
            let &[total, committed, free, told, sleep] = cells.as_slice() else {
                panic!("{line}");
            };
            let found = rule.adjust(npages, [total, committed, free]);
            npages = found.unwrap_or(npages);
            assert_eq!(found.unwrap_or(0), told, "{line}");
            if told > 0 {
                assert_eq!(rule.sleep(total), sleep, "{line}");
            }
            rounds += 1;
        }
        assert!(rounds >= 200, "{rounds}");
    }
}

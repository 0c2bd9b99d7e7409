//! Pressure stall information (PSI): averages of stalled time, as the Linux kernel keeps them.
//!
//! The kernel closes a period every two seconds. The stalled part of the period, in whole percent,
//! goes into exponential averages over 10 s and 60 s, in fixed-point numbers with eleven binary
//! places: torvalds/linux kernel/sched/psi.c (`calc_avgs`) and include/linux/sched/loadavg.h
//! (`calc_load`). Programs read them with two decimals, cut off.

use crate::units::{Decimal, Ticks};

/// One, in the averages.
const ONE: u64 = 1 << 11;

/// What an average keeps in a period: 1/exp(2 s / 10 s) and 1/exp(2 s / 60 s).
const KEPT: [u64; 2] = [1677, 1981];

/// The averages of one VM.
#[derive(Clone, Debug, Default)]
pub(super) struct Psi {
    /// Over 10 s and over 60 s, in percent.
    averages: [u64; 2],
    /// How much of the open period has passed, and how much of that was stalled.
    passed: u64,
    stalled: u64,
}

impl Psi {
    /// Some time passes, of which a part is stalled, evenly spread. `period` is above 0.
    pub(super) fn pass(&mut self, ticks: Ticks, stalled: Ticks, period: Ticks) {
        let (mut ticks, mut stalled) = (ticks.0, stalled.0.min(ticks.0));
        while ticks >= period.0 - self.passed {
            let rest = period.0 - self.passed;
            let share = (u128::from(stalled) * u128::from(rest) / u128::from(ticks)) as u64;
            let before = self.averages;
            self.close(self.stalled + share, period.0);
            ticks -= rest;
            stalled -= share;
            let is_whole = self.passed == 0;
            (self.passed, self.stalled) = (0, 0);
            if is_whole && self.averages == before {
                // Every further period changes as little.
                stalled = (u128::from(stalled) * u128::from(ticks % period.0)
                    / u128::from(ticks.max(1))) as u64;
                ticks %= period.0;
            }
        }
        self.passed += ticks;
        self.stalled += stalled;
    }

    /// `calc_avgs` of one period.
    fn close(&mut self, stalled: u64, period: u64) {
        let percent = (u128::from(stalled) * 100 / u128::from(period)) as u64;
        let active = percent * ONE;
        for (average, kept) in self.averages.iter_mut().zip(KEPT) {
            // `calc_load` rounds up while the average rises, so that it can reach the load.
            let up = if active >= *average { ONE - 1 } else { 0 };
            *average = (*average * kept + active * (ONE - kept) + up) / ONE;
        }
    }

    /// Whether both averages, as programs read them, are below this many percent.
    pub(super) fn is_below(&self, percent: Decimal) -> bool {
        self.averages.iter().all(|average| {
            let hundredths = average / ONE * 100 + average % ONE * 100 / ONE;
            Decimal::compare_ratio(hundredths, 100, percent).is_lt()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::exact;

    const SECOND: u64 = 1_000_000_000;

    /// The averages, in hundredths of a percent, after each of some periods with so many
    /// milliseconds stalled.
    fn after(stalled_ms: &[u64]) -> Vec<[u64; 2]> {
        let mut psi = Psi::default();
        let period = Ticks(2 * SECOND);
        let read = |average: u64| average / ONE * 100 + average % ONE * 100 / ONE;
        let one = |&ms: &u64| {
            psi.pass(period, Ticks(ms * 1_000_000), period);
            psi.averages.map(read)
        };
        stalled_ms.iter().map(one).collect()
    }

    /// Computed by the kernel's own `calc_load` and `calc_avgs`, compiled.
    #[test]
    fn averages_are_the_kernels() {
        let stalled = [0, 19, 20, 200, 2000, 2000, 0, 0, 10, 500];
        let expected = [
            [0, 0],
            [0, 0],
            [18, 3],
            [195, 35],
            [1972, 361],
            [3426, 677],
            [2805, 655],
            [2297, 633],
            [1881, 612],
            [1993, 674],
        ];
        assert_eq!(after(&stalled), expected);
    }

    #[test]
    fn a_long_time_is_many_periods() {
        let period = Ticks(2 * SECOND);
        let (mut once, mut often) = (Psi::default(), Psi::default());
        once.pass(Ticks(5001 * SECOND), Ticks(500 * SECOND), period);
        for _ in 0..5001 {
            often.pass(Ticks(SECOND), Ticks(SECOND * 500 / 5001), period);
        }
        assert_eq!(once.averages, often.averages);
        assert_eq!(once.passed, often.passed);
        once.pass(Ticks(u64::MAX), Ticks(u64::MAX), period);
        assert_eq!(once.averages, [100 * ONE; 2]);
    }

    #[test]
    fn both_averages_must_be_low() {
        let mut psi = Psi::default();
        let tenth = exact::hundredths(10);
        assert!(psi.is_below(tenth));
        psi.pass(Ticks(2 * SECOND), Ticks(SECOND / 50), Ticks(2 * SECOND));
        assert!(!psi.is_below(tenth), "0.18 in the last 10 s");
    }
}

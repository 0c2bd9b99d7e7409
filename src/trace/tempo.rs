//! When accesses start: a fixed number of ticks apart, or at their recorded times.
//!
//! Both are nominal: a delay of the VM shifts all later accesses. A tick of recorded time is a
//! nanosecond at speed 1. The last access of a recorded trace takes one tick; the next pass over
//! the trace begins after it.

use super::columns::Columns;
use crate::units::{Decimal, Ticks};

/// When a VM's accesses start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tempo {
    /// Each starts this many ticks after the one before; at least 1.
    Steps(Ticks),
    /// At the recorded times of the trace, sped up by this factor, above 0. The trace has times.
    Recorded(Decimal),
}

impl Default for Tempo {
    fn default() -> Self {
        Self::Steps(Ticks(1))
    }
}

impl Tempo {
    /// Ticks from the start of access `from` to that of access `to` of one pass; the end of the
    /// last access counts as the start of the one after it.
    #[inline]
    pub fn ticks(self, trace: &Columns, from: u64, to: u64) -> u64 {
        match self {
            Self::Steps(period) => (to - from).saturating_mul(period.0),
            Self::Recorded(speed) => start(trace, to, speed) - start(trace, from, speed),
        }
    }

    /// The first access of a pass that starts `ticks` ticks or more after access `from`; at most
    /// the number of accesses.
    #[inline]
    pub(crate) fn reach(self, trace: &Columns, from: u64, ticks: u64) -> u64 {
        match self {
            Self::Steps(period) => {
                trace.accesses().min(from.saturating_add(ticks.div_ceil(period.0)))
            }
            Self::Recorded(speed) => {
                let tick = start(trace, from, speed).saturating_add(ticks);
                first_at(trace, tick, speed).max(from)
            }
        }
    }

    /// Ticks from the beginning of a pass to its first access.
    pub(crate) fn lead(self, trace: &Columns) -> u64 {
        match self {
            Self::Steps(_) => 0,
            Self::Recorded(speed) => start(trace, 0, speed),
        }
    }

    /// The ticks of a whole pass.
    pub fn pass(self, trace: &Columns) -> u64 {
        match self {
            Self::Steps(period) => trace.accesses().saturating_mul(period.0),
            Self::Recorded(speed) => start(trace, trace.accesses(), speed),
        }
    }

    /// Ticks from the beginning to the start of an access, numbered over all passes.
    pub(crate) fn tick_of(self, trace: &Columns, access: u64) -> u64 {
        match self {
            Self::Steps(period) => access.saturating_mul(period.0),
            Self::Recorded(speed) => {
                let (passes, at) = (access / trace.accesses(), access % trace.accesses());
                let passed = passes.saturating_mul(self.pass(trace));
                passed.saturating_add(start(trace, at, speed))
            }
        }
    }

    /// Ticks from the start of one access to that of a later one, numbered over all passes.
    #[inline]
    pub(crate) fn between(self, trace: &Columns, from: u64, to: u64) -> u64 {
        match self {
            Self::Steps(period) => (to - from).saturating_mul(period.0),
            Self::Recorded(_) => self.tick_of(trace, to) - self.tick_of(trace, from),
        }
    }

    /// The number of accesses, over all passes, that start in the first `ticks` ticks.
    pub(crate) fn accesses_before(self, trace: &Columns, ticks: u64) -> u64 {
        match self {
            Self::Steps(period) => ticks.div_ceil(period.0),
            Self::Recorded(speed) => {
                let pass = self.pass(trace);
                let (passes, rest) = (ticks / pass, ticks % pass);
                passes.saturating_mul(trace.accesses()) + first_at(trace, rest, speed)
            }
        }
    }
}

/// When an access of the first pass starts; for one past the last, when the last one ends.
fn start(trace: &Columns, at: u64, speed: Decimal) -> u64 {
    let times = trace.times().expect("the trace has times");
    let last = trace.accesses() - 1;
    scaled(times.elapsed(at.min(last)), speed) + u64::from(at > last)
}

fn scaled(elapsed: u64, speed: Decimal) -> u64 {
    let ticks = u128::from(elapsed) * u128::from(speed.denominator()) / u128::from(speed.digits);
    // The end of the last access is a tick behind it.
    u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX - 1)
}

/// The first access that starts at `tick` or later; the number of accesses if there is none.
fn first_at(trace: &Columns, tick: u64, speed: Decimal) -> u64 {
    let times = trace.times().expect("the trace has times");
    // Starts are rounded down, so this is the first access whose time is not below this one.
    let elapsed =
        (u128::from(tick) * u128::from(speed.digits)).div_ceil(u128::from(speed.denominator()));
    u64::try_from(elapsed).map_or(times.len(), |elapsed| times.first_at(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::{Trace, TraceBuilder};
    use crate::units::Page;

    fn recorded(times: &[u64]) -> Trace {
        let mut builder = TraceBuilder::default();
        builder.since(times[0]);
        for &time in &times[1..] {
            builder.push(Page(1));
            builder.at(time);
        }
        builder.finish()
    }

    /// The search compared with a walk over all accesses of three passes.
    #[test]
    fn search_and_linear_walk_agree() {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/tempo");
        for _ in 0..500 {
            let mut time = rng.below(1 << 40);
            let length = 2 + rng.below(12);
            let times: Vec<u64> = (0..length)
                .map(|_| {
                    time += rng.below(4) * rng.below(9);
                    time
                })
                .collect();
            let trace = recorded(&times);
            let speed = Decimal { digits: 1 + rng.below(40), places: rng.below(3) as u32 };
            for tempo in [Tempo::Recorded(speed), Tempo::Steps(Ticks(1 + rng.below(5)))] {
                let (mut starts, mut begins) = (Vec::new(), 0);
                for _ in 0..3 {
                    let mut last = begins;
                    for at in 0..trace.accesses() {
                        last = begins
                            + match tempo {
                                Tempo::Steps(period) => at * period.0,
                                Tempo::Recorded(_) => {
                                    let elapsed = times[at as usize + 1] - times[0];
                                    elapsed * speed.denominator() / speed.digits
                                }
                            };
                        starts.push(last);
                    }
                    begins = last + if let Tempo::Steps(period) = tempo { period.0 } else { 1 };
                }
                for (access, &start) in starts.iter().enumerate() {
                    assert_eq!(tempo.tick_of(&trace, access as u64), start);
                    let before = access / 2;
                    let between = tempo.between(&trace, before as u64, access as u64);
                    assert_eq!(between, start - starts[before]);
                }
                for tick in 0..begins {
                    let expected = starts.iter().filter(|&&start| start < tick).count() as u64;
                    assert_eq!(
                        tempo.accesses_before(&trace, tick),
                        expected,
                        "{times:?} {tempo:?}"
                    );
                }
                let pass = trace.accesses();
                for from in 0..pass {
                    for ticks in 1..20 {
                        let is_before = |&&start: &&u64| start < starts[from as usize] + ticks;
                        let reached = starts[..pass as usize].iter().filter(is_before).count();
                        assert_eq!(tempo.reach(&trace, from, ticks), reached as u64);
                    }
                }
            }
        }
    }
}

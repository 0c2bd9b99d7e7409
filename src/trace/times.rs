//! When accesses were recorded: the time column of a trace.
//!
//! Times are in nanoseconds and never decrease. A column of 4 bytes per access holds the low half
//! of each; the high half changes at most every 4.3 seconds, and a list holds the positions where
//! it does. The first access at or after a time is found by binary search.

/// The recorded times of a trace's accesses, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The low 32 bits of each time.
    low: Vec<u32>,
    /// The first access of each stretch with the same high 32 bits, and those bits.
    high: Vec<(u64, u32)>,
    /// When the recording began, if not at the first access.
    origin: Option<u64>,
}

impl Times {
    /// The number of accesses whose time is known.
    pub fn len(&self) -> u64 {
        self.low.len() as u64
    }

    /// Whether no access has a time.
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Adds the time of the next access in nanoseconds. A time earlier than the one before is
    /// replaced by the one before. Returns whether that happened.
    pub(crate) fn push(&mut self, time: u64) -> bool {
        let last = self.last().unwrap_or(0);
        let is_earlier = time < last;
        let time = time.max(last);
        let high = (time >> 32) as u32;
        if self.high.last().is_none_or(|&(_, before)| before != high) {
            self.high.push((self.len(), high));
        }
        self.low.push(time as u32);
        is_earlier
    }

    /// Sets when the recording began; at the first access if that was earlier.
    pub(crate) fn since(&mut self, origin: u64) {
        self.origin = Some(origin);
    }

    fn last(&self) -> Option<u64> {
        let (&low, &(_, high)) = self.low.last().zip(self.high.last())?;
        Some(joined(high, low))
    }

    /// When access `at` was made, in nanoseconds of the recording's clock.
    pub fn get(&self, at: u64) -> u64 {
        let stretch = self.high.partition_point(|&(first, _)| first <= at) - 1;
        joined(self.high[stretch].1, self.low[at as usize])
    }

    /// When the recording began: the first access, unless the reader has set it.
    pub fn origin(&self) -> u64 {
        let first = self.low.first().zip(self.high.first());
        let first = first.map_or(0, |(&low, &(_, high))| joined(high, low));
        self.origin.map_or(first, |origin| origin.min(first))
    }

    /// Nanoseconds from the beginning of the recording to access `at`.
    pub fn elapsed(&self, at: u64) -> u64 {
        self.get(at) - self.origin()
    }

    /// The first access made `elapsed` nanoseconds or more after the beginning; the number of
    /// accesses if there is none.
    pub fn first_at(&self, elapsed: u64) -> u64 {
        let Some(time) = self.origin().checked_add(elapsed) else { return self.len() };
        let (high, low) = ((time >> 32) as u32, time as u32);
        let stretch = self.high.partition_point(|&(_, before)| before < high);
        let first = self.high.get(stretch).map_or(self.len(), |&(first, _)| first);
        match self.high.get(stretch) {
            Some(&(_, found)) if found == high => {
                let end = self.high.get(stretch + 1).map_or(self.len(), |&(next, _)| next);
                let column = &self.low[first as usize..end as usize];
                first + column.partition_point(|&before| before < low) as u64
            }
            _ => first,
        }
    }
}

fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_are_those_pushed_and_are_found(
            steps in prop::collection::vec(prop_oneof![
                4 => 0_u64..3, 2 => 0_u64..1 << 31, 1 => 0_u64..1 << 34
            ], 1..60),
            start in 0_u64..1 << 35,
            before in 0_u64..100,
            asked in 0_u64..1 << 40,
        ) {
            let mut time = start + before;
            let expected: Vec<u64> = steps.iter().map(|step| { time += step; time }).collect();
            let mut times = Times::default();
            prop_assert!(!expected.iter().any(|&time| times.push(time)));
            times.since(start);
            let probes = expected.iter().flat_map(|time| [time - start, time - start + 1]);
            for elapsed in probes.chain([0, asked]) {
                let found = expected.iter().position(|time| time - start >= elapsed);
                prop_assert_eq!(times.first_at(elapsed), found.unwrap_or(expected.len()) as u64);
            }
            for (at, &time) in expected.iter().enumerate() {
                prop_assert_eq!(times.get(at as u64), time);
                prop_assert_eq!(times.elapsed(at as u64), time - start);
            }
        }
    }

    #[test]
    fn a_decreasing_time_is_replaced_by_the_one_before() {
        let mut times = Times::default();
        let earlier = [5, 9, 7, 8, 9, 10].map(|time| times.push(time));
        assert_eq!(earlier, [false, false, true, true, false, false]);
        let kept: Vec<u64> = (0..6).map(|at| times.get(at)).collect();
        assert_eq!((kept, times.origin()), (vec![5, 9, 9, 9, 9, 10], 5));
    }
}

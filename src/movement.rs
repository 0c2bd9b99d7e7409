//! How allocations move from checkpoint to checkpoint: frames that oscillate, and how long
//! allocations take to settle.

use crate::units::Frames;

/// Follows one VM's allocation and finds frames that moved back within two checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Returns {
    allocation: Option<Frames>,
    /// The frames gained (positive) or lost at the last two checkpoints that have not moved back,
    /// the later checkpoint first.
    recent: [i64; 2],
}

impl Returns {
    /// Records that the VM holds `now` frames at the start of a checkpoint. Returns the frames
    /// gained since the last one, and how many of the moved frames undo an earlier move.
    pub(crate) fn note(&mut self, now: Frames) -> (i64, u64) {
        let before = self.allocation.replace(now).unwrap_or(now);
        let gained = now.0 as i64 - before.0 as i64;
        let mut rest = gained;
        for earlier in &mut self.recent {
            if earlier.signum() == -rest.signum() {
                let back = earlier.abs().min(rest.abs());
                *earlier += back * rest.signum();
                rest -= back * rest.signum();
            }
        }
        self.recent = [rest, self.recent[0]];
        (gained, (gained - rest).unsigned_abs())
    }
}

/// Finds how many checkpoints allocations take to settle after a change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settling {
    /// Checkpoints since the last change.
    since: u64,
    /// The number of quiet checkpoints in a row.
    quiet: u64,
    worst: u64,
}

/// Quiet checkpoints in a row after which allocations count as settled.
const QUIET: u64 = 2;

impl Settling {
    /// Records that a checkpoint moved `moved` frames of a host of `memory`.
    pub(crate) fn note(&mut self, moved: u64, memory: Frames) {
        if self.quiet >= QUIET {
            return;
        }
        self.since += 1;
        // A checkpoint is quiet if it moves less than a hundredth of the host's frames.
        self.quiet =
            if u128::from(moved) * 100 < u128::from(memory.0) { self.quiet + 1 } else { 0 };
    }

    /// Records a change after the last recorded checkpoint.
    pub(crate) fn change(&mut self) {
        *self = Self { worst: self.worst(), ..Self::default() };
    }

    /// The longest settling time: checkpoints from a change to the last one that was not quiet.
    pub(crate) fn worst(&self) -> u64 {
        self.worst.max(self.since - self.quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    #[test]
    fn frames_that_go_back_within_two_checkpoints_are_counted_once() {
        let mut returns = Returns::default();
        let held = [10, 14, 12, 12, 9, 9, 9, 12];
        let found = held.map(|frames| returns.note(Frames(frames)));
        // Of the 4 gained, 2 move back at once; the other 2 move back two checkpoints later, with
        // one frame that was there before. Frames that move back after three do not count.
        assert_eq!(found, [(0, 0), (4, 0), (-2, 2), (0, 0), (-3, 0), (0, 0), (0, 0), (3, 0)]);
        let mut returns = Returns::default();
        let found = [10, 14, 14, 9].map(|frames| returns.note(Frames(frames)).1);
        assert_eq!(found, [0, 0, 0, 4]);
    }

    #[test]
    fn frames_go_back_as_they_do_one_by_one() {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/movement");
        for _ in 0..2000 {
            let mut returns = Returns::default();
            // Each frame that moved, with the checkpoint and whether it was gained.
            let mut moved: Vec<(u64, bool)> = Vec::new();
            let mut held = 8;
            for checkpoint in 0..20 {
                let now = if rng.below(3) == 0 { held } else { rng.below(16) };
                let mut back = 0;
                for _ in 0..now.abs_diff(held) {
                    let gained = now > held;
                    let earlier = |&(at, was): &(u64, bool)| was != gained && at + 2 >= checkpoint;
                    match moved.iter().rposition(earlier) {
                        Some(at) => {
                            moved.remove(at);
                            back += 1;
                        }
                        None => moved.push((checkpoint, gained)),
                    }
                }
                let expected = if checkpoint == 0 { 0 } else { now as i64 - held as i64 };
                if checkpoint == 0 {
                    moved.clear();
                    back = 0;
                }
                assert_eq!(returns.note(Frames(now)), (expected, back));
                held = now;
            }
        }
    }

    #[test]
    fn settled_is_where_two_checkpoints_in_a_row_move_next_to_nothing() {
        let mut settling = Settling::default();
        for moved in [50, 20, 0, 10, 0, 0, 90] {
            settling.note(moved, Frames(1000));
        }
        // 10 of 1000 is a hundredth; the 90 come after allocations had settled.
        assert_eq!(settling.worst(), 4);
        settling.change();
        settling.note(10, Frames(1000));
        assert_eq!(settling.worst(), 4);
        for _ in 0..5 {
            settling.note(10, Frames(1000));
        }
        assert_eq!(settling.worst(), 6, "it never settled again");
    }
}

//! One file, many VMs: the accesses of each value of a column go to a builder of their own.

use super::spaces::Texts;
use crate::trace::{Room, TraceBuilder};

/// The builders of a file that is split.
///
/// The reader writes to one builder. When another value has its turn, that builder is exchanged
/// for the value's.
#[derive(Debug)]
pub(super) struct Parts {
    names: Texts,
    builders: Vec<TraceBuilder>,
    turn: u32,
    accesses_max: u64,
    room: Room,
}

/// The most VMs that a file is split into.
const PARTS_MAX: usize = 1 << 16;

impl Parts {
    /// No part yet. Each may have `accesses_max` accesses, and all share `room`.
    pub(super) fn new(accesses_max: u64, room: &Room) -> Self {
        let room = room.clone();
        Self { names: Texts::default(), builders: Vec::new(), turn: 0, accesses_max, room }
    }

    /// Switches to the builder of this value.
    pub(super) fn turn(
        &mut self,
        builder: &mut TraceBuilder,
        value: &[u8],
    ) -> Result<(), &'static str> {
        let number = self.names.intern(value).filter(|&number| (number as usize) < PARTS_MAX);
        let number = number.ok_or("the column has more than 65536 values, expected one a VM")?;
        if number as usize == self.builders.len() {
            let builder = TraceBuilder::with_limit(self.accesses_max).within(&self.room);
            self.builders.push(builder);
        }
        // The first value takes the builder that the reader has.
        if number != self.turn {
            std::mem::swap(builder, &mut self.builders[self.turn as usize]);
            std::mem::swap(builder, &mut self.builders[number as usize]);
            self.turn = number;
        }
        Ok(())
    }

    /// Whether a part that has no turn had no room in memory.
    pub(super) fn outgrown(&self) -> bool {
        self.builders.iter().any(TraceBuilder::outgrown)
    }

    /// Whether values had their turns.
    pub(super) fn are_several(&self) -> bool {
        !self.builders.is_empty()
    }

    /// The values and their builders, in the order in which they first appear; `builder` is the
    /// one that the reader has at last.
    pub(super) fn finish(mut self, mut builder: TraceBuilder) -> Vec<(Vec<u8>, TraceBuilder)> {
        match self.builders.get_mut(self.turn as usize) {
            Some(last) => std::mem::swap(&mut builder, last),
            None => return vec![(Vec::new(), builder)],
        }
        self.names.names().map(<[u8]>::to_vec).zip(self.builders).collect()
    }
}

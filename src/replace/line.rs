//! A sequence of numbered slots: queues and stacks whose pages enter only at the end but may leave
//! from anywhere.

/// The content of a slot.
pub(super) trait Slot: Copy + PartialEq {
    /// The content of a slot whose page has left.
    const HOLE: Self;
}

/// Slots in the order in which they were added, with holes where a member has left. A slot's number
/// is its member's handle. Numbers only grow, so a member whose number is below
/// [`front`](Self::front) has left without anything being written for it. Unlike a linked list,
/// this touches no neighbours elsewhere in memory: new slots are adjacent, and so are the oldest.
#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    slots: Vec<T>,
    /// The number of the first slot.
    first: u32,
    /// Members with smaller numbers have left.
    front: u32,
    /// At this length the line must be compacted.
    slots_max: usize,
    /// Above this number the next compaction restarts the numbering.
    numbers_max: u32,
}

/// The number that no member has.
pub(super) const NO_NUMBER: u32 = 0;

/// Leaves room for all numbers that a line can assign between two compactions.
const NUMBERS_MAX: u32 = u32::MAX / 2;

/// A shorter line is not worth compacting.
const SLOTS_MIN: usize = 64;

/// A line may grow to this many slots per member before it is compacted again.
const SLOTS_A_MEMBER: usize = 3;

impl<T: Slot> Line<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            first: NO_NUMBER + 1,
            front: NO_NUMBER + 1,
            slots_max: SLOTS_MIN,
            numbers_max: NUMBERS_MAX,
        }
    }

    /// The number that the next slot will have.
    #[inline(always)]
    pub(super) fn next(&self) -> u32 {
        self.first + self.slots.len() as u32
    }

    #[inline(always)]
    pub(super) fn front(&self) -> u32 {
        self.front
    }

    /// Adds a slot at the end. Returns its number.
    #[inline(always)]
    pub(super) fn push(&mut self, slot: T) -> u32 {
        let number = self.next();
        self.slots.push(slot);
        number
    }

    /// The slot of a number that is not below the front.
    #[inline(always)]
    pub(super) fn slot(&self, number: u32) -> T {
        self.slots[(number - self.first) as usize]
    }

    #[inline(always)]
    pub(super) fn slot_mut(&mut self, number: u32) -> &mut T {
        &mut self.slots[(number - self.first) as usize]
    }

    /// Calls `change` with every slot.
    pub(super) fn each(&mut self, change: impl FnMut(&mut T)) {
        self.slots.iter_mut().for_each(change);
    }

    /// The member with this number leaves.
    #[inline(always)]
    pub(super) fn leave(&mut self, number: u32) {
        *self.slot_mut(number) = T::HOLE;
    }

    /// All members before this number leave.
    #[inline(always)]
    pub(super) fn leave_before(&mut self, number: u32) {
        self.front = number;
    }

    /// Whether [`compact`](Self::compact) is due.
    #[inline(always)]
    pub(super) fn is_long(&self) -> bool {
        self.slots.len() >= self.slots_max
    }

    /// Whether the next [`compact`](Self::compact) restarts the numbering. The caller must first
    /// forget the numbers of members that have left.
    #[inline(always)]
    pub(super) fn must_renumber(&self) -> bool {
        self.next() > self.numbers_max
    }

    /// Restarts the numbering above this number.
    #[cfg(test)]
    pub(super) fn renumber_at(&mut self, number: u32) {
        self.numbers_max = number;
    }

    /// Drops the slots before the front and, if there are many holes behind it, the holes too.
    /// Calls `moved(slot, old number, new number)` for each renumbered slot. Returns whether slots
    /// were renumbered.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(T, u32, u32)) -> bool {
        let passed = (self.front - self.first) as usize;
        let members = self.slots[passed..].iter().filter(|&&slot| slot != T::HOLE).count();
        self.slots_max = (SLOTS_A_MEMBER * members).clamp(SLOTS_MIN, NUMBERS_MAX as usize);
        if !self.must_renumber() && self.slots.len() - passed <= 2 * members {
            self.slots.drain(..passed);
            self.first = self.front;
            return false;
        }
        let begin = if self.must_renumber() { NO_NUMBER + 1 } else { self.next() };
        let (mut old, mut new) = (self.first, begin);
        self.slots.retain(|&slot| {
            let stays = old >= self.front && slot != T::HOLE;
            if stays {
                moved(slot, old, new);
                new += 1;
            }
            old += 1;
            stays
        });
        (self.first, self.front) = (begin, begin);
        true
    }

    /// The members and their numbers, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (u32, T)> {
        let slots = (self.first..self.next()).zip(self.slots.iter().copied()).rev();
        slots.filter(|&(number, slot)| number >= self.front && slot != T::HOLE)
    }
}

//! Numbered slots in a line: the queues and stacks of replacement algorithms whose pages leave from
//! anywhere but enter only at the end.

/// The content of a slot.
pub(super) trait Slot: Copy + PartialEq {
    /// The content of a slot whose page has left.
    const HOLE: Self;
}

/// Slots in the order in which they were added, with holes where a member has left. A slot's number
/// is its member's handle. Numbers only grow, so a member whose number is below
/// [`front`](Self::front) has left, and nothing need be written for it. Unlike a linked list this
/// touches no neighbours anywhere in memory: new slots lie side by side, and so do those in front.
#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    slots: Vec<T>,
    /// The number of the first slot.
    first: u32,
    /// Members with smaller numbers have left.
    front: u32,
    /// At this length the line must be compacted.
    slots_max: usize,
    /// Above this number the next compaction starts numbers again.
    numbers_max: u32,
}

/// The number that no member has.
pub(super) const NOBODY: u32 = 0;

/// Above it there is room for all numbers that a line gives out between two compactions.
const NUMBERS_MAX: u32 = u32::MAX / 2;

/// Fewer slots are not worth compacting.
const SLOTS_MIN: usize = 64;

/// A line may grow to this many slots for each member before it is compacted again.
const SLOTS_A_MEMBER: usize = 3;

impl<T: Slot> Line<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            first: NOBODY + 1,
            front: NOBODY + 1,
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

    /// Whether the next [`compact`](Self::compact) starts numbers again, so that the numbers of
    /// members that have left must be forgotten first.
    #[inline(always)]
    pub(super) fn must_renumber(&self) -> bool {
        self.next() > self.numbers_max
    }

    /// Makes numbers start again after this one.
    #[cfg(test)]
    pub(super) fn renumber_at(&mut self, number: u32) {
        self.numbers_max = number;
    }

    /// Drops the slots before the front and, if there are many holes behind it, the holes too.
    /// Calls `moved` with each slot that has a new number, and its old and its new number. Returns
    /// whether slots were renumbered.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(T, u32, u32)) -> bool {
        let passed = (self.front - self.first) as usize;
        let members = self.slots[passed..].iter().filter(|&&slot| slot != T::HOLE).count();
        self.slots_max = (SLOTS_A_MEMBER * members).clamp(SLOTS_MIN, NUMBERS_MAX as usize);
        if !self.must_renumber() && self.slots.len() - passed <= 2 * members {
            self.slots.drain(..passed);
            self.first = self.front;
            return false;
        }
        let begin = if self.must_renumber() { NOBODY + 1 } else { self.next() };
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

//! Slots in a line: what replacement algorithms are made of whose pages leave from anywhere, but
//! come only behind all others.

/// What a slot holds.
pub(super) trait Slot: Copy + PartialEq {
    /// What is in the slot of somebody who has left.
    const HOLE: Self;
}

/// Slots in the order in which they came, with holes where somebody has left. A slot's number is
/// its owner's handle; numbers only grow, so that whoever has a number below [`front`](Self::front)
/// is known to have left without being told. Unlike a linked list this touches no neighbours, which
/// are anywhere in memory: new slots are beside each other, as those in front are.
#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    slots: Vec<T>,
    /// The number of the first of them.
    first: u32,
    /// Whoever has a smaller number has left.
    front: u32,
    /// With so many slots the line is to be closed up.
    slots_max: usize,
    /// Numbers above this one are the last before they start again.
    numbers_max: u32,
}

/// The number of nobody.
pub(super) const NOBODY: u32 = 0;

/// Behind it there is room for as many slots as a line has between two closings.
const NUMBERS_MAX: u32 = u32::MAX / 2;

/// So few slots are not worth closing.
const SLOTS_MIN: usize = 64;

/// Between two closings there are as many new slots as this less one times those that had to move.
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

    /// Adds a slot behind all others. Returns its number.
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

    /// Lets the slots be changed one by one.
    pub(super) fn each(&mut self, change: impl FnMut(&mut T)) {
        self.slots.iter_mut().for_each(change);
    }

    /// Whoever has this number leaves.
    #[inline(always)]
    pub(super) fn leave(&mut self, number: u32) {
        *self.slot_mut(number) = T::HOLE;
    }

    /// Everybody before this number leaves.
    #[inline(always)]
    pub(super) fn leave_before(&mut self, number: u32) {
        self.front = number;
    }

    /// Whether [`compact`](Self::compact) is due.
    #[inline(always)]
    pub(super) fn is_long(&self) -> bool {
        self.slots.len() >= self.slots_max
    }

    /// Whether the next [`compact`](Self::compact) starts numbers again, so that numbers of those
    /// who have left must be forgotten before.
    #[inline(always)]
    pub(super) fn must_renumber(&self) -> bool {
        self.next() > self.numbers_max
    }

    /// Numbers start again behind this one.
    #[cfg(test)]
    pub(super) fn renumber_at(&mut self, number: u32) {
        self.numbers_max = number;
    }

    /// Drops the slots before the front and, if there are many holes behind it, those too. Tells
    /// `moved` each slot that has a new number, with its old and its new one. Returns whether there
    /// are such.
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

    /// The members and their numbers, those that came last first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (u32, T)> {
        let slots = (self.first..self.next()).zip(self.slots.iter().copied()).rev();
        slots.filter(|&(number, slot)| number >= self.front && slot != T::HOLE)
    }
}

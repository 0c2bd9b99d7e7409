//! The memory limit of a trace while it is read.
//!
//! A small file can hold a large trace: a record may touch many pages, and compressed data expands.
//! The memory of a trace must therefore stay in proportion to the bytes read from its file so far,
//! so that a crafted file is refused before it fills the memory. gzip compresses at most 1032
//! times, and a run takes about twice the text of a page number, so no ordinary gzip file reaches
//! [`Room::GROWTH`].

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The memory limit of one file's traces; clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    /// The bytes read from the file, and the bytes that its traces take.
    given: Arc<AtomicU64>,
    taken: Arc<AtomicU64>,
    most: u64,
    growth: u64,
}

impl Default for Room {
    /// No limit.
    fn default() -> Self {
        Self::up_to(u64::MAX)
    }
}

impl Room {
    /// The memory that traces may always take, however small their file is: 128 MiB.
    pub(crate) const LEAST: u64 = 128 << 20;

    /// The memory of a larger trace may be this many times the bytes of its file.
    pub const GROWTH: u64 = 4096;

    /// A limit of `most` bytes, and of `growth` times the bytes read from the file.
    pub(crate) fn new(most: u64, growth: u64) -> Self {
        Self { given: Arc::default(), taken: Arc::default(), most, growth }
    }

    /// A limit of `most` bytes alone, for a trace that comes from no file.
    pub(crate) fn up_to(most: u64) -> Self {
        let room = Self::new(most, u64::MAX);
        room.given.store(1, Ordering::Relaxed);
        room
    }

    /// The bytes that the traces of this file may take now.
    pub(crate) fn limit(&self) -> u64 {
        let grown = self.given.load(Ordering::Relaxed).saturating_mul(self.growth);
        self.most.min(grown.max(Self::LEAST))
    }

    /// Takes `bytes` bytes. Returns whether they fit.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed);
        let fits = taken.saturating_add(bytes) <= self.limit();
        if !fits {
            self.taken.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Ensures that `list` has capacity for `more` items, doubling it up to `most` items. Returns
    /// whether the memory was available.
    pub(crate) fn reserve<T>(&self, list: &mut Vec<T>, more: usize, most: usize) -> bool {
        let free = list.capacity() - list.len();
        if more <= free {
            return true;
        }
        let wanted = (list.len() + more).max((2 * list.capacity()).min(most)).max(1024.min(most));
        let bytes = (wanted - list.capacity()) as u64 * size_of::<T>() as u64;
        self.take(bytes) && list.try_reserve_exact(wanted - list.len()).is_ok()
    }

    /// A reader of the file that counts the bytes read.
    pub(crate) fn fed_by<R: Read>(&self, file: R) -> Fed<R> {
        Fed { file, given: Arc::clone(&self.given) }
    }
}

/// A reader that counts the bytes read.
pub(crate) struct Fed<R> {
    file: R,
    given: Arc<AtomicU64>,
}

impl<R: Read> Read for Fed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        self.given.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_with_what_the_file_gives() {
        let room = Room::new(u64::MAX, Room::GROWTH);
        assert_eq!(room.limit(), Room::LEAST);
        assert!(room.take(Room::LEAST) && !room.take(1));
        let mut file = room.fed_by(std::io::repeat(0).take(40_000));
        file.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(room.limit(), 40_000 * 4096);
        assert!(room.take(40_000 * 4096 - Room::LEAST) && !room.clone().take(1));
        assert!(!Room::new(9, Room::GROWTH).take(10) && Room::new(9, u64::MAX).take(9));
        assert!(Room::up_to(Room::LEAST + 1).take(Room::LEAST + 1) && !Room::up_to(9).take(10));
        assert!(Room::default().take(1 << 50));
    }

    #[test]
    fn lists_grow_by_their_length_and_no_further_than_they_must() {
        let room = Room::new(100_000, u64::MAX);
        let mut list: Vec<u64> = Vec::new();
        assert!(room.reserve(&mut list, 1, usize::MAX) && list.capacity() == 1024);
        list.resize(1024, 0);
        assert!(room.reserve(&mut list, 0, usize::MAX) && list.capacity() == 1024);
        assert!(room.reserve(&mut list, 1, 1500) && list.capacity() == 1500);
        list.resize(1500, 0);
        assert!(!room.reserve(&mut list, 90_000, usize::MAX) && list.capacity() == 1500);
    }
}

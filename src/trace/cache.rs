//! Distances kept beside the traces, in a folder of the user's: computed once, on one machine.
//!
//! An entry is named after the content of its trace and says inside what it is of, and how it must
//! hash; one that is damaged, of another version or of another trace is not there. Entries appear
//! whole, by renaming, so that any number of processes may write the same one at once. A cache can
//! fail at anything without a result changing; it says so and the distances are computed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::store::Trace;
use crate::random::mix;

/// A folder of distances.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Where the distances of a trace came from.
#[derive(Debug)]
pub enum Warmed {
    /// They were in memory.
    Known,
    /// They were read from the cache.
    Read,
    /// They were computed, and are in the cache now unless something went wrong.
    Computed(io::Result<()>),
}

const MAGIC: &[u8; 16] = b"balloonist dist1";

/// Traces with fewer runs or fewer pages are computed faster than a file is read and checked:
/// their stacks fit into the processor's caches.
const RUNS_MIN: usize = 1 << 20;
const PAGES_MIN: usize = 1 << 14;

/// Bytes that are read, checked and converted together.
const BLOCK: usize = 1 << 18;

impl Cache {
    /// The cache in this folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether reading the trace's distances is faster than computing them.
    pub fn is_worth_it(trace: &Trace) -> bool {
        trace.run_pages().len() >= RUNS_MIN && trace.distinct_pages() >= PAGES_MIN
    }

    /// Makes sure that `trace`, whose content hashes to `content`, has its distances at hand.
    pub fn warm(&self, trace: &Trace, content: u64) -> Warmed {
        if trace.has_distances() {
            return Warmed::Known;
        }
        let path = self.folder.join(format!("{content:016x}.distances"));
        if let Ok(Some(distances)) = read(&path, &header(trace, content)) {
            trace.put_distances(distances);
            return Warmed::Read;
        }
        let written = self.write(&path, &header(trace, content), trace.distances());
        Warmed::Computed(written)
    }

    fn write(&self, path: &Path, header: &[u8], distances: &[u32]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(header)?;
        let mut hash = 0;
        let mut block = Vec::with_capacity(BLOCK);
        for distances in distances.chunks(BLOCK / 4) {
            block.clear();
            block.extend(distances.iter().flat_map(|distance| distance.to_le_bytes()));
            hash = checked(hash, &block);
            file.write_all(&block)?;
        }
        file.write_all(&hash.to_le_bytes())?;
        file.persist(path)?;
        Ok(())
    }
}

/// What the file of this trace begins with.
fn header(trace: &Trace, content: u64) -> [u8; 48] {
    let mut header = [0; 48];
    header[..16].copy_from_slice(MAGIC);
    let counts = [trace.run_pages().len() as u64, trace.accesses(), trace.distinct_pages() as u64];
    for (at, word) in [content, counts[0], counts[1], counts[2]].into_iter().enumerate() {
        header[16 + 8 * at..][..8].copy_from_slice(&word.to_le_bytes());
    }
    header
}

/// The distances in the file; nothing if it is of something else or damaged.
fn read(path: &Path, expected: &[u8; 48]) -> io::Result<Option<Vec<u32>>> {
    let mut file = File::open(path)?;
    let mut header = [0; 48];
    file.read_exact(&mut header)?;
    let runs = u64::from_le_bytes(expected[24..32].try_into().expect("eight bytes"));
    if header != *expected || file.metadata()?.len() != 48 + 4 * runs + 8 {
        return Ok(None);
    }
    let mut distances = Vec::with_capacity(runs as usize);
    let mut hash = 0;
    let mut block = vec![0; BLOCK];
    while distances.len() < runs as usize {
        let bytes = (4 * (runs as usize - distances.len())).min(BLOCK);
        let block = &mut block[..bytes];
        file.read_exact(block)?;
        hash = checked(hash, block);
        let words = block.chunks_exact(4);
        distances.extend(
            words.map(|word| u32::from_le_bytes(word.try_into().expect("a chunk has four bytes"))),
        );
    }
    let mut stored = [0; 8];
    file.read_exact(&mut stored)?;
    Ok((u64::from_le_bytes(stored) == hash).then_some(distances))
}

/// Hashes a block on; all blocks but the last have the same length.
fn checked(hash: u64, block: &[u8]) -> u64 {
    let words = block.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(mix(hash, block.len() as u64), mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_trace() -> Trace {
        Trace::from_pages((0..RUNS_MIN as u64 + 10).map(|at| at * 7 % (PAGES_MIN as u64 + 5)))
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_computed_once_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("new"));
        let first = long_trace();
        assert!(Cache::is_worth_it(&first));
        assert!(matches!(cache.warm(&first, 5), Warmed::Computed(Ok(()))));
        let again = long_trace();
        assert!(matches!(cache.warm(&again, 5), Warmed::Read));
        assert_eq!(first.distances(), again.distances());
        assert!(matches!(cache.warm(&again, 5), Warmed::Known));
    }

    #[test]
    fn a_damaged_or_foreign_entry_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        cache.warm(&long_trace(), 5);
        let path = entries(folder.path()).remove(0);
        let whole = fs::read(&path).unwrap();
        for damaged in [0, 20, 30, 48, 1_000_000, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[damaged] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let trace = long_trace();
            assert!(matches!(cache.warm(&trace, 5), Warmed::Computed(Ok(()))), "byte {damaged}");
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(cache.warm(&long_trace(), 5), Warmed::Computed(Ok(()))));
    }

    #[test]
    fn a_folder_that_cannot_be_made_changes_no_result() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(file.path().join("below a file"));
        let trace = long_trace();
        assert!(matches!(cache.warm(&trace, 5), Warmed::Computed(Err(_))));
        assert_eq!(trace.distances(), long_trace().distances());
    }
}

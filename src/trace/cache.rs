//! A cache of stack distances in a folder of the user's, so that each machine computes them once
//! per trace.
//!
//! An entry's file is named after the BLAKE3 hash of its trace, and holds a header that repeats the
//! hash and a hash of the entry itself. An entry is ignored if it is damaged, of another version,
//! of another trace or impossible for this trace, or if another user owns or can write it. Entries
//! are written under a temporary name and renamed, so several processes may write the same one at
//! once. The folder's size is bounded; the least recently used entries are removed first. A failure
//! of the cache never changes a result: it is reported and the distances are computed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::content_hash::ContentHash;
use super::distances::COLD;
use super::shared::Trace;

/// A folder of cached distances.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    now: SystemTime,
}

/// Where the distances of a trace came from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Loaded {
    /// They were in memory.
    InMemory,
    /// They were read from the cache.
    Read,
    /// They were computed; the result says whether they could be written to the cache.
    Computed(io::Result<()>),
}

/// An entry of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheEntry {
    /// The hash of its trace in hexadecimal, or the name of an unfinished file.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written or read.
    pub used: SystemTime,
}

const MAGIC: &[u8; 16] = b"balloonist dist2";

/// The bytes before the distances: the magic, the hash of the trace, and its numbers of runs,
/// accesses and distinct pages. The 32 bytes of the entry's own hash follow the distances.
const HEADER: usize = 16 + 32 + 3 * 8;

/// For traces with fewer runs or pages, computing is faster than reading and checking a file: their
/// stacks fit into the processor's caches.
const RUNS_MIN: usize = 1 << 20;
const PAGES_MIN: usize = 1 << 14;

/// Bytes read, checked and converted at a time.
const BLOCK: usize = 1 << 18;

/// The suffix of entries' file names, and the prefix of unfinished ones.
const ENDING: &str = ".distances";
const UNFINISHED: &str = ".balloonist-";

/// An unfinished entry older than this was left by a killed process.
const UNFINISHED_MAX: Duration = Duration::from_hours(1);

impl Cache {
    /// The default limit on a cache's size: 2 GiB.
    pub const BYTES_MAX: u64 = 2 << 30;

    /// The cache in `folder`, which need not exist, of at most `bytes_max` bytes. `now` becomes the
    /// modification time of entries that are read.
    pub fn new(folder: impl Into<PathBuf>, bytes_max: u64, now: SystemTime) -> Self {
        Self { folder: folder.into(), bytes_max, now }
    }

    /// Whether reading the trace's distances is faster than computing them.
    pub fn is_worth_it(trace: &Trace) -> bool {
        trace.run_pages().len() >= RUNS_MIN && trace.distinct_pages() >= PAGES_MIN
    }

    /// Gives `trace`, whose content hash is `content`, its distances: from memory, from the cache
    /// or by computing them. Those of a trace with frees are not kept: they are computed together
    /// with much else when first asked for.
    pub fn load(&self, trace: &Trace, content: ContentHash) -> Loaded {
        if trace.has_distances() || trace.has_frees() {
            return Loaded::InMemory;
        }
        let path = self.folder.join(format!("{content}{ENDING}"));
        if let Ok(Some(distances)) = self.read(&path, trace, &header(trace, content)) {
            trace.put_distances(distances);
            return Loaded::Read;
        }
        Loaded::Computed(self.write(&path, &header(trace, content), trace.distances()))
    }

    /// The entries, least recently used first; none if the folder does not exist.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn entries(&self) -> io::Result<Vec<CacheEntry>> {
        let mut entries = Vec::new();
        for (name, found) in self.files()? {
            if let Some(name) = name.strip_suffix(ENDING) {
                let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push(CacheEntry { name: name.to_owned(), bytes: found.len(), used });
            }
        }
        entries.sort_by(|one, other| (one.used, &one.name).cmp(&(other.used, &other.name)));
        Ok(entries)
    }

    /// Removes all entries and returns them.
    ///
    /// # Errors
    /// An entry cannot be removed.
    pub fn clear(&self) -> io::Result<Vec<CacheEntry>> {
        let entries = self.entries()?;
        entries.iter().try_for_each(|entry| self.remove(&entry.name))?;
        Ok(entries)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(format!("{name}{ENDING}"))) {
            // Another process has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// The regular files of the folder, by their names.
    fn files(&self) -> io::Result<Vec<(String, fs::Metadata)>> {
        let folder = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut files = Vec::new();
        for entry in folder {
            let entry = entry?;
            // Skips files removed since, links, pipes and devices.
            let found = fs::symlink_metadata(entry.path()).ok().filter(fs::Metadata::is_file);
            files.extend(entry.file_name().into_string().ok().zip(found));
        }
        Ok(files)
    }

    /// Removes unfinished entries of killed processes, and then least recently used entries until
    /// `bytes` more fit.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        for (name, found) in self.files()? {
            let age =
                found.modified().ok().and_then(|written| self.now.duration_since(written).ok());
            if name.starts_with(UNFINISHED) && age.is_some_and(|age| age > UNFINISHED_MAX) {
                // Another process may have removed it.
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
        let entries = self.entries()?;
        let mut held: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if held.saturating_add(bytes) <= self.bytes_max {
                break;
            }
            self.remove(&entry.name)?;
            held -= entry.bytes;
        }
        Ok(())
    }

    fn write(&self, path: &Path, header: &[u8], distances: &[u32]) -> io::Result<()> {
        let bytes = (HEADER + 4 * distances.len() + 32) as u64;
        if bytes > self.bytes_max {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        self.make_room(bytes)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        let mut hasher = blake3::Hasher::new();
        let mut put = |block: &[u8]| {
            hasher.update(block);
            file.write_all(block)
        };
        put(header)?;
        let mut block = Vec::with_capacity(BLOCK);
        for distances in distances.chunks(BLOCK / 4) {
            block.clear();
            block.extend(distances.iter().flat_map(|distance| distance.to_le_bytes()));
            put(&block)?;
        }
        file.write_all(hasher.finalize().as_bytes())?;
        file.as_file().set_modified(self.now)?;
        file.persist(path)?;
        Ok(())
    }

    /// The distances of `trace` in the file; `None` if the file is damaged or of another trace.
    fn read(&self, path: &Path, trace: &Trace, expected: &[u8]) -> io::Result<Option<Vec<u32>>> {
        let runs = trace.run_pages().len();
        let bytes = (HEADER + 4 * runs + 32) as u64;
        // Opening a pipe would block.
        let found = fs::symlink_metadata(path)?;
        if !found.is_file() || !is_own(&found) || found.len() != bytes {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        let mut header = [0; HEADER];
        file.read_exact(&mut header)?;
        if header != *expected {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header);
        let mut distances = Vec::with_capacity(runs);
        let mut block = vec![0; BLOCK];
        while distances.len() < runs {
            let bytes = (4 * (runs - distances.len())).min(BLOCK);
            let block = &mut block[..bytes];
            file.read_exact(block)?;
            hasher.update(block);
            let word = |word: &[u8]| u32::from_le_bytes(word.try_into().expect("it has 4 bytes"));
            distances.extend(block.chunks_exact(4).map(word));
        }
        let mut stored = [0; 32];
        file.read_exact(&mut stored)?;
        if blake3::Hash::from_bytes(stored) != hasher.finalize() || !may_be_of(trace, &distances) {
            return Ok(None);
        }
        // If the time cannot be set, the entry is only removed earlier than it should be.
        let _ = file.set_modified(self.now);
        Ok(Some(distances))
    }
}

/// The header of this trace's entry.
fn header(trace: &Trace, content: ContentHash) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..16].copy_from_slice(MAGIC);
    header[16..48].copy_from_slice(content.bytes());
    let counts = [trace.run_pages().len() as u64, trace.accesses(), trace.distinct_pages() as u64];
    for (at, word) in counts.into_iter().enumerate() {
        header[48 + 8 * at..][..8].copy_from_slice(&word.to_le_bytes());
    }
    header
}

/// Whether these can be the stack distances of the trace's runs: cold at the first use of a page
/// and nowhere else; otherwise from 2 to the number of distinct pages so far, and at most the
/// number of runs since the page's last use. A stronger check would have to compute the distances.
fn may_be_of(trace: &Trace, distances: &[u32]) -> bool {
    let mut last = vec![COLD; trace.distinct_pages()];
    let mut distinct = 0;
    for (at, (&page, &distance)) in trace.run_pages().iter().zip(distances).enumerate() {
        let before = std::mem::replace(&mut last[page as usize], at as u32);
        let is_first = before == COLD;
        if is_first != (distance == COLD) {
            return false;
        }
        distinct += u32::from(is_first);
        if is_first {
            continue;
        }
        let runs = at as u32 - before;
        let least = if runs == 1 { 1 } else { 2 };
        if !(least..=distinct.min(runs)).contains(&distance) {
            return false;
        }
    }
    true
}

/// Whether this process's user owns the file and no other user can write it, where the system
/// tells.
fn is_own(found: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own = fs::metadata("/proc/self").map(|process| process.uid());
        found.mode() & 0o022 == 0 && own.is_ok_and(|own| own == found.uid())
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn cache(folder: PathBuf) -> Cache {
        Cache::new(folder, Cache::BYTES_MAX, NOW)
    }

    /// Looks up a copy of the trace that has no distances yet.
    fn load(cache: &Cache, trace: &Trace) -> Loaded {
        cache.load(trace, trace.content_hash())
    }

    fn long_trace() -> Trace {
        Trace::from_pages((0..RUNS_MIN as u64 + 10).map(|at| at * 7 % (PAGES_MIN as u64 + 5)))
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn computed_distances_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path().join("new"));
        let first = long_trace();
        assert!(Cache::is_worth_it(&first));
        assert!(matches!(load(&cache, &first), Loaded::Computed(Ok(()))));
        let again = long_trace();
        assert!(matches!(load(&cache, &again), Loaded::Read));
        assert_eq!(first.distances(), again.distances());
        assert!(matches!(load(&cache, &again), Loaded::InMemory));
    }

    #[test]
    fn a_damaged_or_foreign_entry_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path().to_owned());
        load(&cache, &long_trace());
        let path = entries(folder.path()).remove(0);
        let whole = fs::read(&path).unwrap();
        for damaged in [0, 20, 30, 48, 1_000_000, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[damaged] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let trace = long_trace();
            assert!(matches!(load(&cache, &trace), Loaded::Computed(Ok(()))), "byte {damaged}");
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(load(&cache, &long_trace()), Loaded::Computed(Ok(()))));
    }

    #[test]
    fn a_folder_that_cannot_be_made_changes_no_result() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = cache(file.path().join("below a file"));
        let trace = long_trace();
        assert!(matches!(load(&cache, &trace), Loaded::Computed(Err(_))));
        assert_eq!(trace.distances(), long_trace().distances());
    }

    /// Changes an entry and recomputes its hash, as an attacker could.
    fn forge(path: &Path, change: impl Fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(bytes.len() - 32);
        change(&mut bytes);
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn an_entry_with_impossible_distances_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path().to_owned());
        let trace = long_trace();
        load(&cache, &trace);
        let path = entries(folder.path()).remove(0);
        let whole = fs::read(&path).unwrap();
        let last = trace.run_pages().len() - 1;
        for (at, word) in [(0, 2), (last, COLD), (last, 0), (last, 1), (last, COLD - 1)] {
            fs::write(&path, &whole).unwrap();
            forge(&path, |bytes| {
                bytes[HEADER + 4 * at..][..4].copy_from_slice(&u32::to_le_bytes(word));
            });
            let found = load(&cache, &long_trace());
            assert!(matches!(found, Loaded::Computed(Ok(()))), "{word} at {at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_entry_that_others_may_write_or_that_is_not_a_file_is_ignored() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path().join("cache"));
        load(&cache, &long_trace());
        let path = entries(&folder.path().join("cache")).remove(0);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(load(&cache, &long_trace()), Loaded::Computed(Ok(()))));
        assert!(matches!(load(&cache, &long_trace()), Loaded::Read), "it was written again");
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(matches!(load(&cache, &long_trace()), Loaded::Computed(Ok(()))));
        // The pipe has no writer: opening it would block forever.
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(load(&cache, &long_trace()), Loaded::Computed(Ok(()))));
    }

    #[test]
    fn the_least_recently_used_entry_is_removed_if_the_cache_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let trace = |turn: u64| {
            let pages = PAGES_MIN as u64 + 5;
            Trace::from_pages((0..RUNS_MIN as u64).map(|at| (at * 7 + turn * (at & 1)) % pages))
        };
        let bytes = (HEADER + 4 * trace(0).run_pages().len() + 32) as u64;
        let at = |second| {
            let now = NOW + Duration::from_secs(second);
            Cache::new(folder.path(), 2 * bytes + bytes / 2, now)
        };
        let is_read = |cache: &Cache, turn| matches!(load(cache, &trace(turn)), Loaded::Read);
        fs::write(folder.path().join(".balloonist-dead"), "half").unwrap();
        let dead =
            File::options().write(true).open(folder.path().join(".balloonist-dead")).unwrap();
        dead.set_modified(NOW).unwrap();
        assert!(!is_read(&at(1), 0) && !is_read(&at(2), 2));
        assert!(is_read(&at(3), 0), "2 is now the least recently used");
        assert!(!is_read(&at(4), 4));
        assert_eq!(at(5).entries().unwrap().len(), 2);
        assert!(is_read(&at(5), 0) && is_read(&at(6), 4) && !is_read(&at(7), 2));
        assert!(folder.path().join(".balloonist-dead").exists(), "its writer may still be running");
        let small = Cache::new(folder.path(), bytes - 1, NOW + Duration::from_secs(8000));
        assert!(matches!(load(&small, &trace(6)), Loaded::Computed(Ok(()))));
        let entries = small.entries().unwrap();
        assert_eq!(entries.len(), 2, "an entry larger than the cache is not written");
        assert!(!is_read(&at(9000), 6));
        assert!(!folder.path().join(".balloonist-dead").exists());
        assert_eq!(at(9001).clear().unwrap().len(), 2);
        assert_eq!(at(9001).entries().unwrap(), []);
    }
}

//! The lock on an output folder: only one command writes to it at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::files::{create_folder, remove_leftovers};
use super::register::{Kind, foreign, register};
use super::text::{escaped, shown};

/// A locked folder; no other process writes to it while this value lives.
#[derive(Debug)]
pub(super) struct HeldFolder {
    pub(super) path: PathBuf,
    /// The locked file. The system releases the lock however the process ends.
    lock: File,
    /// Whether the lock file stays afterwards, as in the folders of sweeps.
    stays: bool,
    /// The lock file's earlier content, restored if the command is refused later.
    earlier: String,
    /// The files that a killed command was committing: some may be there, and no manifest lists
    /// them.
    pub(super) cut_short: Vec<String>,
}

impl HeldFolder {
    /// Creates the folder if necessary, locks it, and removes the leftovers of killed commands.
    ///
    /// # Errors
    /// Another command holds the lock, or there is a foreign file named `lock`.
    pub(super) fn hold(path: &Path) -> Result<Self, Failure> {
        create_folder(path)?;
        let place = path.join(LOCK);
        register().writes(&place, Kind::Known)?;
        let failure = |error: io::Error| Failure::io(&place, &error);
        let (lock, earlier) = loop {
            let earlier = earlier(&place)?;
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let lock = options.open(&place).map_err(failure)?;
            match lock.try_lock() {
                // The previous holder may have removed the file before it was locked here.
                Ok(()) if is_still(&lock, &place) => break (lock, earlier),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use(path, lock)),
                Err(TryLockError::Error(error)) => return Err(failure(error)),
            }
        };
        let moves = earlier.lines().filter_map(|line| line.strip_prefix(MOVES));
        let cut_short = moves.map(str::to_owned).collect();
        if earlier.is_empty() {
            register().temporary.insert(place.clone());
        }
        let mut held = Self { path: path.to_owned(), lock, stays: false, earlier, cut_short };
        held.name_holder().map_err(failure)?;
        remove_leftovers(path)?;
        Ok(held)
    }

    /// Keeps the lock file however the command ends.
    pub(super) fn keep_lock(&mut self) {
        self.stays = true;
        register().temporary.remove(&self.path.join(LOCK));
    }

    /// Records in the lock file that these files are being committed.
    pub(super) fn begin_to_move(&mut self, names: &[String]) -> Result<(), Failure> {
        self.keep_lock();
        let lines =
            names.iter().map(|name| format!("{MOVES}{name}\n")).collect::<Vec<_>>().concat();
        let written = self.lock.write_all(lines.as_bytes()).and_then(|()| self.lock.sync_all());
        written.map_err(|error| Failure::io(self.path.join(LOCK), &error))
    }

    /// Records that all files are committed; `stays` tells whether the lock file stays.
    pub(super) fn has_moved(&mut self, stays: bool) -> Result<(), Failure> {
        self.stays = stays;
        self.earlier.clear();
        self.cut_short.clear();
        self.name_holder().map_err(|error| Failure::io(self.path.join(LOCK), &error))
    }

    fn name_holder(&mut self) -> io::Result<()> {
        let mut text = format!("{HOLDER}{}{}\n", std::process::id(), host());
        text.extend(self.cut_short.iter().map(|name| format!("{MOVES}{name}\n")));
        rewrite(&mut self.lock, &text)
    }
}

fn rewrite(lock: &mut File, text: &str) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(text.as_bytes())
}

impl Drop for HeldFolder {
    fn drop(&mut self) {
        let place = self.path.join(LOCK);
        if !self.stays && is_still(&self.lock, &place) {
            // The command changed nothing, or all its files are committed.
            let _ = if self.earlier.is_empty() {
                fs::remove_file(&place)
            } else {
                rewrite(&mut self.lock, &self.earlier)
            };
        }
        if !self.stays {
            register().temporary.remove(&place);
        }
    }
}

/// The lock file, the prefix of its first line, and the prefix of each file being committed.
const LOCK: &str = "lock";
const HOLDER: &str = "process ";
const MOVES: &str = "moves ";

/// The content that an earlier command left in the lock file. A foreign file is refused, even with
/// `--force`.
fn earlier(place: &Path) -> Result<String, Failure> {
    let Ok(found) = fs::symlink_metadata(place) else { return Ok(String::new()) };
    if !found.is_file() {
        return Err(foreign(place));
    }
    let mut text = String::new();
    let read = File::open(place).and_then(|file| file.take(1 << 20).read_to_string(&mut text));
    match read {
        Ok(_) if text.is_empty() || text.starts_with(HOLDER) => Ok(text),
        Ok(_) => Err(foreign(place)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(foreign(place)),
        Err(error) => Err(Failure::io(place, &error)),
    }
}

/// Whether the path still names the open file.
fn is_still(file: &File, place: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let inode = |found: fs::Metadata| (found.dev(), found.ino());
        let open = file.metadata().map(inode).ok();
        open.is_some() && open == fs::symlink_metadata(place).map(inode).ok()
    }
    // On other systems an open file cannot be removed.
    #[cfg(not(unix))]
    {
        let _ = file;
        place.exists()
    }
}

fn in_use(path: &Path, mut lock: File) -> Failure {
    let mut holder = String::new();
    // If it cannot be read, the message names no holder.
    let _ = lock.read_to_string(&mut holder);
    let holder = escaped(holder.trim());
    let holder = if holder.is_empty() { "another process" } else { &holder };
    let folder = shown(path);
    Failure::Io(format!("{folder} is in use by {holder}; wait for it, or use another folder"))
}

/// " on HOST", or empty if the host's name is unknown.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { String::new() } else { format!(" on {}", name.trim()) }
}

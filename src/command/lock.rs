//! A folder of output while one command fills it: no other command writes there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::files::{create_folder, remove_leftovers};
use super::register::{Kind, foreign, register};
use super::text::{escaped, shown};

/// A folder that no other process fills while this value lives.
#[derive(Debug)]
pub(super) struct HeldFolder {
    pub(super) path: PathBuf,
    /// The system gives the lock up with the file, however the process ends.
    lock: File,
    /// Whether the file of the lock stays, as in the folders of sweeps.
    stays: bool,
    /// What the file said before, for a command that is refused after it took hold.
    earlier: String,
    /// The files that a command was moving here when it was killed: some may be there already,
    /// and no manifest lists them.
    pub(super) cut_short: Vec<String>,
}

impl HeldFolder {
    /// Makes the folder where there is none, takes hold of it, and removes what killed commands
    /// have left there.
    ///
    /// # Errors
    /// Another command holds it, or a file of somebody else is called `lock`.
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
                // Who held it may have removed it in between.
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

    /// The lock's file stays, however the command ends.
    pub(super) fn keep_lock(&mut self) {
        self.stays = true;
        register().temporary.remove(&self.path.join(LOCK));
    }

    /// Says in the lock's file, which stays until the folder is whole, that these files are being
    /// moved to their places.
    pub(super) fn begin_to_move(&mut self, names: &[String]) -> Result<(), Failure> {
        self.keep_lock();
        let lines =
            names.iter().map(|name| format!("{MOVES}{name}\n")).collect::<Vec<_>>().concat();
        let written = self.lock.write_all(lines.as_bytes()).and_then(|()| self.lock.sync_all());
        written.map_err(|error| Failure::io(self.path.join(LOCK), &error))
    }

    /// The files are at their places; `stays` says whether the lock's file does.
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
            // The command changed nothing, or all its files have moved.
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

/// The file whose lock holds a folder, what it begins with, and what stands before the name of a
/// file that is being moved.
const LOCK: &str = "lock";
const HOLDER: &str = "process ";
const MOVES: &str = "moves ";

/// What an earlier command has left in its lock; a file of somebody else is refused, with
/// `--force` too.
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

/// Whether the path still leads to the file that is open.
fn is_still(file: &File, place: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let inode = |found: fs::Metadata| (found.dev(), found.ino());
        let open = file.metadata().map(inode).ok();
        open.is_some() && open == fs::symlink_metadata(place).map(inode).ok()
    }
    // Elsewhere an open file cannot be removed.
    #[cfg(not(unix))]
    {
        let _ = file;
        place.exists()
    }
}

fn in_use(path: &Path, mut lock: File) -> Failure {
    let mut holder = String::new();
    // Without it the message says less.
    let _ = lock.read_to_string(&mut holder);
    let holder = escaped(holder.trim());
    let holder = if holder.is_empty() { "another process" } else { &holder };
    let folder = shown(path);
    Failure::Io(format!("{folder} is in use by {holder}; wait for it, or take another folder"))
}

/// " on HOST" where the system tells its name.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { String::new() } else { format!(" on {}", name.trim()) }
}

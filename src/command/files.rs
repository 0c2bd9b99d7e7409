//! Files that a command writes: entered in the register before the work, written beside their
//! place, moved there when they are whole.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use balloonist::store::digest::Hasher;
use balloonist::store::manifest::FileEntry;
use tempfile::NamedTempFile;

use super::failure::Failure;
use super::register::{Kind, Register, Target, foreign, register};

/// A file under construction. Dropped before [`commit`](Self::commit), it leaves nothing behind.
#[derive(Debug)]
pub(super) struct NewFile {
    /// What messages call it.
    path: PathBuf,
    kind: Kind,
    out: BufWriter<Sink>,
    lines: u64,
    hasher: Hasher,
    /// The first line so far, of a table.
    header: Vec<u8>,
}

/// Where the bytes of a file go.
#[derive(Debug)]
enum Sink {
    /// Into a temporary file, which will be at this place.
    Temporary(Temporary, PathBuf),
    /// Into a pipe or a device.
    Device(File),
}

/// A temporary file that the register knows, and a lock on it that says that its owner lives.
#[derive(Debug)]
struct Temporary(Option<NamedTempFile>);

impl NewFile {
    /// Begins a file that will be at `path`, whose folder exists. Pipes and devices are written as
    /// the bytes come.
    ///
    /// # Errors
    /// It is an input, another output or a file of somebody else, or cannot be written.
    pub(super) fn create(path: &Path, kind: Kind) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::io(path, &error);
        let mut register = register();
        let sink = match register.writes(path, kind)? {
            Target::File(place) => {
                let file = Temporary::beside(&place, &mut register).map_err(failure)?;
                Sink::Temporary(file, place)
            }
            Target::Device => {
                Sink::Device(File::options().write(true).open(path).map_err(failure)?)
            }
        };
        drop(register);
        let out = BufWriter::with_capacity(1 << 16, sink);
        let (path, hasher) = (path.to_owned(), Hasher::default());
        Ok(Self { path, kind, out, lines: 0, hasher, header: Vec::new() })
    }

    /// Writes the whole text.
    pub(super) fn put(&mut self, text: &str) -> Result<(), Failure> {
        self.write_all(text.as_bytes()).map_err(|error| self.failure(&error))
    }

    /// What messages call it.
    pub(super) fn place(&self) -> &Path {
        &self.path
    }

    /// A failure of this file.
    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        Failure::io(&self.path, error)
    }

    /// What the manifest says of it under a name: a table has as many rows as lines below the
    /// header.
    pub(super) fn entry(&self, name: &str) -> FileEntry {
        let name = name.to_owned();
        FileEntry { name, rows: self.lines.saturating_sub(1), digest: self.hasher.digest() }
    }

    /// Sets the lines that count, of a file whose bytes have other lines or none.
    pub(super) fn set_lines(&mut self, lines: u64) {
        self.lines = lines;
    }

    /// Makes sure that the bytes so far survive a power cut, which a file that is moved to its
    /// place otherwise need not.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        let synced = self.out.flush().and_then(|()| match self.out.get_ref() {
            Sink::Temporary(file, _) => file.file().as_file().sync_all(),
            Sink::Device(_) => Ok(()),
        });
        synced.map_err(|error| self.failure(&error))
    }

    /// Moves the file to its place, over what is there.
    pub(super) fn commit(self) -> Result<(), Failure> {
        commit_all(vec![self])
    }

    /// Refuses to replace a table with another header, which is none of ours.
    fn refuse_foreign_table(&self) -> Result<(), Failure> {
        let Sink::Temporary(_, place) = self.out.get_ref() else { return Ok(()) };
        if self.kind != Kind::Table || register().is_forced() {
            return Ok(());
        }
        let Ok(file) = File::open(place) else { return Ok(()) };
        let mut there = Vec::new();
        let most = self.header.len() as u64;
        let read = io::Read::take(BufReader::new(file), most).read_until(b'\n', &mut there);
        read.map_err(|error| self.failure(&error))?;
        if there.is_empty() || there == self.header { Ok(()) } else { Err(foreign(&self.path)) }
    }
}

/// Files that land together: each is whole before the first is moved, and a signal waits until the
/// last has been.
pub(super) fn commit_all(mut files: Vec<NewFile>) -> Result<(), Failure> {
    for file in &mut files {
        file.flush().map_err(|error| file.failure(&error))?;
        file.refuse_foreign_table()?;
    }
    let mut files = files.into_iter();
    let mut register = register();
    let moved = files.try_for_each(|NewFile { path, out, .. }| {
        // All bytes have been flushed.
        let (sink, _) = out.into_parts();
        let Sink::Temporary(file, place) = sink else { return Ok(()) };
        file.persist(&place, &mut register).map_err(|error| Failure::io(&path, &error))
    });
    // Those that are left take themselves out of it.
    drop(register);
    moved
}

impl Temporary {
    /// A new file in the folder of `place`.
    fn beside(place: &Path, register: &mut Register) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(Path::new("/"));
        loop {
            let file = builder().tempfile_in(folder)?;
            // Another command may have taken the file for a dead one's before the lock was there.
            // Where a file system has no locks nothing is ever removed.
            if file.as_file().try_lock().is_err_and(|error| is_held(&error))
                || !file.path().exists()
            {
                continue;
            }
            register.temporary.insert(file.path().to_owned());
            return Ok(Self(Some(file)));
        }
    }

    fn file(&self) -> &NamedTempFile {
        self.0.as_ref().expect("it is there until it is moved")
    }

    fn persist(mut self, place: &Path, register: &mut Register) -> io::Result<()> {
        let file = self.0.take().expect("it is there until it is moved");
        let temporary = file.path().to_owned();
        let moved = file.persist(place).map(drop).map_err(|error| error.error);
        register.temporary.remove(&temporary);
        register.has_moved |= moved.is_ok();
        moved
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let path = file.path().to_owned();
            drop(file);
            register().temporary.remove(&path);
        }
    }
}

fn is_held(error: &fs::TryLockError) -> bool {
    matches!(error, fs::TryLockError::WouldBlock)
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file, _) => file.file().as_file().write(bytes),
            Self::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        if self.kind == Kind::Table && self.lines == 0 {
            let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            self.header.extend_from_slice(&bytes[..end]);
        }
        self.lines += bytes.split(|&byte| byte == b'\n').count() as u64 - 1;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// While this is held, a signal waits: files that belong together are moved together.
pub(super) fn moving() -> MutexGuard<'static, ()> {
    static MOVING: Mutex<()> = Mutex::new(());
    // What it guards is on the disk; a panic leaves nothing half changed in memory.
    MOVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is under construction, and folders that were made for it, as the process ends:
/// nothing can be created or committed afterwards. Returns whether files were moved before.
pub(super) fn abandon_all() -> bool {
    std::mem::forget(moving());
    let register = register();
    for file in &register.temporary {
        // It may be gone already; otherwise there is nothing more to be done.
        let _ = fs::remove_file(file);
    }
    remove_empty(&register);
    let has_moved = register.has_moved;
    std::mem::forget(register);
    has_moved
}

/// Removes the folders that a command has made and put nothing into.
pub(super) fn remove_made_folders() {
    remove_empty(&register());
}

fn remove_empty(register: &Register) {
    for folder in register.made.iter().rev() {
        // One that is not empty stays.
        let _ = fs::remove_dir(folder);
    }
}

/// Makes a folder for output, and those above it.
pub(super) fn create_folder(folder: &Path) -> Result<(), Failure> {
    let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
    let mut missing: Vec<&Path> = missing.take_while(|folder| !folder.exists()).collect();
    missing.reverse();
    fs::create_dir_all(folder).map_err(|error| Failure::io(folder, &error))?;
    register().made.extend(missing.into_iter().map(super::register::place_of));
    Ok(())
}

/// Writes a file in one go.
pub(super) fn write(place: &Path, text: &str, kind: Kind) -> Result<(), Failure> {
    let mut file = NewFile::create(place, kind)?;
    file.put(text)?;
    file.commit()
}

/// Removes a file that may be there.
pub(super) fn remove(place: &Path) -> Result<(), Failure> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io(place, &error)),
        _ => Ok(()),
    }
}

/// Removes what processes that were killed have left under construction in a folder. Those that
/// live hold locks on their files.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::io(folder, &error);
    for entry in fs::read_dir(folder).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let is_temporary = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|found| found.is_file());
        if !is_temporary {
            continue;
        }
        // It may have been moved to its place since.
        let Ok(file) = File::options().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// What the names of files under construction begin with.
const PREFIX: &str = ".balloonist-";

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    // A temporary file is its owner's alone; results are for whoever the umask lets read them.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

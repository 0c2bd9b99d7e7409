//! Output files: registered before the work starts, written to a temporary file in the same folder,
//! and renamed when complete.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use balloonist::store::digest::Hasher;
use balloonist::store::manifest::FileEntry;
use tempfile::NamedTempFile;

use super::failure::Failure;
use super::register::{Kind, Register, Target, foreign, register};

/// An output file being written. If it is dropped before [`commit`](Self::commit), nothing is left
/// behind.
#[derive(Debug)]
pub(super) struct NewFile {
    /// Its name in messages.
    path: PathBuf,
    kind: Kind,
    out: BufWriter<Sink>,
    lines: u64,
    hasher: Hasher,
    /// The first line of a table so far.
    header: Vec<u8>,
}

/// Where the bytes of a file go.
#[derive(Debug)]
enum Sink {
    /// To a temporary file, to be renamed to this path.
    Temporary(Temporary, PathBuf),
    /// To a pipe or a device.
    Device(File),
}

/// A temporary file, entered in the register. It is locked while its process is alive.
#[derive(Debug)]
struct Temporary(Option<NamedTempFile>);

impl NewFile {
    /// Creates an output file that will be at `path`, whose folder exists. Pipes and devices are
    /// written directly.
    ///
    /// # Errors
    /// The path names an input, another output or a file that balloonist did not write, or cannot
    /// be written.
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
        self.put_bytes(text.as_bytes())
    }

    /// Adds bytes.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write_all(bytes).map_err(|error| self.failure(&error))
    }

    /// Its name in messages.
    pub(super) fn place(&self) -> &Path {
        &self.path
    }

    /// A failure of this file.
    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        Failure::io(&self.path, error)
    }

    /// Its entry in the manifest. A table has as many rows as lines after the header.
    pub(super) fn entry(&self, name: &str) -> FileEntry {
        let name = name.to_owned();
        FileEntry { name, rows: self.lines.saturating_sub(1), digest: self.hasher.digest() }
    }

    /// Sets the number of lines for the manifest, for a compressed file.
    pub(super) fn set_lines(&mut self, lines: u64) {
        self.lines = lines;
    }

    /// Flushes the bytes so far to disk. Without it, a renamed file may be empty after a power
    /// failure.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        let synced = self.out.flush().and_then(|()| match self.out.get_ref() {
            Sink::Temporary(file, _) => file.file().as_file().sync_all(),
            Sink::Device(_) => Ok(()),
        });
        synced.map_err(|error| self.failure(&error))
    }

    /// Renames the file to its path, replacing what is there.
    pub(super) fn commit(self) -> Result<(), Failure> {
        commit_all(vec![self])
    }

    /// Refuses to replace a table with a different header, which balloonist did not write.
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

/// Commits files together: all are complete before the first is renamed, and signals are delayed
/// until the last one is.
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
    // The remaining files are removed when dropped.
    drop(register);
    moved
}

impl Temporary {
    /// Creates a temporary file in the folder of `place`.
    fn beside(place: &Path, register: &mut Register) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(Path::new("/"));
        loop {
            let file = builder().tempfile_in(folder)?;
            // Another command may have removed the file as a leftover before it was locked. On file
            // systems without locks, leftovers are never removed.
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
        self.0.as_ref().expect("present until it is renamed")
    }

    fn persist(mut self, place: &Path, register: &mut Register) -> io::Result<()> {
        let file = self.0.take().expect("present until it is renamed");
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

/// Delays signals while it is held, so that related files are renamed together.
pub(super) fn moving() -> MutexGuard<'static, ()> {
    static MOVING: Mutex<()> = Mutex::new(());
    // The lock guards no data in memory, so poisoning does not matter.
    MOVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes temporary files and the empty folders made for them when a signal ends the process.
/// Nothing can be created or committed afterwards. Returns whether any file was already committed.
pub(super) fn abandon_all() -> bool {
    std::mem::forget(moving());
    let register = register();
    for file in &register.temporary {
        // It may be gone already; other errors cannot be handled here.
        let _ = fs::remove_file(file);
    }
    remove_empty(&register);
    let has_moved = register.has_moved;
    std::mem::forget(register);
    has_moved
}

/// Removes folders that the command created and that are still empty.
pub(super) fn remove_made_folders() {
    remove_empty(&register());
}

fn remove_empty(register: &Register) {
    for folder in register.made.iter().rev() {
        // Fails for folders that are not empty, which stay.
        let _ = fs::remove_dir(folder);
    }
}

/// Creates an output folder and its parents.
pub(super) fn create_folder(folder: &Path) -> Result<(), Failure> {
    let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
    let mut missing: Vec<&Path> = missing.take_while(|folder| !folder.exists()).collect();
    missing.reverse();
    fs::create_dir_all(folder).map_err(|error| Failure::io(folder, &error))?;
    register().made.extend(missing.into_iter().map(super::register::place_of));
    Ok(())
}

/// Writes a whole file.
pub(super) fn write(place: &Path, text: &str, kind: Kind) -> Result<(), Failure> {
    let mut file = NewFile::create(place, kind)?;
    file.put(text)?;
    file.commit()
}

/// Removes a file if it exists.
pub(super) fn remove(place: &Path) -> Result<(), Failure> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io(place, &error)),
        _ => Ok(()),
    }
}

/// Removes the temporary files of killed processes from a folder. Running processes hold locks on
/// theirs.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::io(folder, &error);
    for entry in fs::read_dir(folder).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let is_temporary = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|found| found.is_file());
        if !is_temporary {
            continue;
        }
        // It may have been renamed in the meantime.
        let Ok(file) = File::options().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The prefix of temporary files' names.
const PREFIX: &str = ".balloonist-";

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    // Results get the permissions of ordinary files under the umask; temporary files are private by
    // default.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

//! Files that a command writes: opened before the work, written beside their place, moved there
//! when they are whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use balloonist::store::digest::Digest;
use balloonist::store::manifest::FileEntry;
use tempfile::NamedTempFile;

use super::failure::Failure;

/// A file under construction. Dropped before [`commit`](Self::commit), it leaves nothing behind.
#[derive(Debug)]
pub(super) struct NewFile {
    place: PathBuf,
    out: BufWriter<NamedTempFile>,
    lines: u64,
    digest: Digest,
}

impl NewFile {
    /// Begins a file that will be at `place`, whose folder exists.
    ///
    /// A symbolic link is followed. What is there and is no file, such as a device or a pipe, is
    /// refused: moving a file there would destroy it.
    pub(super) fn create(place: &Path) -> Result<Self, Failure> {
        let place = &place_for_file(place).map_err(|error| Failure::io(place, &error))?;
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        let file = builder().tempfile_in(folder).map_err(|error| Failure::io(place, &error))?;
        let mut under_construction = UNDER_CONSTRUCTION.lock().expect(NO_PANIC);
        under_construction.insert(file.path().to_owned(), place.to_owned());
        drop(under_construction);
        let out = BufWriter::with_capacity(1 << 16, file);
        Ok(Self { place: place.to_owned(), out, lines: 0, digest: Digest::default() })
    }

    /// Writes the whole text.
    pub(super) fn put(&mut self, text: &str) -> Result<(), Failure> {
        self.write_all(text.as_bytes()).map_err(|error| self.failure(&error))
    }

    /// Where it will be.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// A failure of this file.
    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        Failure::io(&self.place, error)
    }

    /// What the manifest says of it under a name: a table has as many rows as lines below the
    /// header.
    pub(super) fn entry(&self, name: &str) -> FileEntry {
        let name = name.to_owned();
        FileEntry { name, rows: self.lines.saturating_sub(1), digest: self.digest }
    }

    /// Sets the lines that count, of a file whose bytes have other lines or none.
    pub(super) fn set_lines(&mut self, lines: u64) {
        self.lines = lines;
    }

    /// Makes sure that the bytes so far survive a power cut, which a file that is moved to its
    /// place otherwise need not.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().as_file().sync_all());
        synced.map_err(|error| self.failure(&error))
    }

    /// Moves the file to its place, over what is there.
    pub(super) fn commit(self) -> Result<(), Failure> {
        let Self { place, out, .. } = self;
        let file = out.into_inner().map_err(|error| Failure::io(&place, error.error()))?;
        let mut under_construction = UNDER_CONSTRUCTION.lock().expect(NO_PANIC);
        under_construction.remove(file.path());
        let moved = file.persist(&place).map_err(|error| error.error);
        moved.map(drop).map_err(|error| Failure::io(&place, &error))
    }
}

/// Where a file that is to be at `path` is moved when it is whole: a symbolic link is followed.
fn place_for_file(path: &Path) -> io::Result<PathBuf> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&place).is_ok_and(|found| !found.is_file()) {
        let text = "is no regular file; name a file, or `-` for standard output where a command \
                    takes it";
        return Err(io::Error::other(text));
    }
    Ok(place)
}

/// The temporary files that exist, and where each will be; a signal gives their owners no time to
/// drop them.
static UNDER_CONSTRUCTION: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
const NO_PANIC: &str = "nobody panics while holding the list of files";

/// Whether this command is about to move another file over the one at `place`.
pub(super) fn is_under_construction(place: &Path) -> bool {
    let files = UNDER_CONSTRUCTION.lock().expect(NO_PANIC);
    place_for_file(place).is_ok_and(|place| files.values().any(|known| *known == place))
}

/// Removes all files under construction; nothing can be created or committed afterwards.
pub(super) fn abandon_all() {
    let files = UNDER_CONSTRUCTION.lock().expect(NO_PANIC);
    for file in files.keys() {
        // It may be gone already; otherwise there is nothing more to be done.
        let _ = fs::remove_file(file);
    }
    // The process ends now, and nobody may add a file before it does.
    std::mem::forget(files);
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.lines += bytes.split(|&byte| byte == b'\n').count() as u64 - 1;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Files that land together: each is whole before the first is moved.
pub(super) fn commit_all(files: Vec<NewFile>) -> Result<(), Failure> {
    let mut files = files;
    for file in &mut files {
        file.flush().map_err(|error| file.failure(&error))?;
    }
    files.into_iter().try_for_each(NewFile::commit)
}

/// Makes a folder for output, and those above it.
pub(super) fn create_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::io(folder, &error))
}

/// Writes a file in one go.
pub(super) fn write(place: &Path, text: &str) -> Result<(), Failure> {
    let mut file = NewFile::create(place)?;
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

/// Removes what a process that was killed has left under construction in a folder that nobody else
/// works in.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::io(folder, &error);
    for entry in fs::read_dir(folder).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_file(entry.path()).map_err(|error| Failure::io(entry.path(), &error))?;
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

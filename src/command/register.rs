//! The register of files that a command reads and writes. Every output is registered before the
//! work starts. An output that names an input, another output, or a file that balloonist did not
//! write is refused.
//!
//! Two paths are the same file if they resolve to the same absolute path or have the same inode.
//! Pipes and devices are exempt: they have no content to lose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::Failure;
use balloonist::render::pdf;
use balloonist::store::tune::FRAGMENT;

use super::text::shown;

/// What this process reads and writes.
#[derive(Debug)]
pub(super) struct Register {
    files: BTreeMap<Identity, Entry>,
    /// Temporary files, which a signal must remove because destructors do not run.
    pub(super) temporary: BTreeSet<PathBuf>,
    /// Folders created for outputs; empty ones are removed on failure.
    pub(super) made: Vec<PathBuf>,
    /// Whether any output has been committed.
    pub(super) has_moved: bool,
    /// `--force`: foreign files may be replaced.
    force: bool,
}

static REGISTER: Mutex<Register> = Mutex::new(Register {
    files: BTreeMap::new(),
    temporary: BTreeSet::new(),
    made: Vec::new(),
    has_moved: false,
    force: false,
});

/// The register of this process.
pub(super) fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().expect("no thread panics while it holds the register")
}

/// The identity of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// An absolute path without symbolic links.
    Place(PathBuf),
    /// The device and inode of a file that exists.
    #[cfg(unix)]
    Inode(u64, u64),
}

#[derive(Clone, Debug)]
struct Entry {
    is_output: bool,
    shown: String,
}

/// The kind of an output, by which it is decided whether balloonist wrote an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An HTML page.
    Page,
    /// A picture, SVG or PDF.
    Picture,
    /// A grid of `walk` as text or LaTeX.
    Grid,
    /// The events of a run.
    Events,
    /// A trace.
    Trace,
    /// A fragment of a scenario, by `tune`.
    Fragment,
    /// A CSV table; `NewFile::commit` compares its header.
    Table,
    /// A file known to be balloonist's, by its folder or because the user says so.
    Known,
}

impl Kind {
    /// Whether balloonist wrote a file of this kind that begins with `head`.
    fn wrote(self, head: &[u8]) -> bool {
        match self {
            Self::Page => {
                head.starts_with(b"<!doctype html>\n<html lang=\"en\">\n<head>\n")
                    && contains(head, b"content=\"default-src 'none'; ")
            }
            Self::Picture => {
                head.starts_with(pdf::BEGINNING)
                    || head.starts_with(b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=")
                        && contains(head, b"aria-labelledby=\"title desc\">\n<title id=\"title\">")
            }
            Self::Grid => {
                contains(head, b" demand fault")
                    && (contains(head, b"\n\npage ") || contains(head, b"\n\\begin{tabular}"))
            }
            Self::Events => {
                head.starts_with(b"{\"event\":\"run\",")
                    || head.starts_with(b"{\"displayTimeUnit\":\"ms\",\"otherData\":{")
                    || contains(head, b"\npage miss: an access that takes the frame of another")
            }
            Self::Trace => head.starts_with(b"\xb1balloon"),
            Self::Fragment => head.starts_with(FRAGMENT.as_bytes()),
            Self::Table | Self::Known => true,
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The bytes by which a file is recognised.
const HEAD: u64 = 1 << 10;

impl Register {
    /// Allows outputs to replace foreign files.
    pub(super) fn force(&mut self) {
        self.force = true;
    }

    /// Registers an input; refuses one that is already an output.
    pub(super) fn reads(&mut self, path: &Path) -> Result<(), Failure> {
        let path = if is_stdin(path) { Path::new(STDIN) } else { path };
        let identities = identities(path);
        if let Some(known) = identities.iter().find_map(|known| self.files.get(known))
            && known.is_output
        {
            return Err(overlap(&known.shown, false, &shown(path)));
        }
        let entry = Entry { is_output: false, shown: shown(path) };
        self.files.extend(identities.into_iter().map(|known| (known, entry.clone())));
        Ok(())
    }

    /// Registers an output and returns its target; symbolic links are followed.
    pub(super) fn writes(&mut self, path: &Path, kind: Kind) -> Result<Target, Failure> {
        if is_device(path) {
            return Ok(Target::Device);
        }
        let failure = |error: io::Error| Failure::io(path, &error);
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link && fs::metadata(path).is_err() {
            return Err(failure(io::Error::other("is a dangling symbolic link; remove it")));
        }
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let text = "is not a regular file; name a file, or `-` for standard output if the \
                        command supports it";
            return Err(failure(io::Error::other(text)));
        }
        let identities = identities(path);
        if let Some(known) = identities.iter().find_map(|known| self.files.get(known)) {
            return Err(overlap(&shown(path), known.is_output, &known.shown));
        }
        if !self.force && !is_ours(path, kind).map_err(failure)? {
            return Err(foreign(path));
        }
        let entry = Entry { is_output: true, shown: shown(path) };
        self.files.extend(identities.into_iter().map(|known| (known, entry.clone())));
        Ok(Target::File(place_of(path)))
    }

    /// Whether foreign files may be replaced.
    pub(super) fn is_forced(&self) -> bool {
        self.force
    }

    /// Whether this command writes the file at `path`.
    pub(super) fn is_output(&self, path: &Path) -> bool {
        identities(path).iter().any(|known| self.files.get(known).is_some_and(|it| it.is_output))
    }
}

/// Where an output goes.
#[derive(Debug)]
pub(super) enum Target {
    /// To this path, when complete.
    File(PathBuf),
    /// To a pipe, a terminal or another device, directly.
    Device,
}

/// The failure for an output that is also another file of the command.
fn overlap(output: &str, is_output: bool, other: &str) -> Failure {
    let what = if is_output { "is written twice" } else { "is read and would be replaced" };
    let which =
        if output == other { String::new() } else { format!(" (the same file as {other})") };
    Failure::Usage(format!("{output} {what}{which}; name another file"))
}

/// The failure for an output that would replace a foreign file.
pub(super) fn foreign(path: &Path) -> Failure {
    let path = shown(path);
    Failure::Usage(format!(
        "{path} exists and was not written by this command; name another file, or replace it with \
         --force"
    ))
}

/// Whether the file at `path` is missing, empty or written by balloonist.
fn is_ours(path: &Path, kind: Kind) -> io::Result<bool> {
    let mut head = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(HEAD).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(head.is_empty() || kind.wrote(&head))
}

/// All identities of a file.
fn identities(path: &Path) -> Vec<Identity> {
    let inode = fs::metadata(path).ok().filter(Metadata::is_file);
    let place = Identity::Place(place_of(path));
    std::iter::once(place).chain(inode.as_ref().and_then(inode_of)).collect()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn inode_of(file: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Identity::Inode(file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn inode_of(_: &Metadata) -> Option<Identity> {
    None
}

/// The absolute path of `path` without symbolic links; components that do not exist are kept as
/// written.
pub(super) fn place_of(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut rest = Vec::new();
    let mut known = absolute.as_path();
    loop {
        if let Ok(mut place) = fs::canonicalize(known) {
            for part in rest.into_iter().rev() {
                match part {
                    Component::ParentDir => drop(place.pop()),
                    part => place.push(part),
                }
            }
            return place;
        }
        let (Some(parent), Some(last)) = (known.parent(), known.components().next_back()) else {
            return absolute;
        };
        rest.push(last);
        known = parent;
    }
}

/// The path of standard input.
const STDIN: &str = "/dev/stdin";

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether an output's path is standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

/// Whether a path is neither a file nor a folder, or names an open file descriptor.
fn is_device(path: &Path) -> bool {
    let is_open = ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder));
    let found = fs::metadata(path);
    is_open
        || path.as_os_str() == "/dev/stderr"
        || found.is_ok_and(|found| !found.is_file() && !found.is_dir())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn register() -> Register {
        let (files, temporary, made) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Register { files, temporary, made, has_moved: false, force: false }
    }

    #[test]
    fn one_file_under_many_names_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("below")).unwrap();
        fs::write(at("input"), "precious").unwrap();
        fs::hard_link(at("input"), at("hard")).unwrap();
        std::os::unix::fs::symlink(at("input"), at("soft")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("loop")).unwrap();
        let names = ["input", "hard", "soft", "below/../input", "./input", "loop/loop/input"];
        for name in names {
            let mut register = register();
            register.reads(&at("input")).unwrap();
            assert!(register.writes(&at(name), Kind::Known).is_err(), "{name}");
            let mut register = self::register();
            register.writes(&at(name), Kind::Known).unwrap();
            assert!(register.reads(&at("input")).is_err(), "{name}, in reverse order");
        }
        // A file that does not exist yet is recognised under two names too.
        for name in ["new", "loop/new", "below/../new", "missing/../new"] {
            let mut register = register();
            register.writes(&at("new"), Kind::Known).unwrap();
            assert!(register.writes(&at(name), Kind::Known).is_err(), "{name}");
            assert!(register.writes(&at("newer"), Kind::Known).is_ok());
        }
    }

    #[test]
    fn devices_are_written_as_often_as_one_likes() {
        let mut register = register();
        for _ in 0..2 {
            let target = register.writes(Path::new("/dev/null"), Kind::Page);
            assert!(matches!(target, Ok(Target::Device)));
        }
        assert!(register.reads(Path::new("/dev/null")).is_ok());
    }
}

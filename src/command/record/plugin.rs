//! The recorder: a plugin of QEMU whose source is part of this program, built once for each version
//! of it and kept in the user's cache folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use balloonist::store::digest::Hasher;
use directories::ProjectDirs;

use super::super::text::shown;
use super::super::{Context, Failure};

/// The files of `record/`; the compiler is given the first.
const SOURCES: [(&str, &str); 7] = [
    ("plugin.c", include_str!("../../../record/plugin.c")),
    ("recording.h", include_str!("../../../record/recording.h")),
    ("pages.h", include_str!("../../../record/pages.h")),
    ("stream.h", include_str!("../../../record/stream.h")),
    ("machine.h", include_str!("../../../record/machine.h")),
    ("qemu.h", include_str!("../../../record/qemu.h")),
    ("versions.h", include_str!("../../../record/versions.h")),
];

const COMPILERS: [&str; 3] = ["cc", "gcc", "clang"];
/// Without SSE, which a compiler takes to move 16 bytes: QEMU's code leaves the upper halves of
/// vector registers in use, and then its instructions are slow.
const FLAGS: [&str; 5] = ["-O2", "-mgeneral-regs-only", "-shared", "-fPIC", "-w"];

/// The recorder's file, built if it is not there.
///
/// # Errors
/// There is no compiler, it fails, or the folder cannot be written.
pub(super) fn built(context: &Context) -> Result<PathBuf, Failure> {
    let folder = match ProjectDirs::from("", "", "balloonist") {
        Some(user) => user.cache_dir().join("recorder"),
        None => std::env::temp_dir().join("balloonist-recorder"),
    };
    let mut hasher = Hasher::default();
    for (name, text) in SOURCES {
        hasher.update(name.as_bytes());
        hasher.update(text.as_bytes());
    }
    let digest = hasher.digest().to_string();
    let digits: String = digest.chars().filter(|&letter| letter != ':').collect();
    let place = folder.join(format!("{digits}.so"));
    if !place.is_file() {
        context.note(&format!("building the recorder in {}", shown(&folder)));
        build(&folder, &place)?;
    }
    Ok(place)
}

fn build(folder: &Path, place: &Path) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::io(folder, &error);
    fs::create_dir_all(folder).map_err(failure)?;
    let work = tempfile::tempdir_in(folder).map_err(failure)?;
    for (name, text) in SOURCES {
        fs::write(work.path().join(name), text).map_err(failure)?;
    }
    compile(work.path())?;
    // Another process may have built the same.
    fs::rename(work.path().join("recorder.so"), place).map_err(failure)
}

fn compile(work: &Path) -> Result<(), Failure> {
    let said = std::env::var_os("CC").filter(|compiler| !compiler.is_empty());
    let compilers = said.into_iter().chain(COMPILERS.map(Into::into));
    for compiler in compilers {
        let mut command = Command::new(&compiler);
        command.args(FLAGS).args(["-o", "recorder.so", SOURCES[0].0, "-ldl", "-lpthread"]);
        let output = match command.current_dir(work).output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            output => output.map_err(|error| Failure::io(Path::new(&compiler), &error))?,
        };
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let first = words.lines().find(|line| line.contains("error")).unwrap_or("it says nothing");
        return Err(Failure::Io(format!(
            "{} cannot build the recorder: {first}; it needs the C library's headers, on Debian \
             the package libc6-dev",
            compiler.to_string_lossy()
        )));
    }
    Err(Failure::Io(
        "there is no C compiler (cc, gcc, clang), which builds the recorder for QEMU; install one, \
         on Debian the packages gcc and libc6-dev, or name it in the variable CC"
            .to_owned(),
    ))
}

//! What QEMU is to run: a program is found as a shell would find it, a script's interpreter is run
//! in its place.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::super::Failure;
use super::super::text::shown;

/// QEMU for programs of x86-64.
pub(super) const QEMU: &str = "qemu-x86_64";

/// A command line of QEMU, without the plugin.
#[derive(Debug)]
pub(super) struct CommandLine {
    pub(super) qemu: OsString,
    /// Debian's package that it comes from.
    pub(super) package: &'static str,
    /// Those that follow the plugin's.
    pub(super) arguments: Vec<OsString>,
}

/// A script's first line is no longer (Linux, `fs/binfmt_script.c`).
const FIRST_LINE_MAX: u64 = 256;

/// A script may name a script that names a script.
const DEPTH_MAX: usize = 4;

/// Runs a program and its arguments.
///
/// # Errors
/// There is no such program.
pub(super) fn of_program(qemu: &OsStr, command: &[OsString]) -> Result<CommandLine, Failure> {
    let (mut command, mut name) = (command.to_vec(), command[0].clone());
    command[0] = found(&command[0])?.into();
    for _ in 0..DEPTH_MAX {
        let Some(mut interpreter) = interpreter(Path::new(&command[0])) else { break };
        name.clone_from(&interpreter[0]);
        interpreter[0] = found(&interpreter[0])?.into();
        interpreter.append(&mut command);
        command = interpreter;
    }
    let mut arguments = vec![OsString::from("-0"), name];
    arguments.append(&mut command);
    Ok(CommandLine { qemu: qemu.to_owned(), package: "qemu-user", arguments })
}

/// The program of this name: a path if there is a slash in it, else the first of that name in the
/// folders of PATH.
fn found(name: &OsStr) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    let has_folder = name.as_encoded_bytes().contains(&b'/');
    let folders = env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = if has_folder {
        vec![path.to_owned()]
    } else {
        env::split_paths(&folders).map(|folder| folder.join(path)).collect()
    };
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        let remedy = if has_folder {
            "name a program that exists"
        } else {
            "it is in no folder of PATH; name its path"
        };
        Failure::Io(format!("{}: there is no such program; {remedy}", shown(path)))
    })
}

/// The interpreter that a script names in its first line, and its argument. `env NAME` is the
/// program NAME: env itself only starts it, and what it starts is not recorded.
fn interpreter(path: &Path) -> Option<Vec<OsString>> {
    let mut line = Vec::new();
    let file = BufReader::new(File::open(path).ok()?);
    file.take(FIRST_LINE_MAX).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let line = line.strip_prefix("#!")?.trim();
    let (program, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = Some(argument.trim()).filter(|argument| !argument.is_empty());
    let is_env = Path::new(program).file_name() == Some(OsStr::new("env"));
    match argument.filter(|argument| is_env && !argument.starts_with('-')) {
        Some(name) => Some(name.split_whitespace().map(OsString::from).collect()),
        None => Some([program].into_iter().chain(argument).map(OsString::from).collect()),
    }
}

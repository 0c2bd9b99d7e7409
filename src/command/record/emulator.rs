//! QEMU while it runs: what the recorder says comes through a pipe and becomes a trace, until QEMU
//! ends, is killed, or a signal comes.

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use balloonist::formats::recording::{Recorded, Recording};
use balloonist::number::counted;

use super::super::guard::in_place_of_ending;
use super::super::text::shown;
use super::super::{Context, Failure};
use super::program::CommandLine;

/// Why a recording ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// A signal came.
    Interrupted,
    /// It had no more room.
    Full,
    /// QEMU ended.
    Ended(ExitStatus),
}

/// How often QEMU is asked whether it has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// How long QEMU may go on after it should end: a terminal's Ctrl-C reaches it too. Then it is told
/// to end, and then killed.
const UNTIL_TOLD: Duration = Duration::from_millis(500);
const UNTIL_KILLED: Duration = Duration::from_secs(3);

/// Time between two lines of progress.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

/// Bytes read from the pipe at a time.
const BLOCK: usize = 1 << 16;

/// Runs QEMU with the recorder until one of them ends.
///
/// # Errors
/// QEMU cannot be started, or nothing was recorded.
pub(super) fn record(
    line: &CommandLine,
    plugin: &Path,
    options: &str,
    recording: Recording,
    context: &Context,
) -> Result<(Recorded, Ending), Failure> {
    let (from, to) = io::pipe().map_err(|error| Failure::io("a pipe", &error))?;
    // The recorder opens the other end of the pipe, so that no file descriptor is inherited.
    let to_fd = to.as_raw_fd();
    let out = format!("/proc/{}/fd/{to_fd}", std::process::id());
    let mut child = start(line, plugin, &format!(",out={out}{options}"))?;
    let should_end = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&should_end);
    in_place_of_ending(Some(Box::new(move || signal.store(true, Ordering::SeqCst))));
    let stop = Arc::new(AtomicBool::new(false));
    let (watched, stopped) = (Arc::clone(&should_end), Arc::clone(&stop));
    let watch = thread::spawn(move || {
        let status =
            wait(&mut child, || watched.load(Ordering::SeqCst) || stopped.load(Ordering::SeqCst));
        // Without a writer, the pipe ends.
        drop(to);
        status
    });
    let (recording, is_full) = drain(from, recording, &stop, context)?;
    let status = watch.join().expect("it does not panic");
    in_place_of_ending(None);
    let status = status.map_err(|error| Failure::io(Path::new(&line.qemu), &error))?;
    let ending = match (should_end.load(Ordering::SeqCst), is_full) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::Full,
        (false, false) => Ending::Ended(status),
    };
    let recorded = recording.finish().map_err(|error| {
        let qemu = shown(Path::new(&line.qemu));
        let why = if takes_plugins(&line.qemu) { "" } else { NO_PLUGINS };
        Failure::Nothing(format!("{error}; {qemu} ended with {status}{why}"))
    })?;
    Ok((recorded, ending))
}

/// Debian 13's qemu-user is such a QEMU.
const NO_PLUGINS: &str = "; it takes no plugins, so nothing can be recorded with it: name one that \
                          was built with --enable-plugins by --qemu, or record a whole VM";

/// Whether a QEMU's help names plugins. One whose help cannot be read is not blamed.
fn takes_plugins(qemu: &OsStr) -> bool {
    let help = Command::new(qemu).arg("--help").stdin(Stdio::null()).output();
    help.map_or(true, |help| String::from_utf8_lossy(&help.stdout).contains("-plugin"))
}

fn start(line: &CommandLine, plugin: &Path, options: &str) -> Result<Child, Failure> {
    // QEMU takes a doubled comma for one in a name.
    let mut argument = OsString::from(plugin.to_string_lossy().replace(',', ",,"));
    argument.push(options);
    let mut command = Command::new(&line.qemu);
    command.arg("-plugin").arg(argument).args(&line.arguments);
    command.spawn().map_err(|error| {
        let qemu = Path::new(&line.qemu);
        if error.kind() == io::ErrorKind::NotFound {
            return Failure::Io(format!(
                "{}: there is no such program; QEMU runs what is recorded: install it, on Debian \
                 and Ubuntu the package {}",
                shown(qemu),
                line.package
            ));
        }
        Failure::io(qemu, &error)
    })
}

/// Waits for QEMU, and ends it some time after it should end.
fn wait(child: &mut Child, should_end: impl Fn() -> bool) -> io::Result<ExitStatus> {
    let (mut since, mut is_told) = (None, false);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if should_end() {
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if waited >= UNTIL_KILLED {
                child.kill()?;
                return child.wait();
            }
            if waited >= UNTIL_TOLD && !is_told {
                is_told = true;
                // If there is no such command, it is killed later.
                let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            }
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Reads what the recorder says until it ends. Returns the recording and whether it is full.
fn drain(
    mut from: PipeReader,
    mut recording: Recording,
    stop: &AtomicBool,
    context: &Context,
) -> Result<(Recording, bool), Failure> {
    let (mut block, mut said) = (vec![0; BLOCK], Instant::now());
    loop {
        let got = match from.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            got => got.map_err(|error| Failure::io("the recorder", &error))?,
        };
        if got == 0 || recording.is_full() {
            let is_full = recording.is_full();
            stop.store(is_full, Ordering::SeqCst);
            return Ok((recording, is_full));
        }
        if let Err(error) = recording.feed(&block[..got]) {
            stop.store(true, Ordering::SeqCst);
            return Err(Failure::Trace(error.to_string()));
        }
        if said.elapsed() >= BETWEEN_LINES {
            said = Instant::now();
            context.note(&format!("recorded {} so far", counted(recording.accesses(), "access")));
        }
    }
}

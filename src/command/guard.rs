//! Runs every command: converts failures to exit codes, and a panic to a report of a broken
//! invariant with the command that reproduces it.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::{Failure, INTERRUPTED, INVARIANT};
use super::files;
use super::text::escaped;

/// Runs a command and returns the process's exit code.
pub(crate) fn guarded(colour: bool, work: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    panic::set_hook(Box::new(report));
    #[cfg(unix)]
    super::signals::on_ending(|| {
        if let Some(instead) = INSTEAD.lock().ok().and_then(|mut instead| instead.take()) {
            return instead();
        }
        let has_written = files::abandon_all();
        let words = LAST_WORDS.lock().ok().and_then(|mut words| words.take());
        say(words.as_deref().unwrap_or(if has_written { PARTLY_WRITTEN } else { NOTHING_WRITTEN }));
        std::process::exit(i32::from(INTERRUPTED));
    });
    // The process ends after a panic, so unwind safety does not matter.
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            files::remove_made_folders();
            say(&failure.render(colour));
            ExitCode::from(failure.code())
        }
        Err(_) => ExitCode::from(INVARIANT),
    }
}

/// The default message of an interrupted command.
const NOTHING_WRITTEN: &str = "interrupted: nothing was written; run the command again\n";

/// The message of an interrupted command that has committed files.
const PARTLY_WRITTEN: &str = "interrupted: some files were not written; run the command again\n";

static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

/// What a signal does if it is not to end the process.
type Instead = Box<dyn FnOnce() + Send>;

static INSTEAD: Mutex<Option<Instead>> = Mutex::new(None);

/// Sets what the next signal does instead of ending the process; the one after it ends it.
#[cfg(unix)]
pub(super) fn in_place_of_ending(instead: Option<Instead>) {
    *INSTEAD.lock().expect("no thread panics while it holds this") = instead;
}

/// Sets the message to print if a signal ends the process.
pub(super) fn on_interrupt(words: String) {
    *LAST_WORDS.lock().expect("no thread panics while it holds the message") = Some(words);
}

/// The command line of this process, quoted for a POSIX shell; the program by its name alone.
pub(super) fn this_command() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted_os(&word));
    std::iter::once("balloonist".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The command line of this process with another argument, quoted for a POSIX shell.
pub(super) fn this_command_with(word: &str) -> String {
    let mut words: Vec<String> = std::env::args_os().map(|word| quoted_os(&word)).collect();
    if !words.iter().any(|known| known == word) {
        words.push(word.to_owned());
    }
    words.join(" ")
}

/// Writes to standard error. Errors are ignored, as there is nowhere else to report them.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Several threads may break the same invariant; only the first is reported.
static REPORTED: AtomicBool = AtomicBool::new(false);

fn report(info: &PanicHookInfo<'_>) {
    if !REPORTED.swap(true, Ordering::SeqCst) {
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        say(&explain(message.unwrap_or("no message"), &place, std::env::args_os()));
    }
}

fn explain(message: &str, place: &str, command: impl Iterator<Item = OsString>) -> String {
    let words: Vec<String> = command.map(|word| quoted_os(&word)).collect();
    let mut text = String::from("an invariant broke (a bug of balloonist)\n");
    let _ = writeln!(text, "  {}", escaped(message));
    let _ = writeln!(text, "  at {place}, balloonist {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "this command reproduces it:\n  {}", words.join(" "));
    text
}

/// A word quoted for a POSIX shell.
pub(super) fn quoted(word: &str) -> String {
    quoted_os(OsStr::new(word))
}

/// The same for arbitrary bytes.
fn quoted_os(word: &OsStr) -> String {
    let Some(word) = word.to_str().filter(|word| escaped(word) == *word) else {
        let bytes = word.as_encoded_bytes().iter();
        let letter = |&byte: &u8| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\{byte:03o}"),
        };
        return format!("$'{}'", bytes.map(letter).collect::<String>());
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=,:@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_invariant_is_explained_with_the_command_that_replays_it() {
        let words = ["balloonist", "run", "it's.toml", "--set", "seed=3"].map(OsString::from);
        let text = explain("frames are conserved", "src/host.rs:1:2", words.into_iter());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "an invariant broke (a bug of balloonist)");
        assert_eq!(lines[1], "  frames are conserved");
        assert_eq!(lines[4], r"  balloonist run 'it'\''s.toml' --set seed=3");
    }

    #[test]
    fn any_bytes_are_quoted_so_that_a_shell_reads_them_back() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's\x1b[m"), r"$'it\'s\033[m'");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            assert_eq!(quoted_os(OsStr::from_bytes(b"a\xff\\b")), r"$'a\377\\b'");
        }
    }

    #[test]
    fn a_panic_is_exit_code_70() {
        let code = guarded(false, || panic!("on purpose"));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
        let _ = panic::take_hook();
    }
}

//! External programs of policies: child processes behind pipes, and the record of their replies.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use balloonist::balance::PolicyError;
use balloonist::balance::exec::{Command, Program, Programs, Recorded, Turn};

use super::Failure;
use super::files::NewFile;
use super::register::Kind;

/// Starts programs in the scenario's folder.
#[derive(Debug)]
pub(super) struct Processes {
    folder: PathBuf,
}

/// The replies of all programs of this command, by the file that records them.
static RECORDED: Mutex<Files> = Mutex::new(Files::new());

type Files = BTreeMap<PathBuf, BTreeMap<(u64, String), Recorded>>;

/// The most bytes of a reply.
const LINE_MAX: u64 = 16 << 20;

/// The most bytes of its standard error that are shown.
const SHOWN_MAX: u64 = 1 << 20;

/// How long a program may take to exit after its input is closed.
const GRACE: Duration = Duration::from_millis(500);

/// How long a program that closed its output may take to exit before it counts as running. An
/// exiting process closes its output first; on a busy machine it may then lose the processor.
const EXIT: Duration = Duration::from_secs(3);

impl Processes {
    pub(super) fn of(folder: &Path) -> Self {
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { folder: here.to_owned() }
    }
}

impl Programs for Processes {
    fn start(&self, what: &Command) -> Result<Box<dyn Program>, PolicyError> {
        let name = what.shown();
        let unstarted =
            |error: io::Error| PolicyError::failed(format!("`{name}` cannot be started: {error}"));
        let mut child = std::process::Command::new(&what.words[0])
            .args(&what.words[1..])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(unstarted)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).expect("both are pipes");
        let shown = shower(child.stderr.take().expect("it is a pipe"));
        let requests = writer(input);
        // The first request follows at once, so a program may answer before it arrives.
        let asked = Arc::new(AtomicU64::new(1));
        let replies = reader(output, Arc::clone(&asked));
        let time_limit = Duration::from_nanos(what.time_limit.0);
        let place = what.replies.as_ref().map(|replies| self.folder.join(replies));
        let requests = Some(requests);
        Ok(Box::new(Process { name, child, requests, asked, replies, shown, time_limit, place }))
    }
}

/// A running program.
struct Process {
    name: String,
    child: Child,
    requests: Option<Sender<String>>,
    /// The number of the last request.
    asked: Arc<AtomicU64>,
    replies: Receiver<Result<String, &'static str>>,
    /// Disconnected when all of its standard error is shown.
    shown: Receiver<()>,
    time_limit: Duration,
    /// Where its replies are recorded.
    place: Option<PathBuf>,
}

impl Program for Process {
    fn ask(&mut self, turn: &Turn) -> Result<String, PolicyError> {
        let Self { name, time_limit, .. } = self;
        let number = turn.number;
        self.asked.store(number, Ordering::SeqCst);
        if let Some(requests) = &self.requests {
            // A failed write shows up as a missing reply.
            let _ = requests.send(format!("{}\n", turn.request));
        }
        let why = match self.replies.recv_timeout(*time_limit) {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(why)) => format!("`{name}` {why} (request {number})"),
            Err(RecvTimeoutError::Timeout) => {
                let limit = time_limit.as_secs_f64();
                let remedy = match self.child.try_wait() {
                    Ok(Some(status)) => format!(
                        "it ended ({status}), and a process that it started keeps its output open"
                    ),
                    _ => "it must answer each line with a line and flush it, or \
                          `policy.exec.time_limit` must be raised"
                        .to_owned(),
                };
                format!("`{name}` did not answer request {number} within {limit} s; {remedy}")
            }
            Err(RecvTimeoutError::Disconnected) => {
                let did = match ended(&mut self.child, EXIT) {
                    Some(status) => format!("ended ({status})"),
                    None => "closed its output".to_owned(),
                };
                format!("`{name}` {did} instead of answering request {number}")
            }
        };
        Err(PolicyError::failed(why))
    }

    fn accepted(&mut self, turn: &Turn, reply: &str) {
        let Some(place) = &self.place else { return };
        let record = Recorded {
            turn: turn.number,
            tick: turn.at.0,
            key: turn.key.clone(),
            reply: reply.to_owned(),
        };
        let mut files = RECORDED.lock().expect(NO_PANIC);
        let records = files.entry(place.clone()).or_default();
        records.insert((turn.number, turn.key.clone()), record);
    }
}

const NO_PANIC: &str = "no thread panics while it holds the replies";

impl Drop for Process {
    fn drop(&mut self) {
        // Close its input, at which most programs exit.
        self.requests = None;
        if ended(&mut self.child, GRACE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // Its last words come before ours. A process that it left behind may still hold the pipe.
        let _ = self.shown.recv_timeout(GRACE);
    }
}

/// The exit status, if the program exits within this time.
fn ended(child: &mut Child, time: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + time;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Writes requests on a separate thread, because a program that does not read would block it.
fn writer(mut input: ChildStdin) -> Sender<String> {
    let (sender, requests) = channel::<String>();
    thread::spawn(move || {
        for request in requests {
            if input.write_all(request.as_bytes()).and_then(|()| input.flush()).is_err() {
                break;
            }
        }
    });
    sender
}

/// Reads replies on a separate thread until the program closes its output. One reply waits at most,
/// so a program that never stops writing is held up by its pipe.
fn reader(
    output: impl Read + Send + 'static,
    asked: Arc<AtomicU64>,
) -> Receiver<Result<String, &'static str>> {
    const UNASKED: &str = "answers more often than it is asked; answer each line with one line";
    let (sender, replies) = sync_channel(1);
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        for number in 1.. {
            let mut line = Vec::new();
            match output.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let reply = if line.len() as u64 == LINE_MAX {
                Err("answers with a line of more than 16 MiB")
            } else if number > asked.load(Ordering::SeqCst) {
                Err(UNASKED)
            } else {
                String::from_utf8(line).map_err(|_| "answers with bytes that are not UTF-8")
            };
            // The next request is sent only after this reply. What has arrived behind the reply
            // answers no request, however late this thread gets to read it.
            let is_followed = !output.buffer().is_empty();
            let goes_on = reply.is_ok();
            let reply = reply.map(|reply| reply.trim_end().to_owned());
            if sender.send(reply).is_err() || !goes_on {
                break;
            }
            if is_followed {
                let _ = sender.send(Err(UNASKED));
                break;
            }
        }
    });
    replies
}

/// Passes standard error on, on a separate thread, up to a limit. The rest is read and dropped, so
/// that a program that complains a lot is not held up. Processes that the program leaves behind
/// hold only the pipe, so whoever waits for the end of our standard error need not wait for them.
fn shower(mut errors: impl Read + Send + 'static) -> Receiver<()> {
    let (sender, shown) = channel();
    thread::spawn(move || {
        let copied = io::copy(&mut errors.by_ref().take(SHOWN_MAX), &mut io::stderr());
        if copied.is_ok_and(|bytes| bytes == SHOWN_MAX) {
            let note = b"\n(the program writes more on standard error, which is not shown)\n";
            let _ = io::stderr().write_all(note);
        }
        let _ = io::copy(&mut errors, &mut io::sink());
        drop(sender);
    });
    shown
}

/// Writes the recorded replies, in the order of requests, unless a program failed.
pub(crate) fn save_after(done: Result<(), Failure>) -> Result<(), Failure> {
    if !matches!(done, Err(Failure::Policy(_))) {
        save()?;
    }
    done
}

fn save() -> Result<(), Failure> {
    let files = std::mem::take(&mut *RECORDED.lock().expect(NO_PANIC));
    for (place, records) in files {
        let mut file = NewFile::create(&place, Kind::Known)?;
        let text: String = records.values().map(Recorded::line).collect();
        file.put(&text)?;
        file.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However often it was asked by the time that its output is read.
    #[test]
    fn what_follows_a_reply_unasked_is_an_error() {
        let output = io::Cursor::new(b"first\nsecond\nthird\n");
        let replies = reader(output, Arc::new(AtomicU64::new(100)));
        assert_eq!(replies.recv().unwrap().unwrap(), "first");
        assert!(replies.recv().unwrap().unwrap_err().contains("more often than it is asked"));
        assert!(replies.recv().is_err());
    }

    #[test]
    fn a_line_at_the_end_needs_no_end_of_its_own() {
        let replies = reader(io::Cursor::new(b"only"), Arc::new(AtomicU64::new(1)));
        assert_eq!(replies.recv().unwrap().unwrap(), "only");
        assert!(replies.recv().is_err());
    }
}

//! Long work, during which Python's other threads run and Ctrl-C is heard.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// How often signals are heard.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

/// What work is told, and tells, while it runs.
#[derive(Debug, Default)]
pub struct Task {
    /// Nobody waits for the result any more: a sign to stop soon.
    stopped: AtomicBool,
    /// The steps done.
    done: AtomicU64,
}

impl Task {
    /// A step is done.
    pub fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the work should stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Ends work that should stop; nobody sees the exception.
    pub fn goes_on(&self) -> PyResult<()> {
        if self.is_stopped() { Err(PyKeyboardInterrupt::new_err(())) } else { Ok(()) }
    }
}

/// Who is told of progress, and how many steps there are.
pub struct Told<'py>(Bound<'py, PyAny>, u64);

impl Told<'_> {
    /// So many steps are done.
    pub fn tell(&self, done: u64) -> PyResult<()> {
        self.0.call1((done, self.1)).map(drop)
    }
}

/// Who is told of the progress of `total` steps: nobody (False), a callable, or by default a bar.
pub fn progress<'py>(
    py: Python<'py>,
    said: Option<&Bound<'py, PyAny>>,
    total: u64,
) -> PyResult<Option<Told<'py>>> {
    let bar = || py.import("balloonist._progress")?.call_method1("Bar", (total,));
    match said {
        Some(told) if told.is_callable() => Ok(Some(Told(told.clone(), total))),
        Some(said) if !said.is_truthy()? => Ok(None),
        _ => Ok(Some(Told(bar()?, total))),
    }
}

/// Does `work` on another thread and returns its result. Python may run meanwhile. `progress` is
/// told the steps done. If that raises, or the user interrupts, the work is told to stop and left
/// alone.
pub fn wait<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Told<'_>>,
    work: impl FnOnce(&Task) -> T + Send + 'static,
) -> PyResult<T> {
    let task = Arc::new(Task::default());
    let (sender, receiver) = channel();
    let at_work = Arc::clone(&task);
    // The result is refused if nobody waits any more.
    let thread = thread::spawn(move || drop(sender.send(work(&at_work))));
    let mut told = None;
    let receiver = std::sync::Mutex::new(receiver);
    loop {
        let reply = py.detach(|| {
            receiver.lock().expect("only this thread waits").recv_timeout(BETWEEN_SIGNALS)
        });
        let done = task.done.load(Ordering::Relaxed);
        let mut heard = py.check_signals();
        if let Some(progress) = progress.filter(|_| told != Some(done)) {
            heard = heard.and_then(|()| progress.tell(done));
            told = Some(done);
        }
        if let Err(raised) = heard {
            task.stopped.store(true, Ordering::Relaxed);
            return Err(raised);
        }
        match reply {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                resume_unwind(thread.join().expect_err("it ended without a result"));
            }
        }
    }
}

/// Says now and then whether the user interrupts work on this thread.
pub struct Signals(Instant);

impl Signals {
    /// From now on.
    #[expect(clippy::disallowed_methods, reason = "it decides no result")]
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Raises what a signal's handler raises. Called with Python detached.
    #[expect(clippy::disallowed_methods, reason = "it decides no result")]
    pub fn check(&mut self) -> PyResult<()> {
        if self.0.elapsed() < BETWEEN_SIGNALS {
            return Ok(());
        }
        self.0 = Instant::now();
        #[expect(clippy::redundant_closure_for_method_calls, reason = "a lifetime forbids it")]
        Python::attach(|py| py.check_signals())
    }
}

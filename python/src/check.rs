//! Where two replacement algorithms part.

use std::sync::Arc;

use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{FrameEvent, replay_recorded};
use balloonist::scenario::Scenario;
use balloonist::simulate::PolicyRun;
use balloonist::trace;
use balloonist::units::{Frames, Ticks, VmId};
use balloonist::watch::{Access, Arrival, Checkpoint, Guests, Moved, Watcher};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::nest::Level;
use crate::raised;
use crate::replacement::Chosen;
use crate::running;
use crate::trace::of_value;
use crate::wait::Signals;

/// The first access at which two replacement algorithms differ with so many frames: str, or None if
/// they never do. Each is a name or a class.
///
/// >>> import balloonist
/// >>> print(balloonist.first_difference("fifo", "lru", "1 2 3 1 4 1", frames=3))
/// access 4, page 4: fifo evicts page 1, lru evicts page 2
/// >>> balloonist.first_difference("fifo", "lru", "1 2 3 4", frames=3) is None
/// True
#[pyfunction]
#[pyo3(signature = (mine, reference, trace, *, frames))]
pub fn first_difference(
    py: Python<'_>,
    mine: &Bound<'_, PyAny>,
    reference: &Bound<'_, PyAny>,
    trace: &Bound<'_, PyAny>,
    frames: u64,
) -> PyResult<Option<String>> {
    if frames == 0 {
        return Err(PyValueError::new_err("frames is 0, expected at least 1"));
    }
    let both = [Chosen::read(mine)?, Chosen::read(reference)?];
    let trace = of_value(py, trace)?.trace;
    let _level = Level::deeper()?;
    let events = py.detach(|| both.map(|chosen| events(chosen, &trace, Frames(frames))));
    if let Some(error) = raised::take() {
        return Err(error);
    }
    Ok(difference(&trace, both.map(|chosen| chosen.kind.name), &events))
}

/// What an algorithm does with frames over a trace.
fn events(chosen: Chosen, trace: &Arc<trace::Trace>, frames: Frames) -> Vec<FrameEvent> {
    let settings = Settings::defaults(chosen.kind.params);
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "vm/trace/replacement");
    let replayed = replay_recorded(chosen.kind.build, &settings, trace, frames, &draw);
    // Freed pages are the trace's doing, the same for both.
    let is_own = |event: &FrameEvent| !matches!(event, FrameEvent::Free { .. });
    replayed.1.into_iter().filter(is_own).collect()
}

fn difference(
    trace: &trace::Trace,
    names: [&str; 2],
    [mine, reference]: &[Vec<FrameEvent>; 2],
) -> Option<String> {
    let same = mine.iter().zip(reference).take_while(|(one, other)| one == other).count();
    let parts = [&mine[same..], &reference[same..]];
    let at = parts.iter().filter_map(|part| part.iter().find_map(position)).min()?;
    let of_access = |part: &[FrameEvent]| {
        let after = |event: &FrameEvent| position(event).is_some_and(|place| place > at);
        let part = &part[..part.iter().position(after).unwrap_or(part.len())];
        // What is evicted after the fault belongs to a later one.
        let end = part.iter().rposition(|event| position(event) == Some(at));
        does(trace, &part[..end.map_or(0, |end| end + 1)])
    };
    let [mine, reference] = parts.map(of_access);
    let page = trace.numbers()[trace.page(at) as usize];
    Some(format!("access {at}, page {page}: {} {mine}, {} {reference}", names[0], names[1]))
}

/// What an algorithm does at an access.
fn does(trace: &trace::Trace, events: &[FrameEvent]) -> String {
    let evicted = events.iter().copied().filter_map(FrameEvent::evicted);
    let evicted: Vec<String> =
        evicted.map(|page| trace.numbers()[page as usize].to_string()).collect();
    match &evicted[..] {
        [] if events.is_empty() => "hits".to_owned(),
        [] => "loads it into an empty frame".to_owned(),
        [page] => format!("evicts page {page}"),
        pages => format!("evicts pages {}", pages.join(", ")),
    }
}

/// Something that a VM does with its frames in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    at: Ticks,
    vm: VmId,
    /// The position of the access; nothing if the VM shrinks.
    access: Option<u64>,
    events: Vec<FrameEvent>,
}

/// Records the steps of a run.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn shrunk(&mut self, at: Ticks, vms: impl Iterator<Item = VmId>, guests: Guests<'_>) {
        for vm in vms {
            let events = guests.evictions(vm).to_vec();
            if !events.is_empty() {
                self.0.push(Step { at, vm, access: None, events });
            }
        }
    }
}

impl Watcher for Steps {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.shrunk(arrival.at, arrival.shrunk.iter().map(|change| change.vm), arrival.guests);
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.shrunk(moved.at, moved.changes.iter().map(|change| change.vm), moved.guests);
    }

    fn access(&mut self, access: &Access<'_>) {
        let is_own = |event: &&FrameEvent| !matches!(event, FrameEvent::Free { .. });
        let events: Vec<FrameEvent> = access.events.iter().filter(is_own).copied().collect();
        if !events.is_empty() {
            let (at, vm, access) = (access.at, access.vm, Some(access.position));
            self.0.push(Step { at, vm, access, events });
        }
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let vms = checkpoint.changes.iter().map(|change| change.vm);
        self.shrunk(checkpoint.view.at, vms, checkpoint.guests);
    }
}

/// Where two runs of a scenario part that differ in the replacement algorithm.
pub fn of_runs(
    py: Python<'_>,
    names: [&str; 2],
    runs: [(Arc<Scenario>, PolicyRun); 2],
) -> PyResult<Option<String>> {
    let [(scenario, _), _] = &runs;
    let scenario = Arc::clone(scenario);
    let mut both = Vec::new();
    for (scenario, policy) in runs {
        let (mut steps, mut signals) = (Steps::default(), Signals::new());
        py.detach(|| running::watched(&scenario, policy, &mut steps, || signals.check()))?;
        both.push(steps.0);
    }
    let same = both[0].iter().zip(&both[1]).take_while(|(one, other)| one == other).count();
    let parts = [both[0].get(same), both[1].get(same)];
    let Some(first) = parts.into_iter().flatten().min_by_key(|step| (step.at, step.vm)) else {
        return Ok(None);
    };
    let vm = &scenario.vms[first.vm.index()];
    let is_there =
        |step: &&Step| (step.at, step.vm, step.access) == (first.at, first.vm, first.access);
    let [mine, reference] = parts.map(|part| {
        let events = part.filter(is_there).map_or(&[][..], |step| &step.events);
        match first.access {
            None if events.is_empty() => "evicts nothing".to_owned(),
            _ => does(&vm.trace, events),
        }
    });
    let place = first.access.map_or("it shrinks".to_owned(), |access| {
        format!("access {access}, page {}", vm.trace.numbers()[vm.trace.page(access) as usize])
    });
    let (at, vm) = (first.at, &vm.name);
    Ok(Some(format!(
        "tick {at}, VM `{vm}`, {place}: {} {mine}, {} {reference}",
        names[0], names[1]
    )))
}

/// The access of a fault.
fn position(event: &FrameEvent) -> Option<u64> {
    match *event {
        FrameEvent::Fill { position, .. } | FrameEvent::Replacement { position, .. } => {
            Some(position)
        }
        _ => None,
    }
}

//! Where two replacement algorithms part.

use std::sync::Arc;

use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{FrameEvent, replay_recorded};
use balloonist::trace;
use balloonist::units::Frames;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::raised;
use crate::replacement::Chosen;
use crate::trace::of_value;

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
    let number = |page: u32| trace.numbers()[page as usize];
    let does = |part: &[FrameEvent]| {
        let until = part.iter().position(|event| position(event).is_some_and(|place| place >= at));
        let (before, event) =
            (&part[..until.unwrap_or(part.len())], until.map(|place| part[place]));
        let evicted = before.iter().copied().filter_map(FrameEvent::evicted);
        let evicted: Vec<String> = evicted.map(|page| number(page).to_string()).collect();
        match event.filter(|event| position(event) == Some(at)) {
            None => "hits".to_owned(),
            Some(FrameEvent::Replacement { victim, .. }) => {
                format!("evicts page {}", number(victim))
            }
            Some(_) if !evicted.is_empty() => format!("evicts pages {}", evicted.join(", ")),
            Some(_) => "loads it into an empty frame".to_owned(),
        }
    };
    let [mine, reference] = parts.map(does);
    let page = number(trace.page(at));
    Some(format!("access {at}, page {page}: {} {mine}, {} {reference}", names[0], names[1]))
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

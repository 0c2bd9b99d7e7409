//! The event log: what happened in a run, event by event, for programs and for people.
//!
//! The events are arrivals, departures, waits and refusals, moves of frames, checkpoints with the
//! policy's view and decision and, on request, all accesses in simulation order. `jsonl` and `text`
//! write each event as it happens and keep nothing; `perfetto` keeps a bounded timeline and writes
//! it at the end.

pub(crate) mod jsonl;
pub(crate) mod perfetto;
pub(crate) mod text;

use std::io::{self, Write};

use super::narrator::{Event, Narrator, Teller};
use super::rounds::Rounds;
use crate::account::Outcome;
use crate::scenario::Scenario;
use crate::units::Ticks;

/// A format of the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object on each line.
    Jsonl,
    /// A sentence on each line.
    Text,
    /// A timeline in the Chrome trace event format, for the Perfetto UI.
    Perfetto,
}

impl Format {
    /// All formats with their names.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("jsonl", Self::Jsonl), ("text", Self::Text), ("perfetto", Self::Perfetto)];

    /// The format for a file's extension.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" | "log" => Some(Self::Text),
            "json" => Some(Self::Perfetto),
            _ => None,
        }
    }
}

/// Writes the events of a run.
pub type Log<'a, W> = Narrator<'a, Writer<'a, W>>;

/// Writes events in one of the formats.
pub struct Writer<'a, W> {
    scenario: &'a Scenario,
    accesses: bool,
    style: Style,
    out: W,
    /// The first write error; nothing is written after it.
    written: io::Result<()>,
}

enum Style {
    Lines { event: fn(&Scenario, Ticks, &Event<'_>) -> String, end: fn(&Outcome) -> String },
    Timeline(perfetto::Timeline),
}

impl<'a, W: Write> Log<'a, W> {
    /// Begins the log of a run of `scenario` under `policy`. `accesses` has no effect on a
    /// timeline.
    pub fn new(
        scenario: &'a Scenario,
        policy: &str,
        format: Format,
        accesses: bool,
        out: W,
    ) -> Self {
        let (style, first) = match format {
            Format::Jsonl => (
                Style::Lines { event: jsonl::line, end: jsonl::last },
                jsonl::first(scenario, policy),
            ),
            Format::Text => (
                Style::Lines { event: text::lines, end: text::last },
                text::first(scenario, policy),
            ),
            Format::Perfetto => {
                (Style::Timeline(perfetto::Timeline::new(scenario, policy)), String::new())
            }
        };
        let accesses = accesses && format != Format::Perfetto;
        let mut writer = Writer { scenario, accesses, style, out, written: Ok(()) };
        writer.write(&first);
        Self::of(scenario, Rounds::all(scenario), writer)
    }

    /// Ends the log and returns the writer.
    ///
    /// # Errors
    /// The first error of the writer; nothing was written after it.
    pub fn finish(self, outcome: &Outcome) -> io::Result<W> {
        let mut writer = self.teller;
        let last = match &mut writer.style {
            Style::Lines { end, .. } => end(outcome),
            Style::Timeline(timeline) => timeline.finish(outcome),
        };
        writer.write(&last);
        writer.written?;
        writer.out.flush()?;
        Ok(writer.out)
    }
}

impl<W: Write> Writer<'_, W> {
    fn write(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = self.out.write_all(text.as_bytes());
        }
    }
}

impl<W: Write> Teller for Writer<'_, W> {
    fn wants_accesses(&self) -> bool {
        self.accesses && self.written.is_ok()
    }

    fn tell(&mut self, at: Ticks, _: u64, event: &Event<'_>) {
        let text = match &mut self.style {
            Style::Lines { event: line, .. } => line(self.scenario, at, event),
            Style::Timeline(timeline) => return timeline.note(at, event),
        };
        self.write(&text);
    }
}

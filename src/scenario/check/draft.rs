//! Partly checked VMs.

use std::path::Path;
use std::sync::Arc;

use super::super::origin::SourceText;
use super::super::{After, Phase, Split, TraceSource};
use super::values::Section;
use crate::params::Settings;
use crate::replace::ReplacementKind;
use crate::share::Holds;
use crate::trace::Trace;
use crate::trace::tempo::Tempo;
use crate::trace::workloads::WorkloadSpec;
use crate::units::{Decimal, Frames, Ticks};

/// The `stop` of a VM that never stops; later than any tick of a scenario.
pub(super) const NEVER: Ticks = Ticks(u64::MAX);

/// A partly checked VM. `None` is a value with a reported error.
pub(super) struct Draft<'d> {
    pub(super) section: Section<'d>,
    pub(super) name: Option<&'d str>,
    pub(super) replacement: Option<(&'static ReplacementKind, Settings)>,
    pub(super) min: Option<Frames>,
    /// The size if none was given.
    pub(super) max: Option<Frames>,
    /// The guest's memory; the largest number of frames if none was given.
    pub(super) size: Option<Frames>,
    pub(super) shares: Option<u64>,
    pub(super) initial: Option<Frames>,
    /// With what was drawn.
    pub(super) start: Option<Ticks>,
    pub(super) start_within: Option<Ticks>,
    pub(super) start_drawn: Ticks,
    pub(super) period: Option<Ticks>,
    /// [`NEVER`] if none was given.
    pub(super) stop: Option<Ticks>,
    pub(super) after: Option<After>,
    pub(super) idle: Option<Vec<Phase>>,
    pub(super) stuck: Option<Vec<Phase>>,
    pub(super) accesses: Option<Accesses>,
    pub(super) content: Option<Vec<Holds>>,
}

impl Draft<'_> {
    /// When its accesses start.
    pub(super) fn tempo(&self) -> Option<Tempo> {
        let speed = self.accesses.as_ref().and_then(|accesses| accesses.speed);
        speed.map(Tempo::Recorded).or(self.period.map(Tempo::Steps))
    }
}

/// The context in which VMs are read.
pub(super) struct Surroundings<'s> {
    pub(super) sources: &'s [Arc<SourceText>],
    pub(super) folder: &'s Path,
    pub(super) page_size: Option<u64>,
    pub(super) split: Option<Split>,
    pub(super) seed: Option<u64>,
    pub(super) repetition: u64,
}

/// A VM's accesses.
pub(super) struct Accesses {
    pub(super) source: TraceSource,
    /// `None` for a workload until everything else is checked.
    pub(super) trace: Option<Arc<Trace>>,
    /// The speed of recorded time, if the trace is replayed in recorded time.
    pub(super) speed: Option<Decimal>,
}

impl Accesses {
    /// The number of accesses.
    pub(super) fn count(&self) -> u64 {
        let drawn = self.workload().and_then(WorkloadSpec::accesses_total);
        drawn.or_else(|| Some(self.trace.as_ref()?.accesses())).unwrap_or(0)
    }

    pub(super) fn workload(&self) -> Option<&WorkloadSpec> {
        match &self.source {
            TraceSource::Workload(spec) => Some(spec),
            _ => None,
        }
    }
}

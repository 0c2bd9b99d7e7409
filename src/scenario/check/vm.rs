//! One VM: its own keys, and how they fit together.

use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::Origin;
use super::super::{After, Split};
use super::accesses;
use super::draft::{Draft, NEVER, Surroundings};
use super::traces::Traces;
use super::values::{Findings, Section};
use super::{actuator, params, sharing};
use crate::random::{Generator, Stream};
use crate::replace;
use crate::units::{Frames, Ticks};

/// The keys of `[defaults.vm]`.
pub(super) const DEFAULT_KEYS: &[&str] = &[
    "replacement",
    "min",
    "max",
    "size",
    "shares",
    "initial",
    "start",
    "start_within",
    "period",
    "stop",
    "after",
    "trace",
    "workload",
    "idle",
    "stuck",
    "content",
];

/// The keys of `[[vm]]`. The last four are gone where `copies` and `split` have made VMs of them.
pub(super) const KEYS: &[&str] = &[
    "name",
    "replacement",
    "min",
    "max",
    "size",
    "shares",
    "initial",
    "start",
    "start_within",
    "period",
    "stop",
    "after",
    "idle",
    "stuck",
    "trace",
    "workload",
    "content",
    "count",
    "of",
    "split",
    "largest",
];

/// The largest weight: shares times frames fit into 128 bits.
const SHARES_MAX: u64 = 1_000_000_000;
const SHARES_DEFAULT: u64 = 1000;

impl<'d> Draft<'d> {
    pub(super) fn read(
        findings: &mut Findings,
        section: Section<'d>,
        around: &Surroundings,
        cache: &mut Traces,
    ) -> Self {
        section.only(findings, KEYS);
        let remedy = "give each VM a unique name";
        let name = section.need(findings, "name", remedy).and_then(|field| {
            let name = findings.text(&field)?;
            check_name(findings, name, field.node.origin)
        });
        let mut draft = Self::read_numbers(findings, section, around);
        draft.name = name;
        draft.draw_start(around);
        draft.accesses = accesses::read(findings, &draft.section, around, cache);
        draft.keep_reduction(findings);
        draft.content = sharing::contents(findings, &draft.section, around, &mut cache.texts);
        draft
    }

    /// Draws a random delay of the start, less than `start_within`. Each VM has its own stream, so
    /// that all runs of a repetition have the same starts.
    fn draw_start(&mut self, around: &Surroundings) {
        let (Some(name), Some(start), Some(within)) = (self.name, self.start, self.start_within)
        else {
            return;
        };
        let Some(seed) = around.seed.filter(|_| within > Ticks(0)) else { return };
        let purpose = format!("vm/{name}/start");
        let mut stream = Stream::new(Generator::ChaCha8, seed, around.repetition, &purpose);
        self.start_drawn = Ticks(stream.below(within.0));
        self.start = Some(start + self.start_drawn);
    }

    /// On a reduced trace faults are exact only from a number of frames on: the VM must keep at
    /// least that many.
    fn keep_reduction(&mut self, findings: &mut Findings) {
        let trace = self.accesses.as_ref().and_then(|accesses| accesses.trace.as_ref());
        let Some(reduction) = trace.and_then(|trace| trace.reduction()) else { return };
        let needed = Frames(reduction.frames);
        match self.section.get("min") {
            None => self.min = Some(needed),
            Some(field) if self.min.is_some_and(|min| min < needed) => {
                let called = self.called();
                let message = format!(
                    "{called} may hold fewer than {needed} frames, for which its trace is reduced"
                );
                let remedy = format!("set `min` to {needed} or more, or read the whole trace");
                findings.error(codes::BELOW_REDUCTION, field.node.origin, message, remedy);
            }
            Some(_) => {}
        }
    }

    /// The keys that `[defaults.vm]` may have too.
    pub(super) fn read_numbers(
        findings: &mut Findings,
        section: Section<'d>,
        around: &Surroundings,
    ) -> Self {
        let page_size = around.page_size;
        let get = |key| section.get(key);
        let min = get("min").map_or(Some(Frames(1)), |field| findings.frames(&field, 1, page_size));
        let size = get("size")
            .map_or(Some(Frames(u64::MAX)), |field| findings.frames(&field, 1, page_size));
        let max = get("max").map_or(size, |field| findings.frames(&field, 1, page_size));
        let shares = get("shares")
            .map_or(Some(SHARES_DEFAULT), |field| findings.integer(&field, 1, SHARES_MAX));
        let initial = get("initial").and_then(|field| findings.frames(&field, 1, page_size));
        let start = get("start").map_or(Some(Ticks(0)), |field| findings.ticks(&field, 0));
        let start_within =
            get("start_within").map_or(Some(Ticks(0)), |field| findings.ticks(&field, 0));
        let period = get("period").map_or(Some(Ticks(1)), |field| findings.ticks(&field, 1));
        let stop = get("stop").map_or(Some(NEVER), |field| findings.ticks(&field, 1));
        let after = get("after").map_or(Some(After::default()), |field| {
            findings.choice(&field, After::ALL.iter().copied())
        });
        let idle = actuator::phases(findings, &section, "idle", false);
        let stuck = actuator::phases(findings, &section, "stuck", true);
        let replacement =
            params::replacement(findings, &section, ("replacement", &replace::ALL[0]), page_size);
        Self {
            section,
            name: None,
            replacement,
            min,
            max,
            size,
            shares,
            initial,
            start,
            start_within,
            start_drawn: Ticks(0),
            period,
            stop,
            after,
            idle,
            stuck,
            accesses: None,
            content: None,
        }
    }

    /// The VM's name in messages.
    pub(super) fn called(&self) -> String {
        self.name.map_or_else(|| "a VM".to_owned(), |name| format!("`{name}`"))
    }

    /// Reports values that are valid alone but not together.
    pub(super) fn check_together(&self, findings: &mut Findings, split: Option<Split>) {
        let (called, at) = (self.called(), |key| self.section.origin_of(key));
        let bounds = self.min.zip(self.max);
        if let Some((min, max)) = bounds.filter(|(min, max)| min > max) {
            let message = format!("{called} has a minimum of {min} and a maximum of {max} frames");
            findings.error(codes::MIN_OVER_MAX, at("min"), message, "lower `min` or raise `max`");
        } else if let (Some((min, max)), Some(initial)) = (bounds, self.initial)
            && (initial < min || initial > max)
        {
            let message = format!("{called} starts with {initial} frames");
            let remedy = if initial < min {
                format!("its minimum is {min}")
            } else {
                format!("its maximum is {max}")
            };
            findings.error(codes::INITIAL_OUTSIDE, at("initial"), message, remedy);
        }
        if let Some((size, max)) = self.size.zip(self.max).filter(|(size, max)| size < max) {
            let message = format!("{called} has a size of {size} and a maximum of {max} frames");
            let remedy = "a VM holds no more frames than its size; lower `max` or raise `size`";
            findings.error(codes::MIN_OVER_MAX, at("size"), message, remedy);
        }
        // The check must not depend on the random delay.
        let latest = self
            .start
            .zip(self.start_within)
            .map(|(start, within)| start - self.start_drawn + Ticks(within.0.saturating_sub(1)));
        if let (Some(start), Some(stop)) = (latest, self.stop)
            && stop <= start
        {
            let message = format!("{called} starts at {start} and stops at {stop}");
            let remedy = "`stop` must be later than `start`";
            findings.error(codes::STOP_BEFORE_START, at("stop"), message, remedy);
        }
        match (split, self.section.get("initial")) {
            (Some(Split::Initial), None) => {
                let message = format!("{called} has no `initial`");
                let remedy = "`host.split = \"initial\"` requires it of every VM";
                findings.error(codes::SPLIT_MISMATCH, self.section.origin, message, remedy);
            }
            (Some(split), Some(field)) if split != Split::Initial => {
                let message =
                    format!("{called} has `initial`, but `host.split` is not \"initial\"");
                let remedy = "set `host.split = \"initial\"` or remove this";
                findings.error(codes::SPLIT_MISMATCH, field.node.origin, message, remedy);
            }
            _ => {}
        }
    }
}

fn check_name<'d>(findings: &mut Findings, name: &'d str, origin: Origin) -> Option<&'d str> {
    const MAX: usize = 64;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let remedy = if name == "all" {
        "`all` names the row of sums"
    } else if name.is_empty() {
        "a name has at least one letter"
    } else if name.len() > MAX {
        "a name has at most 64 letters"
    } else if name.starts_with('-') {
        // A spreadsheet would take such a cell for a formula.
        "a name must not begin with `-`"
    } else if !name.bytes().all(letter) {
        "a name has letters, digits, `-`, `_` and `.`"
    } else {
        return Some(name);
    };
    let message = format!("`{}` cannot be a VM's name", clip(name));
    findings.error(codes::BAD_VM_NAME, origin, message, remedy);
    None
}

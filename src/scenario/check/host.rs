//! The host: its memory, its pages, and whether all VMs fit on it.

use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Literal, Origin};
use super::super::split::{self, Claim};
use super::super::{Admission, HostSpec, Scenario, Split};
use super::draft::Draft;
use super::values::{Field, Findings, Section};
use crate::balance::Bounds;
use crate::units::{Decimal, FRAMES_MAX, Frames};

const PAGE_SIZE_DEFAULT: u64 = 4096;

/// The keys of `[host]` that do not depend on the VMs.
pub(super) struct Host {
    pub(super) page_size: Option<u64>,
    in_bytes: bool,
    pub(super) split: Option<Split>,
    pub(super) admission: Option<Admission>,
}

impl Host {
    pub(super) fn read(findings: &mut Findings, host: &Section) -> Self {
        host.only(findings, &["memory", "page_size", "split", "admission"]);
        let page_size = host
            .get("page_size")
            .map_or(Some(PAGE_SIZE_DEFAULT), |field| findings.page_size(&field));
        let split = host.get("split").map_or(Some(Split::default()), |field| {
            findings.choice(&field, Split::ALL.iter().copied())
        });
        let admission = host.get("admission").map_or(Some(Admission::default()), |field| {
            findings.choice(&field, Admission::ALL.iter().copied())
        });
        let is_size = |text: &str| !text.contains('%');
        let memory = host.get("memory");
        let in_bytes = memory.is_some_and(|field| field.node.text().is_some_and(is_size));
        Self { page_size, in_bytes, split, admission }
    }

    /// The host, if none of its values was reported.
    pub(super) fn finish(&self, memory: Frames) -> Option<HostSpec> {
        let Self { page_size, in_bytes, split, admission } = *self;
        let (page_size, split, admission) = (page_size?, split?, admission?);
        Some(HostSpec { memory, page_size, in_bytes, split, admission })
    }

    /// The host's memory: frames, a size, or a percentage of what the VMs have.
    pub(super) fn memory(
        &self,
        findings: &mut Findings,
        host: &Section,
        vms: &[Draft],
    ) -> Option<Frames> {
        let remedy = "set the host's memory in frames or as a size, for example `memory = \"2 \
                      MiB\"`";
        let field = host.need(findings, "memory", remedy)?;
        let Literal::String(text) = &field.node.value else {
            return findings.frames(&field, 1, self.page_size);
        };
        let Some((percent, of)) = text.trim().split_once('%') else {
            return findings.frames(&field, 1, self.page_size);
        };
        let percent = Decimal::parse(percent.trim());
        let of = Share::ALL.iter().find(|(name, _)| *name == of.trim());
        let (Some(percent), Some((_, of))) = (percent, of) else {
            let message = format!("`{}` is not a percentage of memory", clip(text));
            let remedy = "write \"25%\" of the traces' distinct pages, \"60% of configured\" \
                          memory, or \"150% overcommit\"";
            findings.error(codes::BAD_UNIT, field.node.origin, message, remedy);
            return None;
        };
        if percent.digits == 0 {
            let remedy = "at least one frame is needed";
            findings.error(codes::TOO_SMALL, field.node.origin, "`host.memory` is 0%", remedy);
            return None;
        }
        if vms.is_empty() {
            // Traces without pages are reported elsewhere.
            return None;
        }
        let mut sum = 0_u128;
        for vm in vms {
            let pages = vm.accesses.as_ref()?.trace.as_ref()?.distinct_pages() as u128;
            sum += match of {
                Share::Pages => pages,
                Share::Configured | Share::Overcommit => u128::from(configured(vm, pages)?),
            };
        }
        // Both products fit: a sum has 65 bits, as there are at most 65,536 VMs of 2^48 frames, and
        // digits have 64.
        let (digits, hundredths) =
            (u128::from(percent.digits), u128::from(percent.denominator()) * 100);
        let frames = match of {
            Share::Pages | Share::Configured => (sum * digits).div_ceil(hundredths),
            Share::Overcommit => sum.checked_mul(hundredths)?.div_ceil(digits),
        };
        if frames > u128::from(FRAMES_MAX) {
            let message = format!("`host.memory` is {frames} frames");
            let remedy = format!("at most {FRAMES_MAX} is allowed");
            findings.error(codes::TOO_BIG, field.node.origin, message, remedy);
            return None;
        }
        Some(Frames(frames as u64))
    }

    /// The first allocations, if the VMs fit on the host, beside what it keeps free: together, or
    /// each by itself if [`Admission`] handles the rest.
    pub(super) fn divide(
        &self,
        findings: &mut Findings,
        host: &Section,
        memory: Frames,
        kept: Frames,
        vms: &[Draft],
    ) -> Option<Vec<Frames>> {
        let (split, admission) = (self.split?, self.admission?);
        let origin = host.origin_of("memory");
        let bounds = bounds(memory, vms)?;
        let beside = if kept == Frames(0) {
            String::new()
        } else {
            format!(" beside the {kept} that it keeps free")
        };
        let fit = minima_fit(findings, origin, (memory, &beside), admission, vms)?;
        let mut claims = Vec::with_capacity(vms.len());
        for (vm, &bounds) in vms.iter().zip(&bounds) {
            let weight = if split == Split::Shares { vm.shares? } else { 1 };
            claims.push(Claim { bounds, weight });
        }
        match split {
            Split::Equal | Split::Shares if fit => Some(split::proportional(memory, &claims)),
            Split::Equal | Split::Shares => Some(split::one_by_one(memory, &claims)),
            Split::Ceil => {
                let given = split::ceil(memory, &claims);
                let mut starved = (0..vms.len()).filter(|&vm| given[vm] < bounds[vm].min);
                let Some(vm) = starved.next() else { return Some(given) };
                let message = format!(
                    "the ceil split of {memory} frames among {} VMs leaves {} {} of at least {}",
                    vms.len(),
                    vms[vm].called(),
                    given[vm],
                    bounds[vm].min
                );
                let remedy = "give the host more memory or set `host.split = \"equal\"`";
                findings.error(codes::CEIL_STARVES, origin, message, remedy);
                None
            }
            Split::Initial => initials(findings, origin, (memory, &beside), admission, vms),
        }
    }
}

/// What a percentage of the host's memory is of.
#[derive(Clone, Copy)]
enum Share {
    /// The distinct pages of all traces.
    Pages,
    /// The configured memory of all VMs.
    Configured,
    /// The host's memory: the configured memory of all VMs is the percentage of it.
    Overcommit,
}

impl Share {
    /// What stands after the percent sign.
    const ALL: [(&'static str, Self); 3] =
        [("", Self::Pages), ("of configured", Self::Configured), ("overcommit", Self::Overcommit)];
}

/// The memory that a VM was sold: its `max` or its `size`, or if it has neither, as much as its
/// trace has pages.
fn configured(vm: &Draft, pages: u128) -> Option<u64> {
    let sold = vm.max?.min(vm.size?).0;
    Some(if sold < u64::MAX { sold } else { pages as u64 })
}

/// The bounds of all VMs, each maximum at most the host's memory. `None` if something was
/// reported.
pub(super) fn bounds(memory: Frames, vms: &[Draft]) -> Option<Vec<Bounds>> {
    let bound = |vm: &Draft| {
        let (min, max) = vm.min.zip(vm.max)?;
        (min <= max).then_some(Bounds { min, max: max.min(memory).max(min) })
    };
    vms.iter().map(bound).collect()
}

/// Whether the minima fit into the host together; `None` if that was reported.
fn minima_fit(
    findings: &mut Findings,
    origin: Origin,
    (memory, beside): (Frames, &str),
    admission: Admission,
    vms: &[Draft],
) -> Option<bool> {
    let minima: Vec<Frames> = vms.iter().map(|vm| vm.min).collect::<Option<_>>()?;
    let sum = sum(&minima);
    if sum <= u128::from(memory.0) {
        return Some(true);
    }
    let (message, remedy) = if admission == Admission::Guaranteed {
        let count = vms.len();
        let message = format!(
            "the minima of {count} VMs add up to {sum} frames, and the host has {memory}{beside}"
        );
        (message, "give the host more memory, lower `min`, or choose another `host.admission`")
    } else if let Some(vm) = vms.iter().find(|vm| vm.min.is_some_and(|min| min > memory)) {
        let min = vm.min?;
        let message =
            format!("{} needs {min} frames, and the host has {memory}{beside}", vm.called());
        (message, "give the host more memory or lower `min`")
    } else {
        return Some(false);
    };
    findings.error(codes::MIN_SUM, origin, message, remedy);
    None
}

/// Each VM's `initial`.
fn initials(
    findings: &mut Findings,
    origin: Origin,
    (memory, beside): (Frames, &str),
    admission: Admission,
    vms: &[Draft],
) -> Option<Vec<Frames>> {
    let given: Vec<Frames> = vms.iter().map(|vm| vm.initial).collect::<Option<_>>()?;
    let total = sum(&given);
    if admission == Admission::Guaranteed && total > u128::from(memory.0) {
        let message = format!(
            "the first allocations of {} VMs add up to {total} frames, and the host has \
             {memory}{beside}",
            vms.len()
        );
        let remedy = "give the host more memory or lower `initial`";
        findings.error(codes::INITIAL_SUM, origin, message, remedy);
        return None;
    }
    Some(given.into_iter().map(|initial| initial.min(memory)).collect())
}

fn sum(frames: &[Frames]) -> u128 {
    frames.iter().map(|frames| u128::from(frames.0)).sum()
}

/// Reports a scenario with no VM or too many.
pub(super) fn check_count(findings: &mut Findings, root: &Section, count: usize) {
    let origin = root.origin_of("vm");
    let is_list =
        |field: &Field| matches!(&field.node.value, Literal::Array(vms) if vms.is_empty());
    // A value that is not a list of tables is reported elsewhere.
    if count == 0 && root.get("vm").is_none_or(|field| is_list(&field)) {
        let remedy = "add a `[[vm]]` table";
        findings.error(codes::NO_VM, origin, "the scenario has no VM", remedy);
    } else if count > Scenario::VMS_MAX {
        let remedy = format!("at most {} are allowed", Scenario::VMS_MAX);
        findings.error(codes::TOO_MANY_VMS, origin, format!("{count} VMs"), remedy);
    }
}

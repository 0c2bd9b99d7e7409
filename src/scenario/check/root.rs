//! The values at the root of a scenario, each checked by itself.

use std::collections::BTreeMap;

use super::accesses;
use super::draft::{Draft, Surroundings};
use super::traces::Traces;
use super::values::{Findings, INTEGER_MAX, Section};
use super::vm;
use crate::device;
use crate::random::Generator;
use crate::replace::Delays;
use crate::scenario::codes;
use crate::scenario::diagnostic::clip;
use crate::scenario::document::Origin;
use crate::scenario::{Cost, Scenario};
use crate::units::Ticks;

/// Whether the value of a key is a text: a size or a duration.
pub(super) fn is_text(section: &Section, key: &str) -> bool {
    section.get(key).is_some_and(|field| field.node.text().is_some())
}

/// The ticks between two checkpoints.
pub(super) fn read_every(findings: &mut Findings, checkpoint: &Section) -> Option<Ticks> {
    checkpoint.only(findings, &["every"]);
    let remedy = "set the ticks between two checkpoints, for example `every = 1000`";
    let every = checkpoint.need(findings, "every", remedy)?;
    findings.ticks(&every, 1)
}

/// The scenario's name: its file's unless it gives another.
pub(super) fn name(findings: &mut Findings, root: &Section, stem: &str) -> Option<String> {
    const MAX: usize = 64;
    let Some(field) = root.get("name") else { return Some(stem.to_owned()) };
    let name = findings.text(&field)?;
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX || !name.bytes().all(letter) {
        let message = format!("`{}` cannot be a scenario's name", clip(name));
        let remedy = "a name has 1 to 64 lower-case letters, digits and hyphens";
        findings.error(codes::BAD_NAME, field.node.origin, message, remedy);
        return None;
    }
    Some(name.to_owned())
}

/// The generator of random numbers and its seed.
pub(super) fn randomness(
    findings: &mut Findings,
    root: &Section,
) -> (Option<Generator>, Option<u64>) {
    let random = root.get("random").map_or(Some(Generator::default()), |field| {
        findings.choice(&field, Generator::ALL.iter().copied())
    });
    let seed = root.get("seed").map_or(Some(1), |field| findings.integer(&field, 0, INTEGER_MAX));
    if random == Some(Generator::Glibc) && seed.is_some_and(|seed| seed > u64::from(u32::MAX)) {
        let message = "the seed for glibc's generator exceeds 32 bits";
        let remedy = "lower it below 4294967296, or use `random = \"chacha8\"`";
        findings.error(codes::SEED_TOO_BIG, root.origin_of("seed"), message, remedy);
    }
    (random, seed)
}

/// The keys of `[cost]`.
const COSTS: [&str; 10] = [
    "device",
    "fault",
    "zero_fill",
    "swap_in",
    "write_back",
    "trap",
    "policy",
    "host_read",
    "host_write",
    "copy",
];

/// The costs of events; those of a device, or else 0 by default.
pub(super) fn read_cost(
    findings: &mut Findings,
    section: &Section<'_>,
    clock: &Clock,
) -> Option<Cost> {
    section.only(findings, &COSTS);
    let [read, write] = clock.device(findings, section)?;
    let mut ticks =
        |key, default| section.get(key).map_or(Some(default), |field| findings.ticks(&field, 0));
    let [fault, zero_fill, write_back, trap, policy, copy] =
        ["fault", "zero_fill", "write_back", "trap", "policy", "copy"]
            .map(|key| ticks(key, Ticks(0)));
    let [swap_in, host_read] = ["swap_in", "host_read"].map(|key| ticks(key, read));
    let host_write = ticks("host_write", write);
    Some(Cost {
        delays: Delays {
            fault: fault?,
            zero_fill: zero_fill?,
            swap_in: swap_in?,
            write_back: write_back?,
        },
        counts_write_backs: section.get("write_back").is_some(),
        trap: trap?,
        policy: policy?,
        host_read: host_read?,
        host_write: host_write?,
        copy: copy?,
    })
}

/// What times of devices are turned into ticks by.
pub(super) struct Clock {
    /// The bytes of a page.
    pub(super) page_size: Option<u64>,
    /// Whether ticks are nanoseconds, because `checkpoint.every` is a duration.
    pub(super) in_time: bool,
}

impl Clock {
    /// The times in which the `device` of a table reads and writes a page; none without one. `None`
    /// is a reported error.
    pub(super) fn device(
        &self,
        findings: &mut Findings,
        section: &Section<'_>,
    ) -> Option<[Ticks; 2]> {
        let Some(field) = section.get("device") else { return Some([Ticks(0); 2]) };
        let kinds = device::ALL.iter().map(|device| (device.name, device));
        let device = findings.choice(&field, kinds)?;
        if !self.in_time {
            let message = format!("`{}` is in nanoseconds, but ticks here are not", field.path);
            let remedy = "write `checkpoint.every` as a duration, such as \"10 s\"";
            findings.error(codes::BAD_UNIT, field.node.origin, message, remedy);
            return None;
        }
        let page_size = self.page_size?;
        Some([device.read, device.write].map(|access| access.ticks(page_size)))
    }
}

/// Reads the VMs, each by itself with its trace file, and reports names used twice.
pub(super) fn read_vms<'d>(
    findings: &mut Findings,
    root: &Section<'d>,
    around: &Surroundings,
    traces: &mut Traces,
) -> Vec<Draft<'d>> {
    let defaults = root.section(findings, "defaults");
    defaults.only(findings, &["vm"]);
    let defaults = defaults.section(findings, "vm");
    defaults.only(findings, vm::DEFAULT_KEYS);
    // The defaults are also read by themselves, to find errors in values that every VM overrides.
    Draft::read_numbers(findings, defaults.clone(), around);
    let mut drafts = Vec::new();
    let mut names: BTreeMap<&str, Origin> = BTreeMap::new();
    // VMs beyond the limit are not read: there are too many anyway.
    let sections = root.sections(findings, "vm", "an array of tables, `[[vm]]`");
    let sections = sections.into_iter().take(Scenario::VMS_MAX + 1);
    let sections: Vec<Section> = sections.map(|vm| vm.with_defaults(&defaults)).collect();
    if traces.is_fresh() {
        let files = sections.iter().filter_map(|vm| accesses::file_of(vm, around));
        traces.read_ahead(files.collect());
    }
    for section in sections {
        let draft = Draft::read(findings, section, around, traces);
        draft.check_together(findings, around.split);
        if let Some(name) = draft.name {
            let origin = draft.section.origin_of("name");
            let first = *names.entry(name).or_insert(origin);
            if first != origin {
                let message = format!("two VMs are named `{name}`");
                let remedy = "give each VM a unique name";
                let both = [origin, first];
                findings.error_beside(codes::DOUBLE_VM_NAME, both, "the first", message, remedy);
            }
        }
        drafts.push(draft);
    }
    drafts
}

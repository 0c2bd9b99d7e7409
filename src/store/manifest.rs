//! manifest.json: what was run, from which inputs, with which results, so that results can be
//! checked.
//!
//! It contains nothing that differs between two runs of the same study: no time stamps, host names
//! or absolute paths. Wall time is in timing.json, which is never compared.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::balance;
use crate::bound::Bound;
use crate::conclude::compare;
use crate::params::Domain;
use crate::plan::{Quantity, Question};
use crate::scenario::{Scenario, TraceSource, VmSpec};
use crate::store::digest::Digest;
use crate::store::trail;
use crate::sweep::Repetitions;
use crate::trace::Trace;

/// The contents of manifest.json for a run, a comparison or a sweep. The writer fills this value,
/// and the reader gets it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What was run.
    #[serde(flatten)]
    pub study: Study,
    /// The runs.
    pub runs: Runs,
    /// The files beside the manifest.
    pub files: Vec<FileEntry>,
    /// The run that others are compared with; only for a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// The sentences that close the results, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The bounds; only for a comparison.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<BoundEntry>,
}

/// What was run: a scenario on its traces. Two studies with the same text have the same results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    /// The version of balloonist.
    pub balloonist: String,
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The generator of the draws.
    pub random: String,
    /// The frames of the host.
    pub host_frames: u64,
    /// The bytes of a frame.
    pub page_size: u64,
    /// Whether the scenario gives the host's memory as a size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_bytes: bool,
    /// The ticks from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// Whether the scenario gives that as a duration: a tick is then a nanosecond.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_time: bool,
    /// What differs between repetitions; only for a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "repetitions")]
    pub repetitions: Option<Repetitions>,
    /// The scenario's text, with every default filled in.
    pub scenario: String,
    /// The trace of each VM, in file order.
    pub traces: Vec<TraceEntry>,
    /// The files of text that policies read, such as rules, policy by policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_files: Vec<PolicyFile>,
    /// The hashes of all traces read from files at any point or for any mix, sorted; only for a
    /// sweep or a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hashes: Option<Vec<String>>,
    /// What is asked of the scenario's mixes; only for a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanEntry>,
}

/// What a plan asks of every mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The limit, as `--limit` takes it.
    pub limit: String,
    /// What is asked for: "frames", "capacity of far", "copies".
    pub asked: String,
    /// The amounts of it at which every mix runs.
    pub amounts: Vec<u64>,
    /// The policies.
    pub policies: Vec<String>,
    /// The number of mixes.
    pub mixes: u64,
}

impl PlanEntry {
    fn of(question: &Question, mixes: u64) -> Self {
        let Question { metric, at_most, quantity, amounts, policies } = question;
        Self {
            limit: format!("{}={at_most}", metric.name),
            asked: match quantity {
                Quantity::Tier(tier) => format!("{} of {tier}", quantity.column()),
                _ => quantity.column().to_owned(),
            },
            amounts: amounts.clone(),
            policies: policies.iter().map(|kind| kind.name.to_owned()).collect(),
            mixes,
        }
    }
}

/// A VM's trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// The VM.
    pub vm: String,
    /// Its accesses.
    pub accesses: u64,
    /// Its distinct pages.
    pub distinct_pages: u64,
    /// The hash of its accesses.
    pub content_hash: String,
    /// The reader's notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reading: Vec<String>,
}

/// A file of text that a policy read. A file in which a program's replies are recorded is listed
/// where they were replayed, not where the program ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFile {
    /// The parameter that names it.
    pub parameter: String,
    /// Its path as the scenario gives it.
    pub path: String,
    /// The hash of its bytes.
    pub hash: Digest,
}

/// The runs of a manifest: listed one by one, or for a sweep, which lists them elsewhere, their
/// number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Runs {
    /// Only for a sweep or a plan.
    Count(u64),
    /// For a run or a comparison.
    Each(Vec<RunEntry>),
}

impl Default for Runs {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// The run's fingerprint, as 16 hexadecimal digits.
    pub fingerprint: String,
    /// The replacement algorithm of all VMs, if the comparison sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The file's name in the folder of the manifest.
    pub name: String,
    /// Its rows, without the header.
    pub rows: u64,
    /// The hash of its bytes.
    #[serde(rename = "hash")]
    pub digest: Digest,
}

/// A bound, in words; its numbers are in compare.csv.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// A remark, such as the partition.
    pub note: Option<String>,
}

fn policy_files(scenario: &Scenario) -> Vec<PolicyFile> {
    let mut listed = Vec::new();
    for kind in balance::ALL {
        let Some(settings) = scenario.policy_settings.get(kind.name) else { continue };
        for param in kind.params {
            // A program that may run writes its replies anew.
            let is_written = matches!(param.domain, Domain::Files { may_be_missing: true, .. });
            if !matches!(param.domain, Domain::Files { .. })
                || is_written && scenario.programs.is_some()
            {
                continue;
            }
            for file in settings.files(param.name) {
                let Some(text) = &file.text else { continue };
                listed.push(PolicyFile {
                    parameter: format!("policy.{}.{}", kind.name, param.name),
                    path: file.path.clone(),
                    hash: Digest::of(text.as_bytes()),
                });
            }
        }
    }
    listed
}

impl RunEntry {
    /// The run's name in sentences and pictures: "last-n", or "last-n on clock".
    pub fn title(&self) -> String {
        compare::title(&self.policy, self.replacement.as_deref())
    }
}

impl From<&Bound> for BoundEntry {
    fn from(bound: &Bound) -> Self {
        let Bound { name, summary, note, .. } = bound;
        Self { name: name.to_string(), summary: (*summary).to_owned(), note: note.clone() }
    }
}

impl Manifest {
    /// Reads manifest.json.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("it is not JSON: {error}"),
        })
    }

    /// The bytes of manifest.json.
    pub fn to_json(&self) -> String {
        indented(self)
    }

    /// The runs that are listed one by one.
    pub fn runs(&self) -> &[RunEntry] {
        match &self.runs {
            Runs::Count(_) => &[],
            Runs::Each(runs) => runs,
        }
    }

    /// The names of the VMs, in file order.
    pub fn vms(&self) -> Vec<String> {
        self.study.traces.iter().map(|trace| trace.vm.clone()).collect()
    }
}

impl Study {
    /// The study of a scenario's runs.
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            balloonist: env!("CARGO_PKG_VERSION").to_owned(),
            name: scenario.name.clone(),
            seed: scenario.seed,
            random: scenario.random.name().to_owned(),
            host_frames: scenario.host.memory.0,
            page_size: scenario.host.page_size,
            in_bytes: scenario.host.in_bytes,
            checkpoint_every: scenario.checkpoint_every.0,
            in_time: scenario.in_time,
            repetitions: None,
            scenario: scenario.effective(),
            traces: scenario.vms.iter().map(TraceEntry::of).collect(),
            policy_files: policy_files(scenario),
            content_hashes: None,
            plan: None,
        }
    }

    /// The study of a plan. What the scenario expects of its answers is no part of it.
    pub fn of_plan<'t>(
        scenario: &Scenario,
        question: &Question,
        mixes: u64,
        traces: impl Iterator<Item = &'t Trace>,
    ) -> Self {
        let plan = Some(PlanEntry::of(question, mixes));
        let content_hashes = Some(hashes(traces));
        Self { content_hashes, plan, ..Self::of(&Scenario { plan: None, ..scenario.clone() }) }
    }

    /// The study of a sweep; `traces` are all traces read from files at any point.
    pub fn of_sweep<'t>(
        scenario: &Scenario,
        repetitions: Repetitions,
        traces: impl Iterator<Item = &'t Trace>,
    ) -> Self {
        let content_hashes = Some(hashes(traces));
        Self { repetitions: Some(repetitions), content_hashes, ..Self::of(scenario) }
    }

    /// The study on one line, the first of a journal.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("text and numbers are always JSON")
    }

    /// Reads the first line of a journal; `None` if it is not one.
    pub fn from_line(line: &str) -> Option<Self> {
        let study: Self = serde_json::from_str(line).ok()?;
        (study.repetitions.is_some() || study.plan.is_some()).then_some(study)
    }
}

/// The hashes of traces, sorted.
fn hashes<'t>(traces: impl Iterator<Item = &'t Trace>) -> Vec<String> {
    let mut hashes: Vec<String> = traces.map(shown_hash).collect();
    hashes.sort();
    hashes
}

impl TraceEntry {
    fn of(vm: &VmSpec) -> Self {
        Self {
            vm: vm.name.clone(),
            accesses: vm.trace.accesses(),
            distinct_pages: vm.trace.distinct_pages() as u64,
            content_hash: shown_hash(&vm.trace),
            reading: match &vm.source {
                TraceSource::File { reading, .. } => reading.clone(),
                _ => Vec::new(),
            },
        }
    }
}

impl RunEntry {
    /// A run under a policy, with the algorithm of all VMs if the comparison sets it.
    pub fn new(policy: &str, replacement: Option<&str>, seed: u64, fingerprint: u64) -> Self {
        Self {
            policy: policy.to_owned(),
            seed,
            fingerprint: trail::shown(fingerprint),
            replacement: replacement.map(str::to_owned),
        }
    }
}

fn shown_hash(trace: &Trace) -> String {
    trace.content_hash().to_string()
}

/// timing.json: what differs from one execution to the next, which no other file has: the command,
/// how long it took, and its speed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timing {
    command: String,
    nanoseconds: u64,
    accesses: u64,
    accesses_per_second: u64,
}

impl Timing {
    /// The time that a command took for `accesses` accesses.
    pub fn new(command: String, nanoseconds: u128, accesses: u64) -> Self {
        let per_second = u128::from(accesses) * 1_000_000_000 / nanoseconds.max(1);
        let (nanoseconds, accesses_per_second) = (nanoseconds as u64, per_second as u64);
        Self { command, nanoseconds, accesses, accesses_per_second }
    }

    /// The bytes of timing.json.
    pub fn to_json(&self) -> String {
        indented(self)
    }

    /// The command that a timing.json names, if it does.
    pub fn command(text: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(value.get("command")?.as_str()?.to_owned())
    }
}

fn indented(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("text and numbers are always JSON") + "\n"
}

/// Repetitions as the manifest writes them: `{ "seeds": [first, last] }` or `{ "streams": count }`.
mod repetitions {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, RangeInclusive, Repetitions, Serialize};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Form {
        Seeds(u64, u64),
        Streams(u64),
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        repetitions: &Option<Repetitions>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let form = repetitions.as_ref().map(|repetitions| match repetitions {
            Repetitions::Seeds(seeds) => Form::Seeds(*seeds.start(), *seeds.end()),
            Repetitions::Streams(count) => Form::Streams(*count),
        });
        form.serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        from: D,
    ) -> Result<Option<Repetitions>, D::Error> {
        let empty = || D::Error::custom("a sweep has a repetition");
        match Form::deserialize(from)? {
            Form::Seeds(first, last) => {
                let seeds: RangeInclusive<u64> = first..=last;
                if seeds.is_empty() { Err(empty()) } else { Ok(Some(Repetitions::Seeds(seeds))) }
            }
            Form::Streams(0) => Err(empty()),
            Form::Streams(count) => Ok(Some(Repetitions::Streams(count))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn study(repetitions: &Value) -> Option<Study> {
        let line = json!({
            "balloonist": "1", "name": "a", "seed": 1, "random": "chacha8", "host_frames": 1,
            "page_size": 4096, "checkpoint_every": 1, "repetitions": repetitions, "scenario": "",
            "traces": [], "content_hashes": [],
        });
        let study = Study::from_line(&line.to_string())?;
        assert_eq!(study.to_line(), line.to_string());
        Some(study)
    }

    #[test]
    fn a_study_without_a_repetition_is_refused() {
        let count = |repetitions: Value| study(&repetitions)?.repetitions.map(|all| all.count());
        assert_eq!(count(json!({ "seeds": [3, 5] })), Some(3));
        assert_eq!(count(json!({ "seeds": [5, 5] })), Some(1));
        assert_eq!(count(json!({ "seeds": [0, u64::MAX] })), Some(u64::MAX));
        assert_eq!(count(json!({ "seeds": [5, 3] })), None);
        assert_eq!(count(json!({ "seeds": [5] })), None);
        assert_eq!(count(json!({ "streams": 4 })), Some(4));
        assert_eq!(count(json!({ "streams": 0 })), None);
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let run = RunEntry::new("last-n", Some("clock"), 7, 0xabc);
        let file = FileEntry { name: "vms.csv".to_owned(), rows: 3, digest: Digest::of(b"a") };
        let bound = BoundEntry { name: "min".to_owned(), summary: "MIN".to_owned(), note: None };
        for runs in [Runs::Count(9), Runs::Each(vec![run])] {
            let manifest = Manifest {
                runs,
                files: vec![file.clone()],
                verdict: Some("one\ntwo".to_owned()),
                bounds: vec![bound.clone()],
                ..Manifest::default()
            };
            assert_eq!(Manifest::read(&manifest.to_json()), Ok(manifest));
        }
    }
}

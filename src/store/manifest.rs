//! manifest.json: what was run, from what, and what came out, so that a result can be checked.
//!
//! It holds nothing that two runs of the same thing would have different: no time stamp, no host
//! name, no absolute path. Wall time goes to timing.json, which nothing compares.

use serde_json::{Map, Value, json};

use crate::bound::Bound;
use crate::scenario::{Scenario, VmSpec};
use crate::store::digest::Digest;
use crate::store::trail;
use crate::sweep::Repetitions;
use crate::trace::{Trace, content_hash};

/// One run of the manifest.
#[derive(Clone, Copy, Debug)]
pub struct RunEntry<'a> {
    /// The policy.
    pub policy: &'a str,
    /// The replacement algorithm of all VMs, where it is not the scenario's to say.
    pub replacement: Option<&'a str>,
    /// The seed.
    pub seed: u64,
    /// The run's fingerprint.
    pub fingerprint: u64,
}

/// One file of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The file's name in the folder of the manifest.
    pub name: String,
    /// Its rows, without the header.
    pub rows: u64,
    /// The hash of its bytes.
    pub digest: Digest,
}

/// What a comparison came to in words.
#[derive(Clone, Copy, Debug)]
pub struct Conclusion<'a> {
    /// The policy that others are set in relation to.
    pub baseline: &'a str,
    /// The sentences of the verdict.
    pub verdict: &'a str,
    /// The bounds.
    pub bounds: &'a [Bound],
}

/// The manifest of a run, with the sentence that it ends with, if there is one; `effective` is the
/// scenario's text with every default filled in.
pub fn manifest(
    scenario: &Scenario,
    effective: &str,
    run: RunEntry<'_>,
    files: &[FileEntry],
    verdict: Option<&str>,
) -> String {
    let mut document = document(scenario, effective, &[run], files);
    if let Some(verdict) = verdict {
        document["verdict"] = Value::from(verdict);
    }
    format!("{document:#}\n")
}

/// The manifest of a comparison: with what it came to.
pub fn comparison(
    scenario: &Scenario,
    effective: &str,
    runs: &[RunEntry<'_>],
    files: &[FileEntry],
    conclusion: Conclusion<'_>,
) -> String {
    let bound = |Bound { name, summary, note, .. }: &Bound| json!({ "name": name, "summary": summary, "note": note });
    let mut document = document(scenario, effective, runs, files);
    document["baseline"] = Value::from(conclusion.baseline);
    document["verdict"] = Value::from(conclusion.verdict);
    document["bounds"] = conclusion.bounds.iter().map(bound).collect();
    format!("{document:#}\n")
}

fn document(
    scenario: &Scenario,
    effective: &str,
    runs: &[RunEntry<'_>],
    files: &[FileEntry],
) -> Value {
    let run = |run: &RunEntry<'_>| {
        let mut entry = json!({
            "policy": run.policy,
            "seed": run.seed,
            "fingerprint": trail::shown(run.fingerprint),
        });
        if let Some(replacement) = run.replacement {
            entry["replacement"] = replacement.into();
        }
        entry
    };
    json!({
        "balloonist": env!("CARGO_PKG_VERSION"),
        "name": scenario.name,
        "seed": scenario.seed,
        "random": scenario.random.name(),
        "host_frames": scenario.host.memory.0,
        "page_size": scenario.host.page_size,
        "checkpoint_every": scenario.checkpoint_every.0,
        "scenario": effective,
        "traces": scenario.vms.iter().map(trace).collect::<Vec<_>>(),
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
        "files": files.iter().map(file).collect::<Vec<_>>(),
    })
}

/// What a sweep is, on one line: what its journal and its manifest begin with. Two sweeps of the
/// same line have the same results. `traces` are all those read from files for any point.
pub fn study<'t>(
    scenario: &Scenario,
    repetitions: &Repetitions,
    traces: impl Iterator<Item = &'t Trace>,
) -> String {
    let repetitions = match repetitions {
        Repetitions::Seeds(seeds) => json!({ "seeds": [seeds.start(), seeds.end()] }),
        Repetitions::Streams(count) => json!({ "streams": count }),
    };
    let mut hashes: Vec<String> = traces.map(shown_hash).collect();
    hashes.sort();
    let document = json!({
        "balloonist": env!("CARGO_PKG_VERSION"),
        "name": scenario.name,
        "seed": scenario.seed,
        "random": scenario.random.name(),
        "host_frames": scenario.host.memory.0,
        "page_size": scenario.host.page_size,
        "checkpoint_every": scenario.checkpoint_every.0,
        "repetitions": repetitions,
        "scenario": scenario.effective(),
        "traces": scenario.vms.iter().map(trace).collect::<Vec<_>>(),
        "content_hashes": hashes,
    });
    document.to_string()
}

/// The repetitions of the line of a [`study`], the text of its scenario and its version; `None`
/// where it is not of that form, or has no repetition.
pub fn parse_study(line: &str) -> Option<(Repetitions, String, String)> {
    let document: Value = serde_json::from_str(line).ok()?;
    let repetitions = &document["repetitions"];
    let repetitions = if let Some(count) = repetitions["streams"].as_u64() {
        Repetitions::Streams(count)
    } else {
        let end = |at: usize| repetitions["seeds"][at].as_u64();
        Repetitions::Seeds(end(0)?..=end(1)?)
    };
    let is_empty = match &repetitions {
        Repetitions::Seeds(seeds) => seeds.is_empty(),
        Repetitions::Streams(count) => *count == 0,
    };
    if is_empty {
        return None;
    }
    let text = |key: &str| document[key].as_str().map(str::to_owned);
    Some((repetitions, text("scenario")?, text("balloonist")?))
}

/// The manifest of a sweep of so many runs, with what it came to in words.
pub fn sweep_manifest(study: &str, runs: u64, verdict: &str, files: &[FileEntry]) -> String {
    let mut document: Value = serde_json::from_str(study).unwrap_or_default();
    document["runs"] = Value::from(runs);
    document["verdict"] = Value::from(verdict);
    document["files"] = files.iter().map(file).collect();
    format!("{document:#}\n")
}

fn trace(vm: &VmSpec) -> Value {
    json!({
        "vm": vm.name,
        "accesses": vm.trace.accesses(),
        "distinct_pages": vm.trace.distinct_pages(),
        "content_hash": shown_hash(&vm.trace),
    })
}

fn shown_hash(trace: &Trace) -> String {
    format!("{:016x}", content_hash(trace))
}

fn file(FileEntry { name, rows, digest }: &FileEntry) -> Value {
    json!({ "name": name, "rows": rows, "hash": digest.to_string() })
}

/// timing.json: how long it took and how fast that was.
pub fn timing(nanoseconds: u128, accesses: u64) -> String {
    let mut document = Map::new();
    document.insert("nanoseconds".to_owned(), Value::from(nanoseconds as u64));
    document.insert("accesses".to_owned(), Value::from(accesses));
    let per_second = u128::from(accesses) * 1_000_000_000 / nanoseconds.max(1);
    document.insert("accesses_per_second".to_owned(), Value::from(per_second as u64));
    format!("{:#}\n", Value::Object(document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_without_a_repetition_is_refused() {
        let line = |repetitions: Value| {
            json!({ "repetitions": repetitions, "scenario": "", "balloonist": "1" }).to_string()
        };
        let count = |repetitions: Value| {
            parse_study(&line(repetitions)).map(|(repetitions, ..)| repetitions.count())
        };
        assert_eq!(count(json!({ "seeds": [3, 5] })), Some(3));
        assert_eq!(count(json!({ "seeds": [5, 5] })), Some(1));
        assert_eq!(count(json!({ "seeds": [0, u64::MAX] })), Some(u64::MAX));
        assert_eq!(count(json!({ "seeds": [5, 3] })), None);
        assert_eq!(count(json!({ "seeds": [5] })), None);
        assert_eq!(count(json!({ "streams": 4 })), Some(4));
        assert_eq!(count(json!({ "streams": 0 })), None);
    }
}

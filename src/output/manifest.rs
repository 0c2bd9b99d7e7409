//! manifest.json: what was run, from what, and what came out, so that a result can be checked.
//!
//! It holds nothing that two runs of the same thing would have different: no time stamp, no host
//! name, no absolute path. Wall time goes to timing.json, which nothing compares.

use serde_json::{Map, Value, json};

use super::digest::Digest;
use super::trail;
use crate::bound::Bound;
use crate::scenario::Scenario;
use crate::trace::content_hash;

/// One run of the manifest.
#[derive(Clone, Copy, Debug)]
pub struct RunEntry<'a> {
    /// The policy.
    pub policy: &'a str,
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

/// The manifest of runs of one scenario; `effective` is its text with every default filled in.
pub fn manifest(
    scenario: &Scenario,
    effective: &str,
    runs: &[RunEntry<'_>],
    files: &[FileEntry],
) -> String {
    format!("{:#}\n", document(scenario, effective, runs, files))
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
    let trace = |vm: &crate::scenario::VmSpec| {
        json!({
            "vm": vm.name,
            "accesses": vm.trace.accesses(),
            "distinct_pages": vm.trace.distinct_pages(),
            "content_hash": format!("{:016x}", content_hash(&vm.trace)),
        })
    };
    let run = |run: &RunEntry<'_>| {
        json!({
            "policy": run.policy,
            "seed": run.seed,
            "fingerprint": trail::shown(run.fingerprint),
        })
    };
    let file = |FileEntry { name, rows, digest }: &FileEntry| json!({ "name": name, "rows": rows, "hash": digest.to_string() });
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

/// timing.json: how long it took and how fast that was.
pub fn timing(nanoseconds: u128, accesses: u64) -> String {
    let mut document = Map::new();
    document.insert("nanoseconds".to_owned(), Value::from(nanoseconds as u64));
    document.insert("accesses".to_owned(), Value::from(accesses));
    let per_second = u128::from(accesses) * 1_000_000_000 / nanoseconds.max(1);
    document.insert("accesses_per_second".to_owned(), Value::from(per_second as u64));
    format!("{:#}\n", Value::Object(document))
}

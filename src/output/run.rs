//! What `run` tells people: what was run, what came out, and what that means.

use std::fmt::Write as _;

use super::number::{Millionths, counted, every, grouped};
use super::table::Format;
use super::{life, trail};
use crate::balance::{PolicyKind, wrapped};
use crate::knobs::Settings;
use crate::scenario::Scenario;
use crate::simulate::Outcome;

/// The report of one run around one of its tables, as aligned text or as Markdown.
pub fn report(
    scenario: &Scenario,
    policy: &PolicyKind,
    outcome: &Outcome,
    format: Format,
    table: &str,
) -> String {
    let mut text = heading(scenario, policy, outcome, format);
    let _ = writeln!(text, "\n{table}");
    let _ = writeln!(text, "{}", sentence(outcome));
    for note in life::notes(scenario, outcome) {
        let _ = writeln!(text, "{note}");
    }
    let _ = writeln!(text, "fingerprint {}", trail::shown(outcome.fingerprint));
    text
}

/// Scenario, policy, host and checkpoints, a line each.
fn heading(scenario: &Scenario, policy: &PolicyKind, outcome: &Outcome, format: Format) -> String {
    let host = format!(
        "{}, {}",
        counted(scenario.host.memory.0, "frame"),
        counted(scenario.vms.len() as u64, "VM"),
    );
    let checkpoints =
        format!("{}, {} in all", every(scenario.checkpoint_every.0), grouped(outcome.checkpoints));
    let random = format!("seed {}, {}", scenario.seed, scenario.random.name());
    let lines = [
        ("scenario", scenario.name.as_str()),
        ("policy", &settings(scenario, policy)),
        ("host", &host),
        ("checkpoints", &checkpoints),
        ("random", &random),
    ];
    let line = |(name, value): (&str, &str)| match format {
        Format::Markdown => format!("- {name}: {value}\n"),
        _ => format!("{name:<11}  {value}\n"),
    };
    lines.into_iter().map(line).collect()
}

/// The policy with its knobs, and with those around it that are not off:
/// `proportional (guarantee=2, dead_band=4)`.
fn settings(scenario: &Scenario, policy: &PolicyKind) -> String {
    let off = Settings::defaults(wrapped::KNOBS);
    let around = scenario.wrapper.iter().zip(off.iter()).filter(|(set, off)| set != off);
    let knobs = scenario.settings_of(policy).iter().chain(around.map(|(set, _)| set));
    let knobs: Vec<String> = knobs.map(|(name, value)| format!("{name}={value}")).collect();
    if knobs.is_empty() {
        return policy.name.to_owned();
    }
    format!("{} ({})", policy.name, knobs.join(", "))
}

/// What the counts mean.
fn sentence(outcome: &Outcome) -> String {
    let counts = &outcome.all.counts;
    let Some(ratio) = Millionths::ratio(counts.demand_faults.into(), counts.accesses.into()) else {
        return "No VM made an access.".to_owned();
    };
    format!(
        "{} of {} accesses were demand faults ({ratio}): {} cold, which no policy avoids, and {}.\n\
         {} of them evicted a page (replacement misses); {} went into an empty frame (fills).\n\
         {} moved.",
        grouped(counts.demand_faults),
        grouped(counts.accesses),
        grouped(counts.cold_faults),
        counted(counts.capacity_faults(), "capacity fault"),
        grouped(counts.replacement_misses),
        grouped(counts.fills()),
        counted(outcome.all.frames_moved(), "frame"),
    )
}

//! The text of `run`: the run, its results, and a summary.

use std::fmt::Write as _;

use crate::account::Outcome;
use crate::balance::{PolicyKind, wrapped};
use crate::bound::StaticSplit;
use crate::conclude::compare;
use crate::conclude::life;
use crate::number::{Millionths, counted, every, grouped};
use crate::params::Settings;
use crate::reclaim::Swapper;
use crate::render::sparkline;
use crate::scenario::Scenario;
use crate::share::SharingCounts;
use crate::store::thinned::Thinned;
use crate::store::trail;
use crate::table::Format;

/// A run, and what its text needs.
pub struct RunText<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// Under which policy.
    pub policy: &'a PolicyKind,
    /// The outcome.
    pub outcome: &'a Outcome,
    /// The VMs' allocations over time.
    pub series: &'a Thinned,
    /// The best fixed split, if the minima fit together.
    pub best_static: Option<&'a StaticSplit>,
}

/// The text of one run with one of its tables, in a format for people; drawings have up to `width`
/// characters per line.
pub fn report(text: &RunText<'_>, format: Format, table: &str, width: usize) -> String {
    let RunText { scenario, policy, outcome, .. } = text;
    let before = heading(scenario, policy, outcome, format);
    let mut after =
        sentence(outcome) + "\n" + &of_tiers(scenario, outcome) + &of_paging(scenario, outcome);
    after += &of_sharing(outcome);
    for note in life::notes(scenario, outcome) {
        let _ = writeln!(after, "{note}");
    }
    let _ = writeln!(after, "fingerprint {}", trail::shown(outcome.fingerprint));
    if format == Format::Table && outcome.all.frames_moved() > 0 {
        let _ = write!(after, "\n{}", sparkline::allocations(scenario, text.series, width));
    }
    if let Some(verdict) = verdict(scenario, outcome, text.best_static) {
        let _ = writeln!(after, "\n{verdict}");
    }
    format!("{}\n{table}\n{}", format.aside(&before), format.aside(&after))
}

/// The verdict: how far the run is from the best result without moving a frame. `None` for a run
/// without an access, or without a guest that runs LRU.
pub fn verdict(
    scenario: &Scenario,
    outcome: &Outcome,
    best_static: Option<&StaticSplit>,
) -> Option<String> {
    let (policy, counts) = (&outcome.policy, &outcome.all.counts);
    if counts.accesses == 0 || !scenario.any_lru() {
        return None;
    }
    let fault = if counts.found.host_swap > 0 { "demand or host fault" } else { "demand fault" };
    let needs = format!("{policy} needs {}", counted(counts.faults(), fault));
    let Some(split) = best_static else {
        return Some(format!(
            "{needs}. There is no best static split to compare with: no fixed partition respects \
             all minima."
        ));
    };
    let name =
        if scenario.all_lru() { "the best static split" } else { "the best static split of LRU" };
    let faults = [counts.faults(), split.demand_faults];
    let against = compare::difference(faults[0], faults[1], name).unwrap_or_else(|| {
        let about = if faults[0] == faults[1] { "" } else { "about " };
        format!("{about}as many as {name}")
    });
    Some(format!("{needs}, {against} ({}).", split.note(scenario)))
}

/// Scenario, policy, host, checkpoints and so on, one line each.
fn heading(scenario: &Scenario, policy: &PolicyKind, outcome: &Outcome, format: Format) -> String {
    let host = format!(
        "{}, {}",
        counted(scenario.host.memory.0, "frame"),
        counted(scenario.vms.len() as u64, "VM"),
    );
    let checkpoints = format!(
        "{}, {} in all",
        every(scenario.checkpoint_every.0, scenario.in_time),
        grouped(outcome.checkpoints)
    );
    let random = format!("seed {}, {}", scenario.seed, scenario.random.name());
    let policy = settings(scenario, policy);
    let warm_up = scenario.warm_up.map(|warm_up| format!("{warm_up}, simulated but not counted"));
    let lines = [
        ("scenario", scenario.name.as_str()),
        ("policy", &policy),
        ("host", &host),
        ("checkpoints", &checkpoints),
        ("random", &random),
    ];
    let warm_up = warm_up.iter().map(|warm_up| ("warm-up", warm_up.as_str()));
    let lines = lines.into_iter().chain(warm_up);
    let line = |(name, value): (&str, &str)| match format {
        Format::Markdown => format!("- {name}: {value}\n"),
        _ => format!("{name:<11}  {value}\n"),
    };
    lines.map(line).collect()
}

/// The policy with its parameters, and with those of its wrapper that are not off: `proportional
/// (guarantee=2, dead_band=4)`.
fn settings(scenario: &Scenario, policy: &PolicyKind) -> String {
    let off = Settings::defaults(wrapped::PARAMS);
    let around = scenario.wrapper.iter().zip(off.iter()).filter(|(set, off)| set != off);
    let own = scenario.settings_of(policy);
    let params = own.iter().chain(around.map(|(set, _)| set));
    let params: Vec<String> = params.map(|(name, value)| format!("{name}={value}")).collect();
    if params.is_empty() {
        return policy.name.to_owned();
    }
    format!("{} ({})", policy.name, params.join(", "))
}

/// What the tiers answered; empty without tiers.
fn of_tiers(scenario: &Scenario, outcome: &Outcome) -> String {
    if scenario.tiers.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (spec, tier) in scenario.tiers.iter().zip(&outcome.all.tiers) {
        let found = grouped(tier.counts.found);
        let _ = write!(text, "{found} were found in {}, ", spec.name);
    }
    let reads = grouped(outcome.all.counts.store_reads());
    format!("Of the capacity faults, {text}{reads} read the store.\n")
}

/// What the host's paging did; empty if it does not page.
fn of_paging(scenario: &Scenario, outcome: &Outcome) -> String {
    let Some(paging) = &scenario.paging else { return String::new() };
    let counts = &outcome.all.counts;
    let swapper = match paging.swapper {
        Swapper::Naive => "knows nothing of their contents",
        Swapper::Mapper => "knows which pages the guests' disks hold",
    };
    let paged = format!(
        "Beside them {} took a page of a guest's memory that no frame backed. The host pages by {} \
         and {swapper}.\n",
        counted(counts.found.host_swap, "host fault"),
        paging.pager.name
    );
    let Some([high, soft, hard, low]) = outcome.all.states.map(|of| of.map(grouped)) else {
        return paged;
    };
    format!(
        "{paged}Its free memory was high for {high} ticks, soft for {soft}, hard for {hard} \
         and low for {low}.\n"
    )
}

/// What sharing did; empty if the host does not share.
fn of_sharing(outcome: &Outcome) -> String {
    let Some(savings) = outcome.all.savings else { return String::new() };
    let SharingCounts { scanned, merges, copies, hollow, forced, .. } = outcome.all.sharing;
    let scans = u128::from(savings.scans);
    let mean = Millionths::ratio(savings.sum, scans).map_or(0, |mean| mean.0 / Millionths::ONE);
    format!(
        "Sharing saved {} on average and {} at most: {} at pages merged {}; {} copied a shared \
         page, {} left a shared frame, and {} were lost for that. The best static split is \
         that of a host that does not share.\n",
        counted(mean as u64, "frame"),
        grouped(savings.most.0),
        counted(scanned, "look"),
        grouped(merges),
        counted(copies, "write"),
        counted(hollow, "page"),
        counted(forced, "frame"),
    )
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

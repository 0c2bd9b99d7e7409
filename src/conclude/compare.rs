//! The conclusions of a comparison: its verdict, its legend and its notes.

use std::fmt::Write as _;

use crate::account::Outcome;
use crate::bound::Bound;
use crate::conclude::life;
use crate::number::{Millionths, counted, grouped, rounded};
use crate::replace::{Delays, ReplacementKind};
use crate::scenario::Scenario;

/// A run in a comparison.
#[derive(Clone, Debug)]
pub struct Contender {
    /// The replacement algorithm that all VMs ran in place of their own, if the comparison sets it.
    pub replacement: Option<&'static ReplacementKind>,
    /// The outcome.
    pub outcome: Outcome,
    /// The demand faults of MIN under this run's allocations, if requested.
    pub opt_given: Option<u64>,
    /// Whether every VM ran LRU.
    pub is_lru: bool,
    /// Whether faults differ in price: they find their pages in tiers, or the host pages.
    pub prices_differ: bool,
}

impl Contender {
    /// An outcome of `scenario`; `replacement` is the algorithm that the comparison set in all VMs,
    /// if it did.
    pub fn new(
        scenario: &Scenario,
        replacement: Option<&'static ReplacementKind>,
        outcome: Outcome,
    ) -> Self {
        let is_lru = scenario.all_lru();
        let prices_differ = scenario.paging.is_some() || !scenario.tiers.is_empty();
        Self { replacement, outcome, opt_given: None, is_lru, prices_differ }
    }

    /// Its name in sentences and pictures.
    pub fn title(&self) -> String {
        title(&self.outcome.policy, self.replacement.map(|kind| kind.name))
    }

    /// Whether it is ranked. A run that knows the future is only a yardstick.
    pub fn is_ranked(&self) -> bool {
        self.outcome.foresight.is_none()
    }
}

/// The name of a run: "last-n", or "last-n on clock".
pub fn title(policy: &str, replacement: Option<&str>) -> String {
    replacement.map_or(policy.to_owned(), |replacement| format!("{policy} on {replacement}"))
}

/// A run's title as a part of a file name: "last-n-on-clock".
pub fn slug(title: &str) -> String {
    title.replace(' ', "-")
}

/// One line for each bound, and notes on bounds that do not apply to these runs.
pub fn legend(scenario: &Scenario, runs: &[Contender], bounds: &[Bound]) -> String {
    let mut text = String::new();
    let mut told = "";
    for Bound { name, summary, note, .. } in bounds {
        let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        // Bounds of one kind stand side by side.
        if *summary != told {
            let _ = writeln!(text, "{name:<11}  {summary}{note}");
        }
        told = summary;
    }
    if runs.iter().any(|run| run.opt_given.is_some()) {
        text.push_str("opt given    MIN in every VM under the policy's own allocations\n");
    }
    if scenario.cost.delays != Delays::default() {
        text.push_str(
            "Bounds replay accesses at their nominal pace; here faults take time, so policies can \
             have fewer faults.\n",
        );
    }
    if scenario.states.is_some() {
        text.push_str(
            "The host pages where balloons do not suffice, and bounds are for demand faults and \
             host faults together.\n",
        );
    } else if scenario.paging.is_some() {
        text.push_str(
            "The host pages: demand faults depend on the guests' sizes alone, and bounds are for \
             demand faults and host faults together.\n",
        );
    }
    if scenario.sharing.is_some() {
        text.push_str(
            "The host shares pages: VMs can hold more frames than it has, and bounds are for a \
             host without that, so policies can have fewer faults.\n",
        );
    }
    let own = scenario.vms.iter().map(|vm| vm.replacement);
    let axis: Vec<&ReplacementKind> = runs.iter().filter_map(|run| run.replacement).collect();
    let run: Vec<&ReplacementKind> = if axis.is_empty() { own.collect() } else { axis };
    let mut others: Vec<&str> = Vec::new();
    for kind in run.iter().filter(|kind| !kind.is_lru()) {
        if !others.contains(&kind.name) {
            others.push(kind.name);
        }
    }
    if !others.is_empty() {
        let _ = writeln!(
            text,
            "VMs run {}: best-static and global-lru are bounds for LRU, which other algorithms may \
             beat.",
            and(&others)
        );
    }
    let is_reduced = scenario.vms.iter().any(|vm| vm.trace.reduction().is_some());
    if is_reduced {
        text.push_str(
            "min, global-lru  omitted: a VM could fall below the frames that its trace is \
             reduced for\n",
        );
    }
    if !bounds.iter().any(|bound| bound.name == "best-static") {
        text.push_str("best-static  omitted: no fixed partition respects all minima\n");
    }
    text
}

/// The sentences that close a comparison: which run has the fewest demand faults, how far that is
/// from the baseline and from the best static split, which run balancing made worse, and which run
/// only seems best because replacement misses leave out faults into empty frames.
///
/// Runs that know the future are not ranked.
///
/// ```
/// use balloonist::conclude::compare::{Contender, verdict};
/// use balloonist::scenario::Document;
/// use balloonist::simulate::simulate;
/// use balloonist::watch::NullWatcher;
/// use balloonist::{balance, bound};
///
/// let text = "host.memory = 4\ncheckpoint.every = 3\n\
///             [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
///             [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]\n";
/// let scenario = Document::from_toml("mine.toml", text.as_bytes()).check().unwrap().scenario;
/// let policies = balance::ALL.iter().filter(|policy| ["static", "last-n"].contains(&policy.name));
/// let run = |policy| {
///     let outcome = simulate(&scenario, policy, &mut NullWatcher).unwrap();
///     Contender::new(&scenario, None, outcome)
/// };
/// let runs: Vec<Contender> = policies.map(run).collect();
/// let bounds = bound::all(&scenario);
/// assert_eq!(
///     verdict(&runs, &bounds, 0),
///     "last-n has the fewest demand faults: 5 in 18 accesses, 50.0 % fewer than static, 25.0 % \
///      more than the best static split."
/// );
/// ```
pub fn verdict(runs: &[Contender], bounds: &[Bound], baseline: usize) -> String {
    let ranked: Vec<&Contender> = runs.iter().filter(|run| run.is_ranked()).collect();
    if ranked.is_empty() {
        return "No run is ranked: each knows the future and is only a yardstick.".to_owned();
    }
    let fault = fault(runs);
    let best = Best::by(&ranked, faults);
    let accesses = counted(best.first.outcome.all.counts.accesses, "access");
    let mut text = if let [only] = ranked.as_slice() {
        format!("{} has {} in {accesses}", only.title(), counted(best.least, fault))
    } else {
        format!("{}: {} in {accesses}", fewest(&best.names(), fault), grouped(best.least))
    };
    let baseline = &runs[baseline];
    let split = bounds.iter().find(|bound| bound.name == "best-static");
    let against_baseline = difference(best.least, faults(baseline), &baseline.title());
    let of_split =
        if best.first.is_lru { "the best static split" } else { "the best static split of LRU" };
    let against_split =
        split.and_then(|split| difference(best.least, split.demand_faults, of_split));
    for difference in [against_baseline, against_split].into_iter().flatten() {
        let _ = write!(text, ", {difference}");
    }
    text.push('.');
    let worst = ranked.iter().max_by_key(|run| faults(run)).expect("a run is ranked");
    if faults(worst) > faults(baseline)
        && let Some(difference) = difference(faults(worst), faults(baseline), &baseline.title())
    {
        let faults = grouped(faults(worst));
        let _ = write!(text, "\n{} has the most: {faults}, {difference}.", worst.title());
    }
    text += &by_stalls(&ranked, baseline);
    text + &never_moved(runs) + &seems_best(&ranked, &best) + &not_ranked(runs)
}

/// Which run waited least, if faults differ in price and the scenario says what they cost.
fn by_stalls(ranked: &[&Contender], baseline: &Contender) -> String {
    let stalls = |run: &Contender| run.outcome.all.stall_ticks;
    let waits = ranked.iter().any(|run| run.prices_differ && stalls(run) > 0);
    if !waits || ranked.len() < 2 {
        return String::new();
    }
    let best = Best::by(ranked, stalls);
    let against = difference(best.least, stalls(baseline), &baseline.title());
    let against = against.map_or_else(String::new, |difference| format!(", {difference}"));
    let verb = if best.names.len() == 1 { "waits" } else { "wait" };
    format!(
        "\nFaults differ in price here: {} {verb} least for them, {} ticks{against}.",
        and(&best.names()),
        grouped(best.least)
    )
}

/// "last-n has the fewest demand faults".
pub(crate) fn fewest(names: &[&str], fault: &str) -> String {
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{} {verb} the fewest {fault}s", and(names))
}

/// What is counted when runs are ranked: accesses that found their page in no frame.
fn fault(runs: &[Contender]) -> &'static str {
    let pages = |run: &Contender| run.outcome.all.counts.found.host_swap > 0;
    if runs.iter().any(pages) { "demand or host fault" } else { "demand fault" }
}

/// The line on runs that know the future.
fn not_ranked(runs: &[Contender]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in runs.iter().filter_map(|run| run.outcome.foresight.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    foresight(&names)
}

/// The line on the runs of these names, which know the future.
pub(crate) fn foresight(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => format!("\n{name} knows the future and is not ranked."),
        names => format!("\n{} know the future and are not ranked.", and(names)),
    }
}

/// Notes on VMs that did not start when they arrived. Each appears once, with its runs unless it
/// applies to all.
pub fn notes(scenario: &Scenario, runs: &[Contender]) -> String {
    let mut notes: Vec<(String, Vec<String>)> = Vec::new();
    for run in runs {
        for note in life::notes(scenario, &run.outcome) {
            match notes.iter_mut().find(|(other, _)| *other == note) {
                Some((_, titles)) => titles.push(run.title()),
                None => notes.push((note, vec![run.title()])),
            }
        }
    }
    let told = |(note, titles): &(String, Vec<String>)| {
        if titles.len() == runs.len() {
            return format!("\n{note}");
        }
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        format!("\nUnder {}: {note}", and(&titles))
    };
    notes.iter().map(told).collect()
}

/// A note on policies, except `static`, that moved no frame in any run.
fn never_moved(runs: &[Contender]) -> String {
    let moved = |run: &Contender| run.outcome.all.frames_moved() > 0;
    let mut names: Vec<&str> = Vec::new();
    for policy in runs.iter().map(|run| run.outcome.policy.as_str()) {
        let mut of_policy = runs.iter().filter(|run| run.outcome.policy == policy);
        let still = policy != "static" && !of_policy.any(moved);
        if still && !names.contains(&policy) {
            names.push(policy);
        }
    }
    let alone = runs.first().is_some_and(|run| run.outcome.vms.len() == 1);
    if names.is_empty() || alone {
        return String::new();
    }
    format!(
        "\n{} moved no frame here: nothing required it, or the rule counts in gigabytes and \
         seconds; `list policies` shows the parameters to scale.",
        and(&names)
    )
}

fn faults(run: &Contender) -> u64 {
    run.outcome.all.counts.faults()
}

/// "9.7 % fewer than static", or from twice as many on "39.5 times as many as static"; nothing if
/// the numbers are equal or the other is 0.
pub(crate) fn difference(
    faults: impl Into<u128>,
    other: impl Into<u128>,
    name: &str,
) -> Option<String> {
    let (faults, other) = (faults.into(), other.into());
    let times = Millionths::ratio(faults, other)?;
    if times.0 >= 2 * Millionths::ONE {
        return Some(format!("{} times as many as {name}", rounded(times)));
    }
    let word = if faults < other { "fewer" } else { "more" };
    let permille = Millionths::ratio(faults.abs_diff(other) * 1000, other)?;
    let tenths = (permille.0 + Millionths::ONE / 2) / Millionths::ONE;
    (tenths > 0).then(|| format!("{}.{} % {word} than {name}", tenths / 10, tenths % 10))
}

/// A warning if ranking by replacement misses would give another policy.
fn seems_best(runs: &[&Contender], best: &Best<'_>) -> String {
    let by_replacement = Best::by(runs, |run| run.outcome.all.counts.replacement_misses);
    let pages = runs.iter().any(|run| run.outcome.all.counts.found.host_swap > 0);
    if pages || best.names.iter().any(|name| by_replacement.names.contains(name)) {
        return String::new();
    }
    let more = faults(by_replacement.first) - best.least;
    format!(
        "\nBy replacement misses, which leave out faults into empty frames, {} would be best: {}.\n\
         Yet {} has {} more than {}.",
        and(&by_replacement.names()),
        grouped(by_replacement.least),
        by_replacement.names[0],
        counted(more, "demand fault"),
        best.names[0],
    )
}

/// The runs with the least of a count.
struct Best<'a> {
    first: &'a Contender,
    names: Vec<String>,
    least: u64,
}

impl<'a> Best<'a> {
    fn by(runs: &[&'a Contender], count: impl Fn(&Contender) -> u64) -> Self {
        let first = *runs.iter().min_by_key(|run| count(run)).expect("a comparison has a run");
        let least = count(first);
        let tied = runs.iter().filter(|run| count(run) == least);
        Self { first, names: tied.map(|run| run.title()).collect(), least }
    }

    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// "a", "a and b", "a, b and c".
pub(crate) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_a_part_or_from_twice_as_many_on_a_factor() {
        for (faults, other, expected) in [
            (903_u32, 1000_u32, Some("9.7 % fewer than static")),
            (0, 1000, Some("100.0 % fewer than static")),
            (1223, 1000, Some("22.3 % more than static")),
            (1999, 1000, Some("99.9 % more than static")),
            (2000, 1000, Some("2 times as many as static")),
            (3949, 100, Some("39.5 times as many as static")),
            (1_234_560, 100, Some("12,345.6 times as many as static")),
            (1000, 1000, None),
            (10_001, 10_000, None),
            (7, 0, None),
        ] {
            let told = difference(faults, other, "static");
            assert_eq!(told.as_deref(), expected, "{faults} beside {other}");
        }
    }
}

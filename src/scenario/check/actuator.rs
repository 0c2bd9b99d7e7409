//! The host's actuator, and the phases in which a VM's balloon driver is stuck.

use super::super::codes;
use super::super::document::Literal;
use super::super::{Actuator, Phase};
use super::values::{Field, Findings, Section};
use super::{Fitted, params};
use crate::params::Settings;
use crate::reclaim::{self, Grow, Marks, MechanismKind, Swapper};
use crate::replace::{self, ReplacementKind};
use crate::units::{Decimal, Frames, Ticks};

const KEYS: &[&str] =
    &["kind", "latency", "rate", "step", "pager", "swapper", "marks", "period", "grow"];

/// The table `[actuator]`.
pub(super) struct Reclaim {
    pub(super) actuator: Actuator,
    /// How the host pages, if it does.
    pub(super) paging: Option<Pages>,
    /// When it pages and when it balloons, if the state of its free memory decides that.
    pub(super) states: Option<ByState>,
}

/// What a host that reclaims by states needs to know; its marks in frames need its memory.
#[derive(Clone, Copy)]
pub(super) struct ByState {
    pub(super) marks: Marks,
    pub(super) period: Ticks,
    pub(super) grow: Grow,
}

/// The pager, its parameters and the swapper of a host that pages.
pub(super) type Pages = ((&'static ReplacementKind, Settings), Swapper);

/// The table `[actuator]`. The keys of one kind are allowed with another too, so that a setting or
/// an axis can change only the kind.
pub(super) fn read(
    findings: &mut Findings,
    section: &Section,
    page_size: Option<u64>,
) -> Option<Reclaim> {
    section.only(findings, KEYS);
    let kinds = || reclaim::ALL.iter().map(|kind| (kind.name, kind));
    let kind = match section.get("kind") {
        Some(field) => findings.choice(&field, kinds()),
        None if KEYS.iter().any(|key| section.get(key).is_some()) => {
            let remedy = "choose a kind, for example `kind = \"balloon\"`";
            section.need(findings, "kind", remedy);
            None
        }
        None => Some(&reclaim::ALL[0]),
    };
    let paging = pages(findings, section, page_size);
    let actuator = balloon(findings, section, kind.map(|kind| kind.balloons), page_size);
    let states = by_state(findings, section, kind.is_some_and(MechanismKind::has_states));
    let paging = if kind?.pages { Some(paging?) } else { None };
    let states = if kind?.has_states() { Some(states?) } else { None };
    Some(Reclaim { actuator: actuator?, paging, states })
}

/// What a host that reclaims by the state of its free memory needs to know.
fn by_state(findings: &mut Findings, section: &Section, is_needed: bool) -> Option<ByState> {
    let marks = section.get("marks").map_or(Some(Marks::PAPER), |field| marks(findings, &field));
    let grow = section
        .get("grow")
        .map_or(Some(Grow::default()), |field| findings.choice(&field, Grow::ALL.iter().copied()));
    let period = section.get("period").map(|field| findings.ticks(&field, 1));
    if period.is_none() && is_needed {
        let remedy = "set the ticks between two looks at free memory, for example `period = 100`";
        section.need(findings, "period", remedy);
    }
    Some(ByState { marks: marks?, period: period??, grow: grow? })
}

/// Four percents, none larger than the one before, or the name of a product that has them.
fn marks(findings: &mut Findings, field: &Field) -> Option<Marks> {
    if let Literal::String(_) = &field.node.value {
        return findings.choice(field, [("esxi-6", Marks::Esxi6)]);
    }
    let given = findings.words(field);
    let [least, most] = [Decimal { digits: 0, places: 0 }, Decimal { digits: 100, places: 0 }];
    let read = given.iter().map(|mark| params::decimal(findings, mark, least, most));
    let read: Vec<Decimal> = read.collect::<Option<_>>()?;
    let falls = read.windows(2).all(|pair| params::compare(pair[0], pair[1]).is_ge());
    let percents = <[Decimal; 4]>::try_from(read).ok().filter(|_| falls);
    if percents.is_none() {
        let message = "these are not four marks of free memory";
        let remedy = "write the percents of the states high, soft, hard and low, none larger than \
                      the one before: `marks = [6, 4, 2, 1]`; or \"esxi-6\"";
        findings.error(codes::BAD_MARKS, field.node.origin, message, remedy);
    }
    percents.map(Marks::Percents)
}

/// What a host that pages needs to know.
fn pages(findings: &mut Findings, section: &Section, page_size: Option<u64>) -> Option<Pages> {
    let random = replace::ALL.iter().find(|kind| kind.name == "random")?;
    let pager = params::replacement(findings, section, ("pager", random), page_size);
    if let (Some((kind, _)), Some(field)) = (&pager, section.get("pager"))
        && kind.knows_the_future
    {
        let message = format!("`{}` knows the future, which no host does", kind.name);
        let remedy = "choose another pager; `balloonist list replacements` shows them";
        findings.error(codes::UNKNOWN_WORD, field.node.origin, message, remedy);
        return None;
    }
    let swapper = section.get("swapper").map_or(Some(Swapper::default()), |field| {
        findings.choice(&field, Swapper::ALL.iter().copied())
    });
    Some((pager?, swapper?))
}

/// The actuator: a balloon, or one that carries out everything at once.
fn balloon(
    findings: &mut Findings,
    section: &Section,
    is_balloon: Option<bool>,
    page_size: Option<u64>,
) -> Option<Actuator> {
    let latency = section.get("latency").map_or(Some(Ticks(0)), |field| findings.ticks(&field, 0));
    let step = section.get("step").map_or(Some(Ticks(1)), |field| findings.ticks(&field, 1));
    let rate = section.get("rate").map(|field| findings.frames(&field, 1, page_size));
    if !is_balloon? {
        return Some(Actuator::INSTANT);
    }
    if rate.is_none() {
        let remedy = "set the frames that leave a VM in one step, for example `rate = 8`";
        section.need(findings, "rate", remedy);
    }
    Some(Actuator { latency: latency?, rate: rate??, step: step? })
}

/// The most batches of balloons in a run, and in flight at a time.
const BATCHES_MAX: u128 = 100_000_000_000;
const FLIGHTS_MAX: u128 = 100_000_000;

/// Reports looks at free memory that could be too many in a run that ends by the tick `latest`.
pub(super) fn check_looks(findings: &mut Findings, section: &Section, period: Ticks, latest: u128) {
    let looks = latest / u128::from(period.0);
    if looks > BATCHES_MAX {
        let message = format!("a period of {period} ticks gives {looks} looks at free memory");
        let remedy = format!(
            "the run may last {latest} ticks; use {} or more",
            latest.div_ceil(BATCHES_MAX)
        );
        findings.error(codes::TOO_MANY_EVENTS, section.origin_of("period"), message, remedy);
    }
}

/// Reports balloons whose batches could be too many in a run that ends by the tick `latest`: in
/// total, or in flight at a time, where they take memory. Partial batches are not counted in the
/// total: a VM has at most one per order.
pub(super) fn check_batches(
    findings: &mut Findings,
    section: &Section,
    Actuator { latency, rate, step }: Actuator,
    [every, latest]: [u128; 2],
    fitted: &Fitted,
) {
    let [rate, step] = [u128::from(rate.0), u128::from(step.0).max(1)];
    let vms = fitted.bounds.len() as u128;
    // A VM gives at most one batch per step. Between two checkpoints targets only fall, so all VMs
    // together give no more than they held or were given, plus what arriving VMs start with.
    let by_steps = |ticks: u128| vms * (ticks / step + 1);
    let of_all = |frames: &mut dyn Iterator<Item = Frames>| -> u128 {
        frames.map(|frames| u128::from(frames.0)).sum()
    };
    let most = of_all(&mut fitted.bounds.iter().map(|bounds| bounds.max));
    let most = most.min(u128::from(fitted.memory.0));
    let first = of_all(&mut fitted.allocations.iter().copied());
    let given = (2 * (latest / every + 1)).saturating_mul(most) + first;
    let batches = by_steps(latest).min(given / rate);
    // Batches that land at the same tick are kept as one. Full batches hold disjoint frames; beside
    // them a VM has one partial batch per order.
    let latency = u128::from(latency.0).min(latest);
    let full = u128::from(fitted.memory.0) / rate;
    let flights = by_steps(latency).min(latency + 1).min(full + vms * (latency / every + 2));
    let (message, times) = if batches > BATCHES_MAX {
        let message = format!("balloons of rate {rate} could take {batches} batches");
        (message, batches.div_ceil(BATCHES_MAX))
    } else if flights > FLIGHTS_MAX {
        let message = format!("balloons of rate {rate} could have {flights} batches in flight");
        (message, flights.div_ceil(FLIGHTS_MAX))
    } else {
        return;
    };
    let remedy = format!("make `rate` and `step` {times} times as large; the speed stays the same");
    findings.error(codes::TOO_MANY_EVENTS, section.origin_of("rate"), message, remedy);
}

/// The phases at `key`: an array of tables of `from` and `until`, in order. If `endless` phases are
/// allowed, the last one needs no `until`.
pub(super) fn phases(
    findings: &mut Findings,
    vm: &Section,
    key: &str,
    endless: bool,
) -> Option<Vec<Phase>> {
    let wanted = "an array of tables such as `{ from = 100, until = 200 }`";
    let length = match vm.get(key).map(|field| &field.node.value) {
        None => 0,
        Some(Literal::Array(items)) => items.len(),
        // A value that is not an array is reported below.
        Some(_) => usize::MAX,
    };
    let sections = vm.sections(findings, key, wanted);
    let mut read = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        read.extend(phase(findings, section, endless && at + 1 == length));
    }
    if read.len() != length {
        return None;
    }
    let mut overlap = false;
    for (pair, section) in read.windows(2).zip(sections.iter().skip(1)) {
        if pair[1].from < pair[0].until {
            let message = format!("`{key}` has a phase that begins before the one before it ends");
            let remedy = format!("it must begin at {} or later", pair[0].until);
            findings.error(codes::BAD_PHASE, section.origin_of("from"), message, remedy);
            overlap = true;
        }
    }
    (!overlap).then_some(read)
}

fn phase(findings: &mut Findings, section: &Section, endless: bool) -> Option<Phase> {
    section.only(findings, &["from", "until"]);
    let remedy = "set the tick at which the phase begins";
    let from = section.need(findings, "from", remedy).and_then(|field| findings.ticks(&field, 0));
    let until = match section.get("until") {
        Some(field) => findings.ticks(&field, 1),
        None if endless => Some(Phase::NEVER),
        None => {
            section.need(findings, "until", "set the tick at which the phase ends");
            None
        }
    };
    let (from, until) = (from?, until?);
    if until <= from {
        let message = format!("the phase begins at {from} and ends at {until}");
        let origin = section.origin_of("until");
        findings.error(codes::BAD_PHASE, origin, message, "`until` must be later than `from`");
        return None;
    }
    Some(Phase { from, until })
}

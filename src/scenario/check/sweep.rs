//! `[sweep]`: turns axes, zips, skips and the baseline into a grid.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Mechanisms;
use super::super::codes;
use super::super::diagnostic::{Diagnostic, clip, meant};
use super::super::document::{Literal, Node, Origin, Table, table_name};
use super::super::grid::{Axis, Dimension, Grid, Picks, StepsOf};
use super::super::range::{Fault, Number, Progress, expand};
use super::super::written::label;
use super::values::{Field, Findings, Section};
use crate::reclaim::{self, MechanismKind};

/// Keys that a sweep sets itself, or that do not affect runs.
const NOT_AXES: &[&str] = &["seed", "name", "sweep", "extends", "compare", "expect"];

/// A dotted path and its value, independent of how the keys were nested.
struct Leaf<'d> {
    path: String,
    key: Origin,
    node: &'d Node,
}

/// Checks the scenario with one value of an axis.
pub(super) type Probe<'p> = &'p mut dyn FnMut(&Axis, &Node) -> Vec<Diagnostic>;

/// The grid of the scenario's `[sweep]`; `None` without one, or if it was reported. If the baseline
/// or a skip names a value that no axis takes, `probe` checks whether the axis itself has the wrong
/// value.
pub(super) fn read(findings: &mut Findings, root: &Section, probe: Probe) -> Option<Grid> {
    root.get("sweep")?;
    let found_before = findings.list.len();
    let sweep = root.section(findings, "sweep");
    sweep.only(findings, &["repeat", "baseline", "axes", "zip", "skip"]);
    let repeat = sweep.get("repeat");
    let repeat =
        repeat.map_or(Some(1), |field| findings.integer(&field, 1, Grid::RUNS_MAX)).unwrap_or(1);
    let mut dimensions = Vec::new();
    for leaf in leaves(sweep.section(findings, "axes").table()) {
        let axis = axis(findings, &leaf);
        dimensions.extend(axis.map(|axis| Dimension { axes: vec![axis], is_zip: false }));
    }
    for zip in sweep.sections(findings, "zip", "an array of tables, `[[sweep.zip]]`") {
        dimensions.extend(read_zip(findings, &zip));
    }
    refuse_doubles(findings, &dimensions);
    let mut picker = Picker::new(&dimensions, probe);
    let skips: Vec<Picks> = sweep
        .sections(findings, "skip", "an array of tables, `[[sweep.skip]]`")
        .iter()
        .map(|skip| picker.picks(findings, skip))
        .collect();
    let baseline = sweep.get("baseline").map(|_| {
        let section = sweep.section(findings, "baseline");
        picker.picks(findings, &section)
    });
    check_size(findings, &sweep, repeat, &dimensions);
    if findings.list.len() > found_before {
        return None;
    }
    let tiers = match root.get("tier").map(|field| &field.node.value) {
        Some(Literal::Array(tiers)) => tiers.as_slice(),
        _ => &[],
    };
    let tiers = tiers.iter().filter_map(table_name).map(str::to_owned).collect();
    let axes = dimensions.iter().flat_map(|dimension| &dimension.axes);
    let kinds = axes.filter(|axis| axis.path == "actuator.kind").flat_map(|axis| &axis.values);
    let own = root.section(findings, "actuator").get("kind").map(|field| field.node);
    let named = |node: &Node| reclaim::ALL.iter().find(|kind| node.text() == Some(kind.name));
    let kinds: Vec<&MechanismKind> = own.into_iter().chain(kinds).filter_map(named).collect();
    let pages = kinds.iter().any(|kind| kind.pages);
    let states = kinds.iter().any(|kind| kind.has_states());
    let shares = root.get("sharing").is_some();
    let grid = Grid::new(repeat, dimensions, skips, baseline);
    let grid = grid.with_mechanisms(Mechanisms { tiers, pages, states, shares });
    if grid.points() == 0 {
        let message = "every point of the sweep is skipped";
        findings.error(codes::NO_POINT, sweep.origin_of("skip"), message, "keep at least one");
        return None;
    }
    Some(grid)
}

/// The values of nested tables under their dotted paths, in source order.
fn leaves(table: &Table) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(table, "", &mut found);
    found.sort_by_key(|leaf| leaf.key);
    found
}

fn collect<'d>(table: &'d Table, prefix: &str, found: &mut Vec<Leaf<'d>>) {
    for (key, entry) in table {
        let path = format!("{prefix}{key}");
        match entry.node.table() {
            Some(below) if !below.is_empty() && !below.contains_key("from") => {
                collect(below, &format!("{path}."), found);
            }
            _ => found.push(Leaf { path, key: entry.key, node: &entry.node }),
        }
    }
}

fn read_zip(findings: &mut Findings, zip: &Section) -> Option<Dimension> {
    let leaves = leaves(zip.table());
    let axes: Vec<Axis> = leaves.iter().filter_map(|leaf| axis(findings, leaf)).collect();
    let (first, others) = axes.split_first()?;
    for other in others {
        if other.values.len() != first.values.len() {
            let (one, two) = (first.values.len(), other.values.len());
            let (path, first) = (clip(&other.path), clip(&first.path));
            let message = format!("`{path}` has {two} values and `{first}` {one}");
            let remedy = "zipped axes need the same number of values";
            findings.error(codes::ZIP_LENGTHS, other.key, message, remedy);
        }
    }
    Some(Dimension { axes, is_zip: true })
}

fn axis(findings: &mut Findings, leaf: &Leaf) -> Option<Axis> {
    let first = leaf.path.split('.').next().unwrap_or_default();
    if NOT_AXES.contains(&first) {
        let message = format!("`{}` cannot be an axis", clip(&leaf.path));
        let remedy = match first {
            "seed" => "repetitions differ in their random streams: `repeat`, or `--seeds A..B`",
            _ => "an axis is a path that changes runs, such as `host.memory`",
        };
        findings.error(codes::BAD_AXIS, leaf.key, message, remedy);
        return None;
    }
    let field = Field { path: leaf.path.clone(), node: leaf.node };
    let values = match &leaf.node.value {
        Literal::Array(items) => items.clone(),
        Literal::Pages(numbers) => {
            let integer = |&number: &u64| Literal::Integer(number.into());
            numbers.iter().map(|n| Node { origin: leaf.node.origin, value: integer(n) }).collect()
        }
        Literal::Table(table) => read_range(findings, &field, table)?,
        _ => {
            findings
                .wrong_type(&field, "an array, or a range such as { from = 1, to = 9, step = 2 }");
            return None;
        }
    };
    if values.is_empty() {
        let message = format!("the axis `{}` has no value", clip(&leaf.path));
        findings.error(codes::EMPTY_AXIS, leaf.node.origin, message, "give it at least one");
        return None;
    }
    Some(Axis { path: leaf.path.clone(), key: leaf.key, values })
}

fn read_range(findings: &mut Findings, field: &Field, table: &Table) -> Option<Vec<Node>> {
    let section = Section::new(format!("{}.", field.path), field.node.origin, table);
    section.only(findings, &["from", "to", "step", "factor"]);
    let mut number = |key: &str| {
        let remedy =
            "a range is { from = 1, to = 9, step = 2 }, or has a `factor` instead of the step";
        let field = section.need(findings, key, remedy)?;
        let number = Number::of(field.node);
        if number.is_none() {
            findings
                .wrong_type(&field, "a non-negative number, or a string with a number and a unit");
        }
        Some((number?, field.node.origin))
    };
    let ((from, _), (to, end)) = (number("from")?, number("to")?);
    let (progress, at) = match (section.get("step"), section.get("factor")) {
        (Some(_), Some(factor)) => {
            let message = format!("`{}` has a step and a factor", clip(&field.path));
            findings.error(codes::BAD_STEP, factor.node.origin, message, "remove one of them");
            return None;
        }
        (None, Some(_)) => number("factor").map(|(by, at)| (Progress::Factor(by), at))?,
        _ => number("step").map(|(by, at)| (Progress::Step(by), at))?,
    };
    let fault = match expand(&from, &to, &progress, Grid::RUNS_MAX as usize) {
        Ok(values) => return Some(values.iter().map(|value| value.node(at)).collect()),
        Err(fault) => fault,
    };
    let path = clip(&field.path);
    let (code, origin, message, remedy) = match fault {
        Fault::Empty => {
            let message = format!("the range of `{path}` is empty");
            (codes::EMPTY_AXIS, end, message, "`to` must not be below `from`")
        }
        Fault::Stands => {
            let message = format!("the range of `{path}` never advances");
            let remedy = "a step is above 0, a factor above 1, and 0 cannot be multiplied";
            (codes::BAD_STEP, at, message, remedy)
        }
        Fault::Units => {
            let message = format!("the range of `{path}` mixes units");
            let remedy = "use one unit throughout, and a factor without a unit";
            (codes::BAD_STEP, at, message, remedy)
        }
        Fault::Inexact => {
            let message = format!("a value of `{path}` has too many digits");
            (codes::BAD_STEP, at, message, "18 decimal places are kept; list the values")
        }
        Fault::TooMany => {
            let message = format!("`{path}` has more than {} values", Grid::RUNS_MAX);
            (codes::TOO_MANY_RUNS, at, message, "split it into several sweeps")
        }
    };
    findings.error(code, origin, message, remedy);
    None
}

fn refuse_doubles(findings: &mut Findings, dimensions: &[Dimension]) {
    let mut seen = BTreeSet::new();
    for axis in dimensions.iter().flat_map(|dimension| &dimension.axes) {
        if !seen.insert(axis.path.as_str()) {
            let message = format!("`{}` is an axis twice", clip(&axis.path));
            findings.error(codes::BAD_AXIS, axis.key, message, "keep one of them");
        }
    }
}

/// Reads the values named by skips and the baseline, and finds them on the axes.
struct Picker<'d, 'p> {
    axes: BTreeMap<&'d str, (&'d Axis, StepsOf)>,
    probe: Probe<'p>,
    /// The number of named values that no axis has. Suggestions are searched only for the first
    /// ones.
    wrong: usize,
}

impl<'d, 'p> Picker<'d, 'p> {
    fn new(dimensions: &'d [Dimension], probe: Probe<'p>) -> Self {
        let axes = dimensions.iter().flat_map(|dimension| &dimension.axes);
        let axes = axes.map(|axis| (axis.path.as_str(), (axis, StepsOf::new(axis)))).collect();
        Self { axes, probe, wrong: 0 }
    }

    fn picks(&mut self, findings: &mut Findings, section: &Section) -> Picks {
        let leaves = leaves(section.table());
        if leaves.is_empty() {
            let message = "no value is named here";
            let remedy = "name a value of an axis, such as `\"policy.kind\" = \"static\"`";
            findings.error(codes::NO_POINT, section.origin, message, remedy);
        }
        for leaf in &leaves {
            let Some((axis, steps)) = self.axes.get(leaf.path.as_str()) else {
                let message = format!("`{}` is not an axis", clip(&leaf.path));
                let remedy = match meant(&leaf.path, self.axes.keys().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "name a path of `[sweep.axes]`".to_owned(),
                };
                findings.error(codes::NO_POINT, leaf.key, message, remedy);
                continue;
            };
            if steps.of(leaf.node).is_empty() {
                self.wrong += 1;
                let looks = self.wrong <= LOOKED_FOR_MAX;
                let wrong = if looks { misspelt(axis, self.probe) } else { Vec::new() };
                if wrong.is_empty() {
                    findings.list.push(not_taken(axis, leaf, looks));
                }
                findings.list.extend(wrong);
            }
        }
        leaves.into_iter().map(|leaf| (leaf.path, leaf.node.clone())).collect()
    }
}

/// The diagnostic for a value that an axis does not have; `looks` for a suggestion.
fn not_taken(axis: &Axis, leaf: &Leaf, looks: bool) -> Diagnostic {
    let few = if looks { PROBED_MAX } else { 0 };
    let labels: Vec<String> = axis.values.iter().take(few).map(label).collect();
    let remedy = match meant(&label(leaf.node), labels.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{}`?", clip(meant)),
        None => "name one of its values as it is written there".to_owned(),
    };
    let message = format!("the axis `{}` does not have this value", clip(&leaf.path));
    Diagnostic::error(codes::NO_POINT, leaf.node.origin, message, remedy)
}

/// The most values of an axis that are probed for a misspelt one.
const PROBED_MAX: usize = 1000;

/// The most wrong values for which suggestions are searched.
const LOOKED_FOR_MAX: usize = 8;

/// Diagnostics for misspelt values of the axis itself.
fn misspelt(axis: &Axis, probe: Probe) -> Vec<Diagnostic> {
    let words = axis.values.iter().filter(|value| value.text().is_some()).take(PROBED_MAX);
    let at_itself = |value: &Node| {
        let mut found = probe(axis, value);
        found.retain(|found| found.origin == value.origin);
        found
    };
    words.flat_map(at_itself).collect()
}

fn check_size(findings: &mut Findings, sweep: &Section, repeat: u64, dimensions: &[Dimension]) {
    let lengths = dimensions.iter().map(|dimension| dimension.axes[0].values.len() as u64);
    let mut runs = Some(repeat);
    for length in lengths {
        runs = runs.and_then(|runs| runs.checked_mul(length));
    }
    if runs.is_none_or(|runs| runs > Grid::RUNS_MAX) {
        let count = runs.map_or("more than 2^64".to_owned(), |runs| runs.to_string());
        let message = format!("the sweep has {count} runs");
        let remedy =
            format!("at most {} are allowed; split it into several sweeps", Grid::RUNS_MAX);
        findings.error(codes::TOO_MANY_RUNS, sweep.origin, message, remedy);
    }
}

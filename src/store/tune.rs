//! What `tune` found: its tables, and the fragment of a scenario with the best settings.

use crate::number::Millionths;
use crate::plan::knobs::Knob;
use crate::plan::tune::Tuned;
use crate::scenario::written::quoted;
use crate::table::{Cell, Table};

/// What the settings are worth: a row for the present ones, for the best ones, and for the choices
/// made without each kind of part, in the parts that were left out.
pub fn worth(tuned: &Tuned) -> Table {
    let mut table = Table::new(&["settings", "objective", "ratio", "folds", "better"]);
    let mut push = |settings: &str, value: Option<Millionths>, ratio, folds: [Cell; 2]| {
        let value = value.map_or(Cell::Empty, Cell::Ratio);
        let [folds, better] = folds;
        table.push(vec![settings.into(), value, Cell::Ratio(ratio), folds, better]);
    };
    let none = [Cell::Empty, Cell::Empty];
    let [best, now] = [0, 1].map(|at| tuned.seen.values.map(|values| values[at]));
    push("present", now, Millionths(Millionths::ONE), none.clone());
    push("best", best, tuned.seen.ratio, none);
    for held in &tuned.held_out {
        let folds = [held.folds, held.better].map(|count| Cell::Integer(count as u64));
        let value = held.score.values.map(|[mine, _]| mine);
        push(&format!("left out: {}", held.what), value, held.score.ratio, folds);
    }
    table
}

/// A row for each knob: its path, and its present and its best value.
pub fn values(tuned: &Tuned, knobs: &[Knob]) -> Table {
    let mut table = Table::new(&["knob", "present", "best"]);
    for (at, knob) in knobs.iter().enumerate() {
        let present = tuned.now[at].as_deref();
        let best = tuned.best.as_ref().map(|values| values[at].as_str()).or(present);
        let cell = |value: Option<&str>| value.map_or(Cell::Empty, Cell::from);
        table.push(vec![Cell::from(knob.name.as_str()), cell(present), cell(best)]);
    }
    table
}

/// The first words of a fragment.
pub const FRAGMENT: &str = "# Found by balloonist tune: ";

/// A scenario file with the best settings of a policy and nothing else, or with the present ones if
/// they are kept. `extends` is the scenario that it completes; `why` says how good they are.
pub fn fragment(
    policy: &str,
    knobs: &[Knob],
    values: Option<&[String]>,
    extends: Option<&str>,
    why: &str,
) -> String {
    let why = why.trim().replace('\n', "\n# ");
    let extends = extends.map(|path| format!("extends = {}\n", quoted(path))).unwrap_or_default();
    let values = knobs.iter().zip(values.unwrap_or_default());
    let values = values.map(|(knob, value)| format!("{} = {}\n", knob.path, toml_value(value)));
    let values: String = values.collect();
    format!("{FRAGMENT}{why}\n{extends}policy.kind = {}\n{values}", quoted(policy))
}

fn toml_value(value: &str) -> String {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number { value.to_owned() } else { quoted(value) }
}

//! The report's tables and figures compared with ours, as files and as text.

pub mod figures;
mod page;

use crate::number::Millionths;
use crate::reproduce::{Figure, Metric, Place, Reproduction, Strategy};
use crate::table::{Cell, Table};

pub use page::{report, result};

/// The files that `reproduce --out` writes.
pub const FILES: [&str; 5] = ["table1.csv", "table2.csv", "figures.csv", "demand.csv", "draws.csv"];

/// The figures that it writes beside them.
pub const DRAWN: [&str; 3] = ["figure-4.svg", "figure-5.svg", "figure-6.svg"];

/// The contents of [`FILES`], in their order.
pub fn tables(reproduction: &Reproduction) -> [Table; 5] {
    [
        table1(reproduction),
        table2(reproduction),
        bars(reproduction),
        demand(reproduction),
        draws(reproduction),
    ]
}

/// Every compared number, a row each; CSV and JSON print this table.
pub fn all_figures(reproduction: &Reproduction) -> Table {
    let mut table = Table::new(&[
        "place",
        "test",
        "policy",
        "every",
        "vm",
        "metric",
        "compared_with",
        "published",
        "ours",
        "status",
    ]);
    for figure in &reproduction.figures {
        let Figure { place, test, policy, every, vm, metric, published, ours } = *figure;
        let value = |value: u64| match metric.places() {
            0 => Cell::from(value),
            places => fixed(value, places).into(),
        };
        table.push(vec![
            place_name(place).into(),
            test.into(),
            policy.into(),
            Some(every).filter(|&every| every > 0).into(),
            vm.map_or("all".to_owned(), |vm| format!("VM{vm}")).into(),
            metric.name().into(),
            if place.is_published() { "report" } else { "reference" }.into(),
            value(published),
            value(ours),
            status([figure]).into(),
        ]);
    }
    table
}

/// Table 1: a row for each of its three strategies.
fn table1(reproduction: &Reproduction) -> Table {
    let mut table = Table::new(&[
        "policy",
        "every",
        "accesses",
        "replacement_misses",
        "ratio",
        "ratio_rounded",
        "ratio_published",
        "decrease_percent",
        "decrease_published",
        "status",
    ]);
    for strategy in Strategy::COMPARED {
        let (counts, _) = reproduction.total(strategy);
        let figures: Vec<&Figure> = reproduction
            .figures_at(Place::Table1)
            .filter(|figure| (figure.policy, figure.every) == (strategy.policy, strategy.every))
            .collect();
        let value = |wanted: Metric, value: fn(&Figure) -> u64| {
            let figure = figures.iter().find(|figure| figure.metric == wanted);
            Cell::from(figure.map(|figure| fixed(value(figure), wanted.places())))
        };
        table.push(vec![
            strategy.policy.into(),
            strategy.every.into(),
            counts.accesses.into(),
            counts.replacement_misses.into(),
            ratio(counts.replacement_misses, counts.accesses),
            value(Metric::ReplacementRatio, |figure| figure.ours),
            value(Metric::ReplacementRatio, |figure| figure.published),
            value(Metric::Decrease, |figure| figure.ours),
            value(Metric::Decrease, |figure| figure.published),
            status(figures).into(),
        ]);
    }
    table
}

/// Table 2 as a file: a row for each n and VM.
fn table2(reproduction: &Reproduction) -> Table {
    let mut table =
        Table::new(&["test", "policy", "every", "vm", "replacement_misses", "published", "status"]);
    for figure in reproduction.figures_at(Place::Table2) {
        table.push(vec![
            figure.test.into(),
            figure.policy.into(),
            figure.every.into(),
            vm_name(figure).into(),
            figure.ours.into(),
            figure.published.into(),
            status([figure]).into(),
        ]);
    }
    table
}

/// The bars of Figures 4 to 6: a row for each file, VM and strategy.
fn bars(reproduction: &Reproduction) -> Table {
    let mut table = Table::new(&[
        "figure",
        "test",
        "vm",
        "policy",
        "every",
        "accesses",
        "replacement_misses",
        "ratio",
        "reference_misses",
        "status",
    ]);
    for (figure, accesses) in bar_figures(reproduction) {
        table.push(vec![
            place_name(figure.place).into(),
            figure.test.into(),
            vm_name(figure).into(),
            figure.policy.into(),
            figure.every.into(),
            accesses.into(),
            figure.ours.into(),
            ratio(figure.ours, accesses),
            figure.published.into(),
            status([figure]).into(),
        ]);
    }
    table
}

/// The figures behind bars, each with the accesses of its VM.
fn bar_figures(reproduction: &Reproduction) -> impl Iterator<Item = (&Figure, u64)> {
    let bars = reproduction.figures.iter().filter(|figure| matches!(figure.place, Place::Bar(_)));
    bars.map(|figure| {
        let replay = reproduction.replays.iter().find(|replay| replay.test == figure.test);
        (figure, replay.map_or(0, |replay| replay.vms[0].accesses))
    })
}

/// Replacement misses against demand faults over the three files: every strategy, then the bounds.
fn demand(reproduction: &Reproduction) -> Table {
    let mut table = Table::new(&[
        "role",
        "name",
        "every",
        "accesses",
        "replacement_misses",
        "fills",
        "demand_faults",
        "cold_faults",
        "capacity_faults",
        "frames_moved",
        "reference_faults",
        "status",
    ]);
    let reference = |name: &str, every: u64| {
        let mut figures = reproduction.figures_at(Place::Demand);
        let figure = figures.find(|figure| (figure.policy, figure.every) == (name, every));
        let status = figure.map(|figure| status([figure]));
        [Cell::from(figure.map(|figure| figure.published)), status.into()]
    };
    for strategy in Strategy::all() {
        let (counts, moved) = reproduction.total(strategy);
        let mut row: Vec<Cell> = vec![
            "policy".into(),
            strategy.policy.into(),
            strategy.every.into(),
            counts.accesses.into(),
            counts.replacement_misses.into(),
            counts.fills().into(),
            counts.demand_faults.into(),
            counts.cold_faults.into(),
            counts.capacity_faults().into(),
            moved.0.into(),
        ];
        row.extend(reference(strategy.policy, strategy.every));
        table.push(row);
    }
    table.push_rule();
    let (counts, _) = reproduction.total(Strategy::STATIC);
    for bound in &reproduction.bounds {
        let mut row: Vec<Cell> = vec!["bound".into(), (*bound.name).into(), Cell::Empty];
        row.push(counts.accesses.into());
        row.extend([Cell::Empty, Cell::Empty]);
        row.push(bound.demand_faults.into());
        row.push(counts.cold_faults.into());
        row.push(bound.capacity_faults.into());
        row.push(Cell::Empty);
        row.extend(reference(&bound.name, 0));
        table.push(row);
    }
    table
}

/// How many seeds gave each total of strategy 3.
fn draws(reproduction: &Reproduction) -> Table {
    let mut table = Table::new(&["metric", "total", "seeds"]);
    let draws = &reproduction.draws;
    for (metric, totals) in [
        (Metric::ReplacementMisses, &draws.replacement_misses),
        (Metric::DemandFaults, &draws.demand_faults),
    ] {
        for (&total, &seeds) in totals {
            table.push(vec![metric.name().into(), total.into(), seeds.into()]);
        }
    }
    table
}

fn place_name(place: Place) -> &'static str {
    match place {
        Place::Table1 => "Table 1",
        Place::Table2 => "Table 2",
        Place::Bar(4) => "Figure 4",
        Place::Bar(5) => "Figure 5",
        Place::Bar(_) => "Figure 6",
        Place::Demand => "demand faults",
    }
}

fn vm_name(figure: &Figure) -> String {
    figure.vm.map_or("all".to_owned(), |vm| format!("VM{vm}"))
}

fn status<'f>(figures: impl IntoIterator<Item = &'f Figure>) -> &'static str {
    if figures.into_iter().all(Figure::agrees) { "ok" } else { "DIFFERS" }
}

fn ratio(part: u64, whole: u64) -> Cell {
    Millionths::ratio_or_zero(u128::from(part), u128::from(whole)).into()
}

/// A number whose last `places` digits are decimals.
fn fixed(number: u64, places: u32) -> String {
    if places == 0 {
        return number.to_string();
    }
    let one = 10_u64.pow(places);
    format!("{}.{:0width$}", number / one, number % one, width = places as usize)
}

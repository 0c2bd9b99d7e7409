//! Laws of the tables: their sums agree for every run.

use std::collections::BTreeMap;

use crate::common::simulate;
use balloonist::balance::{self, PolicyKind};
use balloonist::render::sparkline;
use balloonist::scenario::{Document, Scenario};
use balloonist::store::series::Series;
use balloonist::store::thinned::{Sum, Thinned};
use balloonist::store::trail::Trail;
use balloonist::store::vms::{self, VmRow};
use balloonist::table::Cell;

/// Three VMs that loop over 3, 5 and 12 pages, for `rounds` rounds.
fn loops(rounds: u64) -> Scenario {
    let mut text = "3\n".to_owned();
    for pages in [3, 5, 12] {
        let accesses: Vec<String> = (0..rounds).map(|at| (at % pages).to_string()).collect();
        text.extend([&rounds.to_string(), " ", &accesses.join(" "), "\n"]);
    }
    Document::from_dat("loops.dat", text.as_bytes()).check().unwrap().scenario
}

fn integer(cell: &Cell) -> u64 {
    match cell {
        Cell::Integer(number) => *number,
        other => panic!("{other:?} is not an integer"),
    }
}

fn policies() -> impl Iterator<Item = &'static PolicyKind> {
    balance::ALL.iter()
}

#[test]
fn the_intervals_of_the_series_add_up_to_the_totals() {
    let scenario = loops(60);
    for policy in policies() {
        let mut series = Series::new(&scenario, Vec::new());
        let outcome = simulate(&scenario, policy, &mut series);
        let bytes = series.finish().unwrap();
        let mut sums: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for row in csv::Reader::from_reader(bytes.as_slice()).records() {
            let row = row.unwrap();
            let sum = sums.entry(row[1].to_owned()).or_default();
            for (sum, cell) in sum.iter_mut().zip(row.iter().skip(5)) {
                *sum += cell.parse::<u64>().unwrap();
            }
        }
        for (vm, account) in scenario.vms.iter().zip(&outcome.vms) {
            let counts = account.counts;
            let totals = [counts.accesses, counts.demand_faults, counts.replacement_misses];
            assert_eq!(sums[&vm.name], totals, "{} under {}", vm.name, policy.name);
        }
    }
}

#[test]
fn every_row_keeps_the_laws_and_the_last_one_is_the_sum() {
    type Count = (&'static str, fn(&VmRow) -> u64);
    let scenario = loops(60);
    for policy in policies() {
        let outcome = simulate(&scenario, policy, &mut balloonist::watch::NullWatcher);
        let rows = vms::rows(&scenario, &outcome);
        for row in &rows {
            assert_eq!(row.hits + row.demand_faults, row.accesses);
            assert_eq!(row.cold_faults + row.capacity_faults, row.demand_faults);
            assert_eq!(row.fills + row.replacement_misses, row.demand_faults);
            assert!(row.frames_min <= row.frames_first && row.frames_last <= row.frames_max);
        }
        let (all, vms) = rows.split_last().unwrap();
        let sums: [Count; 5] = [
            ("accesses", |row| row.accesses),
            ("hits", |row| row.hits),
            ("demand_faults", |row| row.demand_faults),
            ("granted", |row| row.granted),
            ("frames_first", |row| row.frames_first),
        ];
        for (column, of) in sums {
            let sum: u64 = vms.iter().map(of).sum();
            assert_eq!(of(all), sum, "{column} under {}", policy.name);
        }
    }
}

#[test]
fn a_long_trail_is_thinned_out_evenly() {
    let scenario = loops(5000);
    let policy = policies().next().unwrap();
    let mut trail = Trail::default();
    let outcome = simulate(&scenario, policy, &mut trail);
    let table = trail.table(&outcome);
    let numbers: Vec<String> = table.rows().iter().map(|row| row[0].plain()).collect();
    let expected: Vec<String> = (1..=5000 / 16).map(|at| (16 * at).to_string()).collect();
    assert_eq!(numbers[..numbers.len() - 1], expected);
    assert_eq!(numbers[numbers.len() - 1], "end");
}

#[test]
fn sparklines_share_a_scale_and_keep_to_the_width() {
    let scenario = loops(60);
    let mut series = Thinned::new(3);
    for (tick, frames) in [[8, 0, 2], [4, 0, 2], [1, 0, 2]].iter().enumerate() {
        for (vm, &frames) in frames.iter().enumerate() {
            series.add(tick as u64, vm, Sum { frames, ..Sum::default() });
        }
    }
    assert_eq!(
        sparkline::allocations(&scenario, &series, 80),
        "allocations over time, █ for 8 frames:\nVM0  █▄▁\nVM1\nVM2  ▂▂▂\n"
    );
    for tick in 3..100 {
        series.add(tick, 0, Sum { frames: 8, ..Sum::default() });
    }
    let text = sparkline::allocations(&scenario, &series, 25);
    assert!(text.lines().skip(1).all(|line| line.chars().count() <= 25), "{text}");
    assert_eq!(text.lines().nth(1).unwrap().chars().count(), 25);
    assert_eq!(sparkline::allocations(&scenario, &Thinned::new(3), 80), "");
}

//! `merge`: joins the shards of a sweep into the results that the unsharded sweep would have
//! written.

use std::path::PathBuf;

use balloonist::number::grouped;
use balloonist::sweep::journal::Journal;
use balloonist::table::Format;

use super::journals::{Journals, Shape};
use super::sweep_folder::{SweepFolder, open_journal, study_difference};
use super::{Context, Failure, context};

/// Merge the shards of a sweep
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folders written by `sweep --shard K/N --out DIR`, in any order
    #[arg(value_name = "DIR", required = true)]
    shards: Vec<PathBuf>,

    /// Write runs.csv, sweep.csv and manifest.json to this folder
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write runs.csv.zst in place of runs.csv
    #[arg(long, requires = "out")]
    zst: bool,

    #[command(flatten)]
    shape: Shape,

    /// How to print the result: the statistics as a table or Markdown, every run as CSV or JSON
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let journals = args.shards.iter().map(|folder| open_journal(folder));
    let mut journals = journals.collect::<Result<Vec<_>, _>>()?;
    refuse_mixed(&journals)?;
    journals.sort_by_key(|(_, journal)| (journal.header.runs.start, journal.header.runs.end));
    // With more shards than runs, some shards are empty.
    if journals.iter().any(|(_, journal)| !journal.header.runs.is_empty()) {
        journals.retain(|(_, journal)| !journal.header.runs.is_empty());
    }
    refuse_holes(&journals)?;
    let mut journals = Journals::new(journals, &args.shape)?;
    if let Some(out) = &args.out {
        let folder = SweepFolder::hold(out)?;
        journals.write(folder.held(), args.zst, None, context)?;
    }
    journals.print(args.format, &args.shape, context)?;
    journals.judge()
}

/// Refuses shards of different sweeps or versions.
fn refuse_mixed(journals: &[(PathBuf, Journal)]) -> Result<(), Failure> {
    let (first, known) = &journals[0];
    for (place, journal) in &journals[1..] {
        if journal.header.study != known.header.study || journal.header.total != known.header.total
        {
            let difference = study_difference(&journal.header.study, &known.header.study);
            let (place, first) = (place.display(), first.display());
            let text =
                format!("{place} is of {difference}, as {first} is; merge shards of one sweep");
            return Err(Failure::wrong(text));
        }
    }
    Ok(())
}

/// Refuses missing and duplicate runs.
fn refuse_holes(journals: &[(PathBuf, Journal)]) -> Result<(), Failure> {
    let total = journals[0].1.header.total;
    let mut next = 0;
    let gap = |from: u64, to: u64| {
        let [from, to, total] = [from, to - 1, total].map(grouped);
        let text = format!("runs {from} to {to} of {total} are missing");
        Err(Failure::Incomplete(format!("{text}; add the folders of their shards")))
    };
    for (at, (place, journal)) in journals.iter().enumerate() {
        let runs = &journal.header.runs;
        if runs.start > next {
            return gap(next, runs.start);
        }
        if runs.start < next {
            let (one, other) = (journals[at - 1].0.display(), place.display());
            let run = grouped(runs.start);
            let text = format!("run {run} is in both {one} and {other}; omit one of them");
            return Err(Failure::wrong(text));
        }
        if let Some(run) = journal.missing() {
            let [run, done, all] = [run, journal.done(), runs.end - runs.start].map(grouped);
            let place = place.display();
            return Err(Failure::Incomplete(format!(
                "{place} has {done} of {all} runs, run {run} is missing; finish it with --resume"
            )));
        }
        next = runs.end;
    }
    if next < total { gap(next, total) } else { Ok(()) }
}

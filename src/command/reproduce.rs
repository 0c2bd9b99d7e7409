//! `reproduce`: the report's tables and figures compared with ours.

use std::path::PathBuf;

use balloonist::render::reproduce as render;
use balloonist::reproduce::{REPORT, Reproduction, SEEDS, reproduce};
use balloonist::table::Format;

use super::context::format;
use super::files::{NewFile, commit_all};
use super::lock::HeldFolder;
use super::register::Kind;
use super::{Context, Failure};

/// Reproduce the 2011 report's tables and figures, and compare them with the published ones
///
/// The report's three input files are built in. The exit code is 1 if any number differs.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Also write table1.csv, table2.csv, figures.csv, demand.csv, draws.csv and the report's bars,
    /// figure-4.svg to figure-6.svg, to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// How to print the result; csv and json list every compared number
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    refuse_settings(context)?;
    let mut files = Vec::new();
    let held = args.out.as_deref().map(HeldFolder::hold).transpose()?;
    if let Some(folder) = &held {
        let tables = render::FILES.into_iter().map(|name| (name, Kind::Table));
        for (name, kind) in tables.chain(render::DRAWN.map(|name| (name, Kind::Picture))) {
            files.push(NewFile::create(&folder.path.join(name), kind)?);
        }
    }
    let reproduction = reproduce(&REPORT, SEEDS);
    if !files.is_empty() {
        let tables = render::tables(&reproduction).map(|table| table.to_csv());
        let drawn = render::figures::bars(&reproduction.replays).map(|figure| figure.to_svg());
        for (file, text) in files.iter_mut().zip(tables.into_iter().chain(drawn)) {
            file.put(&text)?;
        }
    }
    commit_all(files)?;
    if matches!(args.format, Format::Table | Format::Markdown) {
        context.print(&render::report(&reproduction, args.format, context.colour_out))?;
    } else {
        context.print_table(&render::all_figures(&reproduction), args.format)?;
        context.note(&render::result(&reproduction));
    }
    judge(&reproduction)
}

/// Refuses the common flags that do not apply: the report has its own seed, generator and
/// scenarios.
fn refuse_settings(context: &Context) -> Result<(), Failure> {
    let common = &context.common;
    let given = [
        ("--set", !common.settings.is_empty()),
        ("--seed", common.seed.is_some()),
        ("--random", common.random.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::Usage(format!(
            "`{flag}` cannot be used with `reproduce`; use `run` with scenarios/report/test1.dat"
        ))),
    }
}

fn judge(reproduction: &Reproduction) -> Result<(), Failure> {
    match reproduction.differences().next() {
        None => Ok(()),
        Some(_) => Err(Failure::Difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use balloonist::reproduce::Published;

    #[test]
    fn a_figure_that_differs_is_exit_code_1() {
        assert!(judge(&reproduce(&REPORT, 1)).is_ok());
        let tampered = Published { table1_ratios: [321, 236, 199], ..REPORT };
        let reproduction = reproduce(&tampered, 1);
        assert_eq!(judge(&reproduction).unwrap_err().code(), 1);
        assert_eq!(
            render::result(&reproduction),
            "1 of 78 figures differ:\nTable 1: all proportional every=1 replacement_ratio \
             0.199 → 0.198"
        );
    }
}

//! `report`: a self-contained HTML page of the results in a folder.

use std::path::PathBuf;

use balloonist::render::html;

use super::files::NewFile;
use super::register::{Kind, is_stdout};
use super::{Context, Failure, folder};

/// Create a self-contained HTML page from the results of `run`, `compare` or `sweep`
///
/// The page works offline and has the scenario, the verdict, sortable tables, and charts with their
/// data.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of results, as written by --out
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The page to write, or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,

    /// Of a sweep, the column of runs.csv whose trend over an axis is drawn [default:
    /// `demand_faults`]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let results = folder::read_for(&args.folder, args.metric.as_deref())?;
    if is_stdout(&args.out) {
        return context.print(&html::page(&results));
    }
    let mut file = NewFile::create(&args.out, Kind::Page)?;
    file.put(&html::page(&results))?;
    file.commit()?;
    context.note(&format!("wrote {}", args.out.display()));
    Ok(())
}

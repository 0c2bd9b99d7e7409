//! `report`: a self-contained HTML page of the results in a folder.

use std::path::PathBuf;

use balloonist::render::html;

use super::files::NewFile;
use super::register::{Kind, is_stdout};
use super::{Context, Failure, folder};

/// Make a self-contained HTML page of what `run`, `compare` or `sweep` wrote with --out
///
/// The page opens from disk without a network: what was run, the verdict, sortable tables, and
/// pictures with their numbers.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The page to write, or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if is_stdout(&args.out) {
        return context.print(&html::page(&folder::read(&args.folder)?));
    }
    let results = folder::read(&args.folder)?;
    let mut file = NewFile::create(&args.out, Kind::Page)?;
    file.put(&html::page(&results))?;
    file.commit()?;
    context.note(&format!("written {}", args.out.display()));
    Ok(())
}

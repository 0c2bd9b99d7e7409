//! `figures`: every chart as an SVG file, for papers and slides.

use std::path::PathBuf;

use balloonist::number::counted;
use balloonist::render::chart::Figure;
use balloonist::render::figures;
use balloonist::render::reproduce::figures as published;
use balloonist::reproduce::{REPORT, reproduce};

use super::files::{NewFile, commit_all};
use super::lock::HeldFolder;
use super::register::Kind;
use super::{Context, Failure, folder};

/// Draw charts as SVG files: of a folder written by `run`, `compare` or `sweep` with --out, or the
/// 2011 report's Figures 2 to 6
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of results [default: none, to draw the report's figures]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The folder to write to
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let held = HeldFolder::hold(&args.out)?;
    let figures: Vec<Figure> = if let Some(folder) = &args.folder {
        figures::all(&folder::read(folder)?)
    } else {
        let bars = published::bars(&reproduce(&REPORT, 1).replays);
        [published::lists(), published::rounds()].into_iter().chain(bars).collect()
    };
    let write = |figure: &Figure| {
        let mut file =
            NewFile::create(&held.path.join(format!("{}.svg", figure.name)), Kind::Picture)?;
        file.put(&figure.to_svg())?;
        Ok::<_, Failure>(file)
    };
    let files: Vec<NewFile> = figures.iter().map(write).collect::<Result<_, _>>()?;
    let count = counted(files.len() as u64, "figure");
    commit_all(files)?;
    context.note(&format!("{count} written to {}", args.out.display()));
    Ok(())
}

//! `figures`: every chart as a file, for papers and slides.

use std::path::{Path, PathBuf};

use balloonist::number::counted;
use balloonist::render::chart::Figure;
use balloonist::render::figures;
use balloonist::render::reproduce::figures as published;
use balloonist::reproduce::{REPORT, reproduce};
use clap::ValueEnum;

use super::files::{NewFile, commit_all};
use super::lock::HeldFolder;
use super::register::Kind;
use super::{Context, Failure, folder};

/// Draw charts as SVG or PDF files: of a folder written by `run`, `compare` or `sweep` with --out,
/// or the 2011 report's Figures 2 to 6
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of results [default: none, to draw the report's figures]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The folder to write to
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,

    /// Of a sweep, the column of runs.csv whose trend over an axis is drawn [default:
    /// `demand_faults`]
    #[arg(long, value_name = "METRIC", requires = "folder")]
    metric: Option<String>,

    /// The format of the files
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    format: Form,
}

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Text stays text, in the reader's fonts
    Svg,
    /// A page of its size, for LaTeX and slides
    Pdf,
}

impl Form {
    /// The extension of its files.
    fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
        }
    }

    /// The format of a file of this name: PDF if the name says so.
    pub(super) fn of(file: &Path) -> Self {
        let is_pdf = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("pdf"));
        if is_pdf { Self::Pdf } else { Self::Svg }
    }

    /// Draws a figure into a file.
    pub(super) fn put(self, figure: &Figure, file: &mut NewFile) -> Result<(), Failure> {
        match self {
            Self::Svg => file.put(&figure.to_svg()),
            Self::Pdf => file.put_bytes(&figure.to_pdf().map_err(Failure::Usage)?),
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let held = HeldFolder::hold(&args.out)?;
    let figures: Vec<Figure> = if let Some(folder) = &args.folder {
        figures::all(&folder::read_for(folder, args.metric.as_deref())?)
    } else {
        let bars = published::bars(&reproduce(&REPORT, 1).replays);
        [published::lists(), published::rounds()].into_iter().chain(bars).collect()
    };
    let write = |figure: &Figure| {
        let name = format!("{}.{}", figure.name, args.format.extension());
        let mut file = NewFile::create(&held.path.join(name), Kind::Picture)?;
        args.format.put(figure, &mut file)?;
        Ok::<_, Failure>(file)
    };
    let files: Vec<NewFile> = figures.iter().map(write).collect::<Result<_, _>>()?;
    let count = counted(files.len() as u64, "figure");
    commit_all(files)?;
    context.note(&format!("{count} written to {}", args.out.display()));
    Ok(())
}

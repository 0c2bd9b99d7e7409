//! Where a trace is written, and in which format.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use balloonist::formats::write::{OUTPUTS, OutputKind, WriteError};
use balloonist::number::counted;
use balloonist::trace::Trace;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::super::files::NewFile;
use super::super::register::{Kind, is_stdout};
use super::super::{Context, Failure};

/// Flags of every command that writes a trace.
#[derive(clap::Args, Debug)]
pub(super) struct Output {
    /// The file to write, or `-` for standard output
    #[arg(long, short, value_name = "OUT")]
    out: PathBuf,

    /// Its format [default: what the extension of OUT says, else balloonist; text for `-`]
    #[arg(long, value_name = "FORMAT", value_parser = outputs())]
    to: Option<&'static OutputKind>,
}

fn outputs() -> impl TypedValueParser<Value = &'static OutputKind> {
    PossibleValuesParser::new(OUTPUTS.iter().map(|output| output.name)).map(|name| find(&name))
}

fn find(name: &str) -> &'static OutputKind {
    let found = OUTPUTS.iter().find(|output| output.name == name);
    found.expect("every name that is asked for is one of the list")
}

/// An output that is open.
pub(super) struct Target {
    place: PathBuf,
    kind: &'static OutputKind,
    /// Nothing for standard output.
    file: Option<NewFile>,
}

impl Output {
    /// Opens the output of one VM: before the extension of the name stands the value that
    /// tells it from the others.
    pub(super) fn open_for(&self, value: Option<&str>) -> Result<Target, Failure> {
        let Some(value) = value else { return self.open() };
        if is_stdout(&self.out) {
            let text = "several VMs are written, each to a file of its own, not to `-`";
            return Err(Failure::Usage(text.to_owned()));
        }
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let value: String = value.chars().take(48).map(letter).collect();
        let stem = self.out.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self.out.extension().map(|extension| extension.to_string_lossy());
        let extension = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
        let out = self.out.with_file_name(format!("{stem}-{value}{extension}"));
        Self { out, to: self.to }.open()
    }

    /// Opens the output, before there is anything to write.
    pub(super) fn open(&self) -> Result<Target, Failure> {
        let is_stdout = is_stdout(&self.out);
        let kind = self.to.map_or_else(|| by_name(&self.out), Ok)?;
        let file = if is_stdout { None } else { Some(NewFile::create(&self.out, Kind::Trace)?) };
        Ok(Target { place: self.out.clone(), kind, file })
    }
}

/// The format that the file's name asks for.
fn by_name(place: &Path) -> Result<&'static OutputKind, Failure> {
    if is_stdout(place) {
        return Ok(find("text"));
    }
    let extension = place.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "txt" | "text" => Ok(find("text")),
        "u32" => Ok(find("u32")),
        "u64" => Ok(find("u64")),
        "gz" | "xz" | "zst" => {
            let place = place.display();
            let text = format!(
                "{place}: traces are written uncompressed, found the extension {extension}; write \
                 to `-` and compress that, or choose a format with --to"
            );
            Err(Failure::Usage(text))
        }
        _ => Ok(find("balloonist")),
    }
}

impl Target {
    /// Writes the trace; the file appears whole or not at all.
    pub(super) fn write(self, trace: &Trace, context: &Context) -> Result<(), Failure> {
        let Self { place, kind, file } = self;
        if trace.reduction().is_some() && kind.name != "balloonist" {
            return Err(Failure::Usage(format!(
                "{} does not say that the trace is reduced, so nothing would keep its VM from \
                 fewer frames; write it `--to balloonist`",
                kind.name
            )));
        }
        let Some(mut file) = file else {
            let mut out = context.stdout();
            let written = (kind.write)(trace, &mut out).and_then(|()| Ok(out.flush()?));
            return written.map_err(|error| match error {
                WriteError::Io(error) => Failure::stdout(&error),
                WriteError::Unfit(why) => Failure::Usage(why),
            });
        };
        // The file counts and hashes what it is given, so it is given much at a time.
        let mut out = BufWriter::with_capacity(1 << 16, &mut file);
        let written = (kind.write)(trace, &mut out).and_then(|()| Ok(out.flush()?));
        drop(out);
        written.map_err(|error| match error {
            WriteError::Io(error) => file.failure(&error),
            WriteError::Unfit(why) => Failure::Usage(format!("{}: {why}", place.display())),
        })?;
        file.commit()?;
        let (accesses, name) = (counted(trace.accesses(), "access"), kind.name);
        context.note(&format!("wrote {accesses} to {} as {name}", place.display()));
        Ok(())
    }
}

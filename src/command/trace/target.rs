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

    /// The format to write [default: by the extension of OUT, or balloonist; text for `-`]
    #[arg(long, value_name = "FORMAT", value_parser = outputs())]
    to: Option<&'static OutputKind>,
}

fn outputs() -> impl TypedValueParser<Value = &'static OutputKind> {
    PossibleValuesParser::new(OUTPUTS.iter().map(|output| output.name)).map(|name| find(&name))
}

fn find(name: &str) -> &'static OutputKind {
    let found = OUTPUTS.iter().find(|output| output.name == name);
    found.expect("the name is in the list")
}

/// An open output.
pub(super) struct Target {
    place: PathBuf,
    kind: &'static OutputKind,
    /// `None` for standard output.
    file: Option<NewFile>,
}

impl Output {
    /// Opens the output of one VM; its value is inserted before the extension.
    pub(super) fn open_for(&self, value: Option<&str>) -> Result<Target, Failure> {
        let Some(value) = value else { return self.open() };
        if is_stdout(&self.out) {
            let text = "several VMs cannot be written to `-`; name a file, to which each VM's \
                        value is added";
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

    /// Opens the output before the work starts.
    pub(super) fn open(&self) -> Result<Target, Failure> {
        let is_stdout = is_stdout(&self.out);
        let kind = self.to.map_or_else(|| by_name(&self.out), Ok)?;
        let file = if is_stdout { None } else { Some(NewFile::create(&self.out, Kind::Trace)?) };
        Ok(Target { place: self.out.clone(), kind, file })
    }
}

/// The format given by the file's extension.
fn by_name(place: &Path) -> Result<&'static OutputKind, Failure> {
    if is_stdout(place) {
        return Ok(find("text"));
    }
    OutputKind::of_file(place).map_err(|why| {
        let remedy = "write to `-` and compress the output, or choose a format with --to";
        Failure::Usage(format!("{why}; {remedy}"))
    })
}

impl Target {
    /// Writes the trace; the file appears only when complete.
    pub(super) fn write(self, trace: &Trace, context: &Context) -> Result<(), Failure> {
        let Self { place, kind, file } = self;
        kind.holds(trace)
            .map_err(|why| Failure::Usage(format!("{why}; write it with `--to balloonist`")))?;
        let Some(mut file) = file else {
            let mut out = context.stdout();
            let written = (kind.write)(trace, &mut out).and_then(|()| Ok(out.flush()?));
            return written.map_err(|error| match error {
                WriteError::Io(error) => Failure::stdout(&error),
                WriteError::Unfit(why) => Failure::Usage(why),
            });
        };
        // Buffered, because the file counts and hashes every write.
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

//! Flags that control how trace files are read.

use std::path::Path;

use balloonist::formats::{self, ReadError, ReadErrorKind};
use balloonist::formats::{Loaded, Part, ReadOptions, keep_largest};
use balloonist::formats::{load, load_from, load_head, load_parts, load_parts_from};
use clap::Arg;
use clap::builder::PossibleValuesParser;

use super::context::bytes;
use super::meter::Metered;
use super::{Context, Failure, memory, text};

const HEADING: &str = "Reader options";

/// Flags of every command that reads trace files. Each sets its help heading itself, because a
/// struct's heading would also apply to the flags after it.
#[derive(clap::Args, Debug)]
pub(super) struct Reader {
    /// The format of the traces; see `list formats`
    #[arg(long, help_heading = HEADING, value_name = "FORMAT", default_value = "auto",
          value_parser = names(), hide_possible_values = true)]
    pub(super) trace_format: String,

    /// The field of the page or address: a csv column by heading or by number from 1, or a struct
    /// member by number; several with commas
    #[arg(long, help_heading = HEADING, value_name = "FIELD", visible_alias = "column")]
    field: Option<String>,

    /// The field that tells reads from writes
    #[arg(long, help_heading = HEADING, value_name = "FIELD")]
    op_field: Option<String>,

    /// The field with the size of an access
    #[arg(long, help_heading = HEADING, value_name = "FIELD")]
    size_field: Option<String>,

    /// Fields that are part of a page's identity, such as a volume or a process, or `none`
    /// [default: the format's]
    #[arg(long, help_heading = HEADING, value_name = "FIELD,…")]
    key: Option<String>,

    /// The separator of fields: comma, semicolon, tab, blanks or a character
    #[arg(long, help_heading = HEADING, value_name = "SEPARATOR")]
    separator: Option<String>,

    /// How page numbers are written: 10, 16 (also without 0x), or text for arbitrary names
    #[arg(long, help_heading = HEADING, value_name = "BASE")]
    base: Option<String>,

    /// Bytes per unit of the size field [default: the format's, or 1]
    #[arg(long, help_heading = HEADING, value_name = "BYTES",
          value_parser = clap::value_parser!(u64).range(1..))]
    size_unit: Option<u64>,

    /// Values of the operation field that are reads
    #[arg(long, help_heading = HEADING, value_name = "WORD,…")]
    reads: Option<String>,

    /// Values of the operation field that are writes
    #[arg(long, help_heading = HEADING, value_name = "WORD,…")]
    writes: Option<String>,

    /// Words of the operation's field with which the guest frees the page [default: free, munmap]
    #[arg(long, help_heading = HEADING, value_name = "WORD,…")]
    frees: Option<String>,

    /// The prefix of comment lines [default: #]
    #[arg(long, help_heading = HEADING, value_name = "MARK")]
    comment: Option<String>,

    /// Whether the first line is a header: yes or no [default: decided by its content]
    #[arg(long, help_heading = HEADING, value_name = "YES|NO")]
    header: Option<String>,

    /// The layout of struct records, such as `<IQIq`
    #[arg(long, help_heading = HEADING, value_name = "LAYOUT", visible_alias = "struct")]
    layout: Option<String>,

    /// Bytes per unit of addresses: 1 for bytes, 512 for sectors [default: the format's]
    #[arg(long, help_heading = HEADING, value_name = "BYTES",
          value_parser = clap::value_parser!(u64).range(1..))]
    unit: Option<u64>,

    /// The page size, such as `16 KiB` [default: the trace's, or 4 KiB]
    #[arg(long, help_heading = HEADING, value_name = "SIZE", value_parser = page_size)]
    page_size: Option<u64>,

    /// When accesses are made: at their recorded times, or in steps [default: steps]
    #[arg(long, help_heading = HEADING, value_name = "STEPS|RECORDED")]
    time: Option<String>,

    /// The field that holds the time
    #[arg(long, help_heading = HEADING, value_name = "FIELD")]
    time_field: Option<String>,

    /// The unit of times: ns, us, ms, s, or a duration such as `100 ns` [default: the format's]
    #[arg(long, help_heading = HEADING, value_name = "UNIT")]
    time_unit: Option<String>,

    /// Speed-up of recorded time [default: 1]
    #[arg(long, help_heading = HEADING, value_name = "N", requires = "time")]
    speed: Option<String>,

    /// The VM of a dat file, from 0; for other files, the field whose values become VMs, such as
    /// `volume` or `#1`
    #[arg(long, help_heading = HEADING, value_name = "N|FIELD")]
    pub(super) vm: Option<String>,

    /// Keep only the N VMs of a file with the most accesses
    #[arg(long, help_heading = HEADING, value_name = "N", requires = "vm",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) largest: Option<u64>,

    /// The most decompressed bytes of a trace
    #[arg(long, help_heading = HEADING, value_name = "SIZE", default_value = "16 GiB",
          value_parser = bytes)]
    limit_bytes: u64,

    /// The most accesses of a trace
    #[arg(long, help_heading = HEADING, value_name = "N",
          default_value_t = ReadOptions::ACCESSES_MAX,
          value_parser = clap::value_parser!(u64).range(1..=ReadOptions::ACCESSES_MAX))]
    limit_accesses: u64,
}

/// Gives the trace format's flag its second name, `--format`, where no other flag has that name.
pub(super) fn named_format(flag: Arg) -> Arg {
    flag.visible_alias("format")
}

/// Restricts a reader flag to trace files that are replayed directly, without a scenario. `--vm` is
/// left to the command: `walk` gives it a meaning for scenarios too.
pub(super) fn for_bare_traces(flag: Arg) -> Arg {
    let restricted = flag.get_help_heading() == Some(HEADING) && flag.get_id() != "vm";
    if restricted { flag.requires("frames") } else { flag }
}

impl Reader {
    /// The read options that the flags set.
    pub(super) fn options(&self, context: &Context) -> ReadOptions {
        let defaults = ReadOptions::default();
        let (memory_max, growth_max) = memory::of_a_trace(context);
        // A number selects the VM of a dat file; for other formats it is a column.
        let number = self.vm.as_ref().and_then(|vm| vm.parse().ok());
        ReadOptions {
            format: self.trace_format.clone(),
            page_size: self.page_size,
            unit: self.unit,
            field: self.field.clone(),
            op_field: self.op_field.clone(),
            size_field: self.size_field.clone(),
            layout: self.layout.clone(),
            key: self.key.clone(),
            separator: self.separator.clone(),
            base: self.base.clone(),
            size_unit: self.size_unit,
            reads: self.reads.clone(),
            writes: self.writes.clone(),
            frees: self.frees.clone(),
            comment: self.comment.clone(),
            header: self.header.clone(),
            time: self.time.clone(),
            time_field: self.time_field.clone(),
            time_unit: self.time_unit.clone(),
            speed: self.speed.clone(),
            vm: number,
            split: self.vm.clone().filter(|_| number.is_none()),
            run_seed: context.common.seed.unwrap_or(defaults.run_seed),
            bytes_max: self.limit_bytes,
            accesses_max: self.limit_accesses,
            memory_max,
            growth_max,
            ..defaults
        }
    }

    /// Whether files are split into several VMs.
    pub(super) fn splits(&self) -> bool {
        self.vm.is_some()
    }

    /// Reads the trace at `path` (`-` for standard input). Guesses are reported as notes.
    pub(super) fn load(&self, path: &Path, context: &Context) -> Result<Loaded, Failure> {
        let options = self.options(context);
        let loaded = match Metered::open(path, context) {
            Some(file) => load_from(file, &file_name(path), Some(path), &options),
            None => load(path, &options),
        };
        self.told(path, loaded, context)
    }

    /// Reads at most the first `accesses` accesses.
    pub(super) fn load_head(
        &self,
        path: &Path,
        accesses: u64,
        context: &Context,
    ) -> Result<Loaded, Failure> {
        self.told(path, load_head(path, accesses, &self.options(context)), context)
    }

    /// Reads the trace at `path`, or one trace for each VM if the file is split, with its value.
    pub(super) fn load_each(
        &self,
        path: &Path,
        context: &Context,
    ) -> Result<Vec<(Option<String>, Loaded)>, Failure> {
        let options = self.options(context);
        if self.vm.is_none() {
            return Ok(vec![(None, self.load(path, context)?)]);
        }
        let parts = match Metered::open(path, context) {
            Some(file) => load_parts_from(file, &file_name(path), Some(path), &options),
            None => load_parts(path, &options),
        };
        let mut parts = parts.map_err(|error| failure(path, &error))?;
        if let [Part { value, .. }] = parts.as_slice()
            && value.is_empty()
        {
            return Ok(vec![(None, self.load(path, context)?)]);
        }
        let guess = (self.trace_format == "auto").then_some(parts[0].loaded.format.name);
        tell(path, guess, &parts[0].loaded.notes, context);
        if let Some(note) = keep_largest(&mut parts, self.largest) {
            context.note(&format!("{}: {note}", shown(path)));
        }
        Ok(parts.into_iter().map(|part| (Some(part.value), part.loaded)).collect())
    }

    fn told(
        &self,
        path: &Path,
        loaded: Result<Loaded, ReadError>,
        context: &Context,
    ) -> Result<Loaded, Failure> {
        let loaded = loaded.map_err(|error| failure(path, &error))?;
        let guess = (self.trace_format == "auto").then_some(loaded.format.name);
        tell(path, guess, &loaded.notes, context);
        Ok(loaded)
    }
}

/// Reports the recognised format of the trace at `path`, with the flag that overrides it, and the
/// reader's notes.
pub(super) fn tell(path: &Path, guess: Option<&str>, notes: &[String], context: &Context) {
    let shown = shown(path);
    if let Some(format) = guess {
        context.note(&format!("reading {shown} as {format} (--trace-format overrides)"));
    }
    for note in notes {
        context.note(&format!("{shown}: {note}"));
    }
}

/// The name of the file, a hint where its content is ambiguous.
fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of the trace at `path` in messages.
pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { text::shown(path) }
}

/// The failure to read the trace at `path`.
pub(super) fn failure(path: &Path, error: &ReadError) -> Failure {
    let text = format!("{}: {error}", shown(path));
    match error.kind {
        ReadErrorKind::Missing | ReadErrorKind::Unreadable => Failure::Io(text),
        ReadErrorKind::NoEffect(_) => Failure::Usage(text),
        _ => Failure::Trace(text),
    }
}

pub(super) fn names() -> PossibleValuesParser {
    let names = formats::ALL.iter().map(|format| format.name);
    PossibleValuesParser::new(std::iter::once("auto").chain(names))
}

fn page_size(text: &str) -> Result<u64, String> {
    let bytes = bytes(text)?;
    if bytes.is_power_of_two() {
        Ok(bytes)
    } else {
        Err(format!("a page of {bytes} bytes is not a power of two, such as 4 KiB"))
    }
}

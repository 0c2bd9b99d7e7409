//! What every command gets: the common flags, and output to the user.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Instant;

use balloonist::account::Outcome;
use balloonist::random::Generator;
use balloonist::scenario::WarmUp;
use balloonist::simulate::RunError;
use balloonist::table::Format;
use balloonist::table::Table;
use balloonist::units::parse_size;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, ValueEnum};

use super::failure::Failure;
use super::guard::{quoted, say};
use super::register::register;
use super::text::harmless;
use super::timing::Timing;

/// Flags common to all commands.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Set a value of the scenario by its dotted path, as in `host.memory=64` or `vm.db.min=2`
    #[arg(long = "set", global = true, value_name = "PATH=VALUE")]
    pub(crate) settings: Vec<String>,

    /// Seed of all randomness [default: the scenario's, or 1]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Do not count the beginning of each VM or trace: `10%`, `1000 accesses`, `10 s` or `until 10
    /// s` [default: the scenario's, or none]
    #[arg(long, global = true, value_name = "WHAT", value_parser = WarmUp::parse)]
    pub(crate) warm_up: Option<WarmUp>,

    /// The generator of the policies' draws [default: the scenario's, or chacha8]
    #[arg(long, global = true, value_name = "GENERATOR", value_parser = generator())]
    pub(crate) random: Option<Generator>,

    /// Refuse a scenario that has warnings
    #[arg(long, global = true)]
    pub(crate) deny_warnings: bool,

    /// Do not use the cache of stack distances
    #[arg(long, global = true)]
    pub(crate) no_cache: bool,

    /// The most memory that the runs may use; a single trace may use all of it [default: the free
    /// memory; for a trace, 128 MiB or 4096 times the size of its file]
    #[arg(long, global = true, value_name = "SIZE", value_parser = bytes)]
    pub(crate) memory_limit: Option<u64>,

    /// Allow the policy `exec` to run the program that the scenario names, with your permissions,
    /// and record its replies
    #[arg(long, global = true)]
    pub(crate) allow_exec: bool,

    /// Replace output files that balloonist did not write; inputs are never replaced
    #[arg(long, global = true)]
    pub(crate) force: bool,

    /// Print how long each phase took and its accesses per second; interning is part of reading
    #[arg(long, global = true)]
    pub(crate) timing: bool,

    /// Print results and errors only: no notes, warnings or progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// How to show the progress of work that takes long
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: Shown,

    /// Width of tables in characters; columns that do not fit follow below [default: the terminal's
    /// width, unlimited if there is no terminal]
    #[arg(
        long,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(20..),
    )]
    pub(crate) width: Option<u16>,

    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    /// A bar on a terminal, otherwise lines
    Auto,
    /// A line every 30 seconds
    Lines,
    /// Not at all
    Never,
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn generator() -> impl TypedValueParser {
    one_of(Generator::ALL)
}

/// A parser of the flag `--format`.
pub(super) fn format() -> impl TypedValueParser {
    one_of(Format::ALL)
}

/// A parser of the names of a list.
pub(super) fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [(&'static str, T)],
) -> impl TypedValueParser {
    PossibleValuesParser::new(all.iter().map(|(name, _)| *name)).map(move |word| {
        let (_, value) = all.iter().find(|(name, _)| *name == word).expect("clap has checked it");
        *value
    })
}

/// The common flags and the output settings.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) common: Common,
    /// Whether text on standard output is coloured.
    pub(crate) colour_out: bool,
    /// Whether text on standard error is coloured.
    pub(crate) colour_err: bool,
    /// The width of tables on standard output, in characters.
    pub(crate) width: usize,
    /// How long each phase took.
    pub(crate) timing: Timing,
    /// The free memory when the command read its first trace, if the system tells.
    pub(super) free: OnceLock<Option<u64>>,
}

impl Context {
    pub(crate) fn new(common: Common) -> Self {
        let colour = |is_terminal: bool| match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && environment_allows_colour(),
        };
        let colour_out = colour(std::io::stdout().is_terminal());
        let colour_err = colour(std::io::stderr().is_terminal());
        if common.force {
            register().force();
        }
        let width = common.width.map_or_else(width_of_terminal, usize::from);
        let (timing, free) = (Timing::default(), OnceLock::new());
        Self { common, colour_out, colour_err, width, timing, free }
    }

    /// Refuses `--set` for a command that has nothing to set.
    pub(crate) fn refuse_settings(&self) -> Result<(), Failure> {
        let Some(setting) = self.common.settings.first() else { return Ok(()) };
        Err(Failure::Usage(format!(
            "`--set {setting}`: this command reads no scenario and no workload, so there is \
             nothing to set"
        )))
    }

    /// The common flags that affect results, as on the command line.
    pub(crate) fn flags(&self) -> String {
        let settings = self.common.settings.iter().map(|set| format!(" --set {}", quoted(set)));
        let seed = self.common.seed.map(|seed| format!(" --seed {seed}"));
        let random = self.common.random.map(|random| format!(" --random {}", random.name()));
        let warm_up = self.common.warm_up.map(|warm_up| format!(" --warm-up '{warm_up}'"));
        settings.chain(seed).chain(warm_up).chain(random).collect()
    }

    /// Runs a scenario and records its time.
    pub(super) fn timed_run(
        &self,
        run: impl FnOnce() -> Result<Outcome, RunError>,
    ) -> Result<Outcome, RunError> {
        let began = Instant::now();
        let outcome = run()?;
        self.timing.note("simulate", began.elapsed(), outcome.all.counts.accesses);
        Ok(outcome)
    }

    /// Prints the phases if `--timing` was given.
    pub(crate) fn show_timing(&self) {
        if self.common.timing {
            say(&self.timing.lines());
        }
    }

    /// Writes data to standard output. If the reader has closed the pipe, the command continues,
    /// because its exit code still depends on its results.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let text = if out.is_terminal() { harmless(text, self.colour_out) } else { text.into() };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stdout(&error)),
            _ => Ok(()),
        }
    }

    /// Buffered standard output for large data; the caller must flush it.
    #[expect(clippy::unused_self, reason = "only commands with a context may print")]
    pub(crate) fn stdout(&self) -> impl Write {
        std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock())
    }

    /// Writes a table to standard output.
    pub(crate) fn print_table(&self, table: &Table, format: Format) -> Result<(), Failure> {
        let text = table.render(format, self.colour_out, self.width);
        if format.is_for_people() {
            return self.print(&harmless(&text, self.colour_out));
        }
        self.print(&text)
    }

    /// Writes a line to standard error, unless `--quiet` was given.
    pub(crate) fn note(&self, text: &str) {
        if !self.common.quiet {
            say(&format!("{}\n", harmless(text, self.colour_err)));
        }
    }
}

/// The width of standard output in characters.
fn width_of_terminal() -> usize {
    let is_terminal = std::io::stdout().is_terminal();
    let size = is_terminal.then(terminal_size::terminal_size).flatten();
    size.map_or(usize::MAX, |(width, _)| width.0.into())
}

fn environment_allows_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// The value of `--color`, read before the command line is parsed, because parse errors are
/// coloured too.
pub(super) fn colour_flag(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let arguments = arguments.map(|word| word.to_string_lossy().into_owned());
    let mut arguments = arguments.skip(1).take_while(|word| word != "--").peekable();
    let mut choice = ColorChoice::Auto;
    while let Some(word) = arguments.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => arguments.peek().cloned(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        if let Some(when) = value.and_then(|value| When::from_str(&value, false).ok()) {
            choice = when.into();
        }
    }
    choice
}

/// Reads a size, or a bare number of bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    text.parse().or_else(|_| parse_size(text).map_err(|error| error.to_string()))
}

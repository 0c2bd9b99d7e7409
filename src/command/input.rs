//! From the command line to a checked scenario.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use balloonist::balance::PolicyKind;
use balloonist::formats;
use balloonist::formats::PAGE_NUMBERS;
use balloonist::formats::{ReadErrorKind, ReadOptions, load_head};
use balloonist::scenario::{Checked, Diagnostics, Document, ReadFile, Scenario, Traces, meant};
use balloonist::trace::TraceBuilder;
use balloonist::units::VmId;

use super::distances;
use super::guard::say;
use super::programs::Processes;
use super::reader::{self, Reader};
use super::register::register;
use super::text::harmless;
use super::{Context, Failure, lists, memory};

/// The input of a run: a scenario or trace files.
#[derive(clap::Args, Debug)]
#[command(mut_args(reader::for_bare_traces))]
pub(crate) struct Input {
    /// The scenario: a .toml or .dat file, or `-` for standard input; with --frames, trace files,
    /// one VM for each
    #[arg(value_name = "SCENARIO", required_unless_present = "pages")]
    paths: Vec<PathBuf>,

    /// Replay a reference string, such as "7 0 1 2 0 3", in one VM on a host of --frames
    #[arg(long, value_name = "PAGES", requires = "frames", conflicts_with = "paths")]
    pages: Option<String>,

    /// Replay trace files, one VM for each, in lockstep on a host with this memory: a number of
    /// frames, a size, or a share of all distinct pages such as 25%
    #[arg(long, value_name = "FRAMES")]
    frames: Option<String>,

    /// With --frames: ticks between two checkpoints [default: 10000; with --pages, one at the end]
    #[arg(long, value_name = "TICKS", requires = "frames")]
    every: Option<String>,

    #[command(flatten)]
    reader: Reader,
}

impl Input {
    /// What was given, for messages.
    pub(super) fn shown(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        if paths.is_empty() { "--pages".to_owned() } else { paths.join(" ") }
    }

    /// Reads and checks the input under the common flags and `policy`, and loads all stack
    /// distances.
    pub(super) fn open(
        &self,
        policy: Option<&str>,
        context: &Context,
    ) -> Result<Scenario, Failure> {
        let scenario = self.open_without_distances(policy, context)?;
        distances::load_all(&scenario, context);
        Ok(scenario)
    }

    /// The same without stack distances.
    pub(super) fn open_without_distances(
        &self,
        policy: Option<&str>,
        context: &Context,
    ) -> Result<Scenario, Failure> {
        self.opened(policy, context).map(|opened| opened.scenario)
    }

    /// The same for a sweep over points and seeds.
    pub(super) fn open_to_vary(&self, context: &Context) -> Result<Opened, Failure> {
        let opened = self.opened(None, context)?;
        distances::load_all(&opened.scenario, context);
        Ok(opened)
    }

    /// The same as [`open`](Self::open) for a command that shows one VM if `--vm` names it. With
    /// trace files the flag says how they are split.
    pub(super) fn open_to_show(
        &self,
        policy: Option<&str>,
        context: &Context,
    ) -> Result<(Scenario, Option<VmId>), Failure> {
        let scenario = self.loaded(policy, context)?.scenario;
        distances::load_all(&scenario, context);
        let shown = self.vm_of_scenario().map(|name| vm_named(&scenario, name)).transpose()?;
        Ok((scenario, shown))
    }

    /// What `--vm` says where no trace file is split.
    fn vm_of_scenario(&self) -> Option<&str> {
        self.reader.vm.as_deref().filter(|_| self.frames.is_none() || self.pages.is_some())
    }

    fn opened(&self, policy: Option<&str>, context: &Context) -> Result<Opened, Failure> {
        if self.vm_of_scenario().is_some() {
            let text = "--vm says how trace files are split; it needs --frames and trace files";
            return Err(Failure::Usage(text.to_owned()));
        }
        self.loaded(policy, context)
    }

    fn loaded(&self, policy: Option<&str>, context: &Context) -> Result<Opened, Failure> {
        let began = Instant::now();
        policy.map(lists::policy).transpose()?;
        refuse_stdin_twice(&self.paths)?;
        let document = match (&self.frames, self.paths.as_slice()) {
            (Some(frames), []) => {
                let pages = self.pages.as_deref().unwrap_or("");
                Document::from_pages(pages, frames, self.every.as_deref())
            }
            (Some(frames), traces) => {
                let options = self.reader.options(context);
                let every = self.every.as_deref().unwrap_or("10000");
                Document::from_traces(traces, &options, frames, every, self.reader.largest)
            }
            (None, [scenario]) => {
                refuse_trace(scenario)?;
                Document::open(scenario)
            }
            (None, scenarios) => {
                let found = scenarios.len();
                let text =
                    format!("expected one scenario, found {found}; for trace files add --frames");
                return Err(Failure::Usage(text));
            }
        };
        let opened = check_keeping(document, policy, context)?;
        for ReadFile { path, recognised, notes } in opened.traces.told() {
            let guess = recognised.filter(|_| self.frames.is_some());
            let assumed = |note: &&String| guess.is_some() || note.as_str() != PAGE_NUMBERS;
            let notes: Vec<String> = notes.iter().filter(assumed).cloned().collect();
            reader::tell(path, guess, &notes, context);
        }
        note_reading(&opened.scenario, began.elapsed(), context);
        Ok(opened)
    }
}

/// The VM of this name.
fn vm_named(scenario: &Scenario, name: &str) -> Result<VmId, Failure> {
    if let Some(at) = scenario.vms.iter().position(|vm| vm.name == name) {
        return Ok(VmId(at as u32));
    }
    let names = || scenario.vms.iter().map(|vm| vm.name.as_str());
    let meant = meant(name, names()).map(|meant| format!("; did you mean `{meant}`?"));
    let meant = meant.unwrap_or_else(|| format!(": they are {}", some_of(names())));
    Err(Failure::Usage(format!("--vm: the scenario has no VM `{name}`{meant}")))
}

/// The first few names, and how many more there are.
fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 10;
    let more = names.len().saturating_sub(MOST);
    let shown: Vec<&str> = names.take(MOST).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The scenario with the algorithm of `--replacement` in every VM, if the flag is given.
pub(super) fn with_replacement(
    scenario: Scenario,
    name: Option<&str>,
) -> Result<Scenario, Failure> {
    let Some(name) = name else { return Ok(scenario) };
    let scenario = scenario.with_replacement(lists::replacement(name)?);
    match scenario.fits(scenario.policy) {
        Ok(()) => Ok(scenario),
        Err(reason) => Err(Failure::wrong(format!("{}: {reason}", scenario.name))),
    }
}

/// Refuses a trace file given as a scenario, in case the user forgot --frames.
fn refuse_trace(path: &Path) -> Result<(), Failure> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let may_be_scenario = path.as_os_str() == "-"
        || extension.is_none_or(|extension| ["toml", "dat"].contains(&extension));
    if may_be_scenario {
        return Ok(());
    }
    let format = match load_head(path, 1, &ReadOptions::default()) {
        Ok(head) => Some(head.format),
        Err(error) if error.kind == ReadErrorKind::Missing => None,
        // The format is clear from the file's name, but reading it needs options.
        Err(_) => extension.and_then(formats::of_extension),
    };
    let Some(format) = format else { return Ok(()) };
    Err(Failure::Usage(format!(
        "{} is a trace in the {} format; add --frames N to replay it on a host of N frames",
        path.display(),
        format.name
    )))
}

/// Refuses `-` twice, because standard input can be read only once.
pub(super) fn refuse_stdin_twice(paths: &[PathBuf]) -> Result<(), Failure> {
    if paths.iter().filter(|path| path.as_os_str() == "-").count() < 2 {
        return Ok(());
    }
    Err(Failure::Usage("`-` is given twice, but standard input can be read only once".to_owned()))
}

/// Records the time of reading and of interning for `--timing`. Reading and interning alternate
/// block by block, so interning is repeated here to measure it.
fn note_reading(scenario: &Scenario, took: Duration, context: &Context) {
    if !context.common.timing {
        return;
    }
    let traces = distances::distinct(distances::traces_of(scenario));
    let accesses = traces.iter().map(|trace| trace.accesses()).sum();
    let began = Instant::now();
    for trace in traces {
        let mut builder = TraceBuilder::default();
        let mut block = Vec::with_capacity(1 << 16);
        for pages in trace.run_pages().chunks(1 << 16) {
            block.clear();
            block.extend(pages.iter().map(|&page| trace.numbers()[page as usize].0));
            builder.extend_u64(&block);
        }
        std::hint::black_box(builder.finish());
    }
    let interning = began.elapsed();
    context.timing.note("read", took, accesses);
    context.timing.note("intern", interning.min(took), accesses);
}

/// Reads and checks the scenario at `path` (`-` is standard input) under the common flags and
/// `policy`.
pub(super) fn open(
    path: &Path,
    policy: Option<&str>,
    context: &Context,
) -> Result<Scenario, Failure> {
    check(Document::open(path), policy, context)
}

/// A checked scenario with its document, to check it again with other values.
pub(super) struct Opened {
    pub(super) scenario: Scenario,
    pub(super) document: Document,
    pub(super) traces: Traces,
}

/// Checks a document under the common flags and `policy`. Prints warnings.
pub(super) fn check(
    document: Document,
    policy: Option<&str>,
    context: &Context,
) -> Result<Scenario, Failure> {
    check_keeping(document, policy, context).map(|opened| opened.scenario)
}

/// Registers the trace files as inputs, so that no output replaces one.
pub(super) fn register_traces(traces: &Traces) -> Result<(), Failure> {
    traces.told().iter().try_for_each(|file| register_trace(&file.path))
}

/// Registers a trace file as an input, with the file of access kinds that may accompany it.
pub(super) fn register_trace(path: &Path) -> Result<(), Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    for (at, _) in name.match_indices('.') {
        for packed in ["", ".gz", ".xz", ".zst"] {
            let kinds = path.with_file_name(format!("{}.kinds.u8{packed}", &name[..at]));
            if kinds.is_file() {
                register().reads(&kinds)?;
            }
        }
    }
    register().reads(path)
}

/// Sets in a document what the common flags and `policy` say.
pub(super) fn set_flags(document: &mut Document, policy: Option<&str>, context: &Context) {
    let common = &context.common;
    for setting in &common.settings {
        document.set(setting);
    }
    let flags = [
        ("seed", common.seed.map(|seed| seed.to_string())),
        ("warm_up", common.warm_up.map(|warm_up| format!("'{warm_up}'"))),
        ("random", common.random.map(|generator| generator.name().to_owned())),
        ("policy.kind", policy.map(str::to_owned)),
    ];
    for (path, value) in flags {
        if let Some(value) = value {
            document.set(&format!("{path}={value}"));
        }
    }
    if common.allow_exec {
        let processes = Processes::of(document.folder());
        document.allow_programs(Arc::new(processes));
    }
}

/// No traces yet, and how much memory they may take.
pub(super) fn traces_within(context: &Context) -> Traces {
    let (most, growth) = memory::of_a_trace(context);
    Traces::default().within(most, growth)
}

/// The same as [`open`], with the document.
pub(super) fn open_keeping(path: &Path, context: &Context) -> Result<Opened, Failure> {
    check_keeping(Document::open(path), None, context)
}

pub(super) fn check_keeping(
    mut document: Document,
    policy: Option<&str>,
    context: &Context,
) -> Result<Opened, Failure> {
    let common = &context.common;
    set_flags(&mut document, policy, context);
    let mut traces = traces_within(context);
    let checked = document.check_with(&mut traces);
    let Checked { scenario, warnings } = checked.map_err(|found| refused(&found, context))?;
    document.files().iter().try_for_each(|path| register().reads(path))?;
    // Replies recorded by this run are an output.
    let texts = traces.texts(common.allow_exec);
    texts.into_iter().try_for_each(|path| register().reads(path))?;
    register_traces(&traces)?;
    let opened = Opened { scenario, document, traces };
    warn(&warnings, context)?;
    Ok(opened)
}

/// Prints warnings, or fails if they are denied.
pub(super) fn warn(warnings: &Diagnostics, context: &Context) -> Result<(), Failure> {
    if warnings.is_empty() {
        return Ok(());
    }
    let text = warnings.render(context.colour_err);
    if context.common.deny_warnings {
        return Err(Failure::Input(format!("{text}\nerror: warnings are denied\n")));
    }
    if !context.common.quiet {
        say(&harmless(&text, context.colour_err));
    }
    Ok(())
}

/// The failure for these diagnostics.
pub(super) fn refused(diagnostics: &Diagnostics, context: &Context) -> Failure {
    let text = diagnostics.render(context.colour_err);
    if diagnostics.is_io() { Failure::Unreadable(text) } else { Failure::Input(text) }
}

/// The policies of `--policies` or, by default, of the scenario's `compare`. Each must be able to
/// run the scenario in all these forms.
pub(super) fn policies_or_compared(
    names: &[String],
    forms: &[&Scenario],
    context: &Context,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    if !names.is_empty() {
        return policies(names, forms, context);
    }
    let compared: Vec<String> = forms[0].compare.iter().map(|kind| kind.name.to_owned()).collect();
    policies(&compared, forms, context)
}

/// The policies of `--policies`, or else of the scenario's plan, or else of its `compare`.
pub(super) fn policies_or(
    names: &[String],
    planned: &[&'static PolicyKind],
    scenario: &Scenario,
    context: &Context,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    let planned: Vec<String> = planned.iter().map(|kind| kind.name.to_owned()).collect();
    let names = if names.is_empty() { &planned } else { names };
    policies_or_compared(names, &[scenario], context)
}

/// The policies with these names; "all" is every policy that can run the scenario in all these
/// forms.
pub(super) fn policies(
    names: &[String],
    forms: &[&Scenario],
    context: &Context,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    let mut kinds = lists::policies(names)?;
    if names.iter().any(|name| name.trim() == "all") {
        // "all" leaves out policies that cannot run, with a note.
        kinds.retain(|kind| {
            let reason = reason_not_to_run(kind, forms);
            if let Some(reason) = &reason {
                context.note(&format!("{} is left out: {reason}", kind.name));
            }
            reason.is_none()
        });
    }
    match kinds.iter().find_map(|kind| reason_not_to_run(kind, forms)) {
        Some(reason) => Err(Failure::wrong(format!("{}: {reason}", forms[0].name))),
        None => Ok(kinds),
    }
}

fn reason_not_to_run(kind: &PolicyKind, forms: &[&Scenario]) -> Option<String> {
    forms.iter().find_map(|scenario| scenario.fits(kind).err())
}

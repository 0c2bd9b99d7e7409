//! `record`: runs a program or a whole machine in QEMU and writes which pages it uses as a trace.
//!
//! `plugin.rs` builds the recorder, `program.rs` and `machine.rs` say what QEMU is to run,
//! `emulator.rs` runs it and reads what the recorder says.

mod emulator;
mod machine;
mod plugin;
mod program;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use balloonist::formats::compact::write_compact_fast;
use balloonist::formats::recording::{Recorded, Recording};
use balloonist::number::{counted, grouped};
use balloonist::table::Table;
use balloonist::trace::reduction::Reduction;

use super::files::NewFile;
use super::register::{Kind, register};
use super::text::shown;
use super::{Context, Failure, memory};
use emulator::Ending;

/// Record the page accesses of a program of x86-64 Linux, or of a whole VM, run by QEMU
///
/// Every instruction fetch, read and write is recorded, in order, and which pages a program frees
/// (munmap, madvise, mremap, brk). Processes that it starts are not recorded. With --vm the command
/// is QEMU's own, as in `record --vm -- qemu-system-x86_64 -m 256 …`, and what is recorded is its
/// guest, kernel and all, by pages of the guest's memory. QEMU must be installed (Debian and
/// Ubuntu: the package qemu-user, or qemu-system-x86 for VMs), and a C compiler for the first
/// recording.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// Record a whole VM: the command starts its QEMU
    #[arg(long, conflicts_with = "qemu")]
    vm: bool,

    /// The trace to write [default: the program's name, or `vm`, and `.balloonist`, in this folder]
    #[arg(long, short, value_name = "OUT")]
    out: Option<PathBuf>,

    /// Drop what makes no difference to LRU with K frames or more, as `trace convert` does; a VM
    /// that replays the trace must have at least K frames
    #[arg(long, value_name = "K", default_value_t = 32,
          value_parser = clap::value_parser!(u64).range(2..))]
    reduce: u64,

    /// Also keep each page's first reference in every block of this many accesses, so that working
    /// sets of whole blocks are exact
    #[arg(long, value_name = "ACCESSES", conflicts_with = "whole",
          value_parser = clap::value_parser!(u64).range(1..))]
    resolution: Option<u64>,

    /// Drop nothing. The memory needed is some 6 bytes for each change of the page
    #[arg(long, conflicts_with = "reduce")]
    whole: bool,

    /// Leave out instruction fetches
    #[arg(long)]
    no_fetches: bool,

    /// Leave out accesses to a page before its first write: what remains is the program's own
    /// memory, without code and other pages of files
    #[arg(long, conflicts_with_all = ["vm", "wait"])]
    written: bool,

    /// Record from the mark `start` to the mark `stop`; docs/guide-recording.md says how a program
    /// makes marks, in a VM too
    #[arg(long)]
    wait: bool,

    /// Write the marks to this CSV table
    #[arg(long, value_name = "FILE")]
    marks: Option<PathBuf>,

    /// The QEMU that runs the program
    #[arg(long, value_name = "QEMU", default_value = program::QEMU)]
    qemu: OsString,

    /// The program and its arguments; with --vm a QEMU and its arguments
    #[arg(value_name = "PROGRAM", required = true, last = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    register_inputs(&args.command)?;
    let out = args.out.clone().unwrap_or_else(|| args.default_out());
    let file = NewFile::create(&out, Kind::Trace)?;
    let marks = args.marks.as_ref().map(|path| NewFile::create(path, Kind::Table)).transpose()?;
    let (command, memory) = args.command_line()?;
    let plugin = plugin::built(context)?;
    let (memory_max, _) = memory::of_a_trace(context);
    let recording = Recording::new(args.reduction(), memory_max);
    let (recorded, ending) =
        emulator::record(&command, &plugin, &args.options(memory), recording, context)?;
    write_trace(file, &recorded, context)?;
    if let Some(file) = marks {
        write_marks(file, &recorded)?;
    }
    say_marks(&recorded, context);
    let name = shown(Path::new(&args.command[0]));
    let accesses = counted(recorded.trace.accesses(), "access");
    match ending {
        Ending::Interrupted => Err(Failure::Incomplete(format!(
            "interrupted: {} has the first {accesses} of {name}",
            shown(&out)
        ))),
        Ending::Full => Err(Failure::Incomplete(format!(
            "{} has the first {accesses} of {name}; more do not fit into memory: record fewer with \
             --reduce, or raise --memory-limit",
            shown(&out)
        ))),
        Ending::Ended(status) => {
            if !recorded.is_whole {
                context.note(&format!(
                    "the recording ends where {name} was killed or ran another program instead of \
                     itself"
                ));
            }
            if !status.success() {
                context.note(&format!("{name} ended with {status}"));
            }
            Ok(())
        }
    }
}

impl Args {
    fn reduction(&self) -> Option<Reduction> {
        let reduction = Reduction { frames: self.reduce, resolution: self.resolution };
        Some(reduction).filter(|_| !self.whole)
    }

    /// What QEMU is to run, and the bytes of memory of a machine.
    fn command_line(&self) -> Result<(program::CommandLine, Option<u64>), Failure> {
        if self.vm {
            let (line, memory) = machine::of_machine(&self.command)?;
            return Ok((line, Some(memory)));
        }
        Ok((program::of_program(&self.qemu, &self.command)?, None))
    }

    /// The plugin's arguments, for a machine with so many bytes of memory.
    fn options(&self, memory: Option<u64>) -> String {
        let reduce = self.reduction().map(|reduction| format!(",reduce={}", reduction.frames));
        let resolution = self.resolution.map(|accesses| format!(",resolution={accesses}"));
        let fetch = self.no_fetches.then(|| ",fetch=off".to_owned());
        let written = self.written.then(|| ",written=on".to_owned());
        let wait = self.wait.then(|| ",wait=on".to_owned());
        let memory = memory.map(|bytes| format!(",memory={bytes}"));
        [reduce, resolution, fetch, written, wait, memory].into_iter().flatten().collect()
    }

    fn default_out(&self) -> PathBuf {
        let name = Path::new(&self.command[0]).file_name().filter(|_| !self.vm);
        let mut name = name.unwrap_or(if self.vm { "vm" } else { "program" }.as_ref()).to_owned();
        name.push(".balloonist");
        PathBuf::from(name)
    }
}

/// Registers what the command names as inputs, so that no output replaces one.
fn register_inputs(command: &[OsString]) -> Result<(), Failure> {
    let files = command.iter().map(Path::new).filter(|path| path.is_file());
    files.into_iter().try_for_each(|path| register().reads(path))
}

fn write_trace(mut file: NewFile, recorded: &Recorded, context: &Context) -> Result<(), Failure> {
    let trace = &recorded.trace;
    write_compact_fast(trace, &mut file).map_err(|error| file.failure(&error))?;
    let place = shown(file.place());
    file.commit()?;
    let (accesses, pages) = (counted(trace.accesses(), "access"), trace.distinct_pages() as u64);
    let runs = match trace.reduction() {
        Some(reduction) => format!(
            ", reduced to {} runs, exact from {} frames on",
            grouped(trace.run_pages().len() as u64),
            reduction.frames
        ),
        None => String::new(),
    };
    context.note(&format!("wrote {accesses} to {} to {place}{runs}", counted(pages, "page")));
    Ok(())
}

fn write_marks(mut file: NewFile, recorded: &Recorded) -> Result<(), Failure> {
    let mut table = Table::new(&["access", "mark"]);
    for (access, mark) in &recorded.marks {
        table.push(vec![(*access).into(), mark.as_str().into()]);
    }
    file.put(&table.to_csv())?;
    file.commit()
}

/// Says where the first marks are.
fn say_marks(recorded: &Recorded, context: &Context) {
    const SHOWN: usize = 20;
    for (access, mark) in recorded.marks.iter().take(SHOWN) {
        context.note(&format!("mark `{mark}` after {}", counted(*access, "access")));
    }
    if let Some(more) = recorded.marks.len().checked_sub(SHOWN).filter(|&more| more > 0) {
        context.note(&format!("and {more} more marks, which --marks writes to a table"));
    }
}

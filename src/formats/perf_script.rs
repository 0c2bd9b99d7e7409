//! `perf-script`: what `perf script`, `perf trace`, `trace-cmd report` and ftrace print of samples
//! that have an address.
//!
//! Three kinds of line are read, and a file may have but one of them:
//!
//! - samples: `sort 27602  1573.023137: page-faults: 55d010e10548 ffffffff8175336a`, the event's
//!   name with a colon, then the hexadecimal address (recorded by `perf record -e page-faults -c 1
//!   -d`, printed by `perf script -F comm,pid,tid,time,event,addr`). Without `addr` the number is
//!   the instruction's, followed by its symbol: that is refused. (Linux,
//!   tools/perf/builtin-script.c.)
//! - tracepoints: `page_fault_user: address=0x5556d9490edc ip=… error_code=0x7`, its kernel twin,
//!   and `kvm_page_fault: vcpu 0 rip 0x… address 0x… error_code 0x181`; bit 1 of the error code
//!   says that it writes, bit 4 of a processor's own that it fetches. (Linux,
//!   arch/x86/include/asm/trace/exceptions.h, arch/x86/kvm/trace.h.)
//! - faults of `perf trace -F all`: `true/27819 minfault [_start+0x0] => 0x55bd8d7d81e0 (?k)`,
//!   where `ld.so@0x1ab70` is a place in a mapped file. (Linux, tools/perf/builtin-trace.c.)
//!
//! Lines that begin with a tab are call chains and skipped. The samples are not all accesses: the
//! notes say so.

use super::clock::{Clock, MS, S, nanoseconds};
use super::error::ReadError;
use super::input::{Field, Fields, Input, Line, decimal, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::owner::Owner;
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "perf-script",
    summary: "samples and page faults with addresses, as perf script, perf trace -F, trace-cmd \
              and ftrace print them",
    source: "Linux, tools/perf/builtin-script.c, arch/x86/include/asm/trace/exceptions.h",
    extensions: &["perf", "ftrace"],
    options: &["page_size", "key", "split", "time"],
    looks_like,
    read,
};

const SAMPLE: &str = "an event's name with a colon and a hexadecimal address behind it, as \
                      perf script -F comm,pid,tid,time,event,addr prints them";

const REMEDY: &str = "record with `perf record -d` and print with `perf script -F \
                      comm,pid,tid,time,event,addr`";

/// No program has pages below this: Linux's `vm.mmap_min_addr`.
const LOWEST: u64 = 0x1_0000;

/// The kernel's code on x86-64. It is never paged, so an address there is an instruction's.
const KERNEL_TEXT: std::ops::Range<u64> = 0xffff_ffff_8000_0000..0xffff_ffff_c000_0000;

/// Header lines that recorders print before the events.
pub(super) fn is_heading(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let starts = |word: &[u8]| line.starts_with(word);
    match line.first() {
        None | Some(b'#') => true,
        Some(b'c') => starts(b"cpus="),
        Some(b'v') => starts(b"version = "),
        Some(b'C') => {
            starts(b"CPU:") && line.ends_with(b"EVENTS]")
                || starts(b"CPU ") && line.ends_with(b"is empty")
        }
        _ => false,
    }
}

fn looks_like(head: &Head<'_>) -> Verdict {
    // A cut last line says nothing.
    let lines = head.raw_lines().filter(|line| !is_heading(line) && line[0] != b'\t');
    let mut events = 0;
    for bytes in lines.take(1000) {
        let record = Record::of(Line { bytes, number: 0 });
        match record.what {
            What::Fault { .. } | What::Tracepoint { .. } => events += 1,
            What::Sample { event, mut behind } => {
                if event == b"damon:damon_aggregated:" {
                    return Verdict::No;
                }
                let has_number = behind.next().is_none_or(|field| field.hex("").is_ok());
                events += usize::from(has_number);
                if !has_number && !is_tracepoint(event) {
                    return Verdict::No;
                }
            }
            What::Chain => {}
            What::Nothing => return Verdict::No,
        }
    }
    (events > 0).into()
}

/// An event of the kernel's own, which ftrace names without its system.
fn is_tracepoint(event: &[u8]) -> bool {
    event.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Seen {
    zeros: u64,
    others: u64,
    in_files: u64,
    /// Whether the number before the time may be of a thread.
    threads: bool,
    guests: bool,
    clock: Option<Clock>,
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    let mut owner = Owner::of(source, "pid")?;
    let mut seen = Seen { clock: Clock::of(source.options)?, ..Seen::default() };
    each_line(input, builder, |line, builder| {
        if line.bytes.first() == Some(&b'\t') || is_heading(line.bytes) {
            return Ok(());
        }
        take(line, builder, pages, &mut owner, &mut seen)
    })?;
    if builder.accesses() == 0 && seen.zeros > 0 {
        let zeros = seen.zeros;
        return Err(ReadError::format(format!(
            "the addresses of all {zeros} samples are 0: the recorder kept none; {REMEDY}"
        )));
    }
    Ok(notes(&owner, &seen))
}

fn take(
    line: Line<'_>,
    builder: &mut TraceBuilder,
    pages: Pages,
    owner: &mut Owner<'_>,
    seen: &mut Seen,
) -> Result<(), ReadError> {
    let Record { id, time, what } = Record::of(line);
    let (address, kind, file, at) = match what {
        What::Chain => return Ok(()),
        What::Nothing => return Err(line.unexpected(line.bytes.len(), SAMPLE)),
        What::Sample { event, behind } => {
            let mut behind = behind;
            let first = behind.next();
            let address = first.and_then(|field| number(field.bytes));
            if first.is_some() && address.is_none() && is_tracepoint(event) {
                seen.others += 1;
                return Ok(());
            }
            let (address, at) = data_address(first, address, behind)?;
            if address == 0 {
                seen.zeros += 1;
                return Ok(());
            }
            (address, None, &b""[..], at)
        }
        What::Tracepoint { of_guest, from } => {
            seen.guests |= of_guest;
            let (address, kind) = fault(line, from, of_guest)?;
            (address, Some(kind), &b""[..], from)
        }
        What::Fault { place } => {
            let (file, address) = place_of(place)?;
            seen.in_files += u64::from(!file.is_empty());
            (address, None, file, place.at)
        }
    };
    let with_kinds = builder.kinds_known() == builder.accesses();
    if builder.accesses() > 0 && (kind.is_some() != (with_kinds && builder.kinds_known() > 0)) {
        let what = "samples with and without an error code in one file; print one event a file";
        return Err(line.error(at, what));
    }
    // The threads of a guest share its memory, and each is a task of the host.
    let id = id.filter(|_| !seen.guests);
    seen.threads |= id.is_some_and(|id| !id.is_process);
    let pid = id.map_or(&b""[..], |id| id.digits);
    let file: &[&[u8]] = if file.is_empty() { &[] } else { &[file] };
    owner.set(builder, pid, file).map_err(|why| line.error(0, why))?;
    owner.touch(pages, builder, address, 1, kind).map_err(|why| line.error(at, why))?;
    if let Some(clock) = &mut seen.clock {
        let time = time.and_then(|field| seconds(field.bytes)).or_else(|| trace_time(line));
        clock.at(builder, time.ok_or_else(|| line.error(0, NO_TIME))?);
    }
    Ok(())
}

const NO_TIME: &str =
    "the line has no time; print it (`perf script -F comm,pid,tid,time,event,addr`)";

/// The nanoseconds of a time in seconds that ends with a colon.
pub(super) fn seconds(field: &[u8]) -> Option<u64> {
    nanoseconds(field.strip_suffix(b":")?, S)
}

/// `perf trace` begins its lines with milliseconds, then brackets.
fn trace_time(line: Line<'_>) -> Option<u64> {
    let mut fields = line.fields();
    let (time, next) = (fields.next()?, fields.next()?);
    next.bytes.starts_with(b"(").then(|| nanoseconds(time.bytes, MS))?
}

/// Whether a field is a time.
pub(super) fn is_time(bytes: &[u8]) -> bool {
    let Some(time) = bytes.strip_suffix(b":") else { return false };
    let mut points = 0;
    let mut is_part = |byte: &u8| {
        points += usize::from(*byte == b'.');
        byte.is_ascii_digit() || *byte == b'.'
    };
    time.iter().all(&mut is_part) && points > 0
}

fn notes(owner: &Owner<'_>, seen: &Seen) -> Vec<String> {
    let mut notes = vec!["sampled input: the samples of perf, not every access".to_owned()];
    if owner.spaces() > 1 && seen.in_files == 0 {
        let (what, more) = if seen.threads {
            let more = "; the lines have one number a task, so threads of a process count apart, \
                        print pid,tid to join them";
            ("task", more)
        } else {
            ("process", "")
        };
        notes.push(format!(
            "read as pages of ({what}, address), because the lines are of {} of them{more}; \
             `--key none` joins them",
            owner.spaces()
        ));
    }
    let mut count = |count: u64, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    };
    count(seen.in_files, "addresses are places in mapped files: (file, offset) is the page");
    count(seen.zeros, "samples have no address (0) and are left out");
    count(seen.others, "lines of other events are left out");
    if seen.guests {
        notes.push("guest-physical addresses of kvm_page_fault; all guests are one".to_owned());
    }
    notes
}

/// A hexadecimal number, with `0x` before it or not.
#[inline]
fn number(field: &[u8]) -> Option<u64> {
    let behind_0x = field.strip_prefix(b"0x").or(field.strip_prefix(b"0X"));
    hex(behind_0x.unwrap_or(field)).ok()
}

/// The data address after an event's name, and its position: of the first field there, what it is
/// as a number, and the fields behind it.
fn data_address(
    first: Option<Field<'_>>,
    address: Option<u64>,
    mut fields: Fields<'_>,
) -> Result<(u64, usize), ReadError> {
    let line = fields.line;
    let Some(first) = first else {
        let what = format!("there is no address behind the event; {REMEDY}");
        return Err(line.error(line.bytes.len(), &what));
    };
    let address = address.map_or_else(|| first.hex(SAMPLE), Ok)?;
    let rest = fields;
    let refuse = |why: &str| {
        let found = first.bytes.escape_ascii();
        Err(first.error(&format!("`{found}` {why}; {REMEDY}")))
    };
    let is_number = |field: Field<'_>| field.bytes.len() >= 8 && number(field.bytes).is_some();
    match fields.next() {
        _ if KERNEL_TEXT.contains(&address) && !rest.has_second_place(is_number) => {
            refuse("is the address of an instruction of the kernel, not of data")
        }
        None => Ok((address, first.at)),
        Some(second) if number(second.bytes).is_some() => {
            let mut third_is_file = || fields.next().is_some_and(|f| f.bytes.starts_with(b"("));
            if second.bytes.len() < 8 && third_is_file() {
                return refuse("is the address of the instruction, with its symbol behind it");
            }
            if address != 0 && address < LOWEST && first.bytes.iter().all(u8::is_ascii_digit) {
                return refuse("is below 64 KiB, where no program has pages: a weight or a count");
            }
            Ok((address, first.at))
        }
        Some(_) if rest.has_second_place(is_number) => Ok((address, first.at)),
        Some(_) => refuse("is the address of the instruction, with its symbol behind it"),
    }
}

impl<'a> Fields<'a> {
    /// Whether another address follows, which is then the instruction's.
    fn has_second_place(mut self, is_number: impl Fn(Field<'a>) -> bool) -> bool {
        let mut files = 0;
        while let Some(field) = self.next() {
            if is_number(field) {
                return true;
            }
            files += usize::from(field.bytes.starts_with(b"("));
        }
        files > 1
    }
}

/// Address and kind of a page fault, as the kernel's tracepoints print them.
fn fault(line: Line<'_>, from: usize, of_guest: bool) -> Result<(u64, AccessKind), ReadError> {
    let address = value(line, from, b"address")
        .ok_or_else(|| line.unexpected(from, "address= and a hexadecimal number"))?;
    let code = value(line, from, b"error_code").unwrap_or(0);
    let kind = if code & 2 != 0 {
        AccessKind::Store
    } else if code & 16 != 0 && !of_guest {
        AccessKind::Fetch
    } else {
        AccessKind::Load
    };
    Ok((address, kind))
}

/// The hexadecimal number after `name=`, `name: ` or `name `.
fn value(line: Line<'_>, from: usize, name: &[u8]) -> Option<u64> {
    let rest = &line.bytes[from..];
    let at = memchr::memmem::find(rest, name)? + name.len();
    let rest = rest[at..].trim_ascii_start();
    let colon = rest.strip_prefix(b":");
    let rest = rest.strip_prefix(b"=").or(colon).unwrap_or(rest).trim_ascii_start();
    let behind_0x = rest.strip_prefix(b"0x");
    let digits = behind_0x.unwrap_or(rest);
    let end = digits.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
    // `perf trace` writes small numbers in decimal digits.
    let read = if colon.is_some() && behind_0x.is_none() { decimal } else { hex };
    read(&digits[..end]).ok()
}

/// The address that `perf trace -F` prints after the arrow, and the file that it lies in, if any.
fn place_of(place: Field<'_>) -> Result<(&[u8], u64), ReadError> {
    const PLACE: &str = "an address such as 0x7ffd10 or libc.so.6@0x1ab70";
    let at = memchr::memrchr(b'@', place.bytes);
    let (file, number) =
        at.map_or((&b""[..], place.bytes), |at| (&place.bytes[..at], &place.bytes[at + 1..]));
    let digits = number.strip_prefix(b"0x").ok_or_else(|| place.unexpected(PLACE))?;
    let address = hex(digits).map_err(|_| place.unexpected(PLACE))?;
    // The stack and the heap are not files: their addresses are virtual addresses.
    let file = if file.starts_with(b"[") { b"" } else { file };
    Ok((file, address))
}

/// The number of a task, before the time.
#[derive(Clone, Copy, Debug)]
struct Task<'a> {
    digits: &'a [u8],
    /// Whether it is the process's: both are printed with a slash between them.
    is_process: bool,
}

impl<'a> Task<'a> {
    fn of(field: &'a [u8]) -> Option<Self> {
        let is_number = |digits: &[u8]| decimal(digits).is_ok();
        if is_number(field) {
            return Some(Self { digits: field, is_process: false });
        }
        let cut = |at: usize| (&field[..at], &field[at + 1..]);
        if let Some((pid, tid)) = memchr::memchr(b'/', field).map(cut)
            && is_number(tid)
        {
            // `perf trace` prints the command's name and the thread.
            let digits = if is_number(pid) { pid } else { tid };
            return Some(Self { digits, is_process: is_number(pid) });
        }
        let (_, digits) = memchr::memrchr(b'-', field).map(cut)?;
        is_number(digits).then_some(Self { digits, is_process: false })
    }
}

/// What a line is.
enum What<'a> {
    /// An event, and the fields after its name.
    Sample {
        event: &'a [u8],
        behind: Fields<'a>,
    },
    /// A page fault of the kernel's tracepoints, whose fields begin at this byte.
    Tracepoint {
        of_guest: bool,
        from: usize,
    },
    /// A fault of `perf trace -F`.
    Fault {
        place: Field<'a>,
    },
    /// A line of a call chain.
    Chain,
    Nothing,
}

struct Record<'a> {
    id: Option<Task<'a>>,
    time: Option<Field<'a>>,
    what: What<'a>,
}

impl<'a> Record<'a> {
    /// The event is the first field with a colon at its end behind the time, which has one too; if
    /// there is no time, the first that begins with a letter. The task is the last number before
    /// the time, or the first of a line without one.
    fn of(line: Line<'a>) -> Self {
        if let Some(record) = Self::of_sample(line) {
            return record;
        }
        let (mut first, mut last) = (None, None);
        let mut fields = line.fields();
        let mut behind_time = fields;
        let mut time = None;
        while let Some(field) = behind_time.next() {
            if is_time(field.bytes) {
                (fields, time) = (behind_time, Some(field));
                break;
            }
            let may_be_task = field.bytes.last().is_some_and(u8::is_ascii_digit);
            if may_be_task && let Some(task) = Task::of(field.bytes) {
                first = first.or(Some(task));
                last = Some(task);
            }
            if field.bytes.last() == Some(&b':') && field.bytes[0].is_ascii_alphabetic() {
                break;
            }
        }
        let id = if time.is_some() { last } else { first };
        let start = fields;
        while let Some(field) = fields.next() {
            if field.bytes.last() == Some(&b':') && field.bytes[0].is_ascii_alphabetic() {
                // Text that `perf trace` puts into brackets is not an event: `( 0.000 ms):`.
                if field.bytes.iter().any(|byte| matches!(byte, b'(' | b')')) {
                    break;
                }
                return Self { id, time, what: Self::event(field, fields) };
            }
        }
        Self { id, time, what: Self::other(line, start) }
    }

    /// Likewise of most lines: the first colon ends the time, an event follows it.
    #[inline]
    fn of_sample(line: Line<'a>) -> Option<Self> {
        let colon = memchr::memchr(b':', line.bytes)?;
        let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
        line.bytes.get(colon + 1).filter(|byte| is_blank(byte))?;
        let mut fields = line.fields_from(colon + 1);
        let mut words = line.bytes[..=colon].rsplit(is_blank).filter(|word| !word.is_empty());
        let time = words.next().filter(|word| is_time(word))?;
        let time = Field::of(line, time, colon + 1 - time.len());
        let may_be_task = |word: &&[u8]| word.last().is_some_and(u8::is_ascii_digit);
        let id = words.filter(may_be_task).find_map(Task::of);
        let event = fields.next()?;
        let is_event = event.bytes.last() == Some(&b':')
            && event.bytes[0].is_ascii_alphabetic()
            && !event.bytes.iter().any(|byte| matches!(byte, b'(' | b')'));
        is_event.then(|| Self { id, time: Some(time), what: Self::event(event, fields) })
    }

    fn event(field: Field<'a>, behind: Fields<'a>) -> What<'a> {
        let event = field.bytes;
        let from = field.at + event.len();
        let is = |name: &[u8]| event[..event.len() - 1].ends_with(name);
        if is(b"page_fault_user") || is(b"page_fault_kernel") {
            What::Tracepoint { of_guest: false, from }
        } else if is(b"kvm_page_fault") {
            What::Tracepoint { of_guest: true, from }
        } else {
            What::Sample { event, behind }
        }
    }

    /// Lines that are not of `perf script`.
    fn other(line: Line<'a>, mut fields: Fields<'a>) -> What<'a> {
        if let Some(at) = memchr::memmem::find(line.bytes, b"fault [")
            && let Some(arrow) = memchr::memmem::find(&line.bytes[at..], b"] => ")
            && let Some(place) = line.fields_from(at + arrow + 5).next()
        {
            return What::Fault { place };
        }
        // `perf trace` puts the fields of a tracepoint into brackets.
        for (name, of_guest) in [
            (&b"page_fault_user("[..], false),
            (b"page_fault_kernel(", false),
            (b"kvm_page_fault(", true),
        ] {
            if let Some(at) = memchr::memmem::find(line.bytes, name) {
                return What::Tracepoint { of_guest, from: at + name.len() };
            }
        }
        // An editor may have taken the tab of a call chain.
        let is_place = fields.next().is_some_and(|f| f.bytes.len() >= 5 && hex(f.bytes).is_ok());
        let has_file = line.bytes.trim_ascii_end().ends_with(b")");
        if is_place && has_file { What::Chain } else { What::Nothing }
    }
}

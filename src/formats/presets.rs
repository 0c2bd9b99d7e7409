//! Presets: the tables of public traces, by name. Each is a [`Layout`] and what recognises it.
//!
//! Columns are numbered from 1. Sources: MSR Cambridge (SNIA IOTTA 388; D. Narayanan, A. Donnelly
//! and A. Rowstron, Write Off-Loading, FAST 2008), SPC (Storage Performance Council, trace file
//! format 1.0.1; the trace repository of the University of Massachusetts), Alibaba (`alibaba/block-traces`, README), Tencent (SNIA
//! IOTTA 27917; Y. Zhang and others, OSCA, ATC 2020), SYSTOR '17 (SNIA IOTTA 4964; C. Lee and
//! others, SYSTOR 2017), FIU (SNIA IOTTA 390; A. Verma and others, `SRCMap`, FAST 2010), Twitter
//! (`twitter/cache-trace`, README), IBM (SNIA IOTTA 36305; O. Eytan and others, `HotStorage` 2020),
//! `CloudPhysics` (`libCacheSim`, `data/cloudPhysicsIO.csv`), gem5 (`gem5/gem5`,
//! `util/decode_packet_trace.py`), Ramulator (`CMU-SAFARI/ramulator`, README), `DRAMSim`
//! (`umd-memsys/DRAMSim2`, README; `umd-memsys/DRAMsim3`, README), the operating-systems project
//! (traces bzip, gcc, swim and sixpack of many courses).

use super::error::ReadError;
use super::input::{Input, Line, decimal, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::{PRESET, PRESET_NAMES};
use super::pages::Scale;
use super::table::{self, Base, Cells, Layout, Plan, Separator};
use crate::trace::{AccessKind, TraceBuilder};

const COMMA: Separator = Separator::Byte(b',');

const OS_COURSE_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address", "op"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    op: Some(2),
    ..Layout::UNKNOWN
};

const ADDRESSES_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    ..Layout::UNKNOWN
};

const MSR_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "host", "disk", "op", "offset", "size", "response"],
    fields: &[(5, None)],
    unit: Some(1),
    size: Some(6),
    op: Some(4),
    keys: &[2, 3],
    ..Layout::UNKNOWN
};

const SPC_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["asu", "lba", "size", "op", "time"],
    fields: &[(2, None)],
    unit: Some(512),
    size: Some(3),
    op: Some(4),
    keys: &[1],
    ..Layout::UNKNOWN
};

const ALIBABA_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["device", "op", "offset", "length", "time"],
    fields: &[(3, None)],
    unit: Some(1),
    size: Some(4),
    op: Some(2),
    keys: &[1],
    ..Layout::UNKNOWN
};

const TENCENT_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "offset", "size", "op", "volume"],
    fields: &[(2, None)],
    unit: Some(512),
    size: Some(3),
    size_unit: 512,
    op: Some(4),
    keys: &[5],
    ..Layout::UNKNOWN
};

const SYSTOR_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "response", "op", "lun", "offset", "size"],
    fields: &[(5, None)],
    unit: Some(1),
    size: Some(6),
    op: Some(3),
    keys: &[4],
    ..Layout::UNKNOWN
};

const CLOUDPHYSICS_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["version", "time", "op", "size", "lbn"],
    fields: &[(5, None)],
    unit: Some(512),
    size: Some(4),
    op: Some(3),
    ..Layout::UNKNOWN
};

const TWITTER_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "key", "key_size", "value_size", "client", "op", "ttl"],
    fields: &[(2, None)],
    base: Base::Text,
    op: Some(6),
    reads: &["get", "gets"],
    writes: &["set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr"],
    ..Layout::UNKNOWN
};

const FIU_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["time", "pid", "process", "lba", "size", "op", "major", "minor", "hash"],
    fields: &[(4, None)],
    unit: Some(512),
    size: Some(5),
    size_unit: 512,
    op: Some(6),
    keys: &[7, 8],
    ..Layout::UNKNOWN
};

const IBM_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["time", "op", "object", "size"],
    fields: &[(3, None)],
    base: Base::Text,
    op: Some(2),
    reads: &["REST.GET.OBJECT", "REST.HEAD.OBJECT"],
    writes: &["REST.PUT.OBJECT", "REST.COPY.OBJECT", "REST.DELETE.OBJECT"],
    ..Layout::UNKNOWN
};

const GEM5_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["op", "address", "size"],
    fields: &[(2, None)],
    unit: Some(1),
    size: Some(3),
    op: Some(1),
    ..Layout::UNKNOWN
};

const GEM5_IDS_LAYOUT: Layout = Layout {
    columns: &["packet", "op", "address", "size"],
    fields: &[(3, None)],
    size: Some(4),
    op: Some(2),
    ..GEM5_LAYOUT
};

const RAMULATOR_CPU_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["instructions", "read", "write"],
    fields: &[(2, Some(AccessKind::Load)), (3, Some(AccessKind::Store))],
    unit: Some(1),
    ..Layout::UNKNOWN
};

const DRAMSIM_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address", "op", "cycle"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    op: Some(2),
    reads: &["READ", "P_MEM_RD", "P_LOCK_RD", "P_IO_RD", "BOFF", "P_INT_ACK"],
    writes: &["WRITE", "P_MEM_WR", "P_LOCK_WR", "P_IO_WR"],
    ..Layout::UNKNOWN
};

/// A preset of one layout.
macro_rules! preset {
    ($name:literal, $layout:ident, $fits:expr, $options:expr, $extensions:expr, $summary:literal,
     $source:literal) => {
        FormatKind {
            name: $name,
            summary: $summary,
            source: $source,
            extensions: $extensions,
            options: $options,
            looks_like: |head| verdict(head, $fits),
            read: |input, builder, source| read(input, builder, source, $name, |_| &$layout),
        }
    };
}

pub(super) const OS_COURSE: FormatKind = FormatKind {
    looks_like: |head| {
        let verdict = verdict(head, is_os_course);
        // Decimal pages of eight digits look alike.
        let sure = head.lines().take(1000).any(|line| {
            line[..8.min(line.len())].iter().any(u8::is_ascii_alphabetic) || line[0] == b'0'
        });
        if verdict == Verdict::Yes && !sure { Verdict::Perhaps } else { verdict }
    },
    ..preset!(
        "os-course",
        OS_COURSE_LAYOUT,
        is_os_course,
        PRESET,
        &[],
        "hexadecimal address without 0x (bytes), R or W; blanks between; the textbook project",
        "traces bzip, gcc, swim and sixpack of many operating-systems courses"
    )
};

pub(super) const ADDRESSES: FormatKind = FormatKind {
    read: |input, builder, source| {
        read(input, builder, source, "addresses", |first| {
            if words(first) > 1 { &OS_COURSE_LAYOUT } else { &ADDRESSES_LAYOUT }
        })
    },
    ..preset!(
        "addresses",
        ADDRESSES_LAYOUT,
        is_address,
        PRESET,
        &[],
        "a 0x address (bytes) a line, with R or W behind it or not",
        "home-made Pin and LD_PRELOAD tracers"
    )
};

pub(super) const MSR: FormatKind = preset!(
    "msr",
    MSR_LAYOUT,
    is_msr,
    PRESET,
    &[],
    "time,host,disk,op,offset,size,response: offset and size in bytes, page of (host, disk, offset)",
    "SNIA IOTTA 388, MSR Cambridge block traces"
);

pub(super) const SPC: FormatKind = preset!(
    "spc",
    SPC_LAYOUT,
    is_spc,
    PRESET,
    &["spc"],
    "asu,lba,size,op,time: lba in sectors of 512 bytes, size in bytes, page of (asu, lba)",
    "Storage Performance Council, trace file format 1.0.1"
);

pub(super) const ALIBABA: FormatKind = preset!(
    "alibaba",
    ALIBABA_LAYOUT,
    is_alibaba,
    PRESET,
    &[],
    "device,op,offset,length,time: offset and length in bytes, page of (device, offset)",
    "alibaba/block-traces, README"
);

pub(super) const TENCENT: FormatKind = preset!(
    "tencent",
    TENCENT_LAYOUT,
    is_tencent,
    PRESET,
    &[],
    "time,offset,size,op,volume: offset and size in sectors of 512 bytes, page of (volume, offset)",
    "SNIA IOTTA 27917, Tencent block storage"
);

pub(super) const SYSTOR: FormatKind = preset!(
    "systor",
    SYSTOR_LAYOUT,
    is_systor,
    PRESET,
    &[],
    "time,response,op,lun,offset,size: offset and size in bytes, page of (lun, offset)",
    "SNIA IOTTA 4964, SYSTOR '17 traces"
);

pub(super) const CLOUDPHYSICS: FormatKind = preset!(
    "cloudphysics-csv",
    CLOUDPHYSICS_LAYOUT,
    |_| false,
    PRESET,
    &[],
    "version,time,op,size,lbn: lbn in sectors of 512 bytes, size in bytes, op a SCSI command",
    "libCacheSim, data/cloudPhysicsIO.csv"
);

pub(super) const TWITTER: FormatKind = preset!(
    "twitter",
    TWITTER_LAYOUT,
    is_twitter,
    PRESET_NAMES,
    &[],
    "time,key,key_size,value_size,client,op,ttl: each key is a page, sizes do not count",
    "twitter/cache-trace, README"
);

pub(super) const FIU: FormatKind = preset!(
    "fiu-blkparse",
    FIU_LAYOUT,
    is_fiu,
    PRESET,
    &["blkparse"],
    "time pid process lba size op major minor hash: sectors of 512 bytes, page of (major, minor, lba)",
    "SNIA IOTTA 390, FIU block traces"
);

pub(super) const IBM: FormatKind = preset!(
    "ibm-objects",
    IBM_LAYOUT,
    is_ibm,
    PRESET_NAMES,
    &[],
    "time op object size: each object is a page, sizes do not count",
    "SNIA IOTTA 36305, IBM object store traces"
);

pub(super) const GEM5: FormatKind = FormatKind {
    read: |input, builder, source| {
        read(input, builder, source, "gem5-packets", |first| {
            let has_id = first.first().is_some_and(u8::is_ascii_digit);
            if has_id { &GEM5_IDS_LAYOUT } else { &GEM5_LAYOUT }
        })
    },
    ..preset!(
        "gem5-packets",
        GEM5_LAYOUT,
        is_gem5,
        PRESET,
        &[],
        "[packet,]r|w|u,address,size[,flags],tick[,pc]: address and size in bytes",
        "gem5/gem5, util/decode_packet_trace.py"
    )
};

pub(super) const RAMULATOR: FormatKind = FormatKind {
    read: |input, builder, source| {
        read(input, builder, source, "ramulator", |first| {
            if first.starts_with(b"0x") { &OS_COURSE_LAYOUT } else { &RAMULATOR_CPU_LAYOUT }
        })
    },
    ..preset!(
        "ramulator",
        RAMULATOR_CPU_LAYOUT,
        |_| false,
        PRESET,
        &[],
        "0x address, R or W; or instructions, address read, and perhaps address written, in decimal",
        "CMU-SAFARI/ramulator, README"
    )
};

pub(super) const DRAMSIM: FormatKind = preset!(
    "dramsim",
    DRAMSIM_LAYOUT,
    is_dramsim,
    PRESET,
    &[],
    "0x address, operation (READ, P_MEM_WR, IFETCH …), cycle; blanks between; bytes",
    "umd-memsys/DRAMSim2 and DRAMsim3, README"
);

/// All of them, in the order in which they are listed.
const ALL: &[FormatKind] =
    &[OS_COURSE, ADDRESSES, MSR, SPC, ALIBABA, TENCENT, SYSTOR, TWITTER, FIU, IBM, GEM5, DRAMSIM];

/// Whether a preset recognises a file that begins like this.
pub(super) fn recognises(head: &Head<'_>) -> bool {
    ALL.iter().any(|preset| (preset.looks_like)(head) == Verdict::Yes)
}

/// Why nobody can say what the numbers of a file are, if nobody can.
pub(super) fn ambiguous(head: &Head<'_>) -> Option<&'static str> {
    let is_it = (OS_COURSE.looks_like)(head) == Verdict::Perhaps;
    is_it.then_some(
        "numbers of eight digits with R or W may be decimal pages (text) or hexadecimal addresses \
         (os-course); name the one (`--trace-format`, or `format` in a scenario)",
    )
}

fn verdict(head: &Head<'_>, fits: fn(&[u8]) -> bool) -> Verdict {
    let mut lines = head.lines().filter(|line| line[0] != b'#').take(1000);
    let Some(first) = lines.next() else { return Verdict::No };
    let mut rest = lines.peekable();
    // The first line may be a heading; then there is another that fits.
    let begins = fits(first) || is_heading(first) && rest.peek().is_some();
    (begins && rest.all(fits)).into()
}

fn is_heading(line: &[u8]) -> bool {
    let mut cells = line.split(|byte| matches!(byte, b',' | b' ' | b'\t'));
    cells.all(|cell| cell.iter().all(|byte| byte.is_ascii_alphabetic() || b"_\r".contains(byte)))
}

fn words(line: &[u8]) -> usize {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count()
}

/// The cells of a line, at most twelve.
fn cells(line: &[u8], separator: Separator) -> Vec<&[u8]> {
    let mut cells = Vec::with_capacity(12);
    match separator {
        Separator::Byte(byte) => {
            cells.extend(line.split(|&b| b == byte).map(<[u8]>::trim_ascii).take(12));
        }
        Separator::Blanks => {
            cells.extend(
                line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(12),
            );
        }
    }
    cells
}

fn is_number(cell: &[u8]) -> bool {
    decimal(cell).is_ok()
}

/// A decimal number, with a point in it or not.
fn is_time(cell: &[u8]) -> bool {
    !cell.is_empty() && cell.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_letter(cell: &[u8]) -> bool {
    matches!(cell, [b'R' | b'r' | b'W' | b'w'])
}

fn is_os_course(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [address, op] => {
            address.len() == 8 && address.iter().all(u8::is_ascii_hexdigit) && is_letter(op)
        }
        _ => false,
    }
}

/// A number behind 0x that is too long for a page: eight digits or more.
fn is_address(line: &[u8]) -> bool {
    let cells = cells(line, Separator::Blanks);
    let is_long =
        |cell: &[u8]| cell.len() >= 10 && cell.starts_with(b"0x") && hex(&cell[2..]).is_ok();
    matches!(cells[..], [address] if is_long(address))
        || matches!(cells[..], [address, op] if is_long(address) && is_letter(op))
}

fn is_msr(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, _, disk, op, offset, size, _] => {
            let is_op = op.eq_ignore_ascii_case(b"read") || op.eq_ignore_ascii_case(b"write");
            time.len() >= 15 && [time, disk, offset, size].into_iter().all(is_number) && is_op
        }
        _ => false,
    }
}

fn is_spc(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [asu, lba, size, op, time, ..] => {
            [asu, lba, size].into_iter().all(is_number)
                && is_letter(op)
                && is_time(time)
                && time.contains(&b'.')
        }
        _ => false,
    }
}

fn is_alibaba(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [device, op, offset, length, time] => {
            [device, offset, length, time].into_iter().all(is_number) && is_letter(op)
        }
        _ => false,
    }
}

fn is_tencent(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, offset, size, op, volume] => {
            time.len() == 10
                && [time, offset, size, volume].into_iter().all(is_number)
                && matches!(op, b"0" | b"1")
        }
        _ => false,
    }
}

fn is_systor(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, response, op, lun, offset, size] => {
            time.contains(&b'.')
                && is_time(time)
                && (response.is_empty() || is_time(response))
                && (is_letter(op) || op.is_empty())
                && [lun, offset, size].into_iter().all(is_number)
        }
        _ => false,
    }
}

fn is_twitter(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, _, key_size, value_size, client, op, ttl] => {
            let has_word = |words: &[&str]| words.iter().any(|word| op == word.as_bytes());
            [time, key_size, value_size, client, ttl].into_iter().all(is_number)
                && (has_word(TWITTER_LAYOUT.reads) || has_word(TWITTER_LAYOUT.writes))
        }
        _ => false,
    }
}

fn is_fiu(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [time, pid, _, lba, size, op, major, minor, ..] => {
            [time, pid, lba, size, major, minor].into_iter().all(is_number) && is_letter(op)
        }
        _ => false,
    }
}

fn is_ibm(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [time, op, ..] => is_number(time) && op.starts_with(b"REST."),
        _ => false,
    }
}

fn is_gem5(line: &[u8]) -> bool {
    let cells = cells(line, COMMA);
    let is_packet = |cells: &[&[u8]]| match cells {
        [op, address, size, rest @ ..] => {
            matches!(*op, b"r" | b"w" | b"u")
                && is_number(address)
                && is_number(size)
                && (1..=3).contains(&rest.len())
                && rest.iter().all(|cell| is_number(cell))
        }
        _ => false,
    };
    is_packet(&cells) || is_number(cells[0]) && is_packet(&cells[1..])
}

fn is_dramsim(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [address, op, cycle] => {
            let known = |words: &[&str]| words.iter().any(|word| op == word.as_bytes());
            address.starts_with(b"0x")
                && is_number(cycle)
                && (known(DRAMSIM_LAYOUT.reads)
                    || known(DRAMSIM_LAYOUT.writes)
                    || matches!(op, b"IFETCH" | b"P_FETCH"))
        }
        _ => false,
    }
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
    name: &str,
    layout_of: fn(&[u8]) -> &'static Layout,
) -> Result<Vec<String>, ReadError> {
    table::read(input, builder, source, |first, _| {
        plan(first, source, name, layout_of(first.bytes.trim_ascii()))
    })
}

fn plan(
    first: Line<'_>,
    source: &Source<'_>,
    name: &str,
    layout: &Layout,
) -> Result<(Plan, String), ReadError> {
    let options = source.options;
    let separator = table::separator_said(options)?.unwrap_or(layout.separator);
    let names = layout.columns.iter().map(|name| name.as_bytes());
    let column = |option: &'static str, said: Option<&String>, preset: Option<usize>| match said
        .map(String::as_str)
    {
        Some("none") => Ok(None),
        Some(wanted) => table::find(wanted, option, names.clone()).map(Some),
        None => Ok(preset.map(|column| column - 1)),
    };
    let split = column("split", options.split.as_ref(), None)?;
    let mut keys: Vec<usize> = match options.key.as_deref() {
        Some("none") => Vec::new(),
        Some(said) => said
            .split(',')
            .map(|wanted| table::find(wanted.trim(), "key", names.clone()))
            .collect::<Result<_, _>>()?,
        None => layout.keys.iter().map(|column| column - 1).collect(),
    };
    keys.retain(|column| Some(*column) != split);
    let mut first_cells = Cells::default();
    first_cells.split(first.bytes, separator, usize::MAX);
    let field = first_cells.get(first.bytes, layout.fields[0].0 - 1).unwrap_or_default();
    let has_heading = table::header_said(options)?.unwrap_or_else(|| match layout.base {
        Base::Text => is_heading(first.bytes.trim_ascii()),
        _ => {
            !field.is_empty() && !field.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'x')
        }
    });
    let mut scale_options = options.clone();
    scale_options.size_field = None;
    let plan = Plan {
        separator,
        fields: layout.fields.iter().map(|&(column, kind)| (column - 1, kind)).collect(),
        base: table::base_said(options)?.unwrap_or(layout.base),
        scale: Scale::of(&scale_options, layout.unit)?,
        size: column("size_field", options.size_field.as_ref(), layout.size)?,
        size_unit: options.size_unit.unwrap_or(layout.size_unit),
        op: column("op_field", options.op_field.as_ref(), layout.op)?,
        reads: table::words(options.reads.as_deref(), layout.reads),
        writes: table::words(options.writes.as_deref(), layout.writes),
        keys,
        split,
        has_heading,
    };
    let at = |column: usize| layout.columns.get(column).copied().unwrap_or("?");
    let mut note = match (layout.unit, plan.base) {
        (_, Base::Text) => "read as names, each a page whatever its size".to_owned(),
        (Some(unit), base) => {
            let base = if base == Base::Hexadecimal { "hexadecimal " } else { "" };
            format!("read as {base}addresses in units of {}", counted(options.unit.unwrap_or(unit)))
        }
        (None, _) => "read as page numbers".to_owned(),
    };
    note.extend([" in column ", &(plan.fields[0].0 + 1).to_string()]);
    if let Some(size) = plan.size {
        let (unit, column) = (counted(plan.size_unit), (size + 1).to_string());
        note.extend([", sizes in units of ", &unit, " in column ", &column]);
    }
    if !plan.keys.is_empty() {
        let keys: Vec<&str> = plan.keys.iter().map(|&column| at(column)).collect();
        note.extend([", a page being one of (", &keys.join(", "), ")"]);
    }
    let why = format!(
        ", because that is the layout of {name}; `--unit`, `--size-field`, `--key` and \
         `--trace-format` say otherwise"
    );
    Ok((plan, note + &why))
}

fn counted(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

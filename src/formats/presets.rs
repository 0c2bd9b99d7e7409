//! Presets: the tables of public traces, by name. Each is a [`Layout`] and what recognises it.
//!
//! Columns are numbered from 1. Sources: MSR Cambridge (SNIA IOTTA 388; D. Narayanan, A. Donnelly
//! and A. Rowstron, Write Off-Loading, FAST 2008), SPC (Storage Performance Council, trace file
//! format 1.0.1; the trace repository of the University of Massachusetts), Alibaba
//! (`alibaba/block-traces`, README), Tencent (SNIA IOTTA 27917; Y. Zhang and others, OSCA, ATC
//! 2020), SYSTOR '17 (SNIA IOTTA 4964; C. Lee and others, SYSTOR 2017), FIU (SNIA IOTTA 390; A.
//! Verma and others, `SRCMap`, FAST 2010), Twitter (`twitter/cache-trace`, README), IBM (SNIA IOTTA
//! 36305; O. Eytan and others, `HotStorage` 2020), `CloudPhysics` (`libCacheSim`,
//! `data/cloudPhysicsIO.csv`), gem5 (`gem5/gem5`, `util/decode_packet_trace.py`), Ramulator
//! (`CMU-SAFARI/ramulator`, README), `DRAMSim` (`umd-memsys/DRAMSim2`, README;
//! `umd-memsys/DRAMsim3`, README), the operating-systems project (traces bzip, gcc, swim and
//! sixpack of many courses).

mod layouts;
mod marks;

use self::layouts::{
    ADDRESSES_LAYOUT, ALIBABA_LAYOUT, CLOUDPHYSICS_LAYOUT, DRAMSIM_LAYOUT, FIU_LAYOUT,
    GEM5_IDS_LAYOUT, GEM5_LAYOUT, IBM_LAYOUT, MSR_LAYOUT, OS_COURSE_LAYOUT, RAMULATOR_CPU_LAYOUT,
    SPC_LAYOUT, SYSTOR_LAYOUT, TENCENT_LAYOUT, TWITTER_LAYOUT,
};
use self::marks::{
    is_address, is_alibaba, is_dramsim, is_fiu, is_gem5, is_heading, is_ibm, is_msr, is_os_course,
    is_spc, is_systor, is_tencent, is_twitter, words,
};
use super::cells::Cells;
use super::error::ReadError;
use super::input::{Input, Line};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::layout::{self, Base, Layout, Plan};
use super::options::{PRESET, PRESET_NAMES, ReadOptions};
use super::pages::Scale;
use super::table;
use crate::trace::TraceBuilder;

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
    "time,host,disk,op,offset,size,response: offset and size in bytes, page of (host, disk, \
     offset)",
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
    "time pid process lba size op major minor hash: sectors of 512 bytes, page of (major, minor, \
     lba)",
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
        "0x address, R or W; or instructions, address read, and perhaps address written, in \
         decimal",
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

/// Why the numbers of a file are ambiguous, if they are.
pub(super) fn ambiguous(head: &Head<'_>) -> Option<&'static str> {
    let is_it = (OS_COURSE.looks_like)(head) == Verdict::Perhaps;
    is_it.then_some(
        "numbers of eight digits with R or W may be decimal pages (text) or hexadecimal addresses \
         (os-course); name the one (`--trace-format`, or `format` in a scenario)",
    )
}

/// The presets with keys or sizes beside the address that recognise their tables, with their
/// layouts.
const LAYOUTS: &[(&FormatKind, &Layout)] = &[
    (&MSR, &MSR_LAYOUT),
    (&SPC, &SPC_LAYOUT),
    (&ALIBABA, &ALIBABA_LAYOUT),
    (&TENCENT, &TENCENT_LAYOUT),
    (&SYSTOR, &SYSTOR_LAYOUT),
    (&FIU, &FIU_LAYOUT),
    (&GEM5, &GEM5_LAYOUT),
];

/// What a plan without a preset leaves out of a table whose rows are those of a preset, while the
/// options do not say so: which volume an address is of, and its size.
pub(super) fn overlooked(head: &Head<'_>, plan: &Plan, options: &ReadOptions) -> Vec<String> {
    let is_it = |(preset, layout): &&(&FormatKind, &Layout)| {
        layout.fields[0].0 == plan.fields[0].0 + 1 && (preset.looks_like)(head) == Verdict::Yes
    };
    let Some((preset, layout)) = LAYOUTS.iter().find(is_it) else { return Vec::new() };
    let name = preset.name;
    let mut notes = Vec::new();
    let is_apart = layout.keys.iter().all(|column| plan.split == Some(column - 1));
    if plan.keys.is_empty() && options.key.is_none() && !is_apart {
        let names = layout.keys.iter().map(|&column| layout.columns[column - 1]);
        let columns: Vec<String> = layout.keys.iter().map(usize::to_string).collect();
        notes.push(format!(
            "equal addresses of different ({}) count as one page, although the rows look like \
             {name}; `--key {}` keeps them apart, `--key none` if they are one",
            names.collect::<Vec<_>>().join(", "),
            columns.join(",")
        ));
    }
    if let Some(size) = layout.size.filter(|_| plan.size.is_none() && options.size_field.is_none())
    {
        notes.push(format!(
            "the sizes in column {size} are not used, although the rows look like {name}; \
             `--unit {}`, `--size-field {size}` and `--size-unit {}` use them, `--size-field none` \
             if they do not count",
            options.unit.or(layout.unit).unwrap_or(1),
            layout.size_unit
        ));
    }
    notes
}

fn verdict(head: &Head<'_>, fits: fn(&[u8]) -> bool) -> Verdict {
    let mut lines = head.lines().filter(|line| line[0] != b'#').take(1000);
    let Some(first) = lines.next() else { return Verdict::No };
    let mut rest = lines.peekable();
    // The first line may be a heading; then there is another that fits.
    let begins = fits(first) || is_heading(first) && rest.peek().is_some();
    (begins && rest.all(fits)).into()
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
    name: &str,
    layout_of: fn(&[u8]) -> &'static Layout,
) -> Result<Vec<String>, ReadError> {
    table::read(input, builder, source, |first, _| {
        let known = layout_of(first.bytes.trim_ascii());
        plan(first, source, name, known).map(|(plan, note)| (plan, vec![note]))
    })
}

fn plan(
    first: Line<'_>,
    source: &Source<'_>,
    name: &str,
    known: &Layout,
) -> Result<(Plan, String), ReadError> {
    let options = source.options;
    let separator = layout::separator_said(options)?.unwrap_or(known.separator);
    let names = known.columns.iter().map(|name| name.as_bytes());
    let column = |option: &'static str, said: Option<&String>, preset: Option<usize>| match said
        .map(String::as_str)
    {
        Some("none") => Ok(None),
        Some(wanted) => layout::find(wanted, option, names.clone()).map(Some),
        None => Ok(preset.map(|column| column - 1)),
    };
    let split = column("split", options.split.as_ref(), None)?;
    let mut keys: Vec<usize> = match options.key.as_deref() {
        Some("none") => Vec::new(),
        Some(said) => said
            .split(',')
            .map(|wanted| layout::find(wanted.trim(), "key", names.clone()))
            .collect::<Result<_, _>>()?,
        None => known.keys.iter().map(|column| column - 1).collect(),
    };
    keys.retain(|column| Some(*column) != split);
    let mut first_cells = Cells::default();
    first_cells.split(first.bytes, separator, usize::MAX);
    let field = first_cells.get(first.bytes, known.fields[0].0 - 1).unwrap_or_default();
    let has_heading = layout::header_said(options)?.unwrap_or_else(|| {
        if known.base == Base::Text {
            return is_heading(first.bytes.trim_ascii());
        }
        // A row with a number in it is a record, whose address is then refused if it is none.
        let mut cells = (0..first_cells.len()).filter_map(|at| first_cells.get(first.bytes, at));
        !field.is_empty()
            && !field.iter().all(u8::is_ascii_hexdigit)
            && !cells.any(|cell| cell.iter().any(u8::is_ascii_digit))
    });
    let mut scale_options = options.clone();
    scale_options.size_field = None;
    let plan = Plan {
        separator,
        fields: known.fields.iter().map(|&(column, kind)| (column - 1, kind)).collect(),
        base: layout::base_said(options)?.unwrap_or(known.base),
        scale: Scale::of(&scale_options, known.unit)?,
        size: column("size_field", options.size_field.as_ref(), known.size)?,
        size_unit: options.size_unit.unwrap_or(known.size_unit),
        op: column("op_field", options.op_field.as_ref(), known.op)?,
        reads: layout::words(options.reads.as_deref(), known.reads),
        writes: layout::words(options.writes.as_deref(), known.writes),
        frees: layout::words(options.frees.as_deref(), &[]),
        keys,
        split,
        time: layout::time(options, known.time.map(|(at, unit)| (at - 1, unit)), names.clone())?,
        has_heading,
    };
    let note = assumed(&plan, options, name, known);
    Ok((plan, note))
}

/// What is assumed of a file, and why.
fn assumed(plan: &Plan, options: &ReadOptions, name: &str, known: &Layout) -> String {
    let at = |column: usize| known.columns.get(column).copied().unwrap_or("?");
    let mut note = match (known.unit, plan.base) {
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
         `--trace-format` override it"
    );
    note + &why
}

fn counted(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

//! `damon`: access samples of Linux's DAMON, as `perf script` prints them or as damo's JSON.
//!
//! DAMON divides memory into regions and counts, for each, in how many of its samples it was
//! accessed. A line of `perf script` is `kdamond.0 4452 [000] 82877.315633: damon:damon_aggregated:
//! target_id=0 nr_regions=17 140731667070976-140731668037632: 0 3`: the region's first and last
//! byte (exclusive), its count, and its age, which old kernels leave out. `damo report raw` prints
//! the same as a heading `target_id: 0` and a line for each region, such as
//! `000000400000-000000800000 (   4.000 MiB)           3     2`: hexadecimal addresses, a size, the
//! count and the age. damo's JSON is a list of records with `snapshots`, each with `regions` of
//! `start`, `end` and `nr_accesses`, a number or an object with `samples`; numbers may be strings
//! with commas. (damonitor/damo, `src/_damo_records.py`; Linux, `include/trace/events/damon.h`.)
//!
//! Such a file has no accesses, only frequencies: each snapshot becomes [`ACCESSES_PER_SNAPSHOT`]
//! random accesses (by the seed in the options); a region is drawn in proportion to its count times
//! its pages, and a page uniformly within it. A snapshot without counts becomes none.

use super::clock::Clock;
use super::error::ReadError;
use super::input::{Input, Line, decimal, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::owner::Owner;
use super::pages::{Pages, each_line};
use super::perf_script;
use crate::trace::TraceBuilder;
use crate::units::parse_duration;
use serde_json::Value;

use crate::random::{Generator, Stream};

pub(super) const KIND: FormatKind = FormatKind {
    name: "damon",
    summary: "samples of Linux's DAMON, of perf script or damo's JSON, made into drawn accesses",
    source: "damonitor/damo, src/_damo_records.py; Linux, include/trace/events/damon.h",
    extensions: &["damon"],
    options: &["page_size", "seed", "key", "split", "time"],
    looks_like,
    read,
};

/// The accesses that are drawn for each snapshot.
const ACCESSES_PER_SNAPSHOT: u64 = 1000;

/// The largest JSON that is read: it is held in memory as a whole.
const JSON_MAX: usize = 64 << 20;

/// The most regions of a snapshot.
const REGIONS_MAX: usize = 1 << 20;

const EVENT: &[u8] = b"damon_aggregated:";

/// What begins a snapshot in `damo report raw`.
const TARGET: &[u8] = b"target_id:";

/// When the snapshots after it were taken, since the recording began.
const END: &[u8] = b"monitoring_end:";

fn looks_like(head: &Head<'_>) -> Verdict {
    if is_json(head.bytes) {
        let has = |word: &[u8]| memchr::memmem::find(head.bytes, word).is_some();
        return (has(b"\"nr_accesses\"") && has(b"\"regions\"")).into();
    }
    if head.lines().any(|line| line.starts_with(TARGET)) {
        return head
            .lines()
            .any(|line| Raw::parse(Line { bytes: line, number: 0 }).is_some())
            .into();
    }
    let mut lines =
        head.lines().filter(|line| !perf_script::is_heading(line)).take(1000).peekable();
    let has_event = |line| memchr::memmem::find(line, EVENT).is_some();
    (lines.peek().is_some() && lines.all(has_event)).into()
}

fn is_json(head: &[u8]) -> bool {
    matches!(head.trim_ascii_start().first(), Some(b'[' | b'{'))
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut snapshots = Snapshots {
        pages: Pages::of(source.options)?,
        stream: Stream::new(Generator::ChaCha8, source.options.drawing_seed(), 0, "trace/damon"),
        regions: Vec::new(),
        owner: Owner::of(source, "target")?,
        clock: Clock::of(source.options)?,
        time: None,
    };
    if is_json(input.peek(64)?) {
        read_json(input, builder, &mut snapshots)?;
    } else {
        read_lines(input, builder, &mut snapshots)?;
    }
    let mut notes = vec![format!(
        "sampled input: {ACCESSES_PER_SNAPSHOT} accesses drawn for each snapshot of DAMON, seed {}",
        source.options.drawing_seed()
    )];
    if snapshots.owner.spaces() > 1 {
        notes.push(format!(
            "read as pages of (target, address), because there are {} targets; `--key none` joins \
             them",
            snapshots.owner.spaces()
        ));
    }
    Ok(notes)
}

/// The regions of the snapshot that is being read, and what accesses are drawn with.
struct Snapshots<'a> {
    pages: Pages,
    owner: Owner<'a>,
    stream: Stream,
    clock: Option<Clock>,
    /// When the snapshot was taken, in nanoseconds.
    time: Option<u64>,
    /// First page, pages, and the sum of weights up to and with this region.
    regions: Vec<(u64, u64, u64)>,
}

impl Snapshots<'_> {
    fn add(&mut self, start: u64, end: u64, count: u64) -> Result<(), &'static str> {
        let Some(last) = end.checked_sub(1).filter(|&last| last >= start) else {
            return Err("the region is empty, expected its end behind its start");
        };
        if self.regions.len() == REGIONS_MAX {
            return Err("the snapshot has more than 1048576 regions");
        }
        let (first, last) = (self.pages.page(start), self.pages.page(last));
        // 2^64 pages are one byte per page: no host has them.
        let pages = (last - first).checked_add(1).ok_or("the region is too large")?;
        let before = self.regions.last().map_or(0, |&(.., weight)| weight);
        let weight = pages.checked_mul(count).and_then(|weight| weight.checked_add(before));
        let weight = weight.ok_or("the accesses of the snapshot do not fit into 64 bits")?;
        self.regions.push((first, pages, weight));
        Ok(())
    }

    fn finish(&mut self, builder: &mut TraceBuilder, target: &[u8]) -> Result<(), ReadError> {
        let total = self.regions.last().map_or(0, |&(.., weight)| weight);
        if total > 0 {
            let set = self.owner.set(builder, target, &[]);
            set.map_err(|why| ReadError::damaged(why.to_owned()))?;
            for _ in 0..ACCESSES_PER_SNAPSHOT {
                let drawn = self.stream.below(total);
                let at = self.regions.partition_point(|&(.., weight)| weight <= drawn);
                let (first, pages, _) = self.regions[at];
                let page = first + self.stream.below(pages);
                self.owner.touch_page(builder, page, None);
            }
            if let Some(clock) = &mut self.clock {
                let what = "the snapshot has no time, expected one; replay it in steps";
                let time = self.time.ok_or_else(|| ReadError::damaged(what.to_owned()))?;
                clock.at(builder, time);
            }
        }
        self.regions.clear();
        Ok(())
    }
}

/// A snapshot is as many lines of one target as each of them says that it has regions, or all
/// behind a heading of `damo report raw`.
fn read_lines(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    snapshots: &mut Snapshots<'_>,
) -> Result<(), ReadError> {
    let mut target = Vec::new();
    let mut is_raw = false;
    let mut raw_time = None;
    each_line(input, builder, |line, builder| {
        if perf_script::is_heading(line.bytes) {
            return Ok(());
        }
        if let Some(name) = line.bytes.strip_prefix(TARGET) {
            is_raw = true;
            snapshots.finish(builder, &target)?;
            target = name.trim_ascii().to_vec();
            snapshots.time = raw_time;
            return Ok(());
        }
        if let Some(time) = line.bytes.strip_prefix(END) {
            raw_time = std::str::from_utf8(time).ok().and_then(|time| parse_duration(time).ok());
            return Ok(());
        }
        if let Some(raw) = Raw::parse(line) {
            let count = raw.count.ok_or_else(|| line.error(0, "the region has no count"))?;
            let added = snapshots.add(raw.start, raw.end, count);
            return added.map_err(|why| line.error(0, why));
        }
        // Of a report, the other lines are headings such as `nr_regions: 2`.
        let has_event = memchr::memmem::find(line.bytes, EVENT).is_some();
        if !has_event && (is_raw || Raw::is_heading(line.bytes)) && line.bytes.contains(&b':') {
            return Ok(());
        }
        let region = Aggregated::parse(line)?;
        let name = region.target.strip_prefix(b"target_id=").unwrap_or(region.target);
        if name != target.as_slice() {
            snapshots.finish(builder, &target)?;
            target = name.to_vec();
        }
        snapshots.time = region.time;
        snapshots
            .add(region.start, region.end, region.count)
            .map_err(|why| line.error(region.at, why))?;
        if snapshots.regions.len() as u64 >= region.regions {
            snapshots.finish(builder, &target)?;
        }
        Ok(())
    })?;
    snapshots.finish(builder, &target)
}

/// A region of `damo report raw`.
struct Raw {
    start: u64,
    end: u64,
    count: Option<u64>,
}

impl Raw {
    /// `None` for a line that is none.
    fn parse(line: Line<'_>) -> Option<Self> {
        // Older versions print no blank before the size, and a colon behind it.
        let open = memchr::memchr(b'(', line.bytes)?;
        let bounds = line.bytes[..open].trim_ascii();
        let dash = memchr::memchr(b'-', bounds)?;
        let (start, end) = (hex(&bounds[..dash]).ok()?, hex(&bounds[dash + 1..]).ok()?);
        let close = open + memchr::memchr(b')', &line.bytes[open..])?;
        let colon = line.bytes.get(close + 1) == Some(&b':');
        let count = line.fields_from(close + 1 + usize::from(colon)).next();
        Some(Self { start, end, count: count.and_then(|count| with_commas(count.bytes)) })
    }

    fn is_heading(line: &[u8]) -> bool {
        let headings =
            [&b"base_time_absolute:"[..], b"data source:", b"monitoring_", b"intervals:"];
        headings.iter().any(|heading| line.starts_with(heading))
    }
}

/// A line of the event: a region of a snapshot of a target.
struct Aggregated<'a> {
    target: &'a [u8],
    /// How many regions the snapshot has.
    regions: u64,
    start: u64,
    end: u64,
    count: u64,
    time: Option<u64>,
    /// The position of the region in the line.
    at: usize,
}

impl<'a> Aggregated<'a> {
    fn parse(line: Line<'a>) -> Result<Self, ReadError> {
        const REGION: &str = "target_id=, nr_regions= and a region such as 4096-8192: 3";
        let missing = |at: usize| line.unexpected(at, REGION);
        let event = memchr::memmem::find(line.bytes, EVENT)
            .ok_or_else(|| line.unexpected(0, "a line of the event damon:damon_aggregated"))?;
        let mut fields = line.fields_from(event + EVENT.len());
        let target = fields.need(REGION)?;
        let regions = fields.need(REGION)?;
        let regions_value = regions.bytes.strip_prefix(b"nr_regions=");
        let range = fields.need(REGION)?;
        let count = fields.need(REGION)?;
        let bounds = range.bytes.strip_suffix(b":").unwrap_or_default();
        let dash = bounds.iter().position(|&byte| byte == b'-').ok_or_else(|| missing(range.at))?;
        let mut before = Line { bytes: &line.bytes[..event], ..line }.fields();
        let time = std::iter::from_fn(|| before.next()).find(|f| perf_script::is_time(f.bytes));
        Ok(Self {
            time: time.and_then(|field| perf_script::seconds(field.bytes)),
            target: target.bytes,
            regions: decimal(regions_value.unwrap_or_default()).map_err(|_| missing(regions.at))?,
            start: decimal(&bounds[..dash]).map_err(|_| missing(range.at))?,
            end: decimal(&bounds[dash + 1..]).map_err(|_| missing(range.at))?,
            count: count.decimal("the region's count of accesses")?,
            at: range.at,
        })
    }
}

fn read_json(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    snapshots: &mut Snapshots<'_>,
) -> Result<(), ReadError> {
    let text = input.rest(JSON_MAX)?;
    let root: Value = serde_json::from_slice(&text).map_err(|error| {
        ReadError::damaged(format!(
            "{}:{}: the JSON is wrong: {error}",
            error.line(),
            error.column()
        ))
    })?;
    let records = match &root {
        Value::Array(records) => records.iter().collect(),
        record => vec![record],
    };
    for (r, record) in records.into_iter().enumerate() {
        let target = record.get("target_id").map(Value::to_string).unwrap_or_default();
        for (s, snapshot) in list(record, "snapshots", &format!("record {r}"))?.iter().enumerate() {
            let place = format!("record {r}, snapshot {s}");
            for (at, region) in list(snapshot, "regions", &place)?.iter().enumerate() {
                let wrong =
                    |what: &str| ReadError::damaged(format!("{place}, region {at}: {what}"));
                let number = |value: Option<&Value>, name: &str| {
                    let number = value.and_then(lenient);
                    number.ok_or_else(|| wrong(&format!("`{name}` is not a number of 64 bits")))
                };
                let count = region.get("nr_accesses");
                let count = count.and_then(|count| count.get("samples")).or(count);
                let start = number(region.get("start"), "start")?;
                let end = number(region.get("end"), "end")?;
                let count = number(count, "nr_accesses")?;
                snapshots.add(start, end, count).map_err(wrong)?;
            }
            snapshots.time = snapshot.get("end_time").and_then(lenient);
            snapshots.finish(builder, target.as_bytes())?;
        }
    }
    Ok(())
}

fn list<'a>(value: &'a Value, key: &str, place: &str) -> Result<&'a [Value], ReadError> {
    match value.get(key) {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(ReadError::damaged(format!("{place}: there is no list `{key}`"))),
    }
}

/// A number, or a string of digits with commas.
fn lenient(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => with_commas(text.as_bytes()),
        _ => None,
    }
}

/// Decimal digits with commas between the thousands.
fn with_commas(digits: &[u8]) -> Option<u64> {
    let digits: Vec<u8> = digits.iter().copied().filter(|&byte| byte != b',').collect();
    decimal(&digits).ok()
}

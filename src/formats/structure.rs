//! `struct`: binary records of any layout, and `oracle-general`, one that is often met.
//!
//! The option `layout` gives the record as Python's `struct` does: `<` little-endian (the default)
//! or `>` big-endian, no padding, then a letter for each member: `b B` one byte, `h H` two, `i I l
//! L` four, `q Q` eight (capitals unsigned), `x` a byte to skip; a number before a letter repeats
//! it. The option `field` says which member, from 1 and `x` not counted, holds the page, or with
//! the option `unit` the address; `op_field` and `size_field` may name more. Several fields with
//! commas between them are as many accesses; of those behind the first, 0 is none. For example the
//! instruction and the first data address of ChampSim's `CloudSuite` are `<Q16x4Q40x`, field 1,2
//! with unit 1.
//!
//! libCacheSim's oracleGeneral is `<IQIq` (time, object, size, next access), field 2.
//! (libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h.)

use super::clock::{self, Clock, NS, S};
use super::error::ReadError;
use super::input::Input;
use super::kind::{FormatKind, Head, Verdict};
use super::options::ReadOptions;
use super::pages::{Scale, operation};
use crate::trace::TraceBuilder;
pub(super) const STRUCT: FormatKind = FormatKind {
    name: "struct",
    summary: "binary records whose layout the option `layout` gives, such as <IQIq",
    source: "our own, after Python's struct",
    extensions: &[],
    options: &[
        "page_size",
        "unit",
        "field",
        "op_field",
        "size_field",
        "layout",
        "time",
        "time_field",
        "time_unit",
    ],
    looks_like: |_| Verdict::No,
    read: |input, builder, source| {
        let layout = source.options.layout.as_deref().ok_or_else(|| {
            ReadError::format(
                "the format struct needs the option layout, such as <IQIq for four members"
                    .to_owned(),
            )
        })?;
        read(input, builder, source.options, &Known { layout, field: "1", time: None })
    },
};

pub(super) const ORACLE_GENERAL: FormatKind = FormatKind {
    name: "oracle-general",
    summary: "libCacheSim's oracleGeneral: 24-byte records of time, object, size, next access",
    source: "libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h",
    extensions: &["oracleGeneral"],
    options: &["page_size", "unit", "field", "op_field", "size_field", "time"],
    looks_like: looks_like_oracle,
    read: |input, builder, source| {
        let known = Known { layout: "<IQIq", field: "2", time: Some(("1", S)) };
        read(input, builder, source.options, &known)
    },
};

fn looks_like_oracle(head: &Head<'_>) -> Verdict {
    let (records, rest) = head.bytes.as_chunks::<24>();
    let times =
        records.iter().map(|record| record.first_chunk().map(|&time| u32::from_le_bytes(time)));
    let next = |record: &[u8; 24]| record.last_chunk().map(|&next| i64::from_le_bytes(next));
    let plausible = times.is_sorted() && records.iter().all(|record| next(record) >= Some(-1));
    if records.is_empty() || !plausible || (head.whole && !rest.is_empty()) {
        return Verdict::No;
    }
    Verdict::Perhaps
}

/// A member of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    offset: usize,
    size: usize,
    signed: bool,
}

/// The largest record, in bytes.
const RECORD_MAX: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    big_endian: bool,
    members: Vec<Member>,
    size: usize,
}

impl Layout {
    fn parse(text: &str) -> Result<Self, ReadError> {
        let bad = |what: &str| {
            ReadError::format(format!(
                "the layout `{text}` {what}, expected < or > and letters of bBhHiIlLqQx with \
                 counts, such as <IQIq"
            ))
        };
        let (big_endian, letters) = match text.as_bytes() {
            [b'>', letters @ ..] => (true, letters),
            [b'<', letters @ ..] | letters => (false, letters),
        };
        let mut layout = Self { big_endian, members: Vec::new(), size: 0 };
        let mut count = None;
        for &letter in letters {
            if letter.is_ascii_digit() {
                count =
                    Some((count.unwrap_or(0) * 10 + usize::from(letter - b'0')).min(RECORD_MAX));
                continue;
            }
            let size = match letter.to_ascii_lowercase() {
                b'b' | b'x' => 1,
                b'h' => 2,
                b'i' | b'l' => 4,
                b'q' => 8,
                _ => return Err(bad("has an unknown letter")),
            };
            for _ in 0..count.take().unwrap_or(1) {
                if letter != b'x' {
                    let signed = letter.is_ascii_lowercase();
                    layout.members.push(Member { offset: layout.size, size, signed });
                }
                layout.size += size;
            }
            if layout.size > RECORD_MAX {
                return Err(bad("has more than 4096 bytes"));
            }
        }
        if layout.members.is_empty() || count.is_some() {
            return Err(bad("is not complete"));
        }
        Ok(layout)
    }

    fn member(&self, number: &str) -> Result<Member, ReadError> {
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.members.get(index)).copied().ok_or_else(|| {
            ReadError::format(format!(
                "the layout has no field `{number}`, expected a number from 1 to {}",
                self.members.len()
            ))
        })
    }

    /// The member's value; `None` if it is negative.
    #[inline]
    fn value(&self, member: Member, record: &[u8]) -> Option<u64> {
        let bytes = &record[member.offset..member.offset + member.size];
        let mut word = [0; 8];
        let value = if self.big_endian {
            word[8 - bytes.len()..].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        } else if let Some(whole) = bytes.first_chunk::<8>() {
            u64::from_le_bytes(*whole)
        } else {
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        let negative = member.signed && value >> (member.size * 8 - 1) == 1;
        (!negative).then_some(value)
    }
}

/// What is known of a record where the options say nothing.
struct Known<'a> {
    layout: &'a str,
    field: &'a str,
    /// The member of the time, and the picoseconds that it counts in.
    time: Option<(&'a str, u64)>,
}

/// The member of the time and its unit, if times are wanted.
fn time_of(
    layout: &Layout,
    options: &ReadOptions,
    known: Option<(&str, u64)>,
) -> Result<Option<(Member, u64)>, ReadError> {
    let name = options.time_field.as_deref().or(known.map(|(name, _)| name));
    let unit = clock::unit_said(options)?.or(known.map(|(_, unit)| unit));
    match (name, unit) {
        _ if !options.wants_times()? => Ok(None),
        (Some(name), Some(unit)) => Ok(Some((layout.member(name)?, unit))),
        _ => Err(ReadError::format(
            "recorded time needs the options time_field and time_unit for this layout".to_owned(),
        )),
    }
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    options: &ReadOptions,
    known: &Known<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(options, None)?;
    let layout = Layout::parse(known.layout)?;
    let fields = options.field.as_deref().unwrap_or(known.field).split(',');
    let fields = fields.map(|field| layout.member(field.trim())).collect::<Result<Vec<_>, _>>()?;
    let member =
        |name: &Option<String>| name.as_deref().map(|name| layout.member(name)).transpose();
    let (op, size) = (member(&options.op_field)?, member(&options.size_field)?);
    let time = time_of(&layout, options, known.time)?;
    let mut clock = time.map(|(member, unit)| (Clock::default(), member, unit));
    let mut record_number = 0_u64;
    while let Some(block) = input.records(layout.size)? {
        for record in block.chunks_exact(layout.size) {
            let fail = |what: &str| {
                let offset = u128::from(record_number) * layout.size as u128;
                ReadError::damaged(format!("byte {offset}: record {record_number}: {what}"))
            };
            let negative = |name: &str| {
                fail(&format!("the {name} is negative, expected 0 or more; check the layout"))
            };
            let value =
                |member, name: &str| layout.value(member, record).ok_or_else(|| negative(name));
            let kind = match op {
                None => None,
                Some(op) => {
                    let kind = operation(value(op, "operation")?.to_string().as_bytes());
                    let what = "the operation is not 0 (read), 1 (write) or 2 (fetch)";
                    Some(kind.ok_or_else(|| fail(what))?)
                }
            };
            let size = match size {
                None => None,
                Some(size) => Some(value(size, "size")?),
            };
            for (at, &field) in fields.iter().enumerate() {
                let Some(value) = layout.value(field, record) else {
                    return Err(negative("field"));
                };
                if at == 0 || value != 0 {
                    scale.touch(builder, value, size, kind).map_err(fail)?;
                }
            }
            if let Some((clock, member, unit)) = &mut clock {
                let time = u128::from(value(*member, "time")?) * u128::from(*unit) / u128::from(NS);
                let time = u64::try_from(time).map_err(|_| fail("the time is 2^64 ns or more"))?;
                clock.at(builder, time);
            }
            record_number += 1;
        }
        if builder.overflowed() {
            break;
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_has_the_offsets_of_packed_members() {
        let layout = Layout::parse(">B2xhQ").unwrap();
        assert_eq!((layout.size, layout.members.len()), (13, 3));
        let record = [7, 0, 0, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 1, 2];
        let values: Vec<_> = layout.members.iter().map(|&m| layout.value(m, &record)).collect();
        assert_eq!(values, [Some(7), None, Some(258)]);
        for bad in ["", "<", "<3", "<Z", "<9999Q", "<4x", "<99999999999999999999Q"] {
            assert!(Layout::parse(bad).is_err(), "{bad}");
        }
    }
}

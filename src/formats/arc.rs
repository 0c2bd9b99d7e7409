//! `arc`: the traces of the ARC paper: `start count ignored request` a line, all decimal.
//!
//! A line stands for the blocks from `start` to `start + count - 1`, each an access. Block numbers
//! are page numbers unless the option `unit` says how many bytes a block has (theirs had 512).
//! (Caffeine's simulator, parser/arc/ArcTraceReader.java.)

use super::error::ReadError;
use super::input::{Input, Line, decimal};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::VALUES;
use super::pages::{PAGES_PER_RECORD_MAX, Scale, each_line};
use super::text;
use crate::trace::TraceBuilder;
pub(super) const KIND: FormatKind = FormatKind {
    name: "arc",
    summary: "a range of blocks a line: start, count and two numbers that are ignored",
    source: "Caffeine simulator, parser/arc/ArcTraceReader.java",
    extensions: &["arc", "lis"],
    options: VALUES,
    looks_like,
    read,
};

const COUNT: &str = "a count of 1 to 65536 blocks";

fn looks_like(head: &Head<'_>) -> Verdict {
    if text::is_one_list(head) {
        return Verdict::No;
    }
    head.all_lines(|bytes| {
        let mut fields = Line { bytes, number: 0 }.fields();
        let mut numbers = 0;
        while let Some(field) = fields.next() {
            if decimal(field.bytes).is_err() {
                return false;
            }
            numbers += 1;
        }
        numbers == 4
    })
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(source.options, None)?;
    each_line(input, builder, |line, builder| {
        let mut fields = line.fields();
        let Some(start) = fields.next() else { return Ok(()) };
        let first = start.decimal("the first block's number")?;
        let field = fields.need(COUNT)?;
        let count = field.decimal(COUNT)?;
        if count == 0 || count > PAGES_PER_RECORD_MAX {
            return Err(field.unexpected(COUNT));
        }
        for _ in 0..2 {
            fields.need("four numbers: start, count, ignored, request")?;
        }
        fields.end("the end of the line behind four numbers")?;
        scale.touch_blocks(builder, first, count).map_err(|why| start.error(why))
    })?;
    Ok(Vec::new())
}

//! `lirs`: a decimal block number a line, `*` for a break, as the traces of the LIRS paper are.
//!
//! Blank lines and breaks are skipped. (Caffeine's simulator, parser/lirs/LirsTraceReader.java.)
//! Block numbers are page numbers unless the option `unit` says how many bytes they count in.

use super::error::ReadError;
use super::input::{Input, decimal};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::VALUES;
use super::pages::{Scale, each_line};
use crate::trace::TraceBuilder;
pub(super) const KIND: FormatKind = FormatKind {
    name: "lirs",
    summary: "a decimal block number a line, with * between phases",
    source: "Caffeine simulator, parser/lirs/LirsTraceReader.java",
    extensions: &["lirs", "trc", "trace"],
    options: VALUES,
    looks_like,
    read,
};

fn looks_like(head: &Head<'_>) -> Verdict {
    let fits = head.all_lines(|line| line == b"*" || decimal(line).is_ok());
    let has_break = head.lines().any(|line| line == b"*");
    if fits == Verdict::Yes && !has_break { Verdict::Perhaps } else { fits }
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(source.options, None)?;
    each_line(input, builder, |line, builder| {
        let mut fields = line.fields();
        let Some(block) = fields.next() else { return Ok(()) };
        if block.bytes != b"*" {
            let value = block.decimal("a decimal block number or *")?;
            scale.touch(builder, value, None, None).map_err(|why| block.error(why))?;
        }
        fields.end("the end of the line")
    })?;
    Ok(Vec::new())
}

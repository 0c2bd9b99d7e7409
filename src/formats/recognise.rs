//! Which format a file is of, as its first bytes and its name show.

use super::error::ReadError;
use super::kind::{FormatKind, Head, Verdict};
use super::{
    ALL, csv, din, drmemtrace, foreign, lackey, lirs, perf_script, pinatrace, presets, text,
};

/// The format of this name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static FormatKind, ReadError> {
    ALL.iter().find(|format| format.name == name).ok_or_else(|| {
        ReadError::format(format!(
            "unknown trace format `{name}`, expected auto or one of {}",
            names(ALL)
        ))
    })
}

/// The format of files with this extension.
pub fn of_extension(extension: &str) -> Option<&'static FormatKind> {
    let is_it = |known: &&str| known.eq_ignore_ascii_case(extension);
    ALL.iter().find(|format| format.extensions.iter().any(is_it))
}

/// The format of a file that begins like this.
///
/// If the marks of exactly one format are there, it is that; if those of several or of none, the
/// name's extension decides among those that fit. A text that fits none is what its extension says.
///
/// # Errors
/// No format fits, or several do.
pub fn recognise(head: &Head<'_>) -> Result<&'static FormatKind, ReadError> {
    let verdicts: Vec<Verdict> = ALL.iter().map(|format| (format.looks_like)(head)).collect();
    let with = |wanted| {
        let verdicts = ALL.iter().zip(&verdicts);
        verdicts.filter(move |(_, verdict)| **verdict == wanted).map(|(format, _)| format)
    };
    if !verdicts.contains(&Verdict::Yes)
        && let Some(why) = foreign::why(head)
    {
        return Err(ReadError::format(why));
    }
    if let Some(why) = presets::ambiguous(head) {
        return Err(ReadError::format(why.to_owned()));
    }
    for verdict in [Verdict::Yes, Verdict::Perhaps] {
        let candidates: Vec<&FormatKind> = with(verdict).collect();
        let hinted = candidates
            .iter()
            .copied()
            .filter(|format| format.extensions.iter().any(|known| head.has_extension(known)));
        let hinted: Vec<&FormatKind> = hinted.collect();
        match (verdict, candidates.as_slice(), hinted.as_slice()) {
            (Verdict::Yes, [one], _) | (_, _, [one]) => return Ok(one),
            (Verdict::Yes, [_, ..], _) => {
                return Err(ReadError::format(format!(
                    "the content fits the formats {}; name the one it is (`--trace-format`, or \
                     `format` in a scenario)",
                    names(candidates)
                )));
            }
            _ => {}
        }
    }
    // A text that its name calls a trace, but for a line: its reader says which.
    let hinted = ALL.iter().find(|format| format.extensions.iter().any(|e| head.has_extension(e)));
    if let Some(format) = hinted.filter(|_| memchr::memchr(0, head.bytes).is_none()) {
        return Ok(format);
    }
    let is_text = memchr::memchr(0, head.bytes).is_none();
    let likely = if is_text { likely(head, None) } else { with(Verdict::Perhaps).collect() };
    Err(ReadError::format(format!(
        "format not recognised; name it (`--trace-format`, or `format` in a scenario) or use its \
         extension; it may be one of {}",
        names(likely)
    )))
}

/// The three most likely formats of a text, other than the one that failed: those that fit without
/// its first or last lines, then those that options adapt to most texts.
fn likely(head: &Head<'_>, beside: Option<&FormatKind>) -> Vec<&'static FormatKind> {
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', head.bytes).map(|end| end + 1).collect();
    let parts = ends.iter().take(3).map(|&end| &head.bytes[end..]);
    let parts = parts.chain(ends.iter().rev().skip(1).take(2).map(|&end| &head.bytes[..end]));
    let mut found: Vec<&FormatKind> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let part = Head { bytes: part, ..*head };
        found.extend(ALL.iter().filter(|format| (format.looks_like)(&part) == Verdict::Yes));
    }
    let has = |byte| memchr::memchr(byte, head.bytes).is_some();
    let fallback = if has(b',') || has(b';') || has(b'\t') {
        [&csv::KIND, &text::KIND, &perf_script::KIND, &lackey::KIND]
    } else if has(b':') {
        [&perf_script::KIND, &pinatrace::KIND, &drmemtrace::KIND, &csv::KIND]
    } else {
        [&text::KIND, &csv::KIND, &din::KIND, &lirs::KIND]
    };
    found.extend(fallback);
    let mut distinct: Vec<&FormatKind> = Vec::new();
    for format in found {
        let is_other = beside.is_none_or(|beside| beside.name != format.name);
        if is_other && distinct.iter().all(|known| known.name != format.name) {
            distinct.push(format);
        }
    }
    distinct.truncate(3);
    distinct
}

/// What a refusal says of a format that was not named: why the file was taken for it, and what else
/// it may be.
pub(super) fn guessed(head: &Head<'_>, format: &FormatKind) -> String {
    let fits = (format.looks_like)(head) == Verdict::Yes;
    let extension = format.extensions.iter().find(|extension| head.has_extension(extension));
    let why = match extension {
        Some(extension) if !fits => format!("because its name has the extension .{extension}"),
        _ => "because it begins like one".to_owned(),
    };
    let is_raw = format.name == "u32" || format.name == "u64";
    let is_text = memchr::memchr(0, head.bytes).is_none() && !is_raw;
    let others = if is_text {
        names(likely(head, Some(format)))
    } else {
        let raw = ["u32", "u64", "oracle-general", "struct"];
        raw.into_iter().filter(|name| *name != format.name).take(3).collect::<Vec<_>>().join(", ")
    };
    format!(
        "read as {}, {why}; if it is none, name its format (`--trace-format`): it may be {others}",
        format.name
    )
}

fn names<'a>(formats: impl IntoIterator<Item = &'a FormatKind>) -> String {
    let names: Vec<&str> = formats.into_iter().map(|format| format.name).collect();
    names.join(", ")
}

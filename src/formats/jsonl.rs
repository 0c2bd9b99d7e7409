//! `jsonl`: a JSON object a line, with the members of a csv's columns.
//!
//! The members of the first object are the headings; what each is, and the options, are those of
//! [`csv`](super::csv). An object may leave members out. A member `event` says `read`, `write`,
//! `access` or `free`.

use serde_json::{Map, Value};

use super::csv;
use super::error::ReadError;
use super::input::{HEAD, Input, Line, without_mark};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::{ReadOptions, TABLE_OF_RECORDS};
use super::pages::each_line;
use super::table::Rows;
use crate::trace::TraceBuilder;

pub(super) const KIND: FormatKind = FormatKind {
    name: "jsonl",
    summary: "a JSON object a line, whose members are the columns of a csv",
    source: "our own",
    extensions: &["jsonl", "ndjson"],
    options: TABLE_OF_RECORDS,
    looks_like,
    read,
};

/// Separates the members of a record that has become a line of a table: ASCII's unit separator.
const SEPARATOR: char = '\u{1f}';

fn looks_like(head: &Head<'_>) -> Verdict {
    let Some(record) = head.lines().next().and_then(object) else { return Verdict::No };
    record.keys().any(|name| csv::is_known(name.as_bytes())).into()
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let head = without_mark(input.peek(HEAD)?).to_vec();
    let options = ReadOptions {
        separator: Some(SEPARATOR.to_string()),
        header: Some("yes".to_owned()),
        ..source.options.clone()
    };
    let mut rows: Option<(Vec<String>, Rows<'_>)> = None;
    let mut notes = Vec::new();
    each_line(input, builder, |line, builder| {
        if line.bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        let record = object(line.bytes)
            .ok_or_else(|| line.unexpected(0, "a JSON object such as {\"page\": 7}"))?;
        if rows.is_none() {
            let names: Vec<String> = record.keys().cloned().collect();
            let heading = names.join(&SEPARATOR.to_string());
            let table = [&heading, "\n", &as_table(&head, &names)].concat();
            let first = Line { bytes: heading.as_bytes(), ..line };
            let (plan, said) = csv::plan(first, table.as_bytes(), &options)?;
            notes.extend(said);
            rows = Some((names, Rows::new(plan, source)));
        }
        let (names, rows) = rows.as_mut().expect("they are made of the first record");
        let row = row(&record, names)
            .ok_or_else(|| line.error(0, "a text holds the byte 1f, expected one without"))?;
        let taken = rows.take(Line { bytes: row.as_bytes(), ..line }, builder);
        // Places in the row are not those in the line.
        taken.map_err(|error| ReadError { message: error.message.replace(SEPARATOR, " "), ..error })
    })?;
    if let Some((_, rows)) = rows {
        notes.extend(rows.notes()?);
    }
    Ok(notes)
}

/// The first records as lines of a table.
fn as_table(head: &[u8], names: &[String]) -> String {
    let records = head.split(|&byte| byte == b'\n').filter_map(object);
    records.filter_map(|record| Some(row(&record, names)? + "\n")).collect()
}

/// The values of these members; `None` if one holds the separator.
fn row(record: &Map<String, Value>, names: &[String]) -> Option<String> {
    let mut row = String::new();
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            row.push(SEPARATOR);
        }
        match record.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.contains([SEPARATOR, '\n']) => return None,
            Some(Value::String(text)) => row.push_str(text),
            Some(value) => row.push_str(&value.to_string()),
        }
    }
    Some(row)
}

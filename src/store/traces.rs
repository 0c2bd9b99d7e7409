//! The table of `trace info`: one row per trace.

use crate::formats::info::TraceInfo;
use crate::table::Cell;
use crate::table::Table;
use crate::trace::AccessKind;

/// A row for each trace and its name.
pub fn table(infos: &[(String, TraceInfo)]) -> Table {
    let mut table = Table::new(&[
        "trace",
        "format",
        "compression",
        "bytes",
        "accesses",
        "runs",
        "distinct_pages",
        "page_min",
        "page_max",
        "fetches",
        "loads",
        "stores",
        "modifies",
        "hash",
    ]);
    for (name, info) in infos {
        let mut row: Vec<Cell> = vec![
            name.as_str().into(),
            info.format.into(),
            info.compression.into(),
            info.bytes.into(),
            info.accesses.into(),
            info.runs.into(),
            info.distinct_pages.into(),
            info.page_min.0.into(),
            info.page_max.0.into(),
        ];
        for kind in AccessKind::ALL {
            row.push(info.kinds.map_or(Cell::Empty, |counts| counts[kind as usize].into()));
        }
        row.push(info.content_hash.to_string().as_str().into());
        table.push(row);
    }
    table
}

/// The same with one column per trace, for few traces.
pub fn upright(table: &Table) -> Table {
    let mut columns: Vec<&str> = vec![table.columns()[0].as_str()];
    let names: Vec<String> = table.rows().iter().map(|row| row[0].plain()).collect();
    columns.extend(names.iter().map(String::as_str));
    let mut turned = Table::new(&columns).with_given(names.iter().map(String::as_str));
    for (at, column) in table.columns().iter().enumerate().skip(1) {
        let mut row: Vec<Cell> = vec![column.as_str().into()];
        row.extend(table.rows().iter().map(|row| row[at].clone()));
        if row[1..].iter().any(|cell| !matches!(cell, Cell::Empty)) {
            turned.push(row);
        }
    }
    turned
}

//! Rows of stored tables: one type for a file's writer and reader.

use serde::de::DeserializeOwned;

use crate::table::{Cell, Table};

/// A row of a stored table.
pub trait Row: DeserializeOwned {
    /// The columns of every such table, in order.
    const COLUMNS: &'static [&'static str];
    /// The columns after them, each present only if a row fills it.
    const OPTIONAL: &'static [&'static str];

    /// A cell for each of [`COLUMNS`](Self::COLUMNS), then for each of
    /// [`OPTIONAL`](Self::OPTIONAL).
    fn cells(&self) -> Vec<Cell>;

    /// The columns after all others, whose names the scenario gives.
    fn named_cells(&self) -> &[(String, Cell)] {
        &[]
    }

    /// Sets them.
    fn set_named_cells(&mut self, _cells: Vec<(String, Cell)>) {}
}

/// The table of these rows.
pub fn table<R: Row>(rows: &[R]) -> Table {
    let cells: Vec<Vec<Cell>> = rows.iter().map(Row::cells).collect();
    let always = R::COLUMNS.len();
    let is_filled = |at: usize| at < always || cells.iter().any(|row| row[at] != Cell::Empty);
    let all = R::COLUMNS.iter().chain(R::OPTIONAL);
    let columns: Vec<&str> =
        all.enumerate().filter(|(at, _)| is_filled(*at)).map(|(_, name)| *name).collect();
    let is_kept: Vec<bool> = (0..always + R::OPTIONAL.len()).map(is_filled).collect();
    let named =
        rows.first().map_or(&[][..], Row::named_cells).iter().map(|(name, _)| name.as_str());
    let columns: Vec<&str> = columns.into_iter().chain(named).collect();
    let mut table = Table::new(&columns);
    for (row, cells) in rows.iter().zip(cells) {
        let kept = cells.into_iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept);
        let named = row.named_cells().iter().map(|(_, cell)| cell.clone());
        table.push(kept.map(|(cell, _)| cell).chain(named).collect());
    }
    table
}

/// Reads the CSV of a [`table`].
///
/// # Errors
/// A sentence with the missing column, or the line that is not such a row.
pub fn read<R: Row>(text: &str) -> Result<Vec<R>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?;
    if let Some(name) = missing(headers, R::COLUMNS) {
        return Err(format!("it has no column `{name}`"));
    }
    let headers = headers.clone();
    let row = |record: Result<csv::StringRecord, csv::Error>| read_record(&headers, &record?);
    reader.records().map(row).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Reads the row of a record. Columns that no such row declares are named by the scenario.
pub(crate) fn read_record<R: Row>(
    headers: &csv::StringRecord,
    record: &csv::StringRecord,
) -> Result<R, csv::Error> {
    let mut row: R = record.deserialize(Some(headers))?;
    let is_known = |name: &str| R::COLUMNS.iter().chain(R::OPTIONAL).any(|column| *column == name);
    let named = headers.iter().zip(record).filter(|(name, _)| !is_known(name));
    row.set_named_cells(named.map(|(name, cell)| (name.to_owned(), Cell::read(cell))).collect());
    Ok(row)
}

/// The first of these columns that a header lacks.
pub(crate) fn missing<'n>(header: &csv::StringRecord, columns: &[&'n str]) -> Option<&'n str> {
    columns.iter().copied().find(|name| header.iter().all(|column| column != *name))
}

/// Declares a row: its fields are the columns, in order; a field in `optional` is a column only if
/// a row of the table fills it.
macro_rules! row {
    (
        $(#[$doc:meta])*
        pub struct $Row:ident {
            $($field:ident: $type:ty,)*
        }
        $(optional { $($option:ident: $inner:ty,)* })?
        $(named $named:ident)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
        pub struct $Row {
            $(
                #[doc = concat!("The column `", stringify!($field), "`.")]
                pub $field: $type,
            )*
            $($(
                #[doc = concat!("The column `", stringify!($option), "`, where there is one.")]
                #[serde(default)]
                pub $option: Option<$inner>,
            )*)?
            $(
                /// Columns whose names the scenario gives.
                #[serde(skip)]
                pub $named: Vec<(String, $crate::table::Cell)>,
            )?
        }

        impl $crate::store::row::Row for $Row {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];
            const OPTIONAL: &'static [&'static str] = &[$($(stringify!($option)),*)?];

            fn cells(&self) -> Vec<$crate::table::Cell> {
                let cells = [
                    $($crate::table::Cell::from(self.$field.clone()),)*
                    $($($crate::table::Cell::from(self.$option.clone()),)*)?
                ];
                cells.into()
            }

            $(fn named_cells(&self) -> &[(String, $crate::table::Cell)] {
                &self.$named
            }

            fn set_named_cells(&mut self, cells: Vec<(String, $crate::table::Cell)>) {
                self.$named = cells;
            })?
        }
    };
}

pub(crate) use row;

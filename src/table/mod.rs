//! One small table for all outputs, and its five formats.
//!
//! CSV and JSON have every column, with plain numbers. Aligned text, Markdown and LaTeX are for
//! people: they group digits, right-align numbers and write column names with spaces.

mod cell;
mod latex;

use std::fmt::Write as _;

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

pub use cell::Cell;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned text, for people.
    #[default]
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// An array of objects, one a row.
    Json,
    /// A Markdown table.
    Markdown,
    /// A LaTeX table, with booktabs.
    Latex,
}

impl Format {
    /// Every format with the name that flags give it.
    pub const ALL: &[(&'static str, Self)] = &[
        ("table", Self::Table),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("latex", Self::Latex),
    ];

    /// Whether it is for people: fewer columns are shown, and sentences may surround the table.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Markdown | Self::Latex)
    }

    /// Sentences around a table of this format; in LaTeX they become comments.
    pub fn aside(self, text: &str) -> String {
        match self {
            Self::Latex => {
                text.lines().map(|line| format!("% {line}").trim_end().to_owned() + "\n").collect()
            }
            _ => text.to_owned(),
        }
    }
}

/// Named columns, and rows with a cell for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    /// Columns whose names are shown as they are: files, paths of settings.
    given: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Rows before which the formats for people draw a line.
    rules: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { columns, given: Vec::new(), rows: Vec::new(), rules: Vec::new() }
    }

    /// The table that [`to_csv`](Self::to_csv) shows as `text`.
    ///
    /// # Errors
    /// A line with another number of cells than the header.
    ///
    /// ```
    /// use balloonist::table::{Cell, Table};
    /// let table = Table::from_csv("vm,faults,ratio\nweb,12,0.500000\n").unwrap();
    /// assert_eq!(table.rows()[0][1], Cell::Integer(12));
    /// assert_eq!(table.to_csv(), "vm,faults,ratio\nweb,12,0.500000\n");
    /// ```
    pub fn from_csv(text: &str) -> Result<Self, csv::Error> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut table = Self::new(&reader.headers()?.iter().collect::<Vec<_>>());
        for record in reader.records() {
            table.push(record?.iter().map(Cell::read).collect());
        }
        Ok(table)
    }

    /// Marks columns whose names are shown unchanged because users chose them; in other names `_`
    /// is shown as a space.
    pub fn with_given<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.given.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// The heading of a column for people.
    pub fn head(&self, column: &str) -> String {
        let is_given = self.given.iter().any(|name| name == column);
        if is_given { column.to_owned() } else { column.replace('_', " ") }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it does not have a cell for each column.
    pub fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(row);
    }

    /// Draws a line before the next row.
    pub fn push_rule(&mut self) {
        self.rules.push(self.rows.len());
    }

    /// The same table with a line before this row.
    pub fn with_rule(mut self, row: usize) -> Self {
        self.rules.push(row);
        self
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Only these columns, in this order; names of no column are ignored.
    pub fn select(&self, columns: &[&str]) -> Self {
        let place = |name: &&str| self.columns.iter().position(|column| column == *name);
        let places: Vec<usize> = columns.iter().filter_map(place).collect();
        let pick = |row: &Vec<Cell>| places.iter().map(|&at| row[at].clone()).collect();
        Self {
            columns: places.iter().map(|&at| self.columns[at].clone()).collect(),
            given: self.given.clone(),
            rows: self.rows.iter().map(pick).collect(),
            rules: self.rules.clone(),
        }
    }

    /// The same with the counts of these columns, which are nanoseconds, as durations for people.
    #[must_use]
    pub fn with_times(mut self, columns: &[&str]) -> Self {
        for row in &mut self.rows {
            for (name, cell) in self.columns.iter().zip(row) {
                if let Cell::Integer(nanoseconds) = *cell
                    && columns.contains(&name.as_str())
                {
                    *cell = Cell::Time(nanoseconds);
                }
            }
        }
        self
    }

    /// The table without the columns in which every cell is empty.
    pub fn without_empty_columns(&self) -> Self {
        let filled = |at: usize| self.rows.iter().any(|row| row[at] != Cell::Empty);
        let columns: Vec<&str> = (0..self.columns.len())
            .filter(|&at| filled(at))
            .map(|at| self.columns[at].as_str())
            .collect();
        self.select(&columns)
    }

    /// The table in a format. `colour` makes the header of aligned text bold; `width` is the most
    /// characters of its lines.
    pub fn render(&self, format: Format, colour: bool, width: usize) -> String {
        match format {
            Format::Table => self.to_text(colour, width),
            Format::Csv => self.to_csv(),
            Format::Json => self.to_json(),
            Format::Markdown => self.to_markdown(),
            Format::Latex => self.to_latex(),
        }
    }

    /// Comma-separated values: a header, LF, quotes only where a cell needs them (RFC 4180).
    pub fn to_csv(&self) -> String {
        let cells = self.rows.iter().map(|row| row.iter().map(Cell::plain).collect());
        csv_lines(std::iter::once(self.columns.clone()).chain(cells))
    }

    /// An array of objects, indented.
    pub fn to_json(&self) -> String {
        let object = |row: &Vec<Cell>| {
            let pairs = self.columns.iter().zip(row);
            Value::Object(
                pairs.map(|(name, cell)| (name.clone(), cell.json())).collect::<Map<_, _>>(),
            )
        };
        let rows: Value = self.rows.iter().map(object).collect();
        format!("{rows:#}\n")
    }

    /// A Markdown table, its columns aligned in the source as well.
    pub fn to_markdown(&self) -> String {
        let Layout { heads, cells, widths, right } =
            self.layout(|text| text.replace('|', "\\|"), width_of);
        let line = |row: &[String]| {
            let padded = row.iter().enumerate().map(|(at, cell)| pad(cell, widths[at], right[at]));
            format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
        };
        let dashes = widths.iter().zip(&right).map(|(&width, right)| {
            let dashes = "-".repeat(width.max(3) - 1);
            if *right { format!("{dashes}:") } else { format!("{dashes}-") }
        });
        let mut out = line(&heads);
        let _ = writeln!(out, "| {} |", dashes.collect::<Vec<_>>().join(" | "));
        out.extend(cells.iter().map(|row| line(row)));
        out
    }

    /// A LaTeX `tabular`; the document needs the package booktabs.
    pub fn to_latex(&self) -> String {
        let Layout { heads, cells, right, .. } =
            self.layout(|text| latex::escaped(&text), width_of);
        latex::tabular(&heads, &cells, &right, &self.rules)
    }

    /// Aligned text for a terminal; `colour` makes the header bold. Columns beyond `width` follow
    /// below, after the leading columns of words.
    pub fn to_text(&self, colour: bool, width: usize) -> String {
        let layout = self.layout(|text| text, widest_word);
        let blocks = layout.folds(width);
        let block = |columns: &Vec<usize>| self.block(&layout, columns, colour);
        blocks.iter().map(block).collect::<Vec<_>>().join("\n")
    }

    /// Some columns as aligned text.
    fn block(&self, layout: &Layout, columns: &[usize], colour: bool) -> String {
        let Layout { heads, cells, widths, right } = layout;
        let line = |row: &[String]| {
            let cells = columns.iter().zip(row);
            let padded = cells.map(|(&at, cell)| pad(cell, widths[at], right[at]));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let pick = |row: &[String]| columns.iter().map(|&at| row[at].clone()).collect::<Vec<_>>();
        let bold = if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
        let mut out = String::new();
        for words in stacked(&pick(heads)) {
            let _ = writeln!(out, "{bold}{}{bold:#}", line(&words));
        }
        for (at, row) in cells.iter().enumerate() {
            if self.rules.contains(&at) {
                let dashes: Vec<String> =
                    columns.iter().map(|&at| "-".repeat(widths[at])).collect();
                let _ = writeln!(out, "{}", dashes.join("  "));
            }
            let _ = writeln!(out, "{}", line(&pick(row)));
        }
        out
    }

    fn layout(&self, escape: fn(String) -> String, width_of_head: fn(&str) -> usize) -> Layout {
        let heads: Vec<String> = self.columns.iter().map(|name| escape(self.head(name))).collect();
        let cells: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| escape(cell.for_people())).collect())
            .collect();
        let widest = |at: usize| {
            let column = cells.iter().map(|row| width_of(&row[at]));
            column.chain([width_of_head(&heads[at])]).max().unwrap_or(0)
        };
        let is_number = |row: &Vec<Cell>, at: usize| !matches!(row[at], Cell::Text(_));
        let columns = 0..heads.len();
        Layout {
            widths: columns.clone().map(widest).collect(),
            right: columns.map(|at| self.rows.iter().all(|row| is_number(row, at))).collect(),
            heads,
            cells,
        }
    }
}

/// Lines of comma-separated values, all with the same number of cells.
pub fn csv_lines(records: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(&record).expect("a string takes every record of one length");
    }
    let bytes = writer.into_inner().expect("a string takes every byte");
    String::from_utf8(bytes).expect("cells are UTF-8")
}

/// A table ready to be drawn for people.
struct Layout {
    heads: Vec<String>,
    cells: Vec<Vec<String>>,
    widths: Vec<usize>,
    /// Whether a column holds only numbers and so is aligned right.
    right: Vec<bool>,
}

impl Layout {
    /// The columns of each block of lines no wider than `most`, unless a single column is wider.
    fn folds(&self, most: usize) -> Vec<Vec<usize>> {
        let columns = self.widths.len();
        let words = self.right.iter().take_while(|right| !**right).count();
        let keys = if words == columns { words.min(1) } else { words };
        let room = |block: &[usize]| block.iter().map(|&at| self.widths[at] + 2).sum::<usize>();
        let mut blocks: Vec<Vec<usize>> = vec![(0..keys).collect()];
        for at in keys..columns {
            let block = blocks.last_mut().expect("there is a first block");
            if block.len() > keys && room(block) + self.widths[at] > most {
                blocks.push((0..keys).chain([at]).collect());
            } else {
                block.push(at);
            }
        }
        blocks
    }
}

/// How many terminal columns a text takes: wide letters take two, accents none.
fn width_of(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

fn widest_word(text: &str) -> usize {
    text.split(' ').map(width_of).max().unwrap_or(0)
}

/// Column heads as lines of words, so that columns are narrow: the last words of all heads are in
/// the last line.
fn stacked(heads: &[String]) -> Vec<Vec<String>> {
    let words: Vec<Vec<&str>> = heads.iter().map(|head| head.split(' ').collect()).collect();
    let height = words.iter().map(Vec::len).max().unwrap_or(0);
    let word = |words: &Vec<&str>, line: usize| {
        (line + words.len()).checked_sub(height).map_or("", |at| words[at]).to_owned()
    };
    (0..height).map(|line| words.iter().map(|words| word(words, line)).collect()).collect()
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let spaces = " ".repeat(width.saturating_sub(width_of(cell)));
    if right { spaces + cell } else { cell.to_owned() + &spaces }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Millionths;

    fn sample() -> Table {
        let mut table = Table::new(&["vm", "demand_faults", "fault_ratio"]);
        table.push(vec!["db|1".into(), 1_234_567.into(), Millionths::ratio(1, 3).into()]);
        table.push_rule();
        table.push(vec!["a,b".into(), 5.into(), Cell::Empty]);
        table
    }

    #[test]
    fn csv_is_bare_and_quotes_where_it_must() {
        assert_eq!(
            sample().to_csv(),
            "vm,demand_faults,fault_ratio\ndb|1,1234567,0.333333\n\"a,b\",5,\n"
        );
    }

    #[test]
    fn wide_letters_and_accents_are_aligned_by_what_a_terminal_shows() {
        let mut table = Table::new(&["vm", "n"]);
        for name in ["日本", "abcd", "e\u{301}"] {
            table.push(vec![name.into(), 5.into()]);
        }
        let text = table.to_text(false, 80);
        assert_eq!(text, "vm    n\n日本  5\nabcd  5\ne\u{301}     5\n");
    }

    #[test]
    fn text_is_aligned_and_grouped() {
        assert_eq!(
            sample().to_text(false, 80),
            "         demand     fault\n\
             vm       faults     ratio\n\
             db|1  1,234,567  0.333333\n\
             ----  ---------  --------\n\
             a,b           5\n"
        );
        assert!(sample().to_text(true, 80).starts_with("\u{1b}[1m  "));
    }

    #[test]
    fn columns_that_do_not_fit_stand_below() {
        assert_eq!(
            sample().to_text(false, 17),
            "         demand\n\
             vm       faults\n\
             db|1  1,234,567\n\
             ----  ---------\n\
             a,b           5\n\
             \n\
             \x20        fault\n\
             vm       ratio\n\
             db|1  0.333333\n\
             ----  --------\n\
             a,b\n"
        );
    }

    #[test]
    fn latex_has_its_rules() {
        assert_eq!(
            sample().to_latex(),
            "\\begin{tabular}{lrr}\n\\toprule\nvm & demand faults & fault ratio \\\\\n\
             \\midrule\ndb|1 & 1,234,567 & 0.333333 \\\\\n\\midrule\na,b & 5 &  \\\\\n\
             \\bottomrule\n\\end{tabular}\n"
        );
    }

    #[test]
    fn markdown_escapes_its_own_bars() {
        assert_eq!(
            sample().to_markdown(),
            "| vm    | demand faults | fault ratio |\n\
             | ----- | ------------: | ----------: |\n\
             | db\\|1 |     1,234,567 |    0.333333 |\n\
             | a,b   |             5 |             |\n"
        );
    }

    #[test]
    fn json_keeps_the_order_of_columns() {
        let text = sample().to_json();
        let expected = "[\n  {\n    \"vm\": \"db|1\",\n    \"demand_faults\": 1234567,\n    \
                        \"fault_ratio\": 0.333333\n  },\n  {\n    \"vm\": \"a,b\",\n    \
                        \"demand_faults\": 5,\n    \"fault_ratio\": null\n  }\n]\n";
        assert_eq!(text, expected);
    }
}

//! Golden tables: compares a blessed table with one just made, cell by cell.
//!
//! The comparison finds every change: of the header, of a key, of a cell, of the set of rows and,
//! if all cells agree, of the bytes.

use std::cmp::Reverse;

use crate::random::Map;
use crate::table::Table;
use crate::units::Decimal;

/// One difference between a golden table and the table made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How bad it is; the worst come first.
    pub weight: Weight,
    /// What differs, in words.
    pub text: String,
}

/// How bad a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Cells agree but the bytes do not.
    Bytes,
    /// A cell differs, by so many millionths; for text, 0.
    Cell(u128),
    /// Rows or columns are missing or too many.
    Shape,
    /// Whole files are missing or too many, or an expectation failed.
    File,
}

/// Compares the text of a golden table with the table made now. Rows are matched by their
/// first `key` cells. Differences come in the order of the rows; sort them by [`worst_first`].
///
/// With a `tolerance`, in percent of the golden number, numbers that are no further apart agree.
pub fn compare(
    golden: &str,
    now: &Table,
    key: usize,
    tolerance: Option<Decimal>,
) -> Vec<Difference> {
    let now_text = now.to_csv();
    if golden == now_text {
        return Vec::new();
    }
    let mut found = Vec::new();
    let records = |text: &str| {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).from_reader(text.as_bytes());
        let records = reader.into_records().map(|record| record.map(|cells| owned(&cells)));
        records.collect::<Result<Vec<Vec<String>>, _>>()
    };
    let Ok(golden_records) = records(golden) else {
        return vec![shape("it is not CSV".to_owned())];
    };
    let now_records = records(&now_text).expect("what was just written can be read");
    if golden_records.first() != now_records.first() {
        let header = golden_records.first().map(|header| header.join(",")).unwrap_or_default();
        let expected = now_records[0].join(",");
        found.push(shape(format!("the header is `{header}`, expected `{expected}`")));
    }
    compare_rows(&golden_records, &now_records, key, tolerance, &mut found);
    if found.is_empty() && tolerance.is_none() {
        let text = "all cells agree but the bytes differ: quotes or line ends were changed";
        found.push(Difference { weight: Weight::Bytes, text: text.to_owned() });
    }
    found
}

/// Sorts differences by weight, the heaviest first; equal ones keep their order.
pub fn worst_first(differences: &mut [Difference]) {
    differences.sort_by_key(|difference| Reverse(difference.weight));
}

fn compare_rows(
    golden: &[Vec<String>],
    now: &[Vec<String>],
    key: usize,
    tolerance: Option<Decimal>,
    found: &mut Vec<Difference>,
) {
    let header = &now[0];
    let name = |row: &[String]| -> String {
        let cell = |at: usize| {
            let cell = row.get(at).map_or("", String::as_str);
            if header[at] == "every" || header[at] == "seed" || header[at] == "checkpoint" {
                format!("{}={cell}", header[at])
            } else {
                cell.to_owned()
            }
        };
        (0..key).map(cell).collect::<Vec<_>>().join(" ")
    };
    // Each row of the golden file, and whether a run produces it.
    let mut rows: Map<String, (&Vec<String>, bool)> = Map::default();
    for row in golden.iter().skip(1) {
        let name = name(row);
        if rows.insert(name.clone(), (row, false)).is_some() {
            found.push(shape(format!("{name} has two rows in the golden file")));
        }
    }
    for row in &now[1..] {
        let name = name(row);
        let Some((golden, made)) = rows.get_mut(&name).filter(|(_, made)| !*made) else {
            found.push(shape(format!("{name} has no row in the golden file")));
            continue;
        };
        *made = true;
        if golden.len() != row.len() {
            let (before, after) = (golden.len(), row.len());
            found.push(shape(format!("{name} has {before} cells, expected {after}")));
            continue;
        }
        for ((column, before), after) in header.iter().zip(golden.iter()).zip(row) {
            let agree = |tolerance| is_within(before, after, tolerance);
            if before != after && !tolerance.is_some_and(agree) {
                let text = format!("{name} {column} {before} → {after}");
                found.push(Difference { weight: Weight::Cell(distance(before, after)), text });
            }
        }
    }
    for (name, _) in rows.into_iter().filter(|(_, (_, made))| !made) {
        found.push(shape(format!("{name} is in the golden file but no run produces it")));
    }
}

fn shape(text: String) -> Difference {
    Difference { weight: Weight::Shape, text }
}

fn owned(cells: &csv::StringRecord) -> Vec<String> {
    cells.iter().map(str::to_owned).collect()
}

/// How far apart two cells are, in millionths; 0 if one is not a number.
fn distance(one: &str, other: &str) -> u128 {
    match (millionths(one), millionths(other)) {
        (Some(one), Some(other)) => one.abs_diff(other),
        _ => 0,
    }
}

/// Whether a number differs from the golden one by at most so many percent of that.
fn is_within(golden: &str, now: &str, percent: Decimal) -> bool {
    let (Some(golden), Some(now)) = (millionths(golden), millionths(now)) else { return false };
    // Numbers are below 2⁶⁴ · 10⁶ and a tolerance below 10⁸ millionths.
    let allowed = golden * u128::from(percent.digits);
    golden.abs_diff(now) * 100 * u128::from(percent.denominator()) <= allowed
}

/// The number of a cell, in millionths; `None` if it is a word.
fn millionths(cell: &str) -> Option<u128> {
    let number = Decimal::parse(cell)?;
    Some(u128::from(number.digits) * 1_000_000 / u128::from(number.denominator()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["vm", "seed", "faults", "ratio"]);
        for (vm, faults) in [("a", 3), ("b", 40)] {
            let ratio = crate::number::Millionths::ratio(faults, 50);
            table.push(vec![vm.into(), 1.into(), (faults as u64).into(), ratio.into()]);
        }
        table
    }

    fn found(golden: &str) -> Vec<String> {
        let mut differences = compare(golden, &table(), 2, None);
        worst_first(&mut differences);
        differences.into_iter().map(|difference| difference.text).collect()
    }

    #[test]
    fn a_cell_that_changed_is_named_and_the_worst_comes_first() {
        let golden = table().to_csv().replace(",3,0.06", ",4,0.08").replace(",40,", ",90,");
        assert_eq!(
            found(&golden),
            [
                "b seed=1 faults 90 → 40",
                "a seed=1 faults 4 → 3",
                "a seed=1 ratio 0.080000 → 0.060000"
            ]
        );
    }

    #[test]
    fn a_tolerance_is_a_share_of_the_golden_number() {
        let now = table().to_csv();
        for (from, to, percent, agree) in [
            (",40,", ",50,", "20", true),
            (",40,", ",50,", "19.99", false),
            (",40,", ",32,", "25", true),
            (",40,", ",32,", "24.9", false),
            (",40,", ",0,", "100", false),
            ("a,1,", "x,1,", "100", false),
            ("b,1,40", "b,1,many", "100", false),
        ] {
            let golden = now.replace(from, to);
            let found = compare(&golden, &table(), 2, Decimal::parse(percent));
            assert_eq!(found.is_empty(), agree, "{from} to {to} at {percent} %");
        }
    }

    #[test]
    fn rows_columns_and_bytes_that_changed_are_named() {
        let golden = table().to_csv();
        assert_eq!(found(&golden), [""; 0]);
        let cases = [
            ("b,1,40,0.800000\n", "", "b seed=1 has no row in the golden file"),
            ("b,1,", "c,1,", "b seed=1 has no row in the golden file"),
            ("b,1,", "a,1,", "a seed=1 has two rows in the golden file"),
            (
                "vm,seed",
                "vn,seed",
                "the header is `vn,seed,faults,ratio`, expected `vm,seed,faults,ratio`",
            ),
            ("0.800000\n", "0.800000,7\n", "b seed=1 has 5 cells, expected 4"),
            (
                "\n",
                "\r\n",
                "all cells agree but the bytes differ: quotes or line ends were changed",
            ),
            (
                "b,1",
                "\"b\",1",
                "all cells agree but the bytes differ: quotes or line ends were changed",
            ),
        ];
        for (from, to, text) in cases {
            assert_eq!(found(&golden.replace(from, to))[0], text, "{from:?} to {to:?}");
        }
        assert_eq!(found(&golden.replace("b,1,", "c,1,")).len(), 2, "and c, which no run makes");
    }
}

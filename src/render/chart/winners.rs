//! A map of winners: for each pair of values of two axes of a sweep, the policy with the fewest
//! demand faults.

use super::axis::percent;
use super::heat::{Sheet, Values, both, shown};
use super::{Figure, Key, LETTER, WIDTH, clipped, fill, series};
use crate::number::Millionths;
use crate::render::svg::{Anchor, Drawing};
use crate::table::{Cell, Table};

/// The policies with the fewest demand faults in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Won {
    /// The policies, by their positions in the list of names; several if they tie.
    pub policies: Vec<usize>,
    /// Their demand faults per access, in millionths.
    pub share: u64,
    /// The next policy, and its share.
    pub next: Option<(usize, u64)>,
}

/// The map; a cell without runs is `None`.
pub(crate) fn figure(
    names: &[String],
    cells: &[Vec<Option<Won>>],
    columns: &Values,
    rows: &Values,
) -> Figure {
    let all = |won: &Won| {
        won.policies.iter().map(|&at| names[at].as_str()).collect::<Vec<_>>().join(", ")
    };
    let heads = ["best", "fault_ratio", "next", "next_fault_ratio"];
    let mut table = Table::new(&[&[rows.name.as_str(), &columns.name], &heads[..]].concat());
    for (cells, row) in cells.iter().zip(&rows.values) {
        for (won, column) in cells.iter().zip(&columns.values) {
            let next = won.as_ref().and_then(|won| won.next);
            let ratio = |ratio: u64| Millionths(u128::from(ratio));
            table.push(vec![
                shown(row),
                shown(column),
                won.as_ref().map(all).into(),
                Cell::from(won.as_ref().map(|won| ratio(won.share))),
                next.map(|(at, _)| names[at].clone()).into(),
                next.map(|(_, share)| ratio(share)).into(),
            ]);
        }
    }
    let wins =
        |at: usize| cells.iter().flatten().flatten().any(|won| won.policies.as_slice() == [at]);
    let winners: Vec<usize> = (0..names.len()).filter(|&at| wins(at)).collect();
    let key = |&at: &usize| Key { label: names[at].clone(), class: fill(at) };
    Figure {
        name: "winners".to_owned(),
        title: format!("The best policy by {}", both(columns, rows)),
        caption: format!(
            "The policy with the fewest demand faults in all runs with the same {}, and their \
             share of the accesses. A pale cell is a tie.",
            both(columns, rows)
        ),
        keys: winners.iter().map(key).collect(),
        drawing: draw(names, &winners, cells, columns, rows),
        table: table.without_empty_columns(),
    }
}

fn draw(
    names: &[String],
    winners: &[usize],
    cells: &[Vec<Option<Won>>],
    columns: &Values,
    rows: &Values,
) -> Drawing {
    let sheet = Sheet::new(columns, rows);
    let mut drawing = Drawing::new(WIDTH, sheet.height() + 100);
    sheet.draw_labels(&mut drawing, 60);
    // Policy by policy, so that each legend key has one group to hide; ties last.
    for key in 0..=winners.len() {
        let owner = winners.get(key).copied();
        drawing.open(&series(key));
        for (row, cells) in cells.iter().enumerate() {
            for (column, won) in cells.iter().enumerate() {
                let Some(won) = won else { continue };
                let alone = (won.policies.len() == 1).then(|| won.policies[0]);
                if alone != owner {
                    continue;
                }
                let place = sheet.cell(60, row, column);
                let title = format!("{}: {}", sheet.name(row, column), said(names, won));
                let class = owner.map_or("free".to_owned(), fill);
                drawing.rect(place, &format!("cell {class}"), Some(&title));
                draw_words(&mut drawing, place, names, won);
            }
        }
        drawing.close();
    }
    drawing
}

/// The name of the winner and its share, if the cell has room for them.
fn draw_words(drawing: &mut Drawing, [x, y, width, height]: [i64; 4], names: &[String], won: &Won) {
    let (name, ink) = match won.policies.as_slice() {
        // White reads better than black on blue, and only there.
        [only] if fill(*only) == "s0" => (names[*only].clone(), "onlight"),
        [only] => (names[*only].clone(), "on"),
        tied => (format!("{} tie", tied.len()), "t"),
    };
    let room = width - 60;
    if room < LETTER * 4 {
        return;
    }
    let middle = x + width / 2;
    drawing.text(middle, y + height / 2 - 20, Anchor::Middle, ink, &clipped(&name, room));
    let share = percent(won.share);
    if LETTER * share.len() as i64 <= room {
        drawing.text(middle, y + height / 2 + 110, Anchor::Middle, ink, &share);
    }
}

/// "last-n, 12.3 % faults; next static, 14.1 %".
fn said(names: &[String], won: &Won) -> String {
    let best: Vec<&str> = won.policies.iter().map(|&at| names[at].as_str()).collect();
    let tie = if best.len() > 1 { "a tie of " } else { "" };
    let next = won.next.map(|(at, share)| format!("; next {}, {}", names[at], percent(share)));
    let best = best.join(", ");
    format!("{tie}{best}, {} faults{}", percent(won.share), next.unwrap_or_default())
}

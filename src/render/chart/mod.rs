//! Charts, one file a kind, each a pure function from numbers to a [`Figure`].
//!
//! The colours are those of M. Okabe and K. Ito, "Color universal design", 2008, which people with
//! the common kinds of colour blindness can tell apart; after eight they repeat with a pattern. VMs
//! have a palette of their own where colours stand for them: "light", then four of "muted", of
//! P. Tol, "Colour Schemes", SRON/EPS/TN/09-002, 2021.

mod axis;
pub(crate) mod bars;
pub(crate) mod curves;
pub(crate) mod diagram;
pub(crate) mod distribution;
pub(crate) mod heat;
pub(crate) mod lines;
pub(crate) mod mrc;
mod panels;
pub(crate) mod regret;
pub(crate) mod response;
pub(crate) mod stack;
pub(crate) mod trend;
pub(crate) mod winners;

use std::fmt::Write as _;

pub use axis::{Axis, Unit};

use crate::number::grouped;
use crate::render::pdf::pdf;
use crate::render::svg::{Anchor, Drawing, Path, escaped};
use crate::table::Table;

/// A picture, and all text that belongs to it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its file, without the extension; unique in a report.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What is drawn, in sentences: axes, units, what was thinned out.
    pub caption: String,
    /// What the colours mean.
    pub keys: Vec<Key>,
    /// The picture itself.
    pub drawing: Drawing,
    /// The numbers that are drawn.
    pub table: Table,
}

/// What one colour means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub label: String,
    /// The class that fills with it.
    pub class: String,
}

/// Keys for these names, in the palette's order.
pub(super) fn keys<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Key> {
    let key = |(at, name): (usize, &str)| Key { label: name.to_owned(), class: fill(at) };
    names.into_iter().enumerate().map(key).collect()
}

/// The width of a chart, in tenths of a pixel.
const WIDTH: i64 = 7600;
/// The left edge of the plot, right of the labels.
const LEFT: i64 = 720;
/// The margin on the right.
const RIGHT: i64 = 240;
/// The width of the plot.
const INNER: i64 = WIDTH - LEFT - RIGHT;

const COLOURS: usize = 8;
const PATTERNS: usize = 4;

/// The class that fills with the colour number `at`.
pub(super) fn fill(at: usize) -> String {
    match at / COLOURS % PATTERNS {
        0 => format!("s{}", at % COLOURS),
        pattern => format!("p{pattern}{}", at % COLOURS),
    }
}

/// The class that draws lines in the colour number `at`.
fn stroke(at: usize) -> String {
    match at / COLOURS % PATTERNS {
        0 => format!("l{}", at % COLOURS),
        pattern => format!("l{} d{pattern}", at % COLOURS),
    }
}

/// The area of a band: its places from left to right, and its lower and upper ends there.
fn band(ends: impl DoubleEndedIterator<Item = (i64, [i64; 2])> + Clone) -> Path {
    let upper = ends.clone().map(|(x, [_, high])| (x, high));
    let lower = ends.rev().map(|(x, [low, _])| (x, low));
    let mut path = Path::default();
    for (index, (x, y)) in upper.chain(lower).enumerate() {
        if index == 0 { path.start(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    path
}

/// The attributes of the group that legend key `at` shows and hides.
fn series(at: usize) -> String {
    format!("data-series=\"{at}\"")
}

/// The attributes of a group whose steps, from left to right, are the `count` table rows from
/// `first` on.
fn steps(first: usize, count: usize) -> String {
    format!("class=\"steps\" data-first=\"{first}\" data-count=\"{count}\"")
}

/// The colours and fonts of charts, for light paper.
pub(super) const STYLE: &str = include_str!("../html/chart.css");

const HEXES: [&str; COLOURS] =
    ["#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#8c8c8c"];

/// The patterns that classes such as `p13` fill with; needed once per page or SVG file.
pub(super) fn patterns() -> String {
    let mut out = String::from("<defs>\n");
    for (at, colour) in HEXES.iter().enumerate() {
        for (pattern, strokes) in
            [(1, "M-1 7l8 -8M-1 1l2 -2M5 7l2 -2"), (2, "M0 3h6"), (3, "M3 0v6")]
        {
            let _ = writeln!(
                out,
                "<pattern id=\"p{pattern}{at}\" width=\"6\" height=\"6\" \
                 patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" fill=\"{colour}\"/>\
                 <path d=\"{strokes}\" stroke=\"#fff\" stroke-width=\"1.6\"/></pattern>"
            );
        }
    }
    out + "</defs>\n"
}

impl Figure {
    /// Title, legend and picture.
    fn sheet(&self) -> Drawing {
        let title_height = 260;
        let legend = self.legend(self.drawing.width);
        let height = title_height + legend.height + self.drawing.height;
        let mut sheet = Drawing::new(self.drawing.width, height);
        sheet.rect([0, 0, sheet.width, sheet.height], "paper", None);
        sheet.text(120, 180, Anchor::Start, "title", &self.title);
        sheet.place(0, title_height, &legend);
        sheet.place(0, title_height + legend.height, &self.drawing);
        sheet
    }

    /// A PDF file of one page.
    ///
    /// # Errors
    /// A letter that the fonts of PDF do not have, in a sentence.
    pub fn to_pdf(&self) -> Result<Vec<u8>, String> {
        pdf(&self.sheet(), &self.title, STYLE)
    }

    /// An SVG file, with the style that it needs.
    pub fn to_svg(&self) -> String {
        let sheet = self.sheet();
        let patterns = if self.keys.len() > COLOURS { patterns() } else { String::new() };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {} width=\"{}\" height=\"{}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n\
             <desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n{patterns}{}</svg>\n",
            sheet.view_box(),
            sheet.width / 10,
            sheet.height / 10,
            escaped(&self.title),
            escaped(&self.caption),
            sheet.body(),
        )
    }

    /// Swatches and names, in as many lines as they need; empty for a single colour.
    fn legend(&self, width: i64) -> Drawing {
        let mut legend = Drawing::new(width, 0);
        if self.keys.len() < 2 {
            return legend;
        }
        let (mut x, mut y) = (120, 0);
        for key in &self.keys {
            let wanted = 160 + text_width(&key.label) + 160;
            if x > 120 && x + wanted > width {
                (x, y) = (120, y + 190);
            }
            legend.rect([x, y + 30, 110, 110], &key.class, None);
            legend.text(x + 160, y + 125, Anchor::Start, "t", &key.label);
            x += wanted;
        }
        legend.height = y + 220;
        legend
    }
}

/// The approximate width of a letter in the font of labels, in tenths of a pixel.
const LETTER: i64 = 69;

/// The approximate width of a text in the font of labels; no font is available to measure it.
fn text_width(text: &str) -> i64 {
    LETTER * text.chars().count() as i64
}

/// A note if a chart shows only some VMs.
pub(super) fn some_of(shown: usize, all: usize) -> String {
    if shown == all {
        return String::new();
    }
    format!(" The first {shown} of {} VMs are drawn.", grouped(all))
}

/// As much of a name as fits into `width`.
fn clipped(text: &str, width: i64) -> String {
    let most = (width / LETTER).max(2) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

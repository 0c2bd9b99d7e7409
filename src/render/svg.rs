//! SVG, written by hand so that the bytes are the same everywhere: every coordinate is an integer
//! number of tenths of a pixel, without floating point.

use std::fmt::{self, Write as _};

/// Tenths of a pixel as SVG reads them: "12", "12.3", "-0.5".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tenths(i64);

impl fmt::Display for Tenths {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        if rest == 0 { write!(out, "{sign}{whole}") } else { write!(out, "{sign}{whole}.{rest}") }
    }
}

/// Text escaped for XML and HTML, between tags and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML allows no other control characters, not even escaped.
            '\n' | '\t' => out.push(letter),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Which point of a text its position gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// At its start.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// The elements of a drawing, in the order in which they are painted.
///
/// Coordinates and lengths are tenths of a pixel. Colours are classes, defined by the style sheet
/// around the drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// The width.
    pub width: i64,
    /// The height.
    pub height: i64,
    body: String,
}

impl Drawing {
    /// A blank sheet.
    pub(crate) fn new(width: i64, height: i64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// The elements, unchanged.
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// Opens a group; `attributes` are written unchanged.
    pub(crate) fn open(&mut self, attributes: &str) {
        let _ = writeln!(self.body, "<g {attributes}>");
    }

    /// Closes the group.
    pub(crate) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// A rectangle from its upper left corner; a title explains it.
    pub(crate) fn rect(&mut self, place: [i64; 4], class: &str, title: Option<&str>) {
        let [x, y, width, height] = place.map(Tenths);
        let shape = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\""
        );
        self.shape(&shape, "rect", title);
    }

    /// A circle.
    pub(crate) fn circle(&mut self, x: i64, y: i64, radius: i64, class: &str, title: Option<&str>) {
        let [x, y, radius] = [x, y, radius].map(Tenths);
        let shape = format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" class=\"{class}\"");
        self.shape(&shape, "circle", title);
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: (i64, i64), to: (i64, i64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(Tenths);
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>"
        );
    }

    /// A path; a title explains it.
    pub(crate) fn path(&mut self, path: &Path, class: &str, title: Option<&str>) {
        let shape = format!("<path d=\"{}\" class=\"{class}\"", path.steps);
        self.shape(&shape, "path", title);
    }

    /// A line of text, its baseline at `y`.
    pub(crate) fn text(&mut self, x: i64, y: i64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " mid",
            Anchor::End => " end",
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" class=\"{class}{anchor}\">{}</text>",
            Tenths(x),
            Tenths(y),
            escaped(text)
        );
    }

    /// Another drawing, moved.
    pub(crate) fn place(&mut self, x: i64, y: i64, drawing: &Self) {
        self.open(&format!("transform=\"translate({} {})\"", Tenths(x), Tenths(y)));
        self.body.push_str(&drawing.body);
        self.close();
    }

    /// The attribute that makes the drawing scale to any size.
    pub(crate) fn view_box(&self) -> String {
        format!("viewBox=\"0 0 {} {}\"", Tenths(self.width), Tenths(self.height))
    }

    fn shape(&mut self, shape: &str, element: &str, title: Option<&str>) {
        let _ = match title {
            None => writeln!(self.body, "{shape}/>"),
            Some(title) => {
                writeln!(self.body, "{shape}><title>{}</title></{element}>", escaped(title))
            }
        };
    }
}

/// The steps of a path, relative to each other to keep them short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    steps: String,
    at: (i64, i64),
    /// A pending horizontal step, which the next one may extend.
    pending: i64,
}

impl Path {
    /// Begins a part of the path.
    pub(crate) fn start(&mut self, x: i64, y: i64) {
        self.flush();
        let _ = write!(self.steps, "M{} {}", Tenths(x), Tenths(y));
        self.at = (x, y);
    }

    /// Goes right or left, then up or down: a step of a staircase.
    pub(crate) fn step_to(&mut self, x: i64, y: i64) {
        self.pending += x - self.at.0;
        if y != self.at.1 {
            self.flush();
            let _ = write!(self.steps, "v{}", Tenths(y - self.at.1));
        }
        self.at = (x, y);
    }

    /// Goes straight.
    pub(crate) fn line_to(&mut self, x: i64, y: i64) {
        if y == self.at.1 {
            self.pending += x - self.at.0;
        } else {
            self.flush();
            let _ = write!(self.steps, "l{} {}", Tenths(x - self.at.0), Tenths(y - self.at.1));
        }
        self.at = (x, y);
    }

    /// Ends the part, visibly even if it is a single point.
    pub(crate) fn end(&mut self) {
        self.flush();
        if !self.steps.contains(['h', 'v', 'l']) {
            self.steps.push_str("h0");
        }
    }

    /// Returns to the start of the part.
    pub(crate) fn close(&mut self) {
        self.flush();
        self.steps.push('z');
    }

    fn flush(&mut self) {
        if self.pending != 0 {
            let _ = write!(self.steps, "h{}", Tenths(self.pending));
            self.pending = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }

    #[test]
    fn coordinates_have_one_decimal_at_most() {
        let shown: Vec<String> =
            [0, 5, -5, 120, 123, -123].iter().map(|&at| Tenths(at).to_string()).collect();
        assert_eq!(shown, ["0", "0.5", "-0.5", "12", "12.3", "-12.3"]);
    }

    #[test]
    fn level_steps_of_a_path_are_joined() {
        let mut path = Path::default();
        path.start(0, 100);
        path.step_to(50, 100);
        path.step_to(100, 80);
        path.line_to(120, 80);
        path.line_to(130, 75);
        path.close();
        assert_eq!(path.steps, "M0 10h10v-2h2l1 -0.5z");
    }

    #[test]
    fn text_cannot_leave_its_place() {
        let mut drawing = Drawing::new(10, 10);
        drawing.rect([0, 0, 1, 1], "s0", Some("</title><script>\u{1}"));
        drawing.text(0, 0, Anchor::End, "t", "a & b");
        assert!(drawing.body().contains("<title>&lt;/title&gt;&lt;script&gt;\u{fffd}</title>"));
        assert!(drawing.body().contains("class=\"t end\">a &amp; b</text>"));
    }
}

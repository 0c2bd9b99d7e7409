//! SVG, written by hand so that the bytes are the same everywhere: every coordinate is an integer
//! number of tenths of a pixel, without floating point.

use std::fmt;

/// Tenths of a pixel as SVG reads them: "12", "12.3", "-0.5".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenths(pub i64);

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

/// An element of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A group opens, with these attributes.
    Open(String),
    /// A group opens, moved by this.
    Moved(i64, i64),
    /// The group closes.
    Close,
    /// A rectangle: left, top, width and height.
    Rect {
        place: [i64; 4],
        class: String,
        title: Option<String>,
    },
    Circle {
        x: i64,
        y: i64,
        radius: i64,
        class: String,
        title: Option<String>,
    },
    Line {
        from: (i64, i64),
        to: (i64, i64),
        class: String,
    },
    Path {
        path: Path,
        class: String,
        title: Option<String>,
    },
    /// A line of text, its baseline at `y`.
    Text {
        x: i64,
        y: i64,
        anchor: Anchor,
        class: String,
        text: String,
    },
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
    items: Vec<Item>,
}

impl Drawing {
    /// A blank sheet.
    pub(crate) fn new(width: i64, height: i64) -> Self {
        Self { width, height, items: Vec::new() }
    }

    /// The elements.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The elements as SVG.
    pub(crate) fn body(&self) -> String {
        self.items.iter().map(ToString::to_string).collect()
    }

    /// Opens a group; `attributes` are written unchanged.
    pub(crate) fn open(&mut self, attributes: &str) {
        self.items.push(Item::Open(attributes.to_owned()));
    }

    /// Closes the group.
    pub(crate) fn close(&mut self) {
        self.items.push(Item::Close);
    }

    /// A rectangle from its upper left corner; a title explains it.
    pub(crate) fn rect(&mut self, place: [i64; 4], class: &str, title: Option<&str>) {
        let (class, title) = (class.to_owned(), title.map(str::to_owned));
        self.items.push(Item::Rect { place, class, title });
    }

    /// A circle.
    pub(crate) fn circle(&mut self, x: i64, y: i64, radius: i64, class: &str, title: Option<&str>) {
        let (class, title) = (class.to_owned(), title.map(str::to_owned));
        self.items.push(Item::Circle { x, y, radius, class, title });
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: (i64, i64), to: (i64, i64), class: &str) {
        self.items.push(Item::Line { from, to, class: class.to_owned() });
    }

    /// A path; a title explains it.
    pub(crate) fn path(&mut self, path: &Path, class: &str, title: Option<&str>) {
        let (class, title) = (class.to_owned(), title.map(str::to_owned));
        self.items.push(Item::Path { path: path.clone(), class, title });
    }

    /// A line of text, its baseline at `y`.
    pub(crate) fn text(&mut self, x: i64, y: i64, anchor: Anchor, class: &str, text: &str) {
        let (class, text) = (class.to_owned(), text.to_owned());
        self.items.push(Item::Text { x, y, anchor, class, text });
    }

    /// Another drawing, moved.
    pub(crate) fn place(&mut self, x: i64, y: i64, drawing: &Self) {
        self.items.push(Item::Moved(x, y));
        self.items.extend(drawing.items.iter().cloned());
        self.close();
    }

    /// The attribute that makes the drawing scale to any size.
    pub(crate) fn view_box(&self) -> String {
        format!("viewBox=\"0 0 {} {}\"", Tenths(self.width), Tenths(self.height))
    }
}

/// An element as a line of SVG.
impl fmt::Display for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (element, shape, title) = match self {
            Self::Open(attributes) => return writeln!(out, "<g {attributes}>"),
            Self::Moved(x, y) => {
                let (x, y) = (Tenths(*x), Tenths(*y));
                return writeln!(out, "<g transform=\"translate({x} {y})\">");
            }
            Self::Close => return out.write_str("</g>\n"),
            Self::Rect { place, class, title } => {
                let [x, y, width, height] = place.map(Tenths);
                let size = format!("width=\"{width}\" height=\"{height}\"");
                ("rect", format!("x=\"{x}\" y=\"{y}\" {size} class=\"{class}\""), title)
            }
            Self::Circle { x, y, radius, class, title } => {
                let [x, y, radius] = [*x, *y, *radius].map(Tenths);
                let shape = format!("cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" class=\"{class}\"");
                ("circle", shape, title)
            }
            Self::Line { from, to, class } => {
                let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(Tenths);
                let ends = format!("x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"");
                return writeln!(out, "<line {ends} class=\"{class}\"/>");
            }
            Self::Path { path, class, title } => {
                ("path", format!("d=\"{path}\" class=\"{class}\""), title)
            }
            Self::Text { x, y, anchor, class, text } => {
                let anchor = match anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " mid",
                    Anchor::End => " end",
                };
                let (x, y, text) = (Tenths(*x), Tenths(*y), escaped(text));
                let class = format!("{class}{anchor}");
                return writeln!(out, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{text}</text>");
            }
        };
        match title {
            None => writeln!(out, "<{element} {shape}/>"),
            Some(title) => {
                writeln!(out, "<{element} {shape}><title>{}</title></{element}>", escaped(title))
            }
        }
    }
}

/// A step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A part begins here.
    Start(i64, i64),
    /// A straight line to here.
    To(i64, i64),
    /// Back to where the part began.
    Close,
}

/// The steps of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    steps: Vec<Step>,
    at: (i64, i64),
}

impl Path {
    /// Its steps.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Begins a part of the path.
    pub(crate) fn start(&mut self, x: i64, y: i64) {
        self.steps.push(Step::Start(x, y));
        self.at = (x, y);
    }

    /// Goes right or left, then up or down: a step of a staircase.
    pub(crate) fn step_to(&mut self, x: i64, y: i64) {
        if x != self.at.0 {
            self.line_to(x, self.at.1);
        }
        if y != self.at.1 {
            self.line_to(x, y);
        }
    }

    /// Goes straight. A level line goes on with the one before.
    pub(crate) fn line_to(&mut self, x: i64, y: i64) {
        let before = self.steps.iter().rev().nth(1).copied();
        match (before, self.steps.last_mut()) {
            (Some(Step::Start(_, from) | Step::To(_, from)), Some(Step::To(right, level)))
                if from == y && *level == y =>
            {
                *right = x;
            }
            _ => self.steps.push(Step::To(x, y)),
        }
        self.at = (x, y);
    }

    /// Ends the part, visibly even if it is a single point.
    pub(crate) fn end(&mut self) {
        if let Some(&Step::Start(x, y)) = self.steps.last() {
            self.steps.push(Step::To(x, y));
        }
    }

    /// Returns to the start of the part.
    pub(crate) fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}

/// The steps as SVG writes them, relative to each other to keep them short.
impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = (0, 0);
        for &step in &self.steps {
            match step {
                Step::Start(x, y) => write!(out, "M{} {}", Tenths(x), Tenths(y))?,
                Step::To(x, y) => match (Tenths(x - at.0), Tenths(y - at.1)) {
                    (right, Tenths(0)) => write!(out, "h{right}")?,
                    (Tenths(0), down) => write!(out, "v{down}")?,
                    (right, down) => write!(out, "l{right} {down}")?,
                },
                Step::Close => out.write_str("z")?,
            }
            if let Step::Start(x, y) | Step::To(x, y) = step {
                at = (x, y);
            }
        }
        Ok(())
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
        assert_eq!(path.to_string(), "M0 10h10v-2h2l1 -0.5z");
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

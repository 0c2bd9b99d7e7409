//! A drawing as a PDF file of one page, for papers and slides: the same shapes as in SVG, with the
//! text in the fonts that every reader of PDF has. A pixel is a point. Coordinates are the
//! drawing's integers, so that the bytes are the same everywhere.
//!
//! Follows ISO 32000-1:2008: 7.5 (the file), 8 (graphics), 9.6.2.2 (the standard fonts) and annex D
//! (their encoding).

use std::fmt::Write as _;

use super::svg::{Anchor, Drawing, Item, Step};

/// The file of a drawing that this style sheet colours, whose patterns fill with these colours.
///
/// # Errors
/// A letter that the standard fonts do not have, in a sentence.
pub(crate) fn pdf(sheet: &Drawing, title: &str, style: &str) -> Result<Vec<u8>, String> {
    let styles = Styles::read(style);
    // Upside down, and in tenths of a point.
    let mut page = format!(".1 0 0 -.1 0 {} cm\n", points(sheet.height));
    for item in sheet.items() {
        paint(&mut page, item, &styles)?;
    }
    let mut file = File::default();
    let patterns: Vec<(String, usize)> = styles
        .patterns()
        .filter(|(name, ..)| page.contains(&format!("/{name} scn")))
        .map(|(name, colour, strokes)| (name, file.add(&pattern(&colour, strokes))))
        .collect();
    let patterns: Vec<String> =
        patterns.iter().map(|(name, at)| format!("/{name} {at} 0 R")).collect();
    let patterns = patterns.join(" ");
    let content = file.add(&stream("", &page));
    let font = |file: &mut File, name: &str| {
        file.add(&format!("<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>"))
    };
    let (plain, bold) = (font(&mut file, "Helvetica"), font(&mut file, "Helvetica-Bold"));
    let pages = file.next() + 1;
    let page = file.add(&format!(
        "<</Type/Page/Parent {pages} 0 R/MediaBox[0 0 {} {}]/Contents {content} 0 R/Resources\
         <</Font<</F1 {plain} 0 R/F2 {bold} 0 R>>/Pattern<<{patterns}>>\
         /ExtGState<</G<</ca {BAND}>>/O<</ca 1>>>>>>>>",
        points(sheet.width),
        points(sheet.height),
    ));
    file.add(&format!("<</Type/Pages/Kids[{page} 0 R]/Count 1>>"));
    let root = file.add(&format!("<</Type/Catalog/Pages {pages} 0 R>>"));
    let info = file.add(&format!("<</Title{}/Producer(balloonist)>>", string(title)?));
    Ok(file.finish(root, info))
}

/// The bytes with which our files begin, of which the last say that the file is binary.
pub const BEGINNING: &[u8] = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3balloonist\n";

/// The opacity of bands, as in the style sheet.
const BAND: &str = ".16";

/// Tenths as points.
fn points(tenths: i64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The objects of a file, numbered from 1.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl File {
    /// The number of the object that comes next.
    fn next(&self) -> usize {
        self.places.len() + 1
    }

    /// Adds an object, and returns its number.
    fn add(&mut self, object: &str) -> usize {
        if self.bytes.is_empty() {
            self.bytes.extend(BEGINNING);
        }
        let number = self.next();
        self.places.push(self.bytes.len());
        let object = format!("{number} 0 obj\n{object}\nendobj\n");
        // Strings are in the encoding of the fonts, a byte a letter.
        self.bytes.extend(object.chars().map(|letter| letter as u8));
        number
    }

    /// The file, with the table of where its objects are.
    fn finish(mut self, root: usize, info: usize) -> Vec<u8> {
        let (start, count) = (self.bytes.len(), self.next());
        let mut end = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for place in &self.places {
            let _ = writeln!(end, "{place:010} 00000 n ");
        }
        let _ = write!(
            end,
            "trailer\n<</Size {count}/Root {root} 0 R/Info {info} 0 R>>\n\
             startxref\n{start}\n%%EOF\n"
        );
        self.bytes.extend(end.bytes());
        self.bytes
    }
}

/// A stream; each of its letters becomes a byte.
fn stream(entries: &str, content: &str) -> String {
    let length = content.chars().count();
    format!("<<{entries}/Length {length}>>\nstream\n{content}\nendstream")
}

/// A tile of a pattern, as `patterns` of the charts draws it.
fn pattern(colour: &str, strokes: &str) -> String {
    let content = format!("{colour} rg 0 0 6 6 re f 1 1 1 RG 1.6 w {strokes} S");
    let entries = "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 6 6]/XStep 6\
                   /YStep 6/Resources<<>>/Matrix[1 0 0 1 0 0]";
    stream(entries, &content)
}

/// How a class is painted; what is missing, another class decides.
#[derive(Clone, Debug, Default)]
struct Style {
    fill: Option<Paint>,
    stroke: Option<Paint>,
    /// The width of lines, in tenths of a pixel.
    width: Option<i64>,
    dashes: Option<String>,
    is_faint: bool,
    /// The size of letters, in tenths of a pixel.
    size: Option<i64>,
    is_bold: bool,
}

#[derive(Clone, Debug)]
enum Paint {
    /// Not at all.
    Nothing,
    /// Red, green and blue.
    Colour(String),
    Pattern(String),
}

/// The rules of the style sheet, in order.
struct Styles(Vec<(String, Style)>);

impl Styles {
    fn read(sheet: &str) -> Self {
        let sheet = sheet.replace('\n', "");
        let mut all = Vec::new();
        for rule in sheet.split('}') {
            let Some((selectors, declarations)) = rule.split_once('{') else { continue };
            let mut style = Style::default();
            for declaration in declarations.split(';') {
                let Some((name, value)) = declaration.split_once(':') else { continue };
                style.declare(name.trim(), value.trim());
            }
            all.extend(selectors.split(',').map(|name| (name.trim().to_owned(), style.clone())));
        }
        Self(all)
    }

    /// How an element with these classes is painted.
    fn of(&self, element: &str, classes: &str) -> Style {
        let mut style = Style::default();
        for (selector, rule) in &self.0 {
            let (of, class) = selector.split_once('.').unwrap_or((selector, ""));
            let is_element = of.is_empty() || of == element;
            if is_element && (class.is_empty() || classes.split(' ').any(|one| one == class)) {
                style.fill = rule.fill.clone().or(style.fill);
                style.stroke = rule.stroke.clone().or(style.stroke);
                style.width = rule.width.or(style.width);
                style.dashes = rule.dashes.clone().or(style.dashes);
                style.size = rule.size.or(style.size);
                style.is_faint |= rule.is_faint;
                style.is_bold |= rule.is_bold;
            }
        }
        style
    }

    /// The patterns: name, colour and strokes. Pattern `p13` has the colour of class `s3`.
    fn patterns(&self) -> impl Iterator<Item = (String, String, &'static str)> {
        let kinds = ["-1 7 m 7 -1 l -1 1 m 1 -1 l 5 7 m 7 5 l", "0 3 m 6 3 l", "3 0 m 3 6 l"];
        (0..8).flat_map(move |at| {
            let colour = match self.of("rect", &format!("s{at}")).fill {
                Some(Paint::Colour(colour)) => colour,
                _ => "0 0 0".to_owned(),
            };
            let kinds = (1..).zip(kinds);
            kinds.map(move |(kind, strokes)| (format!("p{kind}{at}"), colour.clone(), strokes))
        })
    }
}

impl Style {
    fn declare(&mut self, name: &str, value: &str) {
        match name {
            "fill" => {
                self.fill = Some(match value.strip_prefix("url(#") {
                    Some(name) => Paint::Pattern(name.trim_end_matches(')').to_owned()),
                    None => colour(value).map_or(Paint::Nothing, Paint::Colour),
                });
            }
            "stroke" => {
                self.stroke = Some(colour(value).map_or(Paint::Nothing, Paint::Colour));
            }
            "stroke-width" => self.width = tenths(value),
            "stroke-dasharray" => {
                let lengths: Vec<String> =
                    value.split(' ').filter_map(tenths).map(|length| length.to_string()).collect();
                self.dashes = Some(lengths.join(" "));
            }
            "opacity" => self.is_faint = true,
            "font" | "font-size" => {
                self.size = value.split("px").next().and_then(tenths);
            }
            "font-weight" => self.is_bold = true,
            _ => {}
        }
    }
}

/// A decimal number of pixels as tenths.
fn tenths(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some(whole * 10 + rest.get(..1)?.parse::<i64>().ok()?)
}

/// `#fff` or `#ffffff` as three shares of 1; `None` for `none` and `transparent`.
fn colour(text: &str) -> Option<String> {
    let digits = text.strip_prefix('#')?;
    let short: String = digits.chars().flat_map(|digit| [digit, digit]).collect();
    let digits = if digits.len() == 3 { short.as_str() } else { digits };
    let part = |at: usize| u32::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let shares: Option<Vec<String>> = [0, 2, 4]
        .into_iter()
        .map(|at| {
            let thousandths = (part(at)? * 1000 + 127) / 255;
            Some(format!("{}.{:03}", thousandths / 1000, thousandths % 1000))
        })
        .collect();
    Some(shares?.join(" "))
}

fn paint(page: &mut String, item: &Item, styles: &Styles) -> Result<(), String> {
    match item {
        Item::Open(_) => page.push_str("q\n"),
        Item::Moved(x, y) => {
            let _ = writeln!(page, "q 1 0 0 1 {x} {y} cm");
        }
        Item::Close => page.push_str("Q\n"),
        Item::Rect { place: [x, y, width, height], class, .. } => {
            shape(page, &styles.of("rect", class), &format!("{x} {y} {width} {height} re"));
        }
        Item::Circle { x, y, radius, class, .. } => {
            shape(page, &styles.of("circle", class), &circle(*x, *y, *radius));
        }
        Item::Line { from, to, class } => {
            let path = format!("{} {} m {} {} l", from.0, from.1, to.0, to.1);
            shape(page, &Style { fill: Some(Paint::Nothing), ..styles.of("line", class) }, &path);
        }
        Item::Path { path, class, .. } => {
            let steps = path.steps().iter().map(|step| match step {
                Step::Start(x, y) => format!("{x} {y} m "),
                Step::To(x, y) => format!("{x} {y} l "),
                Step::Close => "h ".to_owned(),
            });
            shape(page, &styles.of("path", class), &steps.collect::<String>());
        }
        Item::Text { x, y, anchor, class, text } => {
            let style = styles.of("text", class);
            let size = style.size.unwrap_or(160);
            let width = width_of(text) * size / 1000;
            let left = match anchor {
                Anchor::Start => *x,
                Anchor::Middle => x - width / 2,
                Anchor::End => x - width,
            };
            let font = if style.is_bold { "F2" } else { "F1" };
            let colour = match &style.fill {
                Some(Paint::Colour(colour)) => colour,
                _ => "0 0 0",
            };
            let text = string(text)?;
            let _ = writeln!(
                page,
                "BT {colour} rg /{font} {size} Tf 1 0 0 -1 {left} {y} Tm {text} Tj ET"
            );
        }
    }
    Ok(())
}

/// Paints a path as its style wants it.
fn shape(page: &mut String, style: &Style, path: &str) {
    // What has no fill is black.
    match &style.fill {
        None => page.push_str("0 0 0 rg "),
        Some(Paint::Colour(colour)) => {
            let _ = write!(page, "{colour} rg ");
        }
        Some(Paint::Pattern(name)) => {
            let _ = write!(page, "/Pattern cs /{name} scn ");
        }
        Some(Paint::Nothing) => {}
    }
    if let Some(Paint::Colour(colour)) = &style.stroke {
        let width = style.width.unwrap_or(10);
        let dashes = style.dashes.as_deref().unwrap_or("");
        let _ = write!(page, "{colour} RG {width} w [{dashes}] 0 d ");
    }
    let fills = !matches!(style.fill, Some(Paint::Nothing));
    let operator = match (fills, matches!(style.stroke, Some(Paint::Colour(_)))) {
        (true, true) => "B",
        (true, false) => "f",
        (false, true) => "S",
        (false, false) => return,
    };
    let opacity = if style.is_faint { ["/G gs ", " /O gs"] } else { ["", ""] };
    let _ = writeln!(page, "{}{path} {operator}{}", opacity[0], opacity[1]);
}

/// A circle of four curves, whose control points are 0.5523 of the radius away.
fn circle(x: i64, y: i64, radius: i64) -> String {
    let far = radius * 5523 / 10_000;
    let (left, right, top, bottom) = (x - radius, x + radius, y - radius, y + radius);
    let (before, behind, above, below) = (x - far, x + far, y - far, y + far);
    format!(
        "{right} {y} m {right} {below} {behind} {bottom} {x} {bottom} c {before} {bottom} {left} \
         {below} {left} {y} c {left} {above} {before} {top} {x} {top} c {behind} {top} {right} \
         {above} {right} {y} c h"
    )
}

/// A string in the fonts' encoding.
fn string(text: &str) -> Result<String, String> {
    let mut out = String::from("(");
    for letter in text.chars() {
        let byte = match letter {
            '(' | ')' | '\\' => {
                out.push('\\');
                letter
            }
            ' '..='~' | '\u{a0}'..='\u{ff}' => letter,
            '…' => '\u{85}',
            '–' | '−' => '\u{96}',
            '—' => '\u{97}',
            '‘' => '\u{91}',
            '’' => '\u{92}',
            '“' => '\u{93}',
            '”' => '\u{94}',
            '•' => '\u{95}',
            '€' => '\u{80}',
            other => {
                return Err(format!("the fonts of PDF have no `{other}`; draw SVG instead"));
            }
        };
        out.push(byte);
    }
    Ok(out + ")")
}

/// The width of a text in Helvetica, in thousandths of its size.
fn width_of(text: &str) -> i64 {
    let width = |letter: char| match letter {
        ' '..='~' => i64::from(WIDTHS[letter as usize - 32]),
        '…' => 1000,
        _ => 556,
    };
    text.chars().map(width).sum()
}

/// The widths of the letters from the blank to the tilde in Helvetica: Adobe's metrics of the
/// standard fonts.
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

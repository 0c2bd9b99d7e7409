//! What notebooks show.

use std::fmt::Write as _;

use balloonist::render::chart::Figure;
use balloonist::render::escaped;
use balloonist::table::{Cell, Table};

/// The most rows that a notebook shows of a table.
const ROWS: usize = 60;

/// A table; of a long one, its first rows.
pub fn table(table: &Table) -> String {
    let mut out = String::from("<div style=\"overflow-x:auto\"><table><thead><tr>");
    for column in table.columns() {
        let _ = write!(out, "<th>{}</th>", escaped(&table.head(column)));
    }
    out += "</tr></thead><tbody>";
    for row in table.rows().iter().take(ROWS) {
        out += "<tr>";
        for cell in row {
            let align = if matches!(cell, Cell::Text(_)) { "left" } else { "right" };
            let cell = escaped(&cell.plain());
            let _ = write!(out, "<td style=\"text-align:{align}\">{cell}</td>");
        }
        out += "</tr>";
    }
    out += "</tbody></table></div>";
    if table.rows().len() > ROWS {
        let _ = write!(out, "<p>The first {ROWS} of {} rows.</p>", table.rows().len());
    }
    out
}

/// A figure, which has its title, and its caption. It is an image, so that its styles stay within
/// it, and on white in dark notebooks too.
pub fn figure(figure: &Figure) -> String {
    const STYLE: &str = "max-width:100%;background:#fff";
    format!(
        "<figure style=\"margin:1em 0\"><img style=\"{STYLE}\" alt=\"{}\" \
         src=\"data:image/svg+xml,{}\"><figcaption>{}</figcaption></figure>",
        escaped(&figure.title),
        in_address(&figure.to_svg()),
        escaped(&figure.caption),
    )
}

/// A paragraph for each line.
pub fn paragraphs(text: &str) -> String {
    text.lines().flat_map(|line| ["<p>".to_owned(), escaped(line), "</p>".to_owned()]).collect()
}

/// A text as a part of an address, percent-encoded.
fn in_address(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" -_.:/=;,()".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

//! Diagnostics: what is wrong with a scenario, where, and what to do about it.

use std::fmt::Write as _;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::codes::{self, Code};
use super::origin::{Origin, SourceText};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario can be run, and its results are what it says; yet something looks wrong.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of fault.
    pub code: &'static Code,
    /// What was found, without a full stop.
    pub message: String,
    /// Where it was found.
    pub origin: Origin,
    /// What was expected there or what to do, without a full stop.
    pub remedy: String,
}

impl Diagnostic {
    /// An error.
    pub(super) fn error(
        code: &'static Code,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (message, remedy) = (message.into(), remedy.into());
        Self { severity: Severity::Error, code, message, origin, remedy }
    }
}

/// Diagnostics of one scenario in source order, with the sources that they point into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Vec<Arc<SourceText>>,
    list: Vec<Diagnostic>,
    /// Syntax errors that were dropped.
    syntax_dropped: usize,
    /// Those that the limit dropped.
    dropped: usize,
}

impl Diagnostics {
    /// The most that are kept; a file with more is broken as a whole.
    pub(super) const KEPT_MAX: usize = 1000;

    /// The most syntax errors that are kept: a file that is not TOML has one a line.
    const SYNTAX_MAX: usize = 5;

    /// Sorts the diagnostics by place and drops repetitions: a fault of `[defaults.vm]` is found
    /// once for each VM.
    pub(super) fn new(sources: &[Arc<SourceText>], mut list: Vec<Diagnostic>) -> Self {
        list.sort_by(|one, other| {
            (one.origin, one.code.id, &one.message).cmp(&(
                other.origin,
                other.code.id,
                &other.message,
            ))
        });
        list.dedup();
        let found = list.len();
        let mut syntax = 0;
        list.retain(|found| {
            syntax += usize::from(found.code == codes::SYNTAX);
            found.code != codes::SYNTAX || syntax <= Self::SYNTAX_MAX
        });
        let syntax_dropped = found - list.len();
        let dropped = list.len().saturating_sub(Self::KEPT_MAX);
        list.truncate(Self::KEPT_MAX);
        Self { sources: sources.to_vec(), list, syntax_dropped, dropped }
    }

    /// The diagnostics, in source order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the system failed to read a file and nothing else is wrong, as opposed to bad input.
    pub fn is_io(&self) -> bool {
        let io = [codes::UNREADABLE, codes::TRACE_UNREADABLE];
        let mut errors = self.list.iter().filter(|found| found.severity == Severity::Error);
        self.list.iter().any(|found| io.contains(&found.code))
            && errors.all(|error| io.contains(&error.code))
    }

    /// All of them as text for people, each with its source line; with terminal colours or without.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for (at, diagnostic) in self.list.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            let source = &self.sources[diagnostic.origin.source];
            render(&mut out, diagnostic, source, colour);
        }
        // Writing to a string cannot fail.
        if self.syntax_dropped > 0 {
            let more = self.syntax_dropped;
            let _ = writeln!(out, "\n{more} more places are not TOML; is this a scenario at all?");
        }
        if self.dropped > 0 {
            let _ = writeln!(out, "\n{} more are not shown", self.dropped);
        }
        out
    }
}

fn render(out: &mut String, diagnostic: &Diagnostic, source: &SourceText, colour: bool) {
    let (word, hue) = match diagnostic.severity {
        Severity::Error => ("error", AnsiColor::Red),
        Severity::Warning => ("warning", AnsiColor::Yellow),
    };
    let style = if colour { hue.on_default().bold() } else { Style::new() };
    let (on, off) = (style.render(), style.render_reset());
    let (code, message) = (diagnostic.code.id, visible(&diagnostic.message));
    let _ = writeln!(out, "{on}{word}[{code}]{off}: {message}");
    let shown = visible(&source.shown);
    let remedy = visible(&diagnostic.remedy);
    let Some(excerpt) = Excerpt::of(source, diagnostic.origin) else {
        let _ = writeln!(out, " --> {shown}\n  = {remedy}");
        return;
    };
    let Excerpt { line, column, text, caret_at, carets } = excerpt;
    // A flag's value has one line, so a number would only distract.
    let (place, number) = if source.is_flag {
        (format!("{shown} {text}"), String::new())
    } else {
        (format!("{shown}:{line}:{column}"), line.to_string())
    };
    let width = number.len().max(1);
    let (none, carets) = ("", "^".repeat(carets));
    let _ = writeln!(out, "{none:width$}--> {place}");
    let _ = writeln!(out, "{none:width$} |");
    let _ = writeln!(out, "{}", format!("{number:width$} | {text}").trim_end());
    let _ = writeln!(out, "{none:width$} | {none:caret_at$}{on}{carets}{off} {remedy}");
}

/// The source line of a diagnostic, as it is shown.
struct Excerpt {
    /// Counted from 1.
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    /// The line with tabs expanded, clipped around the carets where it is long.
    text: String,
    /// Columns of a terminal before the first caret.
    caret_at: usize,
    carets: usize,
}

const SHOWN_MAX: usize = 90;
const SHOWN_BEFORE: usize = 40;
const TAB: &str = "    ";

impl Excerpt {
    fn of(source: &SourceText, origin: Origin) -> Option<Self> {
        let (start, end) = origin.span?;
        let (line, from, to) = source.line_at(start);
        let text = source.text.as_str();
        let start = floor_boundary(text, start.min(to));
        let end = floor_boundary(text, end.clamp(start, to));
        let before = text[from..start].chars().count();
        let marked = text[start..end].chars().count();
        // A line of megabytes is cut before anything is made of its characters.
        let skipped = before.saturating_sub(SHOWN_BEFORE);
        let mut shown = String::new();
        if skipped > 0 {
            shown.push('…');
        }
        let (mut caret_at, mut carets) = (shown.width(), 0);
        let mut letters = text[from..to].chars().skip(skipped);
        for (at, letter) in letters.by_ref().take(SHOWN_MAX).enumerate() {
            let at = at + skipped;
            let piece = if letter == '\t' { TAB.to_owned() } else { visible_letter(letter).into() };
            let width = piece.width();
            if at < before {
                caret_at += width;
            } else if at < before + marked {
                carets += width;
            }
            shown.push_str(&piece);
        }
        if letters.next().is_some() {
            shown.push('…');
        }
        let column = before + 1;
        Some(Self { line, column, text: shown, caret_at, carets: carets.max(1) })
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Control characters must not reach a terminal.
fn visible(text: &str) -> String {
    text.chars().map(visible_letter).collect()
}

fn visible_letter(letter: char) -> char {
    if letter.is_control() { '\u{fffd}' } else { letter }
}

/// The first characters of a text that may be long, for messages.
pub(super) fn clip(text: &str) -> String {
    const MAX: usize = 60;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The one of `known` that `word` is probably meant to be.
pub fn meant<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // The distance costs the product of the lengths, and no name of ours is that long.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    // A third of the letters may be wrong: one of three, none of two.
    let letters = word.chars().count();
    known
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), name), name))
        .filter(|&(distance, name)| distance <= letters.max(name.len()) / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, start: usize, end: usize) -> String {
        let source = Arc::new(SourceText::file("a.toml".to_owned(), text.to_owned()));
        let origin = Origin { source: 0, span: Some((start, end)) };
        let one = Diagnostic::error(codes::UNKNOWN_KEY, origin, "message", "remedy");
        Diagnostics::new(&[source], vec![one]).render(false)
    }

    #[test]
    fn tabs_and_wide_letters_keep_the_caret_in_place() {
        let text = rendered("x = 1\n\té = 2", 7, 9);
        assert_eq!(
            text,
            "error[S012]: message\n --> a.toml:2:2\n  |\n2 |     é = 2\n  |     ^ remedy\n"
        );
    }

    #[test]
    fn carets_are_as_wide_as_what_they_mark() {
        let text = rendered("日本 = e\u{301}x", 0, 6);
        assert!(text.ends_with("1 | 日本 = e\u{301}x\n  | ^^^^ remedy\n"), "{text}");
        let text = rendered("日本 = e\u{301}x", 12, 13);
        assert!(text.ends_with("\n  |         ^ remedy\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_clipped_around_the_caret() {
        let line = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let text = rendered(&line, 500, 504);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], " --> a.toml:1:501");
        let at = lines[4].find('^').unwrap();
        let shown: String = lines[3].chars().skip(at).take(4).collect();
        assert_eq!(shown, "HERE");
        assert!(lines[3].chars().count() < 100, "{}", lines[3]);
    }

    #[test]
    fn a_span_beyond_the_text_points_at_its_end() {
        assert!(rendered("ab", 9, 12).contains("a.toml:1:3"));
        assert!(rendered("", 0, 0).contains("a.toml:1:1"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert!(!rendered("a = \"\x1b[31m\"", 0, 1).contains('\x1b'));
    }

    #[test]
    fn a_likely_name_is_offered_and_an_unlikely_one_is_not() {
        let known = ["seed", "name", "random"];
        assert_eq!(meant("sede", known), Some("seed"));
        assert_eq!(meant("Name", known), Some("name"));
        assert_eq!(meant("colour", known), None);
        assert_eq!(meant(&"s".repeat(1_000_000), known), None);
    }
}

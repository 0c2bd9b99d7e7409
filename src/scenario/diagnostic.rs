//! Diagnostics: what is wrong with a scenario, where, and what to do about it.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::codes::{self, Code};
use super::origin::{Origin, Place, SourceText};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario can be run, and its results are correct, but something looks wrong.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of fault.
    pub code: &'static Code,
    /// What was found, without a full stop.
    pub message: String,
    /// Where it was found.
    pub origin: Origin,
    /// What was expected there, or what to do, without a full stop.
    pub remedy: String,
    /// A second, related place, and what is there.
    pub beside: Option<Box<(Origin, &'static str)>>,
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
        Self { severity: Severity::Error, code, message, origin, remedy, beside: None }
    }

    /// Its title and the marked lines, for drawing.
    fn group<'s>(&'s self, sources: &'s [Arc<SourceText>]) -> Group<'s> {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(visible(&self.message)).id(self.code.id);
        let source = &sources[self.origin.source];
        let remedy = visible(&self.remedy);
        let Some(excerpt) = Excerpt::of(source, self.origin) else {
            let place = annotate_snippets::Origin::path(visible(&source.shown));
            let place = match source.place(self.origin).at {
                Some((line, column)) => place.line(line).char_column(column),
                None => place,
            };
            return title.element(place).element(Level::NOTE.no_name().message(remedy));
        };
        let snippet = excerpt.snippet(AnnotationKind::Primary, remedy);
        let beside = self.beside.as_deref().and_then(|&(origin, label)| {
            Some((Excerpt::of(&sources[origin.source], origin)?, label.to_owned()))
        });
        match beside {
            None => title.element(snippet),
            Some((other, label)) if other.is_in_line_of(&excerpt) => {
                let other = AnnotationKind::Context.span(other.marked).label(label);
                title.element(snippet.annotation(other))
            }
            Some((other, label)) => {
                title.element(snippet).element(other.snippet(AnnotationKind::Context, label))
            }
        }
    }
}

/// Diagnostics of one scenario in source order, with the sources that they point into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Vec<Arc<SourceText>>,
    list: Vec<Diagnostic>,
    /// Syntax errors that were dropped.
    syntax_dropped: usize,
    /// Diagnostics beyond the limit.
    dropped: usize,
}

impl Diagnostics {
    /// The most that are kept; a file with more is broken as a whole.
    pub(super) const KEPT_MAX: usize = 1000;

    /// The most syntax errors that are kept: a file that is not TOML has one per line.
    const SYNTAX_MAX: usize = 5;

    /// Sorts the diagnostics by place and drops repetitions: a fault in `[defaults.vm]` is found
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

    /// Where the fault of a diagnostic is.
    pub fn place(&self, found: &Diagnostic) -> Place {
        self.sources[found.origin.source].place(found.origin)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the only fault is that the system failed to read a file, as opposed to bad input.
    pub fn is_io(&self) -> bool {
        let io = [codes::UNREADABLE, codes::TRACE_UNREADABLE];
        let mut errors = self.list.iter().filter(|found| found.severity == Severity::Error);
        self.list.iter().any(|found| io.contains(&found.code))
            && errors.all(|error| io.contains(&error.code))
    }

    /// All diagnostics as text for people, each with its source line; with terminal colours or
    /// without.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.term_width(COLUMNS);
        let mut out = String::new();
        for (at, diagnostic) in self.list.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&renderer.render(&[diagnostic.group(&self.sources)]));
            out.push('\n');
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

/// Longer source lines are clipped around the marked part.
const COLUMNS: usize = 90;

/// For a line longer than this only the place is shown: drawing it would take time for its whole
/// length.
const LINE_MAX: usize = 10_000;

/// A source line with a part of it marked.
struct Excerpt<'s> {
    /// The source's name.
    shown: &'s str,
    /// Counted from 1.
    line: usize,
    text: &'s str,
    marked: Range<usize>,
}

impl<'s> Excerpt<'s> {
    fn of(source: &'s SourceText, origin: Origin) -> Option<Self> {
        let (start, end) = origin.span?;
        let (line, from, to) = source.line_at(start);
        let text = &source.text[from..to];
        if text.len() > LINE_MAX {
            return None;
        }
        let start = text.floor_char_boundary(start.min(to) - from);
        let end = text.floor_char_boundary(end.clamp(from + start, to) - from);
        Some(Self { shown: &source.shown, line, text, marked: start..end })
    }

    fn is_in_line_of(&self, other: &Self) -> bool {
        self.line == other.line && self.shown == other.shown
    }

    fn snippet(
        &self,
        kind: AnnotationKind,
        label: String,
    ) -> Snippet<'s, annotate_snippets::Annotation<'s>> {
        let annotation = kind.span(self.marked.clone()).label(label);
        let snippet = Snippet::source(self.text).path(visible(self.shown));
        snippet.line_start(self.line).annotation(annotation)
    }
}

/// Control characters must not reach a terminal.
fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// The beginning of a possibly long text, for messages.
pub(super) fn clip(text: &str) -> String {
    const MAX: usize = 60;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The entry of `known` that `word` is probably meant to be.
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

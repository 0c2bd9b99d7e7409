//! Where values come from: texts, and places in them.

/// A text that values come from: a file, or one setting of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Its name in diagnostics: the path as the user gave it.
    pub(super) shown: String,
    /// The whole text.
    pub(super) text: String,
    /// The folder that relative paths in it refer to, relative to the first file's folder.
    pub(super) folder: String,
    line_starts: Vec<usize>,
}

impl SourceText {
    pub(super) fn file(shown: String, text: String) -> Self {
        let folder = String::new();
        Self { shown, text: String::new(), folder, line_starts: vec![0] }.with_text(text)
    }

    pub(super) fn with_text(mut self, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        self.line_starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        self.text = text;
        self
    }

    /// Where the value begins that was written there.
    pub(super) fn place(&self, origin: Origin) -> Place {
        let at = origin.span.map(|(start, _)| {
            let (line, from, to) = self.line_at(start);
            let text = &self.text[from..to];
            let before = &text[..text.floor_char_boundary(start.min(to) - from)];
            (line, before.chars().count() + 1)
        });
        Place { file: self.shown.clone(), at }
    }

    /// The line around byte `at`: its number, counted from 1, its start and its end.
    pub(super) fn line_at(&self, at: usize) -> (usize, usize, usize) {
        let at = at.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start <= at);
        let from = self.line_starts[line - 1];
        let to = self.text[from..].find('\n').map_or(self.text.len(), |length| from + length);
        let to = if self.text[from..to].ends_with('\r') { to - 1 } else { to };
        (line, from, to)
    }
}

/// A place in a text, as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path as the user gave it.
    pub file: String,
    /// The line and the column, from 1; `None` is the text as a whole.
    pub at: Option<(usize, usize)>,
}

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The index of the source, in the order of reading.
    pub(super) source: usize,
    /// The first byte and the one after the last; `None` is the source as a whole.
    pub(super) span: Option<(usize, usize)>,
}

impl Origin {
    pub(super) fn whole(source: usize) -> Self {
        Self { source, span: None }
    }

    pub(super) fn at(source: usize, span: std::ops::Range<usize>) -> Self {
        Self { source, span: Some((span.start, span.end)) }
    }
}

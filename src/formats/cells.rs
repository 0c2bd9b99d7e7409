//! The fields of a line of text: what separates them, and quotes as in RFC 4180.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// A byte; two of them have an empty field between them.
    Byte(u8),
    /// Blanks and tabs, however many.
    Blanks,
}

/// The cells of one line.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) ranges: Vec<(usize, usize)>,
    /// The text of a line with quotes.
    text: Vec<u8>,
    pub(super) is_quoted: bool,
}

impl Cells {
    /// Splits a line into its first `wanted` cells.
    #[inline]
    pub(super) fn split(&mut self, line: &[u8], separator: Separator, wanted: usize) {
        self.ranges.clear();
        self.is_quoted = false;
        match separator {
            Separator::Blanks => {
                let mut at = 0;
                while self.ranges.len() < wanted {
                    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
                    let Some(skipped) = line[at..].iter().position(|byte| !blank(byte)) else {
                        break;
                    };
                    let from = at + skipped;
                    let length = line[from..].iter().position(blank).unwrap_or(line.len() - from);
                    self.ranges.push((from, from + length));
                    at = from + length;
                }
            }
            Separator::Byte(byte) if has_quotes(line, byte) => self.unquote(line, byte),
            Separator::Byte(byte) => self.split_plain(line, byte, wanted),
        }
    }

    /// Splits a line without quotes into its first `wanted` cells. Cells are short, so separators
    /// are looked for eight bytes at a time.
    #[inline]
    pub(super) fn split_plain(&mut self, line: &[u8], separator: u8, wanted: usize) {
        self.ranges.clear();
        self.is_quoted = false;
        let (words, rest) = line.as_chunks::<8>();
        let mut from = 0;
        for (at, word) in words.iter().enumerate() {
            let mut hits = equal_bytes(u64::from_le_bytes(*word), separator);
            while hits != 0 {
                let to = at * 8 + hits.trailing_zeros() as usize / 8;
                self.ranges.push((from, to));
                from = to + 1;
                if self.ranges.len() == wanted {
                    return;
                }
                hits &= hits - 1;
            }
        }
        for (at, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == separator) {
            let to = words.len() * 8 + at;
            self.ranges.push((from, to));
            from = to + 1;
            if self.ranges.len() == wanted {
                return;
            }
        }
        self.ranges.push((from, line.len()));
    }

    #[cold]
    fn unquote(&mut self, line: &[u8], separator: u8) {
        self.is_quoted = true;
        self.text.clear();
        self.text.resize(line.len() + 2, 0);
        let mut ends = vec![0; line.len() + 2];
        let mut reader: Reader = ReaderBuilder::new().delimiter(separator).build();
        // A quote after blanks is common and is read as a quote.
        let (result, read, written, count) = reader.read_record(line, &mut self.text, &mut ends);
        let ended = match result {
            ReadRecordResult::InputEmpty => {
                let rest = &mut ends[count..];
                let (_, _, more, last) =
                    reader.read_record(&line[read..], &mut self.text[written..], rest);
                (written + more, count + last)
            }
            _ => (written, count),
        };
        self.text.truncate(ended.0);
        let mut from = 0;
        for &to in &ends[..ended.1] {
            self.ranges.push((from, to));
            from = to;
        }
    }

    /// A cell without blanks around it; `None` if the line has fewer.
    #[inline]
    pub(super) fn get<'a>(&'a self, line: &'a [u8], column: usize) -> Option<&'a [u8]> {
        let &(from, to) = self.ranges.get(column)?;
        let cell = if self.is_quoted { &self.text[from..to] } else { &line[from..to] };
        Some(cell.trim_ascii())
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The offset of a cell in its line; 0 in a line with quotes.
    pub(super) fn place(&self, column: usize) -> usize {
        if self.is_quoted { 0 } else { self.ranges.get(column).map_or(0, |range| range.0) }
    }
}

/// The highest bit of each byte of `word` that equals `byte`.
#[inline]
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differences = word ^ u64::from_le_bytes([byte; 8]);
    // A byte's lower bits, if there are any, carry into its highest one.
    !(((differences & LOW) + LOW) | differences | LOW)
}

/// Whether a field of the line begins with a quote.
#[inline]
fn has_quotes(line: &[u8], separator: u8) -> bool {
    memchr::memchr_iter(b'"', line).any(|at| at == 0 || line[at - 1] == separator)
}

/// Whether the line has an unclosed quote, so that its record continues on the next line.
pub(super) fn is_open(line: &[u8], separator: u8) -> bool {
    has_quotes(line, separator) && memchr::memchr_iter(b'"', line).count() % 2 == 1
}

/// The separator that a line shows: the first of comma, semicolon and tab, else blanks.
pub(super) fn separator_of(line: &[u8]) -> Separator {
    let byte = line.iter().copied().find(|byte| matches!(byte, b',' | b';' | b'\t'));
    match byte {
        Some(byte) => Separator::Byte(byte),
        None if line.trim_ascii().contains(&b' ') => Separator::Blanks,
        None => Separator::Byte(b','),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_split_at_every_separator() {
        for line in
            ["", ",", "a", "a,b", "abcdefg,h", "abcdefgh,i", ",,,,,,,,,", "ab,cdefghi,jkl,,"]
        {
            for high in [line.replace('b', "\u{ac}"), line.replace('b', "-.+")] {
                let mut cells = Cells::default();
                cells.split_plain(high.as_bytes(), b',', usize::MAX);
                let found: Vec<&[u8]> =
                    cells.ranges.iter().map(|&(from, to)| &high.as_bytes()[from..to]).collect();
                let expected: Vec<&[u8]> = high.as_bytes().split(|&byte| byte == b',').collect();
                assert_eq!(found, expected);
                for wanted in 1..expected.len() {
                    cells.split_plain(high.as_bytes(), b',', wanted);
                    assert_eq!(cells.len(), wanted);
                }
            }
        }
    }
}

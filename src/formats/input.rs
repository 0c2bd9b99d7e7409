//! What a format reader reads from: a decompressed stream in blocks, with the place of every byte.
//!
//! Lines and records are slices of one fixed buffer, so reading allocates nothing and an endless
//! line, an endless stream or a decompression bomb stays within [`BUFFER`] bytes and the limit.

use std::io::{self, Read};

use super::error::{ReadError, ReadErrorKind};

const BUFFER: usize = 1 << 18;

/// The first bytes of a stream that recognisers see.
pub(crate) const HEAD: usize = 1 << 16;

/// The longest line of a text trace, in bytes.
pub(crate) const LINE_MAX: usize = 1 << 16;

/// A stream of bytes with its position.
pub struct Input<'a> {
    reader: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The bytes read from `reader`: the place of `buffer[end]`.
    bytes: u64,
    bytes_max: u64,
    lines: u64,
    ended: bool,
}

/// A text without the byte order mark that some editors put before it.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

impl<'a> Input<'a> {
    /// A stream of at most `bytes_max` bytes of `reader`; more of them are an error.
    pub(crate) fn new(reader: Box<dyn Read + 'a>, bytes_max: u64) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            bytes: 0,
            bytes_max,
            lines: 0,
            ended: false,
        }
    }

    /// The place of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.bytes - (self.end - self.start) as u64
    }

    /// The bytes read so far, those that wait in the buffer included.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The next `want` bytes without taking them, at most [`HEAD`]; fewer only at the end.
    ///
    /// # Errors
    /// The stream cannot be read or is longer than its limit.
    pub(crate) fn peek(&mut self, want: usize) -> Result<&[u8], ReadError> {
        while self.end - self.start < want.min(HEAD) && !self.ended {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + want.min(HEAD))])
    }

    /// Takes the next `count` bytes, which were peeked at.
    pub(crate) fn skip(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// The next line, without its end; `None` after the last.
    ///
    /// # Errors
    /// The stream cannot be read or is longer than its limit, or the line is longer than
    /// [`LINE_MAX`].
    #[inline]
    pub(crate) fn line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        let mut searched = 0;
        let length = loop {
            let waiting = &self.buffer[self.start..self.end];
            if let Some(at) = memchr::memchr(b'\n', &waiting[searched..]) {
                break searched + at;
            }
            searched = waiting.len();
            if searched > LINE_MAX || self.ended {
                break searched;
            }
            self.fill()?;
        };
        self.lines += 1;
        if length > LINE_MAX {
            let number = self.lines;
            return Err(ReadError::format(format!(
                "line {number}: the line is longer than {LINE_MAX} bytes, expected a line for \
                 each access; this is not a text trace, or its line ends are missing"
            )));
        }
        let from = self.start;
        if length == 0 && self.start == self.end {
            return Ok(None);
        }
        self.start = self.end.min(from + length + 1);
        let bytes = &self.buffer[from..from + length];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let bytes = if self.lines == 1 { without_mark(bytes) } else { bytes };
        Ok(Some(Line { bytes, number: self.lines }))
    }

    /// All whole records of `size` bytes in the buffer; `None` after the last.
    ///
    /// # Errors
    /// The stream cannot be read, is longer than its limit, or ends inside a record.
    pub(crate) fn records(&mut self, size: usize) -> Result<Option<&[u8]>, ReadError> {
        while self.end - self.start < size && !self.ended {
            self.fill()?;
        }
        let waiting = self.end - self.start;
        if waiting == 0 {
            return Ok(None);
        }
        if waiting < size {
            let (offset, record) = (self.offset(), self.offset() / size as u64);
            return Err(ReadError::damaged(format!(
                "byte {offset}: record {record} has {waiting} bytes, expected {size}; the file is \
                 cut short, or its records have another size"
            )));
        }
        let from = self.start;
        self.start += waiting / size * size;
        Ok(Some(&self.buffer[from..self.start]))
    }

    /// All that is left, at most `bytes_max` bytes.
    ///
    /// # Errors
    /// The stream cannot be read, or more is left.
    pub(crate) fn rest(&mut self, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
        let mut all = Vec::new();
        while let Some(block) = self.records(1)? {
            if all.len() + block.len() > bytes_max {
                return Err(ReadError::new(
                    ReadErrorKind::TooLarge,
                    format!("the file has more than {bytes_max} bytes, the most of this format"),
                ));
            }
            all.extend_from_slice(block);
        }
        Ok(all)
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let got = loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::from_stream(&error, self.bytes)),
                Ok(got) => break got,
            }
        };
        self.ended = got == 0;
        self.end += got;
        self.bytes += got as u64;
        if self.bytes > self.bytes_max {
            let limit = self.bytes_max;
            return Err(ReadError::new(
                ReadErrorKind::TooLarge,
                format!(
                    "byte {limit}: the trace exceeds the limit of {limit} decompressed bytes; \
                     raise the limit or shorten the trace"
                ),
            ));
        }
        Ok(())
    }
}

/// A line of a text trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
    /// Its number, from 1.
    pub number: u64,
}

impl<'a> Line<'a> {
    /// Its fields: what spaces and tabs separate.
    #[inline]
    pub(crate) fn fields(self) -> Fields<'a> {
        Fields { line: self, at: 0 }
    }

    /// The fields from byte `at` on.
    pub(crate) fn fields_from(self, at: usize) -> Fields<'a> {
        Fields { line: self, at }
    }

    /// An error at byte `at` of this line, which `what` describes.
    #[cold]
    pub(crate) fn error(&self, at: usize, what: &str) -> ReadError {
        ReadError::damaged(format!("{}:{}: {what}", self.number, at + 1))
    }

    /// The error that byte `at` is not what was `expected`.
    #[cold]
    pub(crate) fn unexpected(&self, at: usize, expected: &str) -> ReadError {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let found = if rest.is_empty() {
            "the line ends".to_owned()
        } else {
            let word = rest.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
            let word = word.unwrap_or(rest);
            let cut = if word.len() > 24 { "..." } else { "" };
            format!("found `{}{cut}`", word[..word.len().min(24)].escape_ascii())
        };
        self.error(at, &format!("{found}, expected {expected}"))
    }
}

/// The fields of a line, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    /// The line.
    pub line: Line<'a>,
    at: usize,
}

impl<'a> Fields<'a> {
    /// The next field; `None` after the last.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Field<'a>> {
        let bytes = self.line.bytes;
        let blank = |&byte: &u8| byte == b' ' || byte == b'\t';
        let skipped = bytes[self.at..].iter().position(|byte| !blank(byte))?;
        let at = self.at + skipped;
        let length = bytes[at..].iter().position(blank).unwrap_or(bytes.len() - at);
        self.at = at + length;
        Some(Field { line: self.line, bytes: &bytes[at..at + length], at })
    }

    /// The next field, which must be there; `expected` says what it is.
    #[inline]
    pub(crate) fn need(&mut self, expected: &str) -> Result<Field<'a>, ReadError> {
        let line = self.line;
        self.next().ok_or_else(|| line.unexpected(line.bytes.len(), expected))
    }

    /// Checks that nothing follows.
    #[inline]
    pub(crate) fn end(&mut self, expected: &str) -> Result<(), ReadError> {
        match self.next() {
            None => Ok(()),
            Some(field) => Err(field.unexpected(expected)),
        }
    }
}

/// A field of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    line: Line<'a>,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The place of its first byte in the line, from 0.
    pub at: usize,
}

impl<'a> Field<'a> {
    /// The field with these bytes, which stand at `at` of the line.
    pub(crate) fn of(line: Line<'a>, bytes: &'a [u8], at: usize) -> Self {
        Self { line, bytes, at }
    }

    /// The part of the field from its byte `from` on, without `suffix` bytes at its end.
    pub(crate) fn part(self, from: usize, suffix: usize) -> Self {
        let to = self.bytes.len().saturating_sub(suffix).max(from.min(self.bytes.len()));
        let from = from.min(to);
        Self { line: self.line, bytes: &self.bytes[from..to], at: self.at + from }
    }

    /// Its decimal number.
    #[inline]
    pub(crate) fn decimal(&self, expected: &str) -> Result<u64, ReadError> {
        decimal(self.bytes).map_err(|why| self.bad_number(why, expected))
    }

    /// Its hexadecimal number, with or without `0x`.
    #[inline]
    pub(crate) fn hex(&self, expected: &str) -> Result<u64, ReadError> {
        hex(strip_0x(self.bytes).unwrap_or(self.bytes))
            .map_err(|why| self.bad_number(why, expected))
    }

    /// Its number: hexadecimal after `0x`, else decimal.
    #[inline]
    pub(crate) fn number(&self, expected: &str) -> Result<u64, ReadError> {
        number(self.bytes).map_err(|why| self.bad_number(why, expected))
    }

    /// The error that this is not what was expected.
    #[cold]
    pub(crate) fn unexpected(&self, expected: &str) -> ReadError {
        self.line.unexpected(self.at, expected)
    }

    /// An error at this field, which `what` describes.
    #[cold]
    pub(crate) fn error(&self, what: &str) -> ReadError {
        self.line.error(self.at, what)
    }

    #[cold]
    fn bad_number(&self, why: BadNumber, expected: &str) -> ReadError {
        match why {
            BadNumber::NotANumber => self.unexpected(expected),
            BadNumber::TooLarge => self.unexpected("a number below 2^64"),
        }
    }
}

/// Why bytes are not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNumber {
    /// They are empty or hold something else than digits.
    NotANumber,
    /// It does not fit into 64 bits.
    TooLarge,
}

/// The decimal digits of the largest number of 64 bits.
const DIGITS: usize = 20;

/// The number that these decimal digits write.
#[inline]
pub(crate) fn decimal(digits: &[u8]) -> Result<u64, BadNumber> {
    if digits.is_empty() {
        return Err(BadNumber::NotANumber);
    }
    let mut value = 0_u64;
    if digits.len() < DIGITS {
        for &byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(BadNumber::NotANumber);
            }
            // So few digits fit.
            value = value.wrapping_mul(10).wrapping_add(digit.into());
        }
        return Ok(value);
    }
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(BadNumber::NotANumber);
        }
        value = match value.checked_mul(10).and_then(|tens| tens.checked_add(digit.into())) {
            Some(value) => value,
            None if digits.iter().all(u8::is_ascii_digit) => return Err(BadNumber::TooLarge),
            None => return Err(BadNumber::NotANumber),
        };
    }
    Ok(value)
}

/// The value of each hexadecimal digit, 255 for other bytes.
const HEX: [u8; 256] = {
    let mut table = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The number that these hexadecimal digits write.
#[inline]
pub(crate) fn hex(digits: &[u8]) -> Result<u64, BadNumber> {
    if digits.is_empty() {
        return Err(BadNumber::NotANumber);
    }
    let mut value = 0_u64;
    let mut high = 0;
    for &byte in digits {
        let digit = HEX[usize::from(byte)];
        if digit > 15 {
            return Err(BadNumber::NotANumber);
        }
        high |= value >> 60;
        value = value << 4 | u64::from(digit);
    }
    if high == 0 { Ok(value) } else { Err(BadNumber::TooLarge) }
}

/// The number in these bytes: hexadecimal after `0x`, else decimal.
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Result<u64, BadNumber> {
    match strip_0x(bytes) {
        Some(digits) => hex(digits),
        None => decimal(bytes),
    }
}

#[inline]
fn strip_0x(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"0x").or_else(|| bytes.strip_prefix(b"0X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_into_64_bits_or_are_refused() {
        assert_eq!(number(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), Err(BadNumber::TooLarge));
        assert_eq!(number(b"0xffffffffffffffff"), Ok(u64::MAX));
        assert_eq!(number(b"0x10000000000000000"), Err(BadNumber::TooLarge));
        assert_eq!(number(b"0x00000000000000000000001F"), Ok(31));
        for bad in ["", "0x", "-1", "+1", "1.5", "x", "0xg", "99999999999999999999x"] {
            assert_eq!(number(bad.as_bytes()), Err(BadNumber::NotANumber), "{bad}");
        }
    }

    #[test]
    fn lines_end_with_either_line_end_or_with_the_stream() {
        let mut input = Input::new(Box::new(&b"a\r\n\nb c\t d"[..]), 100);
        let mut lines = Vec::new();
        while let Some(line) = input.line().unwrap() {
            lines.push((line.number, line.bytes.to_vec()));
        }
        assert_eq!(lines, [(1, b"a".to_vec()), (2, b"".to_vec()), (3, b"b c\t d".to_vec())]);
    }

    #[test]
    fn an_endless_line_is_refused_within_the_buffer() {
        let mut input = Input::new(Box::new(io::repeat(b'7')), u64::MAX);
        let error = input.line().unwrap_err();
        assert!(error.message.starts_with("line 1: the line is longer"), "{}", error.message);
        assert!(input.bytes_read() <= BUFFER as u64);
    }
}

//! What the plugin of `record/` tells while a program runs → trace.
//!
//! `record/stream.h` describes the bytes: accesses, frees and marks, one operation after the other.
//! They come through a pipe from the process that reads them, so nothing is damaged on the way; but
//! they may end anywhere, if the emulator is killed. What came before is then the recording, and
//! [`Recorded::is_whole`] is false.

use super::error::{ReadError, ReadErrorKind};
use super::leb128;
use super::options::ReadOptions;
use crate::trace::reduction::Reduction;
use crate::trace::{AccessKind, Room, Trace, TraceBuilder};
use crate::units::Page;

/// The accesses so far of what is being recorded.
///
/// ```
/// use balloonist::formats::recording::Recording;
/// let mut recording = Recording::new(None, u64::MAX);
/// // Two reads of page 9, a write to page 8, the mark "go", page 9 is freed, the end.
/// recording.feed(&[1 | 2 << 2, 0, 9, 2 | 1 << 2, 1, 8, 3 | 1 << 2, 2, b'g', b'o']).unwrap();
/// recording.feed(&[3, 0, 3 | 2 << 2]).unwrap();
/// let recorded = recording.finish().unwrap();
/// assert_eq!((recorded.trace.accesses(), recorded.trace.in_use(3)), (3, 1));
/// assert_eq!(recorded.marks, [(3, "go".to_owned())]);
/// assert!(recorded.is_whole);
/// ```
#[derive(Debug)]
pub struct Recording {
    builder: TraceBuilder,
    /// The numbers of the pages that were named so far.
    numbers: Vec<Page>,
    marks: Vec<(u64, String)>,
    /// The first bytes of an operation whose last ones are to come.
    rest: Vec<u8>,
    /// The bytes read before those.
    read: u64,
    is_whole: bool,
    is_full: bool,
}

/// What was recorded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The accesses; at least one.
    pub trace: Trace,
    /// What the guest marked, each with the number of accesses before it.
    pub marks: Vec<(u64, String)>,
    /// Whether the recorder came to its end; otherwise its last accesses may be missing.
    pub is_whole: bool,
}

/// One operation.
enum Operation {
    Accesses { page: usize, new: Option<Page>, kind: AccessKind, count: u64 },
    Free { page: usize },
    Mark { word: String },
    End,
}

const CONTROL: u8 = 3;
const SHORT_COUNT: u64 = 64;
/// No word of a mark is longer.
const WORD_BYTES_MAX: u64 = 60;

impl Recording {
    /// A recording that the plugin reduces in this way, in at most so many bytes of memory.
    pub fn new(reduction: Option<Reduction>, memory_max: u64) -> Self {
        let room = Room::up_to(memory_max);
        let mut builder = TraceBuilder::with_limit(ReadOptions::ACCESSES_MAX).within(&room);
        if let Some(reduction) = reduction {
            builder.is_reduced(reduction);
        }
        Self {
            builder,
            numbers: Vec::new(),
            marks: Vec::new(),
            rest: Vec::new(),
            read: 0,
            is_whole: false,
            is_full: false,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// They are not what the plugin says, which is a bug, or nothing of the plugin's.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut left = Bytes(&all);
        loop {
            let begins = left.0;
            match left.operation(self.numbers.len()) {
                Ok(operation) => self.take(operation),
                Err(Stop::Unfinished) => {
                    self.rest = begins.to_vec();
                    self.read += (all.len() - begins.len()) as u64;
                    return Ok(());
                }
                Err(Stop::Wrong(what)) => {
                    let at = self.read + (all.len() - begins.len()) as u64;
                    return Err(ReadError::damaged(format!(
                        "byte {at} of the recorder's stream: found {what}; the recorder and \
                         balloonist do not fit together, which is a bug"
                    )));
                }
            }
        }
    }

    /// The accesses so far.
    pub fn accesses(&self) -> u64 {
        self.builder.accesses()
    }

    /// Whether it has outgrown its memory, or has as many accesses as a trace may have. What comes
    /// after that is not recorded.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// What was recorded.
    ///
    /// # Errors
    /// No access was.
    pub fn finish(mut self) -> Result<Recorded, ReadError> {
        if self.accesses() == 0 {
            return Err(ReadError::new(
                ReadErrorKind::Empty,
                "no access was recorded; expected at least one".to_owned(),
            ));
        }
        let is_whole = self.is_whole && !self.is_full;
        self.builder.cut();
        Ok(Recorded { trace: self.builder.finish(), marks: self.marks, is_whole })
    }

    fn take(&mut self, operation: Operation) {
        match operation {
            Operation::Accesses { page, new, kind, count } => {
                if let Some(number) = new {
                    self.is_full |=
                        !self.builder.room().clone().reserve(&mut self.numbers, 1, usize::MAX);
                    self.numbers.push(number);
                }
                if !self.is_full {
                    self.builder.push_run_kind(self.numbers[page], kind, count);
                    self.is_full |= self.builder.overflowed();
                }
            }
            // A page that is free already stays so.
            Operation::Free { page } if !self.is_full => _ = self.builder.free(self.numbers[page]),
            Operation::Mark { word } if !self.is_full => self.marks.push((self.accesses(), word)),
            Operation::End => self.is_whole = true,
            Operation::Free { .. } | Operation::Mark { .. } => {}
        }
    }
}

/// Why no operation could be read.
enum Stop {
    /// It ends behind the bytes that are there.
    Unfinished,
    /// The plugin says nothing like it.
    Wrong(&'static str),
}

/// The bytes that are not read yet.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    /// The next operation among `known` pages.
    fn operation(&mut self, known: usize) -> Result<Operation, Stop> {
        let first = self.byte()?;
        let upper = first >> 2;
        match first & 3 {
            CONTROL => self.control(upper, known),
            kind => {
                let count = match upper {
                    0 => self.number()?.checked_add(SHORT_COUNT).ok_or(Stop::Wrong("a count"))?,
                    short => u64::from(short),
                };
                let page = self.number()?;
                let new = if page == known as u64 { Some(Page(self.number()?)) } else { None };
                if page > known as u64 {
                    return Err(Stop::Wrong("a page that was not named"));
                }
                let kind = AccessKind::ALL[usize::from(kind)];
                Ok(Operation::Accesses { page: page as usize, new, kind, count })
            }
        }
    }

    fn control(&mut self, operation: u8, known: usize) -> Result<Operation, Stop> {
        match operation {
            0 => {
                let page = self.number()?;
                if page >= known as u64 {
                    return Err(Stop::Wrong("a page that was not named"));
                }
                Ok(Operation::Free { page: page as usize })
            }
            1 => {
                let length = self.number()?;
                if length > WORD_BYTES_MAX {
                    return Err(Stop::Wrong("a long word"));
                }
                let (word, rest) =
                    self.0.split_at_checked(length as usize).ok_or(Stop::Unfinished)?;
                self.0 = rest;
                Ok(Operation::Mark { word: String::from_utf8_lossy(word).into_owned() })
            }
            2 => Ok(Operation::End),
            _ => Err(Stop::Wrong("an operation of an unknown kind")),
        }
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let (&first, rest) = self.0.split_first().ok_or(Stop::Unfinished)?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self) -> Result<u64, Stop> {
        leb128::read(|| self.byte())?.ok_or(Stop::Wrong("a number of more than 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes operations as record/stream.h describes them.
    #[derive(Default)]
    struct Written {
        bytes: Vec<u8>,
        pages: u64,
    }

    impl Written {
        fn number(&mut self, mut value: u64) {
            while value >= 0x80 {
                self.bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            self.bytes.push(value as u8);
        }

        fn accesses(&mut self, page: u64, kind: u8, count: u64) {
            let short = if count < 64 { count as u8 } else { 0 };
            self.bytes.push(kind | short << 2);
            if count >= 64 {
                self.number(count - 64);
            }
            self.number(page);
            if page == self.pages {
                self.number(number_of(page));
                self.pages += 1;
            }
        }
    }

    /// Some page numbers, small and large.
    fn number_of(page: u64) -> u64 {
        page.wrapping_mul(0x0123_4567_89ab) | 1
    }

    fn read(bytes: &[u8], cuts: usize) -> Result<Recorded, ReadError> {
        let mut recording = Recording::new(None, u64::MAX);
        for piece in bytes.chunks(cuts) {
            recording.feed(piece)?;
        }
        recording.finish()
    }

    proptest! {
        /// However the bytes are cut, the accesses, frees and marks come out as a builder that is
        /// told them has them.
        #[test]
        fn what_the_plugin_says_is_what_is_recorded(
            events in prop::collection::vec((0_u64..6, 0_u8..5, 1_u64..200), 1..300),
            cuts in 1_usize..40,
        ) {
            let (mut written, mut builder) = (Written::default(), TraceBuilder::default());
            let mut marks = Vec::new();
            written.accesses(0, 0, 1);
            builder.push_kind(Page(number_of(0)), AccessKind::Fetch);
            for (page, what, count) in events {
                let page = page.min(written.pages);
                match what {
                    3 if page < written.pages => {
                        written.bytes.push(3);
                        written.number(page);
                        builder.free(Page(number_of(page)));
                    }
                    4 => {
                        written.bytes.extend([3 | 1 << 2, 1, b'a' + page as u8]);
                        marks.push((builder.accesses(), char::from(b'a' + page as u8).to_string()));
                    }
                    kind => {
                        let kind = kind % 3;
                        written.accesses(page, kind, count);
                        let of = AccessKind::ALL[usize::from(kind)];
                        (0..count).for_each(|_| builder.push_kind(Page(number_of(page)), of));
                    }
                }
            }
            let cut = read(&written.bytes, cuts).unwrap();
            prop_assert!(!cut.is_whole);
            written.bytes.push(3 | 2 << 2);
            let whole = read(&written.bytes, cuts).unwrap();
            prop_assert!(whole.is_whole);
            prop_assert_eq!(&whole.marks, &marks);
            prop_assert_eq!(&whole.trace, &builder.finish());
            prop_assert_eq!(whole.trace, cut.trace);
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in 1_usize..9,
        ) {
            let _ = read(&bytes, cuts);
        }
    }

    #[test]
    fn what_the_plugin_never_says_is_refused_with_its_place() {
        let said = |bytes: &[u8]| read(bytes, 99).unwrap_err().message;
        assert_eq!(
            said(&[1 | 1 << 2, 1]),
            "byte 0 of the recorder's stream: found a page that was not named; the recorder and \
             balloonist do not fit together, which is a bug"
        );
        for bytes in [
            &[3, 0][..],
            &[3 | 9 << 2],
            &[3 | 1 << 2, 61],
            &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(said(bytes).contains("which is a bug"), "{bytes:?}");
        }
        assert_eq!(said(&[]), "no access was recorded; expected at least one");
    }

    #[test]
    fn what_does_not_fit_into_memory_is_left_out() {
        let mut recording = Recording::new(None, 100_000);
        for page in 0..100_000_u64 {
            let mut written = Written { bytes: Vec::new(), pages: page };
            written.accesses(page, 1, 1);
            if recording.feed(&written.bytes).is_err() || recording.is_full() {
                break;
            }
        }
        assert!(recording.accesses() < 20_000);
        let recorded = recording.finish().unwrap();
        assert!(!recorded.is_whole && recorded.trace.accesses() > 1_000);
    }

    #[test]
    fn the_kinds_of_a_long_run_need_room_too() {
        // A bit an access fits into this memory, two more for its kind do not.
        let mut recording = Recording::new(None, 1 << 20);
        let mut written = Written::default();
        written.accesses(0, 1, 1);
        written.accesses(0, 1, 6 << 20);
        recording.feed(&written.bytes).unwrap();
        assert!(recording.is_full() && recording.accesses() == 1);
    }
}

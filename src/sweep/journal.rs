//! The journal of a sweep: one line per run with its results, appended as soon as the run is done.
//! A plan keeps one too, in which a run is a mix.
//!
//! The first line identifies the study. Every other line begins with a run's number. In a sweep
//! the values that statistics need follow, its rows of runs.csv and a sentence, marked with `!`,
//! for each expectation that it failed; in a plan, the needs of the mix. Each line ends in a
//! checksum and is appended by one write. A killed process therefore leaves whole lines and at
//! most one partial line at the end, which is ignored and cut off. A damaged line that is followed
//! by whole ones is reported as an error with its line number.
//!
//! Only the positions of the lines are kept in memory: 8 bytes per run.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use super::statistics::SUMMARISED;
use crate::scenario::Grid;

/// The first field of a journal: the format and its version.
const MAGIC: &str = "balloonist-journal/3";

/// The prefix that all versions share.
const NAME: &str = "balloonist-journal/";

/// The first line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sweep or the plan and the program's version, as a line of JSON; the same in all shards.
    pub study: String,
    /// The runs of this journal.
    pub runs: Range<u64>,
    /// The runs of the whole sweep; the mixes of the whole plan.
    pub total: u64,
}

/// The results of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The run's number.
    pub run: u64,
    /// The values that statistics are made from, in the order of [`SUMMARISED`].
    pub metrics: [u64; SUMMARISED.len()],
    /// The run's lines of runs.csv, each with its line end.
    pub rows: String,
    /// A sentence for each expectation of the scenario that the run failed.
    pub failed: Vec<String>,
}

/// Why a journal cannot be read.
#[derive(Debug)]
pub enum Fault {
    /// An I/O error.
    Io(io::Error),
    /// The journal is damaged: the line number and what is wrong.
    Damaged(u64, String),
    /// The file is not a journal of this version, or its first line is damaged: what is wrong.
    Foreign(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    /// Its first line.
    pub header: Header,
    file: BufReader<File>,
    /// The file position of each run's line; 0 for a run that is not done.
    places: Vec<u64>,
    done: u64,
    /// The end of the last whole line.
    end: u64,
    /// The error of a failed append; the content after `end` is then unknown.
    broken: Option<i32>,
    /// Whether an append has moved the file position since the last read.
    moved: bool,
}

impl Journal {
    /// Begins a journal in an empty file and flushes it to disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(mut file: File, header: Header) -> io::Result<Self> {
        let Range { start, end } = header.runs;
        let line = sealed(&format!("{MAGIC}\t{start}\t{end}\t{}\t{}", header.total, header.study));
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        let places = vec![0; (end - start) as usize];
        let file = BufReader::new(file);
        Ok(Self {
            header,
            file,
            places,
            done: 0,
            end: line.len() as u64,
            broken: None,
            moved: false,
        })
    }

    /// Reads a journal; `None` if there is at most a partial first line, so that it can be begun
    /// again without loss.
    ///
    /// # Errors
    /// The file cannot be read, is damaged or is not a journal.
    pub fn read(file: File) -> Result<Option<Self>, Fault> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        file.seek(SeekFrom::Start(0))?;
        let head = file.fill_buf()?;
        let begins = |text: &str| head.iter().zip(text.bytes()).all(|(&found, byte)| found == byte);
        if !begins(MAGIC) {
            let is_other = head.len() > NAME.len() && begins(NAME);
            return Err(if is_other { other_version() } else { no_journal() });
        }
        let mut line = Vec::new();
        file.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        let damaged = |line, what: &str| Fault::Damaged(line, what.to_owned());
        let header = unsealed(&line).and_then(parse_header).ok_or_else(no_journal)?;
        let places = vec![0; (header.runs.end - header.runs.start) as usize];
        let end = line.len() as u64;
        let mut journal = Self { header, file, places, done: 0, end, broken: None, moved: false };
        let (mut at, mut number) = (end, 1);
        let mut torn = None;
        loop {
            line.clear();
            let length = journal.file.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                return Ok(Some(journal));
            }
            number += 1;
            match unsealed(&line).and_then(number_of) {
                Some(run) => {
                    if let Some(torn) = torn {
                        return Err(damaged(torn, "the line is damaged, but intact lines follow"));
                    }
                    if !journal.note(run, at) {
                        let what =
                            format!("run {run} does not belong to this journal or occurs twice");
                        return Err(Fault::Damaged(number, what));
                    }
                    journal.end = at + length;
                }
                None => torn = torn.or(Some(number)),
            }
            at += length;
        }
    }

    /// Cuts off the partial line that a killed process has left, so that runs can be appended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn cut_tail(&mut self) -> io::Result<()> {
        self.file.get_ref().set_len(self.end)
    }

    /// The number of runs that are done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The first run that is not done.
    pub fn missing(&self) -> Option<u64> {
        let at = self.places.iter().position(|&place| place == 0)?;
        Some(self.header.runs.start + at as u64)
    }

    /// Whether each run is done, by run number.
    pub fn which(&self) -> Vec<bool> {
        self.places.iter().map(|&place| place != 0).collect()
    }

    /// Appends the line of a new run.
    ///
    /// # Errors
    /// As for [`append_text`](Self::append_text).
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        self.append_text(record.run, &shown(record))
    }

    /// Appends a new run and what is kept of it, a text without line ends, in one write.
    ///
    /// # Errors
    /// The file cannot be written, or an earlier append failed.
    pub fn append_text(&mut self, run: u64, text: &str) -> io::Result<()> {
        if let Some(error) = self.broken {
            return Err(io::Error::from_raw_os_error(error));
        }
        let line = sealed(&format!("{run}\t{text}"));
        self.moved = true;
        let file = self.file.get_mut();
        let written =
            file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(line.as_bytes()));
        if let Err(error) = &written {
            self.broken = Some(error.raw_os_error().unwrap_or_default());
            // If the partial line cannot be cut off, the next reader ignores it.
            let _ = file.set_len(self.end);
            return written;
        }
        let is_new = self.note(run, self.end);
        assert!(is_new, "run {run} is made once");
        self.end += line.len() as u64;
        Ok(())
    }

    /// A second handle, to flush lines to disk while others are appended.
    ///
    /// # Errors
    /// The handle cannot be duplicated.
    pub fn handle(&self) -> io::Result<File> {
        self.file.get_ref().try_clone()
    }

    /// The record of a run that is done.
    ///
    /// # Errors
    /// The file cannot be read or has changed, or the line is not one of a sweep.
    pub fn record(&mut self, run: u64) -> Result<Record, Fault> {
        let text = self.text(run)?;
        let damaged = || Fault::Damaged(0, format!("the line of run {run} is not one of a sweep"));
        parse_record(run, &text).ok_or_else(damaged)
    }

    /// What is kept of a run that is done.
    ///
    /// # Errors
    /// The file cannot be read or has changed.
    pub fn text(&mut self, run: u64) -> Result<String, Fault> {
        let at = self.places[(run - self.header.runs.start) as usize];
        assert!(at > 0, "run {run} is done");
        if std::mem::take(&mut self.moved) {
            self.file.seek(SeekFrom::Start(at))?;
        } else {
            let by = at as i64 - self.file.stream_position()? as i64;
            self.file.seek_relative(by)?;
        }
        let mut line = Vec::new();
        self.file.by_ref().read_until(b'\n', &mut line)?;
        let text = unsealed(&line).filter(|text| number_of(text) == Some(run));
        let text = text.and_then(|text| text.split_once('\t'));
        let (_, text) =
            text.ok_or_else(|| Fault::Damaged(0, format!("the line of run {run} has changed")))?;
        Ok(text.to_owned())
    }

    /// Records the position of a run's line. Returns `false` if it is not a run of this journal or
    /// is recorded already.
    fn note(&mut self, run: u64, at: u64) -> bool {
        let place = run.checked_sub(self.header.runs.start);
        let place = place.and_then(|place| self.places.get_mut(place as usize));
        let Some(place) = place.filter(|place| **place == 0) else { return false };
        *place = at;
        self.done += 1;
        true
    }
}

fn other_version() -> Fault {
    Fault::Foreign("this is the journal of another version of balloonist".to_owned())
}

fn no_journal() -> Fault {
    Fault::Foreign("this is not the journal of a sweep or a plan".to_owned())
}

/// The checksum of a line: the first half of its BLAKE3 hash.
fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// A line with its checksum and line end.
fn sealed(text: &str) -> String {
    debug_assert!(!text.contains('\n'), "a record is one line");
    format!("{text}\t{}\n", checksum(text))
}

/// The text of a line without its checksum; `None` if the checksum is wrong.
fn unsealed(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (text, sum) = line.rsplit_once('\t')?;
    (sum == checksum(text)).then_some(text)
}

fn parse_header(text: &str) -> Option<Header> {
    let fields: Vec<&str> = text.splitn(5, '\t').collect();
    let [MAGIC, first, end, total, study] = fields[..] else { return None };
    let runs = first.parse().ok()?..end.parse().ok()?;
    let header = Header { study: study.to_owned(), runs, total: total.parse().ok()? };
    let Range { start, end } = header.runs;
    let is_possible = start <= end && end <= header.total && header.total <= Grid::RUNS_MAX;
    is_possible.then_some(header)
}

/// The number of the run that a line is of.
fn number_of(text: &str) -> Option<u64> {
    text.split_once('\t')?.0.parse().ok()
}

/// What is kept of a run of a sweep.
fn shown(record: &Record) -> String {
    let Record { metrics: [one, two, three], rows, failed, .. } = record;
    let rows = rows.trim_end_matches('\n').replace('\n', "\t");
    let failed: String = failed.iter().flat_map(|sentence| ["\t!", sentence.as_str()]).collect();
    format!("{one}\t{two}\t{three}\t{rows}{failed}")
}

fn parse_record(run: u64, text: &str) -> Option<Record> {
    let mut fields = text.splitn(4, '\t');
    let mut number = || fields.next()?.parse().ok();
    let metrics = [number()?, number()?, number()?];
    // A row begins with the number of its run.
    let (mut rows, mut failed) = (String::new(), Vec::new());
    for field in fields.next()?.split('\t') {
        match field.strip_prefix('!') {
            Some(sentence) => failed.push(sentence.to_owned()),
            None => rows.extend([field, "\n"]),
        }
    }
    Some(Record { run, metrics, rows, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Journal>, Fault> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Journal::read(file)
    }

    /// A header with a valid checksum but absurd numbers must not allocate memory for them.
    #[test]
    fn a_header_of_impossible_runs_is_refused() {
        let header = |first: u64, end: u64, total: u64| {
            sealed(&format!("{MAGIC}\t{first}\t{end}\t{total}\t{{}}"))
        };
        let max = Grid::RUNS_MAX;
        for (first, end, total) in
            [(0, u64::MAX, u64::MAX), (0, max + 1, max + 1), (0, 1, max + 1), (2, 1, 3), (0, 4, 3)]
        {
            let found = read(header(first, end, total).as_bytes());
            assert!(matches!(found, Err(Fault::Foreign(_))), "{first} to {end} of {total}");
        }
        for (first, end, total) in [(0, 3, 3), (1, 1, 3), (max - 1, max, max)] {
            let journal = read(header(first, end, total).as_bytes()).unwrap().unwrap();
            assert_eq!((journal.header.runs, journal.header.total), (first..end, total));
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for failed in [vec![], vec!["a under b: x is 1, expected at most 0".to_owned(); 2]] {
            let rows = "7,0,a\n7,0,all\n".to_owned();
            let record = Record { run: 7, metrics: [1, 2, 3], rows, failed };
            assert_eq!(parse_record(7, &shown(&record)), Some(record));
        }
    }

    /// The partial line of a killed process may be longer than the line that overwrites it.
    #[test]
    fn a_torn_end_is_cut_to_the_last_whole_line() {
        let header = sealed(&format!("{MAGIC}\t0\t3\t3\t{{}}"));
        let record =
            |run| Record { run, metrics: [1, 2, 3], rows: "a\n".to_owned(), failed: vec![] };
        let line = sealed(&format!("0\t{}", shown(&record(0))));
        let torn = "1\t".to_owned() + &"9".repeat(1_000);
        let mut journal = read(format!("{header}{line}{torn}").as_bytes()).unwrap().unwrap();
        journal.cut_tail().unwrap();
        let length = (header.len() + line.len()) as u64;
        assert_eq!(journal.handle().unwrap().metadata().unwrap().len(), length);
        journal.append(&record(2)).unwrap();
        let again = Journal::read(journal.handle().unwrap()).unwrap().unwrap();
        assert_eq!(again.which(), [true, false, true]);
        assert_eq!(again.end, again.file.get_ref().metadata().unwrap().len());
    }

    #[test]
    fn only_the_beginning_of_a_journal_has_not_begun() {
        let line = sealed(&format!("{MAGIC}\t0\t3\t3\t{{}}"));
        for length in 0..line.len() {
            assert!(read(&line.as_bytes()[..length]).unwrap().is_none(), "{length} bytes");
        }
        for text in ["2026-01-02 a walk", "b", "balloonist-journal/2\t0", "\n", "\0\0\0"] {
            let found = read(text.as_bytes());
            let is_begun = text == "b";
            assert!(matches!(found, Err(Fault::Foreign(_))) != is_begun, "{text:?}");
        }
    }
}

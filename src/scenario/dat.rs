//! The report's input files: the number of VMs, then for each its length and that many page
//! numbers.
//!
//! Such a file is a scenario by itself: 16 frames divided by the report's ceil split, a checkpoint
//! after every round, VMs called VM0, VM1, …

use super::codes::{self, Code};
use super::diagnostic::{Diagnostic, clip};
use super::document::{Literal, Node, Origin, State, Table, table};
use super::{REPORT_FRAMES, Scenario};

/// Reads a file's text. Faults are reported to `problem`.
pub(super) fn read(text: &str, source: usize, problem: impl FnMut(State, Diagnostic)) -> Table {
    let whole = Origin::whole(source);
    let mut reader = Reader { text, at: 0, ended: false, source, problem, latest: whole };
    let mut vms = Vec::new();
    let complete = reader.vms(&mut vms);
    if complete.is_some() {
        reader.expect_end();
    }
    let node = |value| Node { origin: whole, value };
    let memory = node(Literal::Integer(i128::from(REPORT_FRAMES.0)));
    let split = node(Literal::String("ceil".to_owned()));
    let every = node(Literal::Integer(1));
    table([
        ("host", node(Literal::Table(table([("memory", memory), ("split", split)])))),
        ("checkpoint", node(Literal::Table(table([("every", every)])))),
        ("vm", node(Literal::Array(vms))),
    ])
}

struct Reader<'t, P> {
    text: &'t str,
    at: usize,
    /// Whether a word was read past the end of the file.
    ended: bool,
    source: usize,
    problem: P,
    /// The word read last.
    latest: Origin,
}

impl<P: FnMut(State, Diagnostic)> Reader<'_, P> {
    /// `None` if the file ends early, or if a number that determines its structure is unreadable.
    fn vms(&mut self, vms: &mut Vec<Node>) -> Option<()> {
        if self.text.trim_ascii().is_empty() {
            let remedy = "begin with the number of VMs";
            self.report(codes::NO_VM, self.latest, "the file is empty", remedy);
            return None;
        }
        let count = self.number(codes::TOO_BIG, || "the number of VMs".to_owned())?;
        if count == 0 {
            let remedy = "a scenario needs at least one VM";
            self.report(codes::NO_VM, self.latest, "the file has no VM", remedy);
        }
        if count > Scenario::VMS_MAX as u64 {
            let message = format!("{count} VMs");
            let remedy = format!("at most {} are allowed", Scenario::VMS_MAX);
            self.report(codes::TOO_MANY_VMS, self.latest, message, remedy);
            return None;
        }
        let mut first_length = None;
        for vm in 0..count {
            let length = self.number(codes::TOO_BIG, || format!("the length of VM{vm}"))?;
            let wanted = *first_length.get_or_insert(length);
            if length != wanted {
                let message =
                    format!("the length of VM{vm} is {length}, and that of VM0 is {wanted}");
                let remedy = "in a .dat file all VMs have the same length";
                self.report(codes::LENGTHS_DIFFER, self.latest, message, remedy);
            }
            vms.push(self.vm(vm, length)?);
        }
        Some(())
    }

    fn vm(&mut self, vm: u64, length: u64) -> Option<Node> {
        let head = self.latest;
        // The length is only claimed by the file, so no memory is reserved by it.
        let mut pages = Vec::new();
        for access in 0..length {
            let what = || format!("page {} of {length} of VM{vm}", access + 1);
            let page = self.number(codes::BAD_PAGE, what);
            if page.is_none() && self.ended {
                return None;
            }
            pages.push(page.unwrap_or(0));
        }
        let (head, tail) = (head.span.unwrap_or_default(), self.latest.span.unwrap_or_default());
        let origin = Origin { source: self.source, span: Some((head.0, tail.1)) };
        let node = |value| Node { origin, value };
        let name = node(Literal::String(format!("VM{vm}")));
        let trace = table([("pages", node(Literal::Pages(pages.into())))]);
        Some(node(Literal::Table(table([("name", name), ("trace", node(Literal::Table(trace)))]))))
    }

    fn expect_end(&mut self) {
        if self.word().is_some() {
            let place = self.latest;
            let mut left = 1_usize;
            while self.word().is_some() {
                left += 1;
            }
            let message = format!("{left} more words follow the last access");
            let message = if left == 1 { "a word follows the last access".into() } else { message };
            self.report(codes::LEFT_OVER, place, message, "the file should end before this");
        }
    }

    /// The next word as a number, which messages call `what`; `range` is reported if it is too
    /// large.
    fn number(&mut self, range: &'static Code, what: impl Fn() -> String) -> Option<u64> {
        let Some((start, end)) = self.word() else {
            self.ended = true;
            let end = self.text.trim_ascii_end().len();
            let origin = Origin::at(self.source, end..end);
            let message = format!("the file ends where {} is expected", what());
            self.report(codes::CUT_SHORT, origin, message, "add what is missing");
            return None;
        };
        let word = &self.text[start..end];
        if let Ok(number) = word.parse() {
            return Some(number);
        }
        let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
        let message = format!("`{}` cannot be {}", clip(word), what());
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let remedy = "only decimal integers are allowed here";
            self.report(codes::NOT_A_NUMBER, self.latest, message, remedy);
        } else if word.starts_with('-') {
            let code = if range == codes::BAD_PAGE { range } else { codes::TOO_SMALL };
            self.report(code, self.latest, message, "it may not be negative");
        } else {
            self.report(range, self.latest, message, "it must be below 2^64");
        }
        None
    }

    /// The next word's place in the text.
    fn word(&mut self) -> Option<(usize, usize)> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.find(|letter: char| !letter.is_ascii_whitespace())?;
        let length = self.text[start..].find(|letter: char| letter.is_ascii_whitespace());
        let end = length.map_or(self.text.len(), |length| start + length);
        self.at = end;
        self.latest = Origin::at(self.source, start..end);
        Some((start, end))
    }

    fn report(
        &mut self,
        code: &'static Code,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        (self.problem)(State::Partial, Diagnostic::error(code, origin, message, remedy));
    }
}

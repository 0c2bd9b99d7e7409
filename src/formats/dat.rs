//! `dat`: the report's scenario format, read as the trace of one of its VMs.
//!
//! Decimal numbers between white space: the number of VMs, then for each VM its length and that
//! many page numbers. The option `vm` chooses one; without it the file must have exactly one.

use super::error::ReadError;
use super::input::{Input, Line, decimal};
use super::kind::{FormatKind, Head, Source, Verdict};
use crate::trace::TraceBuilder;
use crate::units::Page;

pub(super) const KIND: FormatKind = FormatKind {
    name: "dat",
    summary: "the report's format: the number of VMs, then each VM's length and page numbers",
    source: "the report",
    extensions: &["dat"],
    options: &["vm"],
    looks_like,
    read,
};

fn looks_like(head: &Head<'_>) -> Verdict {
    let mut numbers_a_line_max = 0;
    let mut state = Layout::default();
    for bytes in head.lines() {
        let mut fields = Line { bytes, number: 0 }.fields();
        let mut numbers = 0;
        while let Some(field) = fields.next() {
            match decimal(field.bytes).map(|number| state.next(number)) {
                Ok(Ok(_)) => numbers += 1,
                _ => return Verdict::No,
            }
        }
        numbers_a_line_max = numbers.max(numbers_a_line_max);
    }
    // A file with one number per line is a text trace.
    (numbers_a_line_max > 1 && (state.is_complete() || !head.whole)).into()
}

/// The position of the next number in the file.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    vms: Option<u64>,
    /// The VM whose pages are being read.
    vm: u64,
    /// Its pages still to come; `None` before its length.
    left: Option<u64>,
}

impl Layout {
    /// Takes a number: `Some` VM if it is a page of that VM. `Err` says what is wrong with it.
    fn next(&mut self, number: u64) -> Result<Option<u64>, String> {
        let Some(vms) = self.vms else {
            if number == 0 {
                return Err("the file has 0 VMs, expected at least one".to_owned());
            }
            self.vms = Some(number);
            return Ok(None);
        };
        if self.vm >= vms {
            return Err(format!(
                "found `{number}` behind the last page of the last VM, expected the end of the \
                 file; the number of VMs or a length is too small"
            ));
        }
        match self.left {
            None => {
                self.left = Some(number);
                self.skip_finished();
                Ok(None)
            }
            Some(left) => {
                let vm = self.vm;
                self.left = Some(left - 1);
                self.skip_finished();
                Ok(Some(vm))
            }
        }
    }

    fn skip_finished(&mut self) {
        if self.left == Some(0) {
            self.vm += 1;
            self.left = None;
        }
    }

    fn is_complete(&self) -> bool {
        self.vms == Some(self.vm)
    }
}

/// Decimal digits and where they begin.
#[derive(Clone, Copy, Debug, Default)]
struct Number {
    value: u64,
    column: u64,
    digits: u32,
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let wanted = source.options.vm;
    let mut layout = Layout::default();
    let mut number = Number::default();
    // A VM's pages may stand on one line of any length, so numbers are read byte by byte.
    let (mut line, mut column) = (1_u64, 0_u64);
    let mut ended = false;
    while !ended {
        let block = input.records(1)?;
        ended = block.is_none();
        for &byte in block.unwrap_or(b"\n") {
            column += 1;
            let at =
                |column: u64, what: &str| ReadError::damaged(format!("{line}:{column}: {what}"));
            match byte {
                b'0'..=b'9' => {
                    if number.digits == 0 {
                        number.column = column;
                    }
                    let tens = number.value.checked_mul(10);
                    number.value =
                        tens.and_then(|tens| tens.checked_add(u64::from(byte - b'0')))
                            .ok_or_else(|| at(number.column, "the number is 2^64 or larger"))?;
                    number.digits = 1;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    if number.digits > 0 {
                        take(&mut layout, number.value, wanted, builder)
                            .map_err(|what| at(number.column, &what))?;
                        number = Number::default();
                    }
                    if byte == b'\n' {
                        (line, column) = (line + 1, 0);
                    }
                }
                _ => {
                    let found = std::ascii::escape_default(byte);
                    return Err(at(column, &format!("found `{found}`, expected a decimal number")));
                }
            }
        }
        if builder.overflowed() {
            return Ok(Vec::new());
        }
    }
    if !layout.is_complete() {
        let (vm, left) = (layout.vm, layout.left.unwrap_or(1));
        return Err(ReadError::damaged(format!(
            "byte {}: the file ends {left} numbers before the end of VM {vm}, expected as many as \
             its length says; the file is cut short or a length is wrong",
            input.offset()
        )));
    }
    Ok(Vec::new())
}

fn take(
    layout: &mut Layout,
    number: u64,
    wanted: Option<u64>,
    builder: &mut TraceBuilder,
) -> Result<(), String> {
    let first = layout.vms.is_none();
    let vm = layout.next(number)?;
    if first && wanted.is_none() && number != 1 {
        return Err(format!(
            "the file has {number} VMs, expected one; choose one from 0 to {} with the option vm, \
             or run the file as a scenario",
            number - 1
        ));
    }
    if first && wanted.is_some_and(|wanted| wanted >= number) {
        return Err(format!(
            "the file has {number} VMs, expected one called {}; VMs are counted from 0",
            wanted.unwrap_or(0)
        ));
    }
    if vm.is_some() && vm == wanted.or(Some(0)) {
        builder.push(Page(number));
    }
    Ok(())
}

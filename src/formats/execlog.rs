//! `execlog`: the output of QEMU's execlog plugin: one instruction per line, with its memory
//! accesses.
//!
//! A line is `0, 0xa12, 0xf8012400, "str r2, [r4]", store, 0x00010028, RAM`: the processor, the
//! instruction's address, its opcode, its text in quotes, then for each access `load` or `store`,
//! an address and, of a whole machine, the device. (QEMU, contrib/plugins/execlog.c.)
//!
//! A program's trace (qemu-user) has virtual addresses alone, so its instructions are fetches. A
//! machine's has virtual addresses of instructions and physical ones of data: only data count, and
//! the device belongs to the page.

use super::error::ReadError;
use super::input::{HEAD, Input, Line, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::owner::Owner;
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "execlog",
    summary: "instructions and their loads and stores, as QEMU's execlog plugin logs them",
    source: "QEMU, contrib/plugins/execlog.c",
    extensions: &["execlog"],
    options: ADDRESSES,
    looks_like,
    read,
};

const RECORD: &str = "a record such as `0, 0xa12, 0xf8012400, \"str r2, [r4]\", store, 0x10028`";

fn looks_like(head: &Head<'_>) -> Verdict {
    head.all_lines(|bytes| parse(Line { bytes, number: 0 }).is_ok())
}

/// The processor, the instruction's address and the fields after its text.
fn parse(line: Line<'_>) -> Result<(&[u8], u64, usize), ReadError> {
    let wrong = || line.unexpected(0, RECORD);
    let mut parts = line.bytes.splitn(3, |&byte| byte == b',');
    let mut next = || parts.next().map(<[u8]>::trim_ascii);
    let processor = next().filter(|cpu| cpu.iter().all(u8::is_ascii_digit)).ok_or_else(wrong)?;
    let address = next().and_then(number).ok_or_else(wrong)?;
    let open = memchr::memchr(b'"', line.bytes).ok_or_else(wrong)?;
    let close = memchr::memrchr(b'"', line.bytes).filter(|&at| at > open).ok_or_else(wrong)?;
    Ok((processor, address, close + 1))
}

fn number(bytes: &[u8]) -> Option<u64> {
    hex(bytes.strip_prefix(b"0x")?).ok()
}

/// The accesses of a line: kind, address, and the device's name or nothing.
fn accesses(
    line: Line<'_>,
    behind: usize,
    mut found: impl FnMut(AccessKind, u64, &[u8]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let rest = &line.bytes[behind..];
    let mut words = rest.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).peekable();
    words.next();
    while let Some(word) = words.next() {
        let kind = match word {
            b"load" => AccessKind::Load,
            b"store" => AccessKind::Store,
            // Registers, which newer plugins log too.
            _ => continue,
        };
        let address = words.next().and_then(number);
        let address =
            address.ok_or_else(|| line.error(behind, "there is no address after load or store"))?;
        let is_device = |word: &&[u8]| {
            !matches!(*word, b"load" | b"store") && !word.is_empty() && !word.contains(&b'>')
        };
        let device = words.next_if(|word| is_device(word)).unwrap_or_default();
        found(kind, address, device)?;
    }
    Ok(())
}

/// Whether the first accesses name a device.
fn is_machine(head: &[u8]) -> bool {
    head.split(|&byte| byte == b'\n').any(|bytes| {
        let line = Line { bytes, number: 0 };
        let mut named = false;
        if let Ok((_, _, behind)) = parse(line) {
            let look = |_, _, device: &[u8]| {
                named |= !device.is_empty();
                Ok(())
            };
            drop(accesses(line, behind, look));
        }
        named
    })
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    let mut owner = Owner::new(source, source.options.key.is_none(), false);
    let is_machine = is_machine(input.peek(HEAD)?);
    each_line(input, builder, |line, builder| {
        if line.bytes.trim_ascii().is_empty() || line.bytes[0] == b'#' {
            return Ok(());
        }
        let (processor, instruction, behind) = parse(line)?;
        let touch = |owner: &mut Owner<'_>, builder: &mut TraceBuilder, address, kind| {
            let touched = owner.touch(pages, builder, address, 1, Some(kind));
            touched.map_err(|why| line.error(0, why))
        };
        if !is_machine {
            owner.set(builder, processor, &[]).map_err(|why| line.error(0, why))?;
            touch(&mut owner, builder, instruction, AccessKind::Fetch)?;
        }
        accesses(line, behind, |kind, address, device| {
            if device.is_empty() == is_machine {
                let what = "accesses with and without a device in one file, expected one machine's";
                return Err(line.error(behind, what));
            }
            let set = owner.set(builder, processor, &[device]);
            set.map_err(|why| line.error(behind, why))?;
            touch(&mut owner, builder, address, kind)
        })
    })?;
    let physical = "read as the physical addresses of loads and stores, because they name a device \
                    (a whole machine); the instructions' addresses are virtual and left out";
    Ok(if is_machine { vec![physical.to_owned()] } else { Vec::new() })
}

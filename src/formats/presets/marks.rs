//! The line patterns of each preset.

use super::layouts::{COMMA, DRAMSIM_LAYOUT, TWITTER_LAYOUT};
use crate::formats::cells::Separator;
use crate::formats::input::{decimal, hex};

pub(super) fn is_heading(line: &[u8]) -> bool {
    let mut cells = line.split(|byte| matches!(byte, b',' | b' ' | b'\t'));
    cells.all(|cell| cell.iter().all(|byte| byte.is_ascii_alphabetic() || b"_\r".contains(byte)))
}

pub(super) fn words(line: &[u8]) -> usize {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count()
}

/// The cells of a line, at most twelve.
fn cells(line: &[u8], separator: Separator) -> Vec<&[u8]> {
    let mut cells = Vec::with_capacity(12);
    match separator {
        Separator::Byte(byte) => {
            cells.extend(line.split(|&b| b == byte).map(<[u8]>::trim_ascii).take(12));
        }
        Separator::Blanks => {
            cells.extend(
                line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(12),
            );
        }
    }
    cells
}

fn is_number(cell: &[u8]) -> bool {
    decimal(cell).is_ok()
}

/// A decimal number, with a point in it or not.
fn is_time(cell: &[u8]) -> bool {
    !cell.is_empty() && cell.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_letter(cell: &[u8]) -> bool {
    matches!(cell, [b'R' | b'r' | b'W' | b'w'])
}

pub(super) fn is_os_course(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [address, op] => {
            address.len() == 8 && address.iter().all(u8::is_ascii_hexdigit) && is_letter(op)
        }
        _ => false,
    }
}

/// A number after 0x that is too long for a page: eight digits or more.
pub(super) fn is_address(line: &[u8]) -> bool {
    let cells = cells(line, Separator::Blanks);
    let is_long =
        |cell: &[u8]| cell.len() >= 10 && cell.starts_with(b"0x") && hex(&cell[2..]).is_ok();
    matches!(cells[..], [address] if is_long(address))
        || matches!(cells[..], [address, op] if is_long(address) && is_letter(op))
}

pub(super) fn is_msr(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, _, disk, op, offset, size, _] => {
            let is_op = op.eq_ignore_ascii_case(b"read") || op.eq_ignore_ascii_case(b"write");
            time.len() >= 15 && [time, disk, offset, size].into_iter().all(is_number) && is_op
        }
        _ => false,
    }
}

pub(super) fn is_spc(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [asu, lba, size, op, time, ..] => {
            [asu, lba, size].into_iter().all(is_number)
                && is_letter(op)
                && is_time(time)
                && time.contains(&b'.')
        }
        _ => false,
    }
}

pub(super) fn is_alibaba(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [device, op, offset, length, time] => {
            [device, offset, length, time].into_iter().all(is_number) && is_letter(op)
        }
        _ => false,
    }
}

pub(super) fn is_tencent(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, offset, size, op, volume] => {
            time.len() == 10
                && [time, offset, size, volume].into_iter().all(is_number)
                && matches!(op, b"0" | b"1")
        }
        _ => false,
    }
}

pub(super) fn is_systor(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, response, op, lun, offset, size] => {
            time.contains(&b'.')
                && is_time(time)
                && (response.is_empty() || is_time(response))
                && (is_letter(op) || op.is_empty())
                && [lun, offset, size].into_iter().all(is_number)
        }
        _ => false,
    }
}

pub(super) fn is_twitter(line: &[u8]) -> bool {
    match cells(line, COMMA)[..] {
        [time, _, key_size, value_size, client, op, ttl] => {
            let has_word = |words: &[&str]| words.iter().any(|word| op == word.as_bytes());
            [time, key_size, value_size, client, ttl].into_iter().all(is_number)
                && (has_word(TWITTER_LAYOUT.reads) || has_word(TWITTER_LAYOUT.writes))
        }
        _ => false,
    }
}

pub(super) fn is_fiu(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [time, pid, _, lba, size, op, major, minor, ..] => {
            [time, pid, lba, size, major, minor].into_iter().all(is_number) && is_letter(op)
        }
        _ => false,
    }
}

pub(super) fn is_ibm(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [time, op, ..] => is_number(time) && op.starts_with(b"REST."),
        _ => false,
    }
}

pub(super) fn is_gem5(line: &[u8]) -> bool {
    let cells = cells(line, COMMA);
    let is_packet = |cells: &[&[u8]]| match cells {
        [op, address, size, rest @ ..] => {
            matches!(*op, b"r" | b"w" | b"u")
                && is_number(address)
                && is_number(size)
                && (1..=3).contains(&rest.len())
                && rest.iter().all(|cell| is_number(cell))
        }
        _ => false,
    };
    is_packet(&cells) || is_number(cells[0]) && is_packet(&cells[1..])
}

pub(super) fn is_dramsim(line: &[u8]) -> bool {
    match cells(line, Separator::Blanks)[..] {
        [address, op, cycle] => {
            let known = |words: &[&str]| words.iter().any(|word| op == word.as_bytes());
            address.starts_with(b"0x")
                && is_number(cycle)
                && (known(DRAMSIM_LAYOUT.reads)
                    || known(DRAMSIM_LAYOUT.writes)
                    || matches!(op, b"IFETCH" | b"P_FETCH"))
        }
        _ => false,
    }
}

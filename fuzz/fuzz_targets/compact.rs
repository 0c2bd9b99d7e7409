//! The compact form behind its checksums: the columns are any bytes, sealed as the writer seals
//! them, so that what lies behind the seals is reached. Input: flags, three counts, then the
//! columns, each with two bytes of length.
#![no_main]

use balloonist::formats::{ReadOptions, load_from};
use balloonist::random::{fnv1a, mix};
use libfuzzer_sys::fuzz_target;

/// The checksum of the compact form, by its description in `src/formats/compact.rs`.
fn checksum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|part| {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        u64::from_le_bytes(word)
    });
    let whole = words.fold(fnv1a(b"balloonist/column/1"), mix);
    // A last word that is full is followed by an empty one.
    let hash = if bytes.len() % 8 == 0 { mix(whole, 0) } else { whole };
    mix(hash, bytes.len() as u64)
}

fn column(plain: &[u8]) -> Vec<u8> {
    let frame = zstd::bulk::compress(plain, 1).expect("memory can be compressed");
    let length = (frame.len() as u64).to_le_bytes();
    let check = checksum(&[&length, &frame[..]].concat());
    [&length, &check.to_le_bytes(), &frame[..]].concat()
}

fuzz_target!(|data: &[u8]| {
    let [flags, accesses, runs, pages, rest @ ..] = data else { return };
    let mut columns = Vec::new();
    let mut rest = rest;
    while let [low, high, more @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(more.len());
        let (plain, left) = more.split_at(length);
        columns.extend(column(plain));
        rest = left;
    }
    let mut header = b"\xb1balloon\x01\0\0\0".to_vec();
    header.extend(u32::from(*flags).to_le_bytes());
    for count in [accesses, runs, pages] {
        header.extend(u64::from(*count).to_le_bytes());
    }
    header.extend([0; 8]);
    header.extend((columns.len() as u64).to_le_bytes());
    header.extend(checksum(&header).to_le_bytes());
    header.extend(columns);
    let Ok(loaded) = load_from(&header[..], "", None, &ReadOptions::default()) else { return };
    assert_eq!(loaded.trace.accesses(), u64::from(*accesses));
    assert_eq!(loaded.trace.distinct_pages(), usize::from(*pages));
});

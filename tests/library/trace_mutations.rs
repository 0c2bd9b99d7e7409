//! Damaged trace files: fifty thousand mutants of the fixtures, each read or refused.
//!
//! The mutator is seeded, so a failure can be reproduced by running the test again.

use std::io::Read;
use std::path::{Path, PathBuf};

use balloonist::formats::{self, ReadErrorKind};
use balloonist::formats::{ReadOptions, load, load_from};
use balloonist::random::{Generator, Stream};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name)
}

/// The formats that no content shows, each with a fixture.
const UNMARKED: &[(&str, &str)] = &[
    ("be.bin", "struct"),
    ("cloudphysics.csv", "cloudphysics-csv"),
    ("ramulator-cpu.trace", "ramulator"),
];

/// The first bytes of each fixture, as they are and decompressed, with its format.
fn corpus() -> Vec<(Vec<u8>, &'static str)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    // The order of a folder depends on the system; the mutants must not.
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let named =
            UNMARKED.iter().find(|(fixture, _)| *fixture == name).map(|(_, format)| *format);
        let shown = load(&path, &ReadOptions::default()).ok().map(|loaded| loaded.format.name);
        let format = named.or(shown).unwrap_or("auto");
        let stored = std::fs::read(&path).unwrap();
        let mut plain = Vec::new();
        let file = std::fs::File::open(&path).unwrap();
        let (mut reader, _) = balloonist::formats::compression::decompress(file).unwrap();
        reader.read_to_end(&mut plain).unwrap();
        for mut bytes in [plain, stored] {
            bytes.truncate(2000);
            found.push((bytes, format));
        }
    }
    let mut compact = Vec::new();
    let trace = load(&fixture("lackey.txt.gz"), &ReadOptions::default()).unwrap().trace;
    balloonist::formats::compact::write_compact(&trace, &mut compact).unwrap();
    found.push((compact, "balloonist"));
    found
}

/// 50,000 damaged fixtures, half of them read as what they are: any answer is fine except a panic
/// or unbounded output.
#[test]
fn damaged_files_never_panic_any_reader() {
    let fixtures = corpus();
    for format in formats::ALL {
        assert!(fixtures.iter().any(|(_, name)| *name == format.name), "{}", format.name);
    }
    let mut stream = Stream::new(Generator::ChaCha8, 1, 0, "mutations");
    let names: Vec<&str> =
        std::iter::once("auto").chain(formats::ALL.iter().map(|format| format.name)).collect();
    for round in 0..50_000 {
        let (mut bytes, own) = fixtures[round % fixtures.len()].clone();
        mutate(&mut bytes, &mut stream);
        let any = names[stream.below(names.len() as u64) as usize];
        let format = if stream.below(2) == 0 { own } else { any };
        let has_unit = formats::find(format).is_ok_and(|format| format.options.contains(&"unit"));
        let options = ReadOptions {
            format: format.to_owned(),
            layout: Some("<HIh".to_owned()).filter(|_| format == "struct"),
            unit: has_unit.then(|| stream.below(2) << 20).filter(|&unit| unit > 0),
            accesses_max: 200_000,
            bytes_max: 1 << 20,
            ..ReadOptions::default()
        };
        match load_from(&bytes[..], "x.u32", None, &options) {
            Ok(loaded) => assert!((1..=200_000).contains(&loaded.trace.accesses())),
            // Otherwise no reader would see the bytes.
            Err(error) => assert!(!matches!(error.kind, ReadErrorKind::NoEffect(_)), "{error}"),
        }
    }
}

fn mutate(bytes: &mut Vec<u8>, stream: &mut Stream) {
    const BITS: [&[u8]; 8] = [
        b"-1",
        b"99999999999999999999",
        b"\0",
        b"\n",
        b",",
        b" ",
        b"0x",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for _ in 0..=stream.below(4) {
        let at = stream.below(bytes.len() as u64 + 1) as usize;
        match stream.below(4) {
            0 => bytes.truncate(at),
            1 => {
                let bits = BITS[stream.below(BITS.len() as u64) as usize];
                bytes.splice(at..at, bits.iter().copied());
            }
            2 => drop(bytes.drain(at..(at + stream.below(9) as usize).min(bytes.len()))),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << stream.below(8);
                }
            }
        }
    }
}

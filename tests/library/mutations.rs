//! A hundred thousand mutated scenarios: each is accepted or refused, without a panic or a hang.
//!
//! The mutator is seeded, so a failure can be reproduced by running the test again. What it finds
//! becomes a fixture in `tests/bad_scenarios`.

use std::fs;
use std::path::Path;

use balloonist::random::{Generator, Stream};
use balloonist::scenario::{Admission, Document, Phase, Scenario, Severity, Traces};

const INPUTS: u64 = 200_000;
const BYTES_MAX: usize = 4096;

/// Relative paths of the mutants' traces and bases start here.
const FOLDER: &str = "tests/good_scenarios";

/// Larger workloads are refused: mutants ask for billions of accesses.
const WORKLOAD_BYTES_MAX: u64 = 256 << 10;

/// Text that has caused trouble for readers.
const BOUNDARIES: &[&str] = &[
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "65537",
    "4294967295",
    "4294967296",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "-9223372036854775809",
    "1e999",
    "nan",
    "inf",
    "0x",
    "0.5",
    "\"\"",
    "\"16 EiB\"",
    "\"100%\"",
    "\"99999999999999999%\"",
    "[]",
    "{}",
    "[[vm]]",
    "[[vm.vm]]",
    "extends = \"base.toml\"\n",
    "é",
    "\u{feff}",
    "\r\n",
    "\0",
    "\t",
    "'''",
    "#",
];

#[derive(Clone)]
struct Input {
    bytes: Vec<u8>,
    is_dat: bool,
}

fn corpus(folders: &[&str]) -> Vec<Input> {
    let mut paths = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap() {
            paths.push(entry.unwrap().path());
        }
    }
    // The order of a folder depends on the system; the mutants must not.
    paths.sort();
    let read = |path: &Path| {
        let is_dat = path.extension().is_some_and(|extension| extension == "dat");
        Some(Input { bytes: fs::read(path).ok()?, is_dat })
    };
    let inputs = paths.iter().filter_map(|path| read(path));
    inputs.filter(|input| input.bytes.len() <= BYTES_MAX).collect()
}

struct Mutator {
    draw: Stream,
}

impl Mutator {
    fn below(&mut self, bound: usize) -> usize {
        self.draw.below(bound.max(1) as u64) as usize
    }

    /// A range of at most 64 bytes.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let end = (start + self.below(64)).min(bytes.len());
        start..end
    }

    /// The range of a number or word of the input.
    fn word(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.\"".contains(byte);
        let mut start = self.below(bytes.len() + 1);
        while start < bytes.len() && !inside(&bytes[start]) {
            start += 1;
        }
        let length = bytes[start..].iter().take_while(|byte| inside(byte)).count();
        start..start + length
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        match self.below(8) {
            0 if !bytes.is_empty() => {
                let at = self.below(bytes.len());
                bytes[at] ^= 1 << self.below(8);
            }
            1 => {
                let range = self.range(bytes);
                bytes.drain(range);
            }
            2 => {
                let range = self.range(bytes);
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copy);
            }
            3 => {
                let (from, to) = (self.range(other), self.range(bytes));
                bytes.splice(to, other[from].iter().copied());
            }
            4 | 5 => {
                let word = self.word(bytes);
                let boundary = BOUNDARIES[self.below(BOUNDARIES.len())];
                bytes.splice(word, boundary.bytes());
            }
            6 => {
                let (from, to) = (self.word(other), self.word(bytes));
                bytes.splice(to, other[from].iter().copied());
            }
            _ => {
                let at = self.below(bytes.len() + 1);
                bytes.truncate(at);
            }
        }
    }
}

/// What holds for every checked scenario.
fn check_laws(scenario: &Scenario) {
    let given: u128 = scenario.vms.iter().map(|vm| u128::from(vm.initial.0)).sum();
    let is_guaranteed = scenario.host.admission == Admission::Guaranteed;
    assert!(!is_guaranteed || given <= u128::from(scenario.host.memory.0));
    assert!(scenario.checkpoint_every.0 >= 1 && !scenario.vms.is_empty());
    for vm in &scenario.vms {
        assert!(vm.min.0 >= 1 && vm.min <= vm.initial && vm.initial <= vm.max);
        assert!(vm.max <= scenario.host.memory && vm.tempo.pass(&vm.trace) >= 1 && vm.shares >= 1);
        for phases in [&vm.idle, &vm.stuck] {
            assert!(phases.iter().all(|phase| phase.from < phase.until));
            assert!(phases.windows(2).all(|pair| pair[0].until <= pair[1].from));
        }
        assert!(vm.idle.iter().all(|phase| phase.until != Phase::NEVER));
        assert!(vm.stop.is_none_or(|stop| stop > vm.start) && vm.trace.accesses() >= 1);
    }
}

fn read(shown: &str, bytes: &[u8], is_dat: bool) -> Document {
    if is_dat { Document::from_dat(shown, bytes) } else { Document::from_toml(shown, bytes) }
}

#[test]
fn every_mutant_is_accepted_or_refused() {
    let good = corpus(&[FOLDER, "scenarios/report"]);
    let all = [good.clone(), corpus(&["tests/bad_scenarios"])].concat();
    assert!(good.len() >= 9 && all.len() > 60, "the fixtures are not found");
    let draw = Stream::new(Generator::ChaCha8, 1, 0, "mutations");
    let mut mutator = Mutator { draw };
    let (mut right, mut wrong) = (0, 0);
    for round in 0..INPUTS {
        // A bad fixture hardly ever mutates into a good one.
        let from = if round % 2 == 0 { &good } else { &all };
        let input = &from[mutator.below(from.len())];
        let other = &all[mutator.below(all.len())];
        let mut bytes = input.bytes.clone();
        for _ in 0..=mutator.below(3) {
            mutator.mutate(&mut bytes, &other.bytes);
        }
        // Sometimes the wrong reader.
        let is_dat = input.is_dat != (mutator.below(32) == 0);
        let mut document = read("tests/good_scenarios/mutant.toml", &bytes, is_dat);
        if mutator.below(8) == 0 {
            let text = String::from_utf8_lossy(&other.bytes);
            let line = text.lines().nth(mutator.below(8)).unwrap_or_default();
            document.set(line);
        }
        match document.check_with(&mut Traces::with_limit(WORKLOAD_BYTES_MAX)) {
            Ok(checked) => {
                right += 1;
                check_laws(&checked.scenario);
            }
            Err(found) => {
                wrong += 1;
                assert!(found.iter().any(|found| found.severity == Severity::Error), "{round}");
                assert!(found.render(round % 2 == 0).contains("[S"), "{round}");
            }
        }
    }
    // Both outcomes must occur; otherwise the mutator changes too little or too much.
    assert!(right > INPUTS / 50 && wrong > INPUTS / 4, "{right} right, {wrong} wrong");
}

/// Small inputs that claim to be large, deep or slow.
#[test]
fn decompression_bombs_are_refused() {
    let repeated = |text: &str, times: usize| text.repeat(times).into_bytes();
    let keys = ["a.".repeat(78), "a".to_owned()].concat();
    let mut deepest = format!("{keys} = ");
    deepest.push_str(&format!("{{ {keys} = ").repeat(79));
    // If the key is given twice, the TOML reader drops the value, otherwise ours does.
    let deep_twice = format!("x = 1\nx.{deepest}1{}\n", " }".repeat(79));
    let deep = format!("{deepest}1{}\n", " }".repeat(79));
    let bombs = [
        (b"1 18446744073709551615 1".to_vec(), true),
        (b"65536 18446744073709551615".to_vec(), true),
        (repeated("1 ", 1 << 20), true),
        (repeated("[", 1 << 20), false),
        (repeated("{a=", 1 << 18), false),
        (repeated("[a]\n", 1 << 18), false),
        (repeated("=\n", 1 << 21), false),
        (repeated("=\n", 1 << 16), false),
        (repeated("a.", 1 << 20), false),
        (deep.into_bytes(), false),
        (deep_twice.into_bytes(), false),
        ((0..100_000).flat_map(|key| format!("k{key} = 1\n").into_bytes()).collect(), false),
        (
            (0..100_000).flat_map(|at| format!("[[vm]]\nmin = {at}x\n").into_bytes()).collect(),
            false,
        ),
    ];
    for (at, (bytes, is_dat)) in bombs.iter().enumerate() {
        let errors = read("bomb", bytes, *is_dat).check().expect_err("a bomb is no scenario");
        let told = errors.render(false);
        assert!(told.len() < 1 << 20, "bomb {at} tells {} bytes", told.len());
    }
}

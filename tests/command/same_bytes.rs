//! The same bytes from any number of threads, with and without an index over stack distances, and
//! from another build of the program, over random scenarios.
//!
//! `BALLOONIST_SCENARIOS=2000 BALLOONIST_OTHER=target/release/balloonist cargo test --test command
//! same_bytes` takes more of them and a release build beside this one.

#![allow(clippy::disallowed_methods, reason = "the environment says how many")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use balloonist::random::{Generator, Stream};
use balloonist::replace;

fn one_of<T: Copy>(draw: &mut Stream, choices: &[T]) -> T {
    choices[draw.below(choices.len() as u64) as usize]
}

/// A few VMs with drawn accesses and algorithms on a host that is short of memory.
fn scenario(draw: &mut Stream) -> String {
    let vms = 1 + draw.below(4);
    let memory = vms * (2 + draw.below(20));
    let every = 1 + draw.below(200);
    let mut text = format!("host.memory = {memory}\ncheckpoint.every = {every}\n");
    let _ = writeln!(text, "cost.fault = {}", one_of(draw, &[0, 0, 7]));
    let balloon = "actuator = { kind = 'balloon', rate = 3, step = 5, latency = 2 }\n";
    text += one_of(draw, &["", "", balloon]);
    for at in 0..vms {
        let (accesses, pages) = (1 + draw.below(800), 1 + draw.below(40));
        let workload = match draw.below(3) {
            0 => format!("kind = 'zipf', alpha = 0.8, accesses = {accesses}, pages = {pages}"),
            1 => format!("kind = 'loop', accesses = {accesses}, pages = {pages}"),
            _ => format!("kind = 'uniform', accesses = {accesses}, pages = {pages}"),
        };
        let algorithm = replace::ALL[draw.below(replace::ALL.len() as u64) as usize].name;
        let algorithm = if draw.below(2) == 0 { "lru" } else { algorithm };
        let _ = writeln!(text, "[[vm]]\nname = 'v{at}'\nworkload = {{ {workload} }}");
        let _ = writeln!(text, "replacement = {{ kind = '{algorithm}' }}");
    }
    text
}

/// What a program prints with so many threads; it must succeed.
fn printed(program: &Path, folder: &Path, threads: &str, arguments: &str) -> String {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .unwrap();
    let (out, code) = (String::from_utf8(output.stdout).unwrap(), output.status.code());
    assert_eq!(code, Some(0), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn neither_threads_nor_an_index_nor_the_build_change_a_byte() {
    let variable = |name: &str| std::env::var(name).ok();
    let scenarios = variable("BALLOONIST_SCENARIOS").map_or(12, |text| text.parse().unwrap());
    let own = Path::new(env!("CARGO_BIN_EXE_balloonist"));
    let other = variable("BALLOONIST_OTHER").map(|path| std::path::absolute(path).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/same-bytes");
    for number in 0..scenarios {
        let text = scenario(&mut draw);
        std::fs::write(folder.path().join("s.toml"), &text).unwrap();
        let compare = "compare s.toml --quiet --format csv";
        let sweep =
            |jobs: &str| format!("sweep s.toml --quiet --seeds 1..8 --format csv -j {jobs}");
        let compared = printed(own, folder.path(), "1", compare);
        let swept = printed(own, folder.path(), "1", &sweep("1"));
        for threads in ["2", "8"] {
            let again = printed(own, folder.path(), threads, compare);
            assert_eq!(again, compared, "scenario {number}, {threads} threads:\n{text}");
            let again = printed(own, folder.path(), "1", &sweep(threads));
            assert_eq!(again, swept, "scenario {number}, {threads} jobs:\n{text}");
        }
        if let Some(other) = &other {
            let again = printed(other, folder.path(), "2", compare);
            assert_eq!(again, compared, "scenario {number}, another build:\n{text}");
            let again = printed(other, folder.path(), "2", &sweep("2"));
            assert_eq!(again, swept, "scenario {number}, another build:\n{text}");
        }
        // A sweep of eight runs has an index over the distances, a run has none.
        for seed in [1, 8] {
            let run = format!("run s.toml --quiet --no-cache --seed {seed} --format csv");
            for row in printed(own, folder.path(), "1", &run).lines().skip(1) {
                let is_there = swept.contains(&format!(",{row},"));
                assert!(is_there, "scenario {number}, seed {seed}, {row}:\n{swept}\n{text}");
            }
        }
    }
}

//! Properties of every workload.

use super::*;
use crate::random::Generator;
use crate::trace::content_checksum;

fn stream(seed: u64) -> Stream {
    Stream::new(Generator::ChaCha8, seed, 0, "vm/test/workload")
}

fn spec(name: &str, accesses: u64) -> WorkloadSpec {
    let kind = ALL.iter().find(|kind| kind.name == name).unwrap();
    let of = if kind.nests {
        vec![spec("scan", accesses / 2), spec("zipf", accesses / 2)]
    } else {
        Vec::new()
    };
    let accesses = if kind.nests { 0 } else { accesses };
    WorkloadSpec { kind, settings: Settings::defaults(kind.params), accesses, of }
}

fn pages(trace: &Trace) -> Vec<u64> {
    (0..trace.accesses()).map(|at| trace.numbers()[trace.page(at) as usize].0).collect()
}

#[test]
fn names_are_unique_and_heads_are_complete() {
    for (at, kind) in ALL.iter().enumerate() {
        assert!(ALL[..at].iter().all(|other| other.name != kind.name), "{}", kind.name);
        assert!(!kind.summary.ends_with('.') && !kind.follows.is_empty(), "{}", kind.name);
        assert_eq!(kind.params.iter().any(|param| param.name == "writes"), !kind.nests);
    }
}

#[test]
fn the_seed_decides_everything() {
    for kind in ALL {
        let mut spec = spec(kind.name, 2000);
        let leaf = if kind.nests { &mut spec.of[1] } else { &mut spec };
        leaf.settings.set("writes", Value::Decimal(Decimal { digits: 3, places: 1 }));
        let trace = spec.generate(&mut stream(1));
        assert_eq!(trace.accesses(), 2000, "{}", kind.name);
        assert!(trace == spec.generate(&mut stream(1)), "{}", kind.name);
        assert!(trace != spec.generate(&mut stream(2)), "{}", kind.name);
    }
}

/// Published results depend on the same traces on every machine and in every version.
#[test]
fn traces_are_the_same_in_every_version() {
    let hashes: Vec<(&str, u64)> = ALL
        .iter()
        .map(|kind| {
            (kind.name, content_checksum(&spec(kind.name, 10_000).generate(&mut stream(1))))
        })
        .collect();
    assert_eq!(
        hashes,
        [
            ("uniform", 0x4225_d102_9a95_0787),
            ("zipf", 0x622c_2756_7769_1f81),
            ("scan", 0x4565_9541_7efb_109f),
            ("loop", 0x2864_c0c3_3dd1_9db9),
            ("lru-stack", 0x4a0d_03ba_a40b_18ab),
            ("working-set", 0xc51b_9e10_1c84_cd7e),
            ("phases", 0xd059_5437_2b4b_4110),
        ]
    );
}

#[test]
fn plain_patterns_are_what_they_say() {
    let mut scan = spec("scan", 7);
    scan.settings.set("repeats", Value::Integer(2));
    scan.settings.set("stride", Value::Integer(10));
    scan.settings.set("first_page", Value::Integer(100));
    assert_eq!(pages(&scan.generate(&mut stream(1))), [100, 100, 110, 110, 120, 120, 130]);
    let mut cycle = spec("loop", 7);
    cycle.settings.set("pages", Value::Integer(3));
    assert_eq!(pages(&cycle.generate(&mut stream(1))), [0, 1, 2, 0, 1, 2, 0]);
    let rounds = WorkloadSpec {
        settings: {
            let mut settings = Settings::defaults(phases::KIND.params);
            settings.set("rounds", Value::Integer(2));
            settings
        },
        of: vec![cycle.clone(), scan.clone()],
        ..spec("phases", 0)
    };
    assert_eq!(rounds.accesses_total(), Some(28));
    let twice = pages(&rounds.generate(&mut stream(1)));
    assert_eq!(twice[7..14], [100, 100, 110, 110, 120, 120, 130]);
    assert_eq!(twice[..14], twice[14..]);
}

#[test]
fn a_drifting_window_stays_in_its_bounds() {
    let mut spec = spec("working-set", 3000);
    for (name, value) in [("pages", 50), ("window", 10), ("drift", 20)] {
        spec.settings.set(name, Value::Integer(value));
    }
    for (at, &page) in pages(&spec.generate(&mut stream(1))).iter().enumerate() {
        let start = at as u64 / 20 % 50;
        assert!((page + 50 - start) % 50 < 10, "access {at} to page {page}, window at {start}");
    }
}

/// Frequencies match the law within five standard deviations.
#[test]
fn zipf_frequencies_follow_the_law() {
    let mut spec = spec("zipf", 200_000);
    spec.settings.set("pages", Value::Integer(100));
    spec.settings.set("alpha", Value::Decimal(whole(1)));
    spec.settings.set("shuffle", Value::Choice("no"));
    let mut counts = [0_u32; 100];
    for page in pages(&spec.generate(&mut stream(1))) {
        counts[page as usize] += 1;
    }
    let sum: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
    for (rank, &count) in (1..).zip(&counts) {
        let chance = 1.0 / f64::from(rank) / sum;
        let expected = 200_000.0 * chance;
        let deviation = (expected * (1.0 - chance)).sqrt();
        assert!((f64::from(count) - expected).abs() < 5.0 * deviation, "rank {rank}: {count}");
    }
}

#[test]
fn writes_come_at_their_rate() {
    let mut spec = spec("uniform", 100_000);
    for (digits, expected, tolerance) in [(0, 0, 0), (25, 25_000, 685), (100, 100_000, 0)] {
        spec.settings.set("writes", Value::Decimal(Decimal { digits, places: 2 }));
        let [_, loads, stores, _] = spec.generate(&mut stream(1)).kind_counts().unwrap();
        assert_eq!(loads + stores, 100_000);
        assert!(stores.abs_diff(expected) <= tolerance, "{stores} of {expected}");
    }
}

#[test]
fn parameters_are_checked_against_each_other() {
    let mut window = spec("working-set", 10);
    window.settings.set("window", Value::Integer(2000));
    let mut deep = spec("scan", 1);
    for _ in 0..9 {
        deep = WorkloadSpec { of: vec![deep], ..spec("phases", 0) };
    }
    let mut huge = spec("scan", u64::MAX);
    huge.of.clear();
    for (spec, expected) in [
        (spec("scan", 0), "no access"),
        (window, "larger than the 1024 pages"),
        (deep, "nested deeper"),
        (huge, "more than 4294967295 accesses"),
        (WorkloadSpec { of: Vec::new(), ..spec("phases", 2) }, "phases has 0 phases"),
        (WorkloadSpec { of: vec![spec("scan", 1)], ..spec("zipf", 2) }, "zipf has 1 phases"),
    ] {
        let error = spec.check().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

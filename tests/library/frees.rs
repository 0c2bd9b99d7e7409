//! Guests that free pages: how files express it, and what happens to the pages.

use std::sync::Arc;

use balloonist::formats::write::{OUTPUTS, WriteError};
use balloonist::formats::{Loaded, ReadError, ReadOptions, load_from, load_head};
use balloonist::replace::{FrameEvent, replay_recorded};
use balloonist::trace::curve::lru_faults;
use balloonist::trace::{Trace, TraceBuilder};
use balloonist::units::{Frames, Page};

use crate::common::replacements::{draw, kind, trace_with_frees};
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};

fn read(name: &str, content: &str, options: &ReadOptions) -> Result<Loaded, ReadError> {
    load_from(content.as_bytes(), name, None, options)
}

fn trace(name: &str, content: &str) -> Trace {
    let loaded = read(name, content, &ReadOptions::default());
    loaded.unwrap_or_else(|error| panic!("{name}: {error}")).trace
}

/// The pages freed after each access, by their numbers.
fn freed(trace: &Trace) -> Vec<Vec<u64>> {
    let number = |&page: &u32| trace.numbers()[page as usize].0;
    (0..trace.accesses()).map(|at| trace.freed_after(at).iter().map(number).collect()).collect()
}

#[test]
fn every_format_reads_the_same_frees() {
    let mut builder = TraceBuilder::default();
    for page in [7, 8, 7] {
        builder.push(Page(page));
    }
    assert!(builder.free(Page(7)) && !builder.free(Page(7)) && !builder.free(Page(99)));
    builder.push(Page(7));
    assert!(builder.free(Page(8)));
    let expected = builder.finish();
    assert_eq!(freed(&expected), [vec![], vec![], vec![7], vec![8]]);
    assert_eq!((expected.in_use(3), expected.in_use(4), expected.in_use(5)), (1, 1, 1));
    for (name, content) in [
        ("a.txt", "7\n8\n7\n7 F\n7 f\n99 F\n7\n8 F\n"),
        ("a.csv", "page,event\n7,access\n8,access\n7,access\n7,free\n7,access\n8,munmap\n"),
        (
            "a.csv",
            "address,event\n28672,access\n32768,access\n28672,access\n28672,free\n\
                   28673,access\n32768,free\n",
        ),
        (
            "a.jsonl",
            "{\"page\":7,\"event\":\"access\"}\n{\"page\":8,\"event\":\"access\"}\n\
             {\"event\":\"access\",\"page\":7}\n{\"page\":7,\"event\":\"free\"}\n\
             {\"page\":7,\"event\":\"access\"}\n{\"page\":8,\"event\":\"free\"}\n",
        ),
    ] {
        let found = trace(name, content);
        assert_eq!(found, expected, "{name}");
        assert_eq!(found.content_hash(), expected.content_hash());
    }
}

#[test]
fn what_is_written_is_read_again() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/frees");
    for number in 0..40 {
        let trace = trace_with_frees(&mut draw, number % 4);
        for output in OUTPUTS.iter().filter(|output| output.name != "kinds") {
            let mut bytes = Vec::new();
            let written = (output.write)(&trace, &mut bytes);
            if output.name.starts_with('u') && trace.frees().is_some() {
                assert!(matches!(written, Err(WriteError::Unfit(why)) if why.contains("jsonl")));
                continue;
            }
            written.unwrap();
            let name = format!("x.{}", output.name);
            let loaded = load_from(&bytes[..], &name, None, &ReadOptions::default()).unwrap();
            // Text has only reads and writes, and raw words have no kinds.
            if trace.has_kinds() && ["text", "u32", "u64"].contains(&output.name) {
                assert_eq!(loaded.trace.run_pages(), trace.run_pages(), "{}", output.name);
                assert_eq!(loaded.trace.frees(), trace.frees(), "{}", output.name);
            } else {
                assert_eq!(loaded.trace, *trace, "{} {number}", output.name);
            }
        }
    }
}

#[test]
fn a_free_of_bytes_frees_the_pages_that_lie_in_them() {
    let of = |rows: &str| {
        let rows = format!("pid,address,size,event\n{rows}");
        trace("a.csv", &rows)
    };
    let touch = "1,0,16384,read\n2,0,16384,read\n";
    for (free, expected) in [
        ("1,0,4096,free", vec![0]),
        ("1,1,8191,free", vec![1]),
        ("1,4096,12288,free", vec![1, 2, 3]),
        ("1,4097,4096,free", vec![]),
        ("1,8192,0,free", vec![2]),
        ("1,0,1099511627776,free", vec![0, 1, 2, 3]),
        ("2,0,8192,free", vec![1 << 48, 1 << 48 | 1]),
        ("3,0,8192,free", vec![]),
    ] {
        assert_eq!(freed(&of(&format!("{touch}{free}\n")))[7], expected, "{free}");
    }
}

#[test]
fn words_for_frees_are_named_and_names_are_freed() {
    let options = ReadOptions {
        frees: Some("discard,trim".to_owned()),
        op_field: Some("op".to_owned()),
        ..ReadOptions::default()
    };
    let rows = "key,op\na,read\nb,write\na,discard\nb,Trim\nb,read\n";
    let loaded = read("a.csv", rows, &options).unwrap();
    assert_eq!(freed(&loaded.trace), [vec![], vec![0, 1], vec![]]);
    let said = loaded.notes.iter().any(|note| note.starts_with("2 rows free 2 pages in use"));
    assert!(said, "{:?}", loaded.notes);
    let mixed = read("a.csv", "page,event\n1,access\n2,read\n", &ReadOptions::default());
    assert!(mixed.unwrap_err().message.contains("`access`"));
}

#[test]
fn the_first_accesses_end_with_their_frees() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "1\n2\n1 F\n2\n2 F\n").unwrap();
    for (accesses, expected) in [(1, vec![vec![]]), (2, vec![vec![], vec![1]])] {
        let loaded = load_head(&path, accesses, &ReadOptions::default()).unwrap();
        assert_eq!(freed(&loaded.trace), expected, "{accesses}");
    }
}

/// Written by hand, with expected counts determined by hand.
#[test]
fn fixtures_have_the_counts_of_their_rows() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for (name, counts, expected) in [
        ("frees.txt", (5, 3), vec![vec![], vec![], vec![100], vec![101], vec![]]),
        // The pages of process 12 from 0x400000 to 0x4fffff, not that of process 13.
        ("frees.csv", (5, 4), vec![vec![], vec![], vec![], vec![1025, 1026, 1027], vec![]]),
        ("frees.jsonl", (3, 2), vec![vec![], vec![5], vec![]]),
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let options = ReadOptions {
            time: name.ends_with("jsonl").then(|| "recorded".to_owned()),
            ..ReadOptions::default()
        };
        let trace = load_from(&bytes[..], name, None, &options).unwrap().trace;
        assert_eq!((trace.accesses(), trace.distinct_pages()), counts, "{name}");
        assert_eq!(freed(&trace), expected, "{name}");
        let last = trace.accesses() - 1;
        let elapsed = trace.times().map(|times| times.elapsed(last));
        assert_eq!(elapsed, name.ends_with("jsonl").then_some(30_000), "{name}");
    }
}

/// The frames of 1 and 2 are full when 1 is freed: 3 fills its frame, and the next 1 is cold.
#[test]
fn a_freed_page_leaves_an_empty_frame_and_comes_back_cold() {
    let trace = Arc::new(trace("a.txt", "1\n2\n1 F\n3\n1\n2\n"));
    let settings = Settings::defaults(&[]);
    let lru = kind("lru");
    let (counts, events) = replay_recorded(lru.build, &settings, &trace, Frames(2), &|| draw(1));
    let expected = [
        FrameEvent::Fill { position: 0, page: 0 },
        FrameEvent::Fill { position: 1, page: 1 },
        FrameEvent::Free { page: 0 },
        FrameEvent::Fill { position: 2, page: 2 },
        FrameEvent::Replacement { position: 3, page: 0, victim: 1 },
        FrameEvent::Replacement { position: 4, page: 1, victim: 2 },
    ];
    assert_eq!(events, expected);
    assert_eq!((counts.demand_faults, counts.cold_faults, counts.capacity_faults()), (5, 4, 1));
    // With three frames the frame of 1 is empty when 3 comes, and 2 stays.
    assert_eq!(lru_faults(&trace, 5), [5, 5, 5, 4]);
}

//! Traces compared with plain sequences.

use super::*;
use proptest::prelude::*;

proptest! {
    /// A trace compared with the plain sequence that it was built from.
    #[test]
    fn every_position_is_found_again(
        pages in prop::collection::vec((0_u64..5, 1_usize..200), 0..40),
        cut in (0.0..1.0_f64, 0.0..1.0_f64),
    ) {
        let plain: Vec<u64> = pages
            .iter()
            .flat_map(|&(page, repeats)| std::iter::repeat_n(page << 40, repeats))
            .collect();
        let trace = Trace::from_pages(plain.iter().copied());
        prop_assert_eq!(trace.accesses(), plain.len() as u64);
        for (at, &page) in plain.iter().enumerate() {
            let begins = at == 0 || plain[at - 1] != page;
            let rest = plain[at..].iter().take_while(|&&next| next == page).count();
            let at = at as u64;
            prop_assert_eq!(trace.numbers()[trace.page(at) as usize], Page(page));
            prop_assert_eq!(trace.begins_run(at), begins);
            prop_assert_eq!(trace.rest_of_run(at), rest as u64);
        }
        let cut_at = |part: f64| (part * plain.len() as f64) as usize;
        let (from, to) = (cut_at(cut.0.min(cut.1)), cut_at(cut.0.max(cut.1)));
        let unrolled: Vec<u64> = trace
            .runs(from as u64, to as u64)
            .flat_map(|run| {
                let number = trace.numbers()[run.page as usize].0;
                std::iter::repeat_n(number, run.accesses as usize)
            })
            .collect();
        prop_assert_eq!(&unrolled, &plain[from..to]);
        let distinct: std::collections::BTreeSet<_> = plain[..to].iter().collect();
        prop_assert_eq!(trace.distinct_before(to as u64), distinct.len());
    }

    #[test]
    fn kinds_are_kept(letters in prop::collection::vec(0_usize..4, 0..200)) {
        let mut builder = TraceBuilder::default();
        for &letter in &letters {
            builder.push_kind(Page(letter as u64), AccessKind::ALL[letter]);
        }
        let trace = builder.finish();
        for (at, &letter) in letters.iter().enumerate() {
            prop_assert_eq!(trace.kind(at as u64), Some(AccessKind::ALL[letter]));
        }
    }

    /// Bulk, run-wise and single pushes build the same trace.
    #[test]
    fn all_ways_in_make_the_same_trace(
        runs in prop::collection::vec((0_u32..3, 1_usize..90), 0..60),
        cuts in prop::collection::vec(0_usize..200, 0..20),
    ) {
        let plain: Vec<u32> =
            runs.iter().flat_map(|&(page, n)| std::iter::repeat_n(page, n)).collect();
        let single = Trace::from_pages(plain.iter().map(|&page| page.into()));
        let mut by_run = TraceBuilder::default();
        for &(page, accesses) in &runs {
            by_run.push_run(Page(page.into()), accesses as u64);
        }
        let mut bulk = TraceBuilder::default();
        let mut rest = &plain[..];
        for cut in cuts {
            let (first, others) = rest.split_at(cut.min(rest.len()));
            bulk.extend_u32(first);
            rest = others;
        }
        bulk.extend_u32(rest);
        prop_assert_eq!(&by_run.finish(), &single);
        prop_assert_eq!(&bulk.finish(), &single);
    }

    #[test]
    fn kinds_in_bulk_are_those_one_by_one(
        letters in prop::collection::vec(0_usize..4, 0..200),
        cut in 0_usize..200,
    ) {
        let kinds = letters.iter().map(|&letter| AccessKind::ALL[letter]);
        let kinds: Vec<AccessKind> = kinds.collect();
        let (first, rest) = kinds.split_at(cut.min(kinds.len()));
        let mut bulk = Kinds::default();
        bulk.extend(first);
        bulk.extend(rest);
        let mut single = Kinds::default();
        for &kind in &kinds {
            single.push(kind);
        }
        prop_assert_eq!(&bulk, &single);
        let count = |kind| kinds.iter().filter(|&&other| other == kind).count() as u64;
        let counts = AccessKind::ALL.map(count);
        prop_assert_eq!(bulk.counts(), counts);
    }
}

#[test]
fn a_full_builder_refuses_further_accesses() {
    let mut builder = TraceBuilder::with_limit(70);
    builder.extend_u32(&[7; 70]);
    assert!(!builder.overflowed());
    builder.push_kind(Page(7), AccessKind::Load);
    builder.push_run(Page(8), 2);
    builder.extend_u32(&[1; 200]);
    assert!(builder.overflowed());
    assert_eq!((builder.accesses(), builder.kinds_known()), (70, 0));
}

/// The accesses of one record share its time; after a cut the remaining ones keep their times.
#[test]
fn every_access_has_the_time_said_after_it() {
    let mut builder = TraceBuilder::default();
    builder.push_run(Page(4), 2);
    builder.at(30);
    builder.push(Page(5));
    builder.at(70);
    builder.since(10);
    let trace = builder.finish();
    let elapsed = |trace: &Trace| {
        let times = trace.times().unwrap();
        (0..trace.accesses()).map(|at| times.elapsed(at)).collect::<Vec<_>>()
    };
    assert_eq!(elapsed(&trace), [20, 20, 60]);
    let mut shorter = TraceBuilder::with_limit(2);
    shorter.adopt((*trace).clone());
    shorter.cut();
    assert_eq!(elapsed(&shorter.finish()), [20, 20]);
}

#[test]
#[should_panic(expected = "some accesses have no time")]
fn a_trace_has_times_for_all_accesses_or_for_none() {
    let mut builder = TraceBuilder::default();
    builder.push(Page(1));
    builder.at(1);
    builder.push(Page(2));
    let _ = builder.finish();
}

//! The adaptive replacement algorithms, and MIN, compared with naive second implementations from
//! their sources.

mod arc_and_car;
mod linux;
mod lirs;
mod min;

use std::sync::Arc;

use crate::common::replacements::{
    Make, Naive, Start, Use, agree, agree_on_all_short, build, draw as draw_of, faults, kind,
    marked, part, shrink, stretch,
};
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, List, ReplacementKind};
use balloonist::trace::{PageId, Trace, TraceBuilder};
use balloonist::units::{Frames, Page};

/// Every algorithm here under its name.
const ALL: &[(&str, Make)] = &[
    ("lirs", lirs::NaiveLirs::make),
    ("arc", arc_and_car::NaiveArc::make),
    ("car", arc_and_car::NaiveCar::make),
    ("linux-two-list", linux::NaiveTwoList::make),
    ("mglru", linux::NaiveMultiGen::make),
    ("min", min::NaiveMin::make),
];

#[test]
fn naive_second_implementations_agree_over_random_accesses_and_resizes() {
    std::thread::scope(|scope| {
        for (name, make) in ALL {
            scope.spawn(|| agree(name, *make, 100_000));
        }
    });
}

#[test]
fn naive_second_implementations_agree_on_every_short_trace() {
    std::thread::scope(|scope| {
        for (name, make) in ALL {
            scope.spawn(|| agree_on_all_short(name, *make, 7, 4));
        }
    });
}

/// With as many frames as a reclaim takes several pages, over several page tables of which parts
/// are used: what a walk skips and a look-around sees decides.
#[test]
fn mglru_is_the_naive_one_over_many_pages() {
    let kind = kind("mglru");
    for number in 0..60 {
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/mglru/many");
        let (first, most) = (100 + draw.below(400), 200 + draw.below(400));
        let pages = skewed_pages(&mut draw, first + most, 6_000);
        // Two of three pages of a table, or one of 40.
        let spread: fn(u64) -> u64 =
            if draw.below(2) == 0 { |page| page * 3 / 2 } else { |page| page * 40 };
        let trace = Arc::new(Trace::from_pages(pages.into_iter().map(spread)));
        let mut settings = Settings::defaults(kind.params);
        let walk = if draw.below(2) == 0 { "always" } else { "never" };
        settings.set("walk", Value::Choice(walk));
        let frames = first as usize;
        let mut real = build(kind, &settings, &trace, first);
        let start = Start { settings: &settings, frames, draw: draw_of(number), trace: &trace };
        let mut naive = linux::NaiveMultiGen::make(start);
        for at in 0..trace.accesses() {
            naive.access(Use { page: trace.page(at), writes: false });
            real.run(stretch(at, 1));
            if at % 50 == 0 {
                assert_eq!(real.lists(), naive.lists(), "{number}, access {at}");
            }
        }
    }
}

/// The textbook's example, and Belady's example of FIFO's anomaly.
const TEXTBOOK: [u64; 20] = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const BELADY: [u64; 12] = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];

#[test]
fn the_textbook_string_and_beladys_have_the_known_faults() {
    for (name, expected) in [("arc", [13, 9, 10, 7]), ("min", [9, 8, 7, 6])] {
        let settings = Settings::defaults(kind(name).params);
        let at = |pages: &[u64], frames| faults(kind(name), &settings, pages, frames);
        let all = [at(&TEXTBOOK, 3), at(&TEXTBOOK, 4), at(&BELADY, 3), at(&BELADY, 4)];
        assert_eq!(all, expected, "{name}");
    }
}

/// Random pages: some repeat, some continue a loop, some draws favour low numbers.
fn skewed_pages(draw: &mut Stream, pages: u64, length: u64) -> Vec<u64> {
    let mut page = 0;
    let skewed = draw.below(2) == 0;
    let accesses = (0..length).map(|_| {
        match draw.below(4) {
            0 => {}
            1 => page = (page + 1) % pages,
            _ if skewed => {
                let below = 1 + draw.below(pages);
                page = draw.below(below);
            }
            _ => page = draw.below(pages),
        }
        page
    });
    accesses.collect()
}

//! MIN compared with the best of all possible choices.

use std::collections::BTreeMap;

use super::*;

/// The accesses, repeated; the position of the next one; the resident pages.
pub(super) struct NaiveMin {
    pages: Vec<PageId>,
    /// The pages freed after each access.
    freed: Vec<Vec<PageId>>,
    position: usize,
    resident: Vec<PageId>,
    frames: usize,
}

impl NaiveMin {
    /// How many accesses there are before the page is used next; without end if it is freed first.
    fn next_use(&self, page: PageId) -> usize {
        for ahead in 0.. {
            let next = (self.position + ahead) % self.pages.len();
            let before = (next + self.pages.len() - 1) % self.pages.len();
            if self.position + ahead > 0 && self.freed[before].contains(&page) {
                return usize::MAX;
            }
            if self.pages[next] == page {
                return ahead;
            }
        }
        unreachable!("a page of the trace is used again or freed")
    }

    fn evict(&mut self) -> PageId {
        let at = (0..self.resident.len()).max_by_key(|&at| {
            let page = self.resident[at];
            (self.next_use(page), std::cmp::Reverse(page))
        });
        self.resident.remove(at.expect("a page is resident"))
    }
}

impl NaiveMin {
    pub(super) fn make(Start { trace, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        let pages = (0..trace.accesses()).map(|at| trace.page(at)).collect();
        let freed = (0..trace.accesses()).map(|at| trace.freed_after(at).to_vec()).collect();
        Box::new(Self { pages, freed, position: 0, resident: Vec::new(), frames })
    }
}

impl Naive for NaiveMin {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        self.position += 1;
        if self.resident.contains(&page) {
            return None;
        }
        let victim = (self.resident.len() == self.frames).then(|| self.evict());
        self.resident.push(page);
        victim
    }

    fn free(&mut self, page: PageId) {
        self.resident.retain(|&other| other != page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.resident.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Vec<List> {
        let mut pages = self.resident.clone();
        // The page of a run that continues is used first in any case.
        pages.sort_by_key(|&page| (self.next_use(page), page));
        vec![List::resident("", pages)]
    }
}

/// The fewest demand faults over all choices of victims, with these allocations at each access: all
/// choices are tried, by the set of resident pages. After each access some pages are freed.
fn fewest_faults(pages: &[u64], freed: &[u32], frames: &[u32]) -> u64 {
    let mut reached = BTreeMap::from([(0_u32, 0)]);
    let keep = |reached: &mut BTreeMap<u32, u64>, set, faults: u64| {
        let fewest = reached.entry(set).or_insert(faults);
        *fewest = faults.min(*fewest);
    };
    for ((&page, &freed), &frames) in pages.iter().zip(freed).zip(frames) {
        let page = 1 << page;
        let mut next = BTreeMap::new();
        while let Some((set, faults)) = reached.pop_first() {
            if set.count_ones() > frames {
                // Any page may be evicted; sets only shrink, so smaller ones come earlier.
                let members = (0..32).map(|bit| 1 << bit).filter(|bit| set & bit != 0);
                members.for_each(|member| keep(&mut reached, set & !member, faults));
            } else if set & page != 0 {
                keep(&mut next, set, faults);
            } else if set.count_ones() < frames {
                keep(&mut next, set | page, faults + 1);
            } else {
                let members = (0..32).map(|bit| 1 << bit).filter(|bit| set & bit != 0);
                members.for_each(|member| keep(&mut next, set & !member | page, faults + 1));
            }
        }
        reached = BTreeMap::new();
        for (set, faults) in next {
            keep(&mut reached, set & !freed, faults);
        }
    }
    *reached.values().min().expect("some set is reached")
}

/// The demand faults with these allocations at each access.
fn faults_under(kind: &ReplacementKind, trace: &Arc<Trace>, frames: &[u32]) -> u64 {
    let settings = Settings::defaults(kind.params);
    let mut algorithm = build(kind, &settings, trace, frames[0].into());
    let mut faults = 0;
    for (at, &frames) in frames.iter().enumerate() {
        algorithm.resize(Frames(u64::from(frames)));
        faults += algorithm.run(stretch(at as u64, 1)).demand_faults;
    }
    faults
}

#[test]
fn nothing_faults_less_than_min_whatever_the_allocation_does() {
    for number in 0..20_000 {
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/min");
        let distinct = 1 + draw.below(6);
        let length = 1 + draw.below(14);
        let pages = skewed_pages(&mut draw, distinct, length);
        let mut held = 1 + draw.below(5) as u32;
        let mut allocate = |_| {
            if draw.below(3) == 0 {
                held = 1 + draw.below(5) as u32;
            }
            held
        };
        let frames: Vec<u32> = (0..length).map(&mut allocate).collect();
        let mut builder = TraceBuilder::default();
        let mut freed = vec![0; pages.len()];
        for (&page, freed) in pages.iter().zip(&mut freed) {
            builder.push(Page(page));
            while number % 2 == 1 && draw.below(4) == 0 {
                let page = draw.below(distinct);
                builder.free(Page(page));
                *freed |= 1 << page;
            }
        }
        let trace = Arc::new(builder.finish());
        let fewest = fewest_faults(&pages, &freed, &frames);
        assert_eq!(faults_under(kind("min"), &trace, &frames), fewest, "{pages:?} {frames:?}");
        for kind in replace::ALL {
            assert!(faults_under(kind, &trace, &frames) >= fewest, "{}: {pages:?}", kind.name);
        }
    }
}

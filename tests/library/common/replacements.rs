//! Replacement algorithms compared with naive second implementations over the same random accesses
//! and resizes: counts, faults, victims and lists must be equal.

use std::sync::Arc;

use balloonist::params::{Domain, Param, Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{
    self, Counts, Delays, FrameEvent, Guest, List, Replacement, ReplacementKind, Stretch,
};
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{AccessKind, PageId, Trace, TraceBuilder};
use balloonist::units::{Decimal, Frames, Page, Ticks};

/// A naive second implementation of an algorithm, from its source.
pub trait Naive {
    /// Loads a page that is not resident, after making room if no frame is empty, or notes the use
    /// of a resident page. Returns the page evicted.
    fn access(&mut self, access: Use) -> Option<PageId>;

    /// If the last access loaded a page into a frame that was emptied by evicting several pages at
    /// once: those pages, or none if that was done before.
    fn reclaimed(&mut self) -> Option<Vec<PageId>> {
        None
    }

    /// Forgets a page that the guest has freed.
    fn free(&mut self, page: PageId);

    /// Sets the allocation and returns the pages that no longer fit, in order of eviction.
    fn resize(&mut self, frames: usize) -> Vec<PageId>;

    /// Its lists, in the form of the algorithm under test.
    fn lists(&self) -> Vec<List>;
}

/// The arguments for building a naive algorithm.
pub struct Start<'a> {
    pub settings: &'a Settings,
    pub frames: usize,
    pub draw: Stream,
    pub trace: &'a Arc<Trace>,
}

/// One access.
#[derive(Clone, Copy)]
pub struct Use {
    pub page: PageId,
    pub writes: bool,
}

/// Builds a naive algorithm.
pub type Make = fn(Start<'_>) -> Box<dyn Naive>;

/// Evicts `excess` pages by one rule.
pub fn shrink(excess: usize, mut evict: impl FnMut() -> PageId) -> Vec<PageId> {
    (0..excess).map(|_| evict()).collect()
}

/// A list of resident pages with their marks.
pub fn marked<M: Into<u8>>(
    name: &'static str,
    pages: impl IntoIterator<Item = (PageId, M)>,
) -> List {
    let (pages, marks): (Vec<_>, Vec<u8>) =
        pages.into_iter().map(|(page, mark)| (page, mark.into())).unzip();
    List { marks, ..List::resident(name, pages) }
}

/// The share of the frames, rounded down, given by a parameter with at most two decimals.
pub fn part(settings: &Settings, name: &str, frames: usize) -> usize {
    let text = settings.decimal(name).to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let hundredths: usize = format!("{whole}{fraction:0<2}").parse().unwrap();
    hundredths * frames / 100
}

/// The algorithm of that name.
pub fn kind(name: &str) -> &'static ReplacementKind {
    replace::ALL.iter().find(|kind| kind.name == name).expect("a known replacement algorithm")
}

/// The guest's random stream in all tests.
pub fn draw(seed: u64) -> Stream {
    Stream::new(Generator::ChaCha8, seed, 0, "vm/test/replacement")
}

/// An algorithm for a VM of this trace, without write-backs.
pub fn build(
    kind: &ReplacementKind,
    settings: &Settings,
    trace: &Arc<Trace>,
    frames: u64,
) -> Box<dyn Replacement> {
    let guest = Guest {
        trace,
        frames: Frames(frames),
        draw: &|| draw(1),
        counts_write_backs: false,
        tiers: &[],
        backing: None,
        shares: None,
    };
    (kind.build)(settings, &guest)
}

/// So many accesses of the first pass, without delays and however long they take.
pub fn stretch(from: u64, most: u64) -> Stretch {
    Stretch {
        from,
        first_pass: true,
        budget: Ticks(u64::MAX),
        most,
        tempo: Tempo::default(),
        delays: Delays::default(),
    }
}

/// The demand faults of a whole trace under one allocation.
pub fn faults(kind: &ReplacementKind, settings: &Settings, pages: &[u64], frames: u64) -> u64 {
    let trace = Arc::new(Trace::from_pages(pages.iter().copied()));
    build(kind, settings, &trace, frames).run(stretch(0, trace.accesses())).demand_faults
}

/// Random settings of an algorithm's parameters; large ones near their smallest value.
pub fn random_settings(params: &[Param], draw: &mut Stream) -> Settings {
    vary(Settings::defaults(params), params, draw)
}

/// The settings with about half of the parameters drawn; large ones near their smallest value.
pub fn vary(mut settings: Settings, params: &[Param], draw: &mut Stream) -> Settings {
    for param in params {
        if draw.below(2) == 0 {
            continue;
        }
        let value = match param.domain {
            Domain::Integer { min, max } => {
                Value::Integer(min + draw.below((max - min).min(12) + 1))
            }
            Domain::Frames { min } | Domain::Ticks { min } => Value::Integer(min + draw.below(12)),
            Domain::Decimal { min, max } => {
                let hundredths = |value: Decimal| value.floor_of(100);
                let least = hundredths(min);
                let digits = least + draw.below(hundredths(max).min(least + 150) - least + 1);
                let drawn = Decimal { digits, places: 2 };
                Value::Decimal(if digits == least { min } else { drawn })
            }
            Domain::Choice(words) => Value::Choice(words[draw.below(words.len() as u64) as usize]),
            // There is no sensible random value.
            _ => continue,
        };
        settings.set(param.name, value);
    }
    settings
}

/// Drives a naive algorithm through a VM's accesses and keeps its counts.
struct Model {
    naive: Box<dyn Naive>,
    trace: Arc<Trace>,
    frames: usize,
    seen: Vec<bool>,
    dirty: Option<Vec<PageId>>,
    /// The resident pages after the last access or resize.
    resident: Vec<PageId>,
    /// The frame events since they were last taken, in order.
    events: Vec<FrameEvent>,
}

impl Model {
    fn new(make: Make, start: Start<'_>, counts_write_backs: bool) -> Self {
        Self {
            trace: Arc::clone(start.trace),
            frames: start.frames,
            seen: vec![false; start.trace.distinct_pages()],
            dirty: counts_write_backs.then(Vec::new),
            resident: Vec::new(),
            events: Vec::new(),
            naive: make(start),
        }
    }

    /// Updates the resident pages. Returns the previous ones.
    fn look(&mut self) -> Vec<PageId> {
        let resident = self.naive.lists().into_iter().filter(|list| list.resident);
        let now = resident.flat_map(|list| list.pages).collect();
        std::mem::replace(&mut self.resident, now)
    }

    /// Whether the evicted page must be written back: 0 or 1.
    fn write_back(&mut self, page: PageId) -> u64 {
        let Some(dirty) = &mut self.dirty else { return 0 };
        let before = dirty.len();
        dirty.retain(|&other| other != page);
        (before - dirty.len()) as u64
    }

    fn access(&mut self, at: u64) -> Counts {
        let page = self.trace.page(at);
        let writes = self.trace.kind(at).is_some_and(AccessKind::writes);
        let is_fault = !self.resident.contains(&page);
        let is_first = !std::mem::replace(&mut self.seen[page as usize], true);
        let victim = self.naive.access(Use { page, writes });
        let reclaimed = self.naive.reclaimed();
        let before = self.look();
        let must_evict = is_fault && before.len() == self.frames;
        let batch = reclaimed.as_deref().unwrap_or_default();
        let evicted = [batch, victim.as_slice()].concat();
        assert_eq!(!evicted.is_empty(), must_evict, "pages go if there is no empty frame");
        let evicts = must_evict || reclaimed.is_some();
        let after = &self.resident;
        assert!(after.contains(&page) && after.len() <= self.frames, "{after:?}");
        for victim in &evicted {
            assert!(before.contains(victim) && !after.contains(victim), "{victim} goes");
        }
        assert_eq!(after.len(), before.len() + usize::from(is_fault) - evicted.len());
        let come = after.iter().filter(|page| !before.contains(page)).count();
        assert_eq!(come, usize::from(is_fault), "no other page comes");
        self.events.extend(batch.iter().map(|&page| FrameEvent::Eviction { page }));
        self.events.extend(is_fault.then_some(match victim {
            Some(victim) => FrameEvent::Replacement { position: at, page, victim },
            None => FrameEvent::Fill { position: at, page },
        }));
        let write_backs = evicted.into_iter().map(|victim| self.write_back(victim)).sum();
        if let Some(dirty) = self.dirty.as_mut().filter(|dirty| writes && !dirty.contains(&page)) {
            dirty.push(page);
        }
        self.free(at);
        let mut counts = Counts::default();
        counts.accesses = 1;
        counts.demand_faults = u64::from(is_fault);
        counts.cold_faults = u64::from(is_first);
        counts.replacement_misses = u64::from(evicts);
        counts.write_backs = write_backs;
        counts
    }

    /// The frees after an access.
    fn free(&mut self, at: u64) {
        for &page in Arc::clone(&self.trace).freed_after(at) {
            self.naive.free(page);
            let before = self.look();
            let after: Vec<PageId> =
                before.iter().copied().filter(|&other| other != page).collect();
            let sorted = |mut pages: Vec<PageId>| {
                pages.sort_unstable();
                pages
            };
            assert_eq!(sorted(self.resident.clone()), sorted(after), "no other page goes");
            if before.contains(&page) {
                self.events.push(FrameEvent::Free { page });
            }
            let _ = self.write_back(page); // It is not dirty any more, and written nowhere.
            self.seen[page as usize] = false;
        }
    }

    fn resize(&mut self, frames: usize) -> u64 {
        self.frames = frames;
        let evicted = self.naive.resize(frames);
        let before = self.look();
        let after = &self.resident;
        assert_eq!(after.len(), before.len().min(frames), "no page goes without need");
        assert_eq!(evicted.len(), before.len() - after.len());
        self.events.extend(evicted.iter().map(|&page| FrameEvent::Eviction { page }));
        evicted.into_iter().map(|page| self.write_back(page)).sum()
    }

    /// Checks that the algorithm, if asked for events, reported the naive one's.
    fn compare_events(&mut self, told: Option<Vec<FrameEvent>>, case: std::fmt::Arguments<'_>) {
        let expected = std::mem::take(&mut self.events);
        if let Some(told) = told {
            assert_eq!(told, expected, "{case}: faults, fills and victims");
        }
    }

    /// Checks that the algorithm has the lists of the naive one.
    fn compare(&self, real: &dyn Replacement, case: std::fmt::Arguments<'_>) {
        assert_eq!(real.lists(), self.naive.lists(), "{case}: lists");
        assert_eq!(real.resident().0, self.resident.len() as u64, "{case}: resident");
    }
}

/// A trace of a few pages with repeats, of known kinds or not.
pub fn random_trace(draw: &mut Stream) -> Arc<Trace> {
    trace_with_frees(draw, 0)
}

/// The same; pages are freed after `in_eight` of eight accesses.
pub fn trace_with_frees(draw: &mut Stream, in_eight: u64) -> Arc<Trace> {
    let many = draw.below(8) == 0;
    let pages = 1 + draw.below(if many { 40 } else { 12 });
    let length = 1 + draw.below(60);
    let repeats = draw.below(3);
    let has_kinds = draw.below(2) == 0;
    let mut builder = TraceBuilder::default();
    let mut page = 0;
    for _ in 0..length {
        if draw.below(3) >= repeats {
            // Half of the accesses go to a third of the pages.
            let bound = if draw.below(2) == 0 { pages } else { pages.div_ceil(3) };
            page = draw.below(bound);
        }
        if has_kinds {
            builder.push_kind(Page(page), AccessKind::ALL[draw.below(4) as usize]);
        } else {
            builder.push(Page(page));
        }
        while in_eight > 0 && draw.below(8) < in_eight {
            builder.free(Page(draw.below(pages)));
        }
    }
    Arc::new(builder.finish())
}

/// Drives an algorithm and its naive twin through one random sequence of stretches and resizes.
fn one_sequence(kind: &ReplacementKind, make: Make, number: u64) {
    let stream = &mut Stream::new(Generator::ChaCha8, number, 0, "test/sequence");
    let settings = random_settings(kind.params, stream);
    let trace = trace_with_frees(stream, number % 4);
    let most = trace.distinct_pages() as u64 + 2;
    let mut frames = 1 + stream.below(most);
    let counts_write_backs = stream.below(2) == 0;
    let guest = Guest {
        trace: &trace,
        frames: Frames(frames),
        draw: &|| draw(number),
        counts_write_backs,
        tiers: &[],
        backing: None,
        shares: None,
    };
    let mut real = (kind.build)(&settings, &guest);
    let start =
        Start { settings: &settings, frames: frames as usize, draw: draw(number), trace: &trace };
    let mut model = Model::new(make, start, counts_write_backs);
    let audits = number.is_multiple_of(4);
    // Asked for events always, never or sometimes; the counts must not depend on it.
    let asked_in_ten = [10, 0, 5, 9, 1][number as usize % 5];
    let longest = [1, 3, 10, 100][stream.below(4) as usize];
    let resizes = stream.below(4);
    let mut delay = |bound| Ticks(if number.is_multiple_of(3) { stream.below(bound) } else { 0 });
    let delays =
        Delays { fault: delay(4), zero_fill: delay(2), swap_in: delay(3), write_back: delay(3) };
    for pass in 0..=number % 3 {
        let mut at = 0;
        while at < trace.accesses() {
            let name = kind.name;
            if stream.below(8) < resizes {
                frames = 1 + stream.below(most);
                let mut told = (stream.below(10) < asked_in_ten).then(Vec::new);
                let written = real.resize_into(Frames(frames), told.as_mut());
                assert_eq!(written, model.resize(frames as usize), "{name} {number}: shrink");
                model.compare_events(told, format_args!("{name} {number} shrunk at {at}"));
                model.compare(&*real, format_args!("{name} {number} resized to {frames} at {at}"));
            }
            let stretch = Stretch {
                from: at,
                first_pass: pass == 0,
                budget: Ticks(1 + stream.below(longest)),
                most: u64::MAX,
                tempo: Tempo::default(),
                delays,
            };
            let mut told = (stream.below(10) < asked_in_ten).then(Vec::new);
            let counts = real.run_into(stretch, told.as_mut());
            let mut expected = Counts::default();
            (at..at + counts.accesses).for_each(|at| expected.add(model.access(at)));
            assert_eq!(counts, expected, "{name} {number} {settings:?} pass {pass} at {at}");
            at += counts.accesses;
            model.compare_events(told, format_args!("{name} {number} pass {pass} to {at}"));
            model.compare(&*real, format_args!("{name} {number} {settings:?} pass {pass} to {at}"));
            if audits {
                real.audit();
            }
        }
    }
}

/// Many random sequences; a share of them is audited after every step.
pub fn agree(name: &str, make: Make, sequences: u64) {
    let kind = kind(name);
    (0..sequences).for_each(|number| one_sequence(kind, make, number));
}

/// Every trace of up to `length` accesses over up to `pages` pages, at every fixed allocation and
/// at some that change with each access.
pub fn agree_on_all_short(name: &str, make: Make, length: usize, pages: u64) {
    let kind = kind(name);
    let settings = Settings::defaults(kind.params);
    for case in (1..=length).flat_map(|length| traces(length, pages)) {
        let trace = Arc::new(Trace::from_pages(case.iter().copied()));
        for allocations in allocations(pages) {
            let first = allocations[0];
            let mut real = build(kind, &settings, &trace, first);
            let start =
                Start { settings: &settings, frames: first as usize, draw: draw(1), trace: &trace };
            let mut model = Model::new(make, start, false);
            for at in 0..trace.accesses() {
                let frames = allocations[at as usize % allocations.len()];
                let mut told = Vec::new();
                if frames as usize != model.frames {
                    real.resize_into(Frames(frames), Some(&mut told));
                    model.resize(frames as usize);
                }
                let counts = real.run_into(stretch(at, 1), Some(&mut told));
                assert_eq!(counts, model.access(at), "{name} {case:?} {allocations:?} at {at}");
                model.compare_events(Some(told), format_args!("{name} {case:?} {allocations:?}"));
                model.compare(&*real, format_args!("{name} {case:?} {allocations:?} at {at}"));
            }
            real.audit();
        }
    }
}

/// Allocations by access, each repeated from its start: all fixed ones, and some that change.
fn allocations(pages: u64) -> Vec<Vec<u64>> {
    let fixed = (1..=pages).map(|frames| vec![frames]);
    let up_and_down = (1..=pages).chain((2..pages).rev()).collect();
    let changing = [vec![1, pages], vec![pages, pages, 2], vec![2, 3, 3, 3, 2], up_and_down];
    fixed.chain(changing).collect()
}

/// All sequences of `length` numbers below `bound` in which a number appears only after all
/// smaller ones: every trace up to renaming of pages.
pub fn traces(length: usize, bound: u64) -> Vec<Vec<u64>> {
    let mut traces = vec![Vec::new()];
    for _ in 0..length {
        let longer = |trace: &Vec<u64>| {
            let new = trace.iter().max().map_or(0, |max| max + 1);
            let trace = trace.clone();
            (0..=new.min(bound - 1)).map(move |page| [trace.clone(), vec![page]].concat())
        };
        traces = traces.iter().flat_map(longer).collect();
    }
    traces
}

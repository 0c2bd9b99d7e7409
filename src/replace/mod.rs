//! Replacement: the algorithm inside a VM that picks the page to evict.
//!
//! [`ALL`] is the only list of algorithms; names, help, scenario keys and the loops of the property
//! tests are made from it. [`FrameEvent`]s tell what an algorithm does with frames.

mod algorithm;
mod arc;
mod beneath;
mod car;
mod clock;
mod counts;
mod directory;
mod fifo;
mod host_pager;
mod levels;
mod lfu;
mod line;
pub(crate) mod links;
mod linux_reclaim;
mod linux_two_list;
mod lirs;
mod lru;
mod lru_list;
mod lru_tail;
mod mglru;
mod min;
mod nru;
mod paged;
mod pager;
mod queue;
mod random;
mod replay;
mod s3_fifo;
mod shared_pages;
mod sieve;
mod sink;
pub(crate) mod tournament;
mod two_queue;

use std::fmt;
use std::sync::Arc;

pub use algorithm::{Accesses, Algorithm, Touch};
pub use counts::{Counts, Found};
pub(crate) use min::KIND as MIN;
pub use paged::Paged;
pub use replay::{replay, replay_recorded};
pub(crate) use shared_pages::{Parted, SharedPages};
pub use sink::FrameEvent;

use crate::params::{Param, Settings};
use crate::random::Stream;
use crate::reclaim::{PagingCounts, Swapper};
use crate::tier::{TierSpec, TierState};
use crate::trace::reduction::OnReduced;
use crate::trace::tempo::Tempo;
use crate::trace::{PageId, Trace};
use crate::units::{Footprint, Frames, Ticks};

/// A kind of replacement algorithm, as scenarios name it.
#[non_exhaustive]
pub struct ReplacementKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of the algorithm.
    pub follows: &'static str,
    /// Whether it reads accesses that are still to come, which no algorithm in a real VM can. Its
    /// faults are a bound for the others.
    pub knows_the_future: bool,
    /// Whether its counts on a reduced trace are exact: what LRU cannot tell apart, other
    /// algorithms may.
    pub on_reduced: OnReduced,
    /// The most memory that its state takes in one VM.
    pub footprint: Footprint,
    /// Its parameters.
    pub params: &'static [Param],
    /// Builds the algorithm for a VM.
    pub build: Build,
}

/// Builds an algorithm for a VM that starts without resident pages.
pub type Build = &'static (dyn Fn(&Settings, &Guest<'_>) -> Box<dyn Replacement> + Send + Sync);

/// The VM that an algorithm is for.
pub struct Guest<'a> {
    /// Its accesses.
    pub trace: &'a Arc<Trace>,
    /// Its first allocation.
    pub frames: Frames,
    /// Makes its random stream, "vm/NAME/replacement".
    pub draw: &'a dyn Fn() -> Stream,
    /// Whether dirty pages are tracked and their write-backs counted.
    pub counts_write_backs: bool,
    /// The tiers behind it, nearest first; only LRU may have any.
    pub tiers: &'a [TierSpec],
    /// The frames beneath its memory, if a host pages: then its allocation is what the guest
    /// believes in, and does not change.
    pub backing: Option<Backing<'a>>,
    /// The ticks that a copy of a shared page takes, if the host shares pages.
    pub shares: Option<Ticks>,
}

/// The frames that a host which pages has for a guest.
#[derive(Clone, Copy)]
pub struct Backing<'a> {
    /// How it pages.
    pub paging: &'a Paging,
    /// The frames at first.
    pub frames: Frames,
    /// Makes the pager's random stream, "vm/NAME/pager".
    pub draw: &'a dyn Fn() -> Stream,
}

/// How a host pages.
#[derive(Clone, Debug)]
pub struct Paging {
    /// The algorithm that picks the pages which lose their frames.
    pub pager: &'static ReplacementKind,
    /// Its parameters.
    pub settings: Settings,
    /// What the host knows about the pages' contents.
    pub swapper: Swapper,
    /// The ticks that a VM waits for a page to be read from the host's swap space.
    pub read: Ticks,
    /// And for a page to be written there.
    pub write: Ticks,
}

/// Every replacement algorithm, in the order in which they are listed.
pub const ALL: &[ReplacementKind] = &[
    lru::KIND,
    random::KIND,
    fifo::KIND,
    nru::KIND,
    clock::KIND,
    two_queue::KIND,
    lirs::KIND,
    arc::KIND,
    car::KIND,
    s3_fifo::KIND,
    sieve::KIND,
    linux_two_list::KIND,
    mglru::KIND,
    lfu::KIND,
    min::KIND,
];

impl ReplacementKind {
    /// A kind of your own, without parameters. It runs wherever those of the list do
    /// ([`Scenario::with_replacement`](crate::scenario::Scenario::with_replacement), [`replay`]),
    /// but scenario files cannot name it. Like those it lives as long as the program: it is made
    /// once for an algorithm, not once for a run.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use balloonist::params::Settings;
    /// use balloonist::random::{Generator, Stream};
    /// use balloonist::replace::{Accesses, Algorithm, List, Paged, ReplacementKind, Touch, replay};
    /// use balloonist::trace::{PageId, Trace};
    /// use balloonist::units::Frames;
    ///
    /// /// Evicts the page that was loaded last.
    /// struct LastIn(u64, Vec<PageId>);
    ///
    /// impl Accesses for LastIn {
    ///     fn touch(&mut self, page: PageId, _: u64) -> Touch {
    ///         if self.1.contains(&page) {
    ///             return Touch::Hit;
    ///         }
    ///         let is_full = self.1.len() as u64 == self.0;
    ///         let victim = if is_full { self.1.pop() } else { None };
    ///         self.1.push(page);
    ///         victim.map_or(Touch::Fill, Touch::Replacement)
    ///     }
    ///
    ///     fn free(&mut self, page: PageId) -> bool {
    ///         let before = self.1.len();
    ///         self.1.retain(|other| *other != page);
    ///         self.1.len() < before
    ///     }
    /// }
    ///
    /// impl Algorithm for LastIn {
    ///     fn resize(&mut self, frames: u64, evicted: impl FnMut(PageId)) {
    ///         self.0 = frames;
    ///         self.1.drain((frames as usize).min(self.1.len())..).rev().for_each(evicted);
    ///     }
    ///
    ///     fn resident(&self) -> u64 {
    ///         self.1.len() as u64
    ///     }
    ///
    ///     fn lists(&self) -> Vec<List> {
    ///         vec![List::resident("", self.1.iter().copied())]
    ///     }
    ///
    ///     fn audit(&self) {
    ///         assert!(self.resident() <= self.0);
    ///     }
    /// }
    ///
    /// let kind = ReplacementKind::own("last-in", |_, guest| {
    ///     Paged::boxed(guest, LastIn(guest.frames.0, Vec::new()))
    /// });
    /// let trace = Arc::new(Trace::from_pages([1, 2, 3, 1, 2, 3]));
    /// let draw = || Stream::new(Generator::ChaCha8, 1, 0, "none");
    /// let counts = replay(kind.build, &Settings::defaults(&[]), &trace, 0, Frames(2), &draw);
    /// // 1 stays, and 2 and 3 take turns in the other frame.
    /// assert_eq!(counts.demand_faults, 5);
    /// ```
    pub fn own(
        name: impl Into<String>,
        build: impl Fn(&Settings, &Guest<'_>) -> Box<dyn Replacement> + Send + Sync + 'static,
    ) -> &'static Self {
        Box::leak(Box::new(Self {
            name: name.into().leak(),
            summary: "an algorithm of the caller's own",
            follows: "no paper that is known here",
            knows_the_future: false,
            on_reduced: OnReduced::Inexact,
            footprint: Footprint::default(),
            params: &[],
            build: Box::leak(Box::new(build)),
        }))
    }

    /// Whether it is LRU, the algorithm that stack distances, fault curves and the bounds made from
    /// them describe.
    pub fn is_lru(&self) -> bool {
        self.name == lru::KIND.name
    }
}

impl fmt::Debug for ReplacementKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ReplacementKind").field(&self.name).finish()
    }
}

/// The accesses that a VM may make before it must wait for other VMs.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The position in the trace of the first access.
    pub from: u64,
    /// Whether this is the first pass over the trace; only then are there cold faults.
    pub first_pass: bool,
    /// The ticks left, at least 1: accesses start as long as fewer have been spent.
    pub budget: Ticks,
    /// The most accesses, at least 1.
    pub most: u64,
    /// When its accesses start.
    pub tempo: Tempo,
    /// The delays that its faults cause.
    pub delays: Delays,
}

/// The ticks that a VM waits for its faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// For each demand fault.
    pub fault: Ticks,
    /// For each cold fault in addition: a new page is zero-filled.
    pub zero_fill: Ticks,
    /// For each capacity fault in addition that no tier answers: a page comes back from swap.
    pub swap_in: Ticks,
    /// For each dirty page that is written back.
    pub write_back: Ticks,
}

impl Delays {
    /// The ticks that these counts cost in addition to the accesses themselves.
    pub(crate) fn of(&self, counts: &Counts) -> u64 {
        counts.demand_faults * self.fault.0
            + counts.cold_faults * self.zero_fill.0
            + counts.store_reads() * self.swap_in.0
            + counts.write_backs * self.write_back.0
            + counts.waited
    }
}

/// A snapshot of a list that an algorithm keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// Its name in the algorithm's source; empty if the algorithm has only one list.
    pub name: &'static str,
    /// Whether its pages are resident; otherwise they are ghosts.
    pub resident: bool,
    /// The pages; they leave from the end.
    pub pages: Vec<PageId>,
    /// The mark of each page: its reference bit, or a small count of uses. Empty if the algorithm
    /// marks no pages.
    pub marks: Vec<u8>,
    /// The target length of the list, if the algorithm adapts it.
    pub wanted: Option<f64>,
}

impl List {
    /// A list of resident pages.
    pub fn resident(name: &'static str, pages: impl IntoIterator<Item = PageId>) -> Self {
        let pages = pages.into_iter().collect();
        Self { name, resident: true, pages, marks: Vec::new(), wanted: None }
    }

    /// A list of ghosts.
    pub fn ghosts(name: &'static str, pages: impl IntoIterator<Item = PageId>) -> Self {
        Self { resident: false, ..Self::resident(name, pages) }
    }

    /// The same list with the mark of each page.
    #[must_use]
    pub fn marked<M: Into<u8>>(mut self, mark: impl Fn(PageId) -> M) -> Self {
        self.marks = self.pages.iter().map(|&page| mark(page).into()).collect();
        self
    }
}

/// A replacement algorithm at work in one VM.
///
/// The simulator makes one for each VM, from that VM's trace and first allocation, and then calls
/// [`run_into`](Self::run_into) for stretch after stretch: each begins where the one before ended,
/// or at 0 again for the next pass of a repeating VM. Between stretches it may call
/// [`resize_into`](Self::resize_into). No call depends on another VM.
///
/// Both append what they do with frames to `events`, in order. Passing `None` is faster; counts and
/// state are the same.
pub trait Replacement: Send {
    /// Makes accesses from `stretch.from` on until the trace ends or the stretch's ticks are spent;
    /// at least one.
    fn run_into(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts;

    /// Sets the allocation, at least 1 frame. On a shrink below the resident count the algorithm
    /// evicts pages by its own rule until they fit; frames gained are empty. Returns how many of
    /// the pages evicted were dirty and written back; 0 where write-backs are not counted. If the
    /// host pages, it takes or gives frames beneath the guest's memory, of which the guest evicts
    /// nothing ([`resize_guest_into`](Self::resize_guest_into)).
    fn resize_into(&mut self, frames: Frames, events: Option<&mut Vec<FrameEvent>>) -> u64;

    /// Sets what the guest believes in, at least 1 page, if the host pages; otherwise that is its
    /// allocation. As [`resize_into`](Self::resize_into) it says how many pages are written back.
    fn resize_guest_into(&mut self, pages: Frames, events: Option<&mut Vec<FrameEvent>>) -> u64;

    /// [`run_into`](Self::run_into) without events.
    fn run(&mut self, stretch: Stretch) -> Counts {
        self.run_into(stretch, None)
    }

    /// [`resize_into`](Self::resize_into) without events.
    fn resize(&mut self, frames: Frames) -> u64 {
        self.resize_into(frames, None)
    }

    /// The number of pages in frames.
    fn resident(&self) -> Frames;

    /// What the host's pager did so far; `None` unless the host pages.
    fn paging(&self) -> Option<&PagingCounts> {
        None
    }

    /// What the host knows of its pages, if that shares pages.
    fn shared_pages(&self) -> Option<&SharedPages> {
        None
    }

    /// The same, to change it.
    fn shared_pages_mut(&mut self) -> Option<&mut SharedPages> {
        None
    }

    /// The algorithm, before its first access, as a host's pager.
    fn into_pager(self: Box<Self>) -> Box<dyn pager::Pager>;

    /// The tiers of [`Guest::tiers`].
    fn tiers(&self) -> &[TierState] {
        &[]
    }

    /// The ticks that tiers and host paging have cost so far. Those of a stretch are in
    /// [`Counts::waited`] too; those of a resize are charged by the caller.
    fn waited(&self) -> u64 {
        0
    }

    /// Sets the frames that each tier has for this VM; those of a tier in the VM's own frames
    /// follow its allocation. Pages beyond them are passed on, the oldest first.
    fn resize_tiers(&mut self, _parts: &[Frames]) {}

    /// Empties the tiers, when the VM departs.
    fn flush_tiers(&mut self) {}

    /// The algorithm's own lists, those of resident pages first.
    fn lists(&self) -> Vec<List>;

    /// The resident pages, list by list.
    fn resident_pages(&self) -> Vec<PageId> {
        let resident = self.lists().into_iter().filter(|list| list.resident);
        resident.flat_map(|list| list.pages).collect()
    }

    /// Re-derives every count and walks every link; for tests.
    ///
    /// # Panics
    /// If the algorithm's state contradicts itself.
    fn audit(&self);
}

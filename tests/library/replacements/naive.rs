//! Second implementations of the algorithms from their sources, with plain vectors that are
//! searched linearly. The page that leaves a list first is last.

use balloonist::random::Stream;
use balloonist::replace::List;
use balloonist::trace::PageId;

use super::naive_queues::{S3Fifo, TwoQueue};
use crate::common::replacements::{Make, Naive, Start, Use, marked, shrink};

/// Every algorithm here under its name.
pub const ALL: &[(&str, Make)] = &[
    ("lru", |start| Box::new(Lru { frames: start.frames, stack: Vec::new() })),
    ("random", |start| Box::new(Random::new(start))),
    ("fifo", |start| Box::new(Fifo { frames: start.frames, queue: Vec::new() })),
    ("nru", |start| Box::new(Nru::new(start))),
    ("clock", |start| Box::new(Clock::new(&start))),
    ("2q", |start| Box::new(TwoQueue::new(&start))),
    ("s3-fifo", |start| Box::new(S3Fifo::new(&start))),
    ("sieve", |start| Box::new(Sieve { frames: start.frames, queue: Vec::new(), hand: None })),
    ("lfu", |start| Box::new(Lfu { frames: start.frames, pages: Vec::new(), clock: 0 })),
];

/// The stack of resident pages, most recently used first.
struct Lru {
    frames: usize,
    stack: Vec<PageId>,
}

impl Naive for Lru {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        let is_full = self.stack.len() == self.frames;
        let depth = self.stack.iter().position(|&other| other == page);
        // A hit removes the page from the stack; a miss removes the last one if no frame is empty.
        let victim = match depth {
            Some(depth) => {
                self.stack.remove(depth);
                None
            }
            None if is_full => self.stack.pop(),
            None => None,
        };
        self.stack.insert(0, page);
        victim
    }

    fn free(&mut self, page: PageId) {
        self.stack.retain(|&other| other != page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = self.stack.len().saturating_sub(frames);
        shrink(excess, || self.stack.pop().unwrap())
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.stack.clone())]
    }
}

struct Random {
    frames: usize,
    draw: Stream,
    pages: Vec<PageId>,
}

impl Random {
    fn new(Start { frames, draw, .. }: Start<'_>) -> Self {
        Self { frames, draw, pages: Vec::new() }
    }

    fn frame(&mut self) -> usize {
        self.draw.below(self.pages.len() as u64) as usize
    }
}

impl Naive for Random {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if self.pages.contains(&page) {
            return None;
        }
        if self.pages.len() < self.frames {
            self.pages.push(page);
            return None;
        }
        let frame = self.frame();
        let victim = self.pages[frame];
        self.pages[frame] = page;
        Some(victim)
    }

    fn free(&mut self, page: PageId) {
        if let Some(frame) = self.pages.iter().position(|&other| other == page) {
            self.pages.swap_remove(frame);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.pages.len().saturating_sub(frames), || {
            let frame = self.frame();
            let victim = self.pages[frame];
            let last = self.pages.pop().unwrap();
            if frame < self.pages.len() {
                self.pages[frame] = last;
            }
            victim
        })
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.pages.clone())]
    }
}

struct Fifo {
    frames: usize,
    queue: Vec<PageId>,
}

impl Naive for Fifo {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if self.queue.contains(&page) {
            return None;
        }
        let victim = if self.queue.len() == self.frames { self.queue.pop() } else { None };
        self.queue.insert(0, page);
        victim
    }

    fn free(&mut self, page: PageId) {
        self.queue.retain(|&other| other != page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = self.queue.len().saturating_sub(frames);
        shrink(excess, || self.queue.pop().unwrap())
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.queue.clone())]
    }
}

/// Two bits for each page. The classes are kept beside them, because their order decides which page
/// a draw means: a page that leaves a class is replaced by its last page.
struct Nru {
    frames: usize,
    draw: Stream,
    tick: u64,
    accesses: u64,
    /// Page, referenced, modified.
    bits: Vec<(PageId, bool, bool)>,
    classes: [Vec<PageId>; 4],
}

impl Nru {
    fn new(Start { settings, frames, draw, .. }: Start<'_>) -> Self {
        let tick = settings.integer("tick");
        Self { frames, draw, tick, accesses: 0, bits: Vec::new(), classes: Default::default() }
    }

    /// Brings the classes up to date with the bits, in the order of the classes.
    fn classify(&mut self) {
        for class in 0..4 {
            for page in self.classes[class].clone() {
                let &(_, referenced, modified) =
                    self.bits.iter().find(|bits| bits.0 == page).unwrap();
                let right = 2 * usize::from(referenced) + usize::from(modified);
                if right != class {
                    let at = self.classes[class].iter().position(|&other| other == page).unwrap();
                    self.classes[class].swap_remove(at);
                    self.classes[right].push(page);
                }
            }
        }
    }

    fn evict(&mut self) -> PageId {
        let class = self.classes.iter_mut().find(|class| !class.is_empty()).unwrap();
        let victim = class.swap_remove(self.draw.below(class.len() as u64) as usize);
        let is_referenced = |bits: &&(PageId, bool, bool)| bits.1;
        if self.bits.iter().find(|bits| bits.0 == victim).is_some_and(|bits| bits.1) {
            assert_eq!(self.bits.iter().filter(is_referenced).count(), self.bits.len());
        }
        self.bits.retain(|bits| bits.0 != victim);
        victim
    }
}

impl Naive for Nru {
    fn access(&mut self, Use { page, writes }: Use) -> Option<PageId> {
        if self.accesses > 0 && self.accesses.is_multiple_of(self.tick) {
            // The members of a class keep their order.
            for class in 2..4 {
                let members = std::mem::take(&mut self.classes[class]);
                self.classes[class - 2].extend(members);
            }
            self.bits.iter_mut().for_each(|bits| bits.1 = false);
        }
        self.accesses += 1;
        let mut victim = None;
        if let Some(bits) = self.bits.iter_mut().find(|bits| bits.0 == page) {
            *bits = (page, true, bits.2 || writes);
        } else {
            victim = (self.bits.len() == self.frames).then(|| self.evict());
            self.bits.push((page, true, writes));
            self.classes[2 + usize::from(writes)].push(page);
        }
        self.classify();
        victim
    }

    fn free(&mut self, page: PageId) {
        self.bits.retain(|bits| bits.0 != page);
        for class in &mut self.classes {
            if let Some(at) = class.iter().position(|&other| other == page) {
                class.swap_remove(at);
            }
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.bits.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Vec<List> {
        let names = ["class 3", "class 2", "class 1", "class 0"];
        let is_referenced = |page| self.bits.iter().any(|bits| bits.0 == page && bits.1);
        let list = |(name, class): (_, &Vec<PageId>)| {
            List::resident(name, class.clone()).marked(is_referenced)
        };
        names.into_iter().zip(self.classes.iter().rev()).map(list).collect()
    }
}

/// A ring of fixed frames, and a hand at one of them.
struct Clock {
    frames: usize,
    set_on_load: bool,
    ring: Vec<(PageId, bool)>,
    hand: usize,
}

impl Clock {
    fn new(&Start { settings, frames, .. }: &Start<'_>) -> Self {
        let set_on_load = settings.choice("load") == "set";
        Self { frames, set_on_load, ring: Vec::new(), hand: 0 }
    }

    /// Moves the hand to the victim.
    fn sweep(&mut self) {
        while self.ring[self.hand].1 {
            self.ring[self.hand].1 = false;
            self.hand = (self.hand + 1) % self.ring.len();
        }
    }
}

impl Naive for Clock {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if let Some(frame) = self.ring.iter_mut().find(|frame| frame.0 == page) {
            frame.1 = true;
            return None;
        }
        if self.ring.len() < self.frames {
            // An empty frame is just behind the hand.
            self.ring.insert(self.hand, (page, self.set_on_load));
            self.hand = (self.hand + 1) % self.ring.len();
            return None;
        }
        self.sweep();
        let (victim, _) = std::mem::replace(&mut self.ring[self.hand], (page, self.set_on_load));
        self.hand = (self.hand + 1) % self.ring.len();
        Some(victim)
    }

    fn free(&mut self, page: PageId) {
        if let Some(at) = self.ring.iter().position(|frame| frame.0 == page) {
            self.ring.remove(at);
            self.hand -= usize::from(at < self.hand);
            self.hand %= self.ring.len().max(1);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.ring.len().saturating_sub(frames), || {
            self.sweep();
            let (victim, _) = self.ring.remove(self.hand);
            self.hand %= self.ring.len();
            victim
        })
    }

    fn lists(&self) -> Vec<List> {
        let (before, from_hand) = self.ring.split_at(self.hand);
        vec![marked("", before.iter().rev().chain(from_hand.iter().rev()).copied())]
    }
}

/// The paper's pseudo-code: head first, the hand is a page or none.
struct Sieve {
    frames: usize,
    queue: Vec<(PageId, bool)>,
    hand: Option<PageId>,
}

impl Sieve {
    fn evict(&mut self) -> PageId {
        let tail = self.queue.len() - 1;
        let mut at = match self.hand {
            Some(hand) => self.queue.iter().position(|object| object.0 == hand).unwrap(),
            None => tail,
        };
        while self.queue[at].1 {
            self.queue[at].1 = false;
            at = if at == 0 { tail } else { at - 1 };
        }
        self.hand = if at == 0 { None } else { Some(self.queue[at - 1].0) };
        self.queue.remove(at).0
    }
}

impl Naive for Sieve {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if let Some(object) = self.queue.iter_mut().find(|object| object.0 == page) {
            object.1 = true;
            return None;
        }
        let victim = (self.queue.len() == self.frames).then(|| self.evict());
        self.queue.insert(0, (page, false));
        victim
    }

    fn free(&mut self, page: PageId) {
        let Some(at) = self.queue.iter().position(|object| object.0 == page) else { return };
        if self.hand == Some(page) {
            self.hand = at.checked_sub(1).map(|next| self.queue[next].0);
        }
        self.queue.remove(at);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.queue.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Vec<List> {
        vec![marked("", self.queue.iter().copied())]
    }
}

struct Lfu {
    frames: usize,
    /// Page, count, last use.
    pages: Vec<(PageId, u64, u64)>,
    clock: u64,
}

impl Lfu {
    fn evict(&mut self) -> PageId {
        let key = |page: &(PageId, u64, u64)| (page.1, page.2);
        let least = self.pages.iter().map(key).min().unwrap();
        let at = self.pages.iter().position(|page| key(page) == least).unwrap();
        self.pages.remove(at).0
    }
}

impl Naive for Lfu {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        self.clock += 1;
        if let Some(used) = self.pages.iter_mut().find(|used| used.0 == page) {
            *used = (page, used.1 + 1, self.clock);
            return None;
        }
        let victim = (self.pages.len() == self.frames).then(|| self.evict());
        self.pages.push((page, 1, self.clock));
        victim
    }

    fn free(&mut self, page: PageId) {
        self.pages.retain(|used| used.0 != page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.pages.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Vec<List> {
        let mut pages = self.pages.clone();
        pages.sort_by_key(|&(_, count, last)| std::cmp::Reverse((count, last)));
        vec![List::resident("", pages.iter().map(|page| page.0))]
    }
}

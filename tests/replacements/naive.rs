//! The algorithms written again from their sources, with plain vectors that are searched from end
//! to end. A list's page that leaves first is last.

use balloonist::knobs::Settings;
use balloonist::random::Stream;
use balloonist::trace::PageId;

use crate::common::replacements::{Make, Naive, Use};

type Lists = (usize, Vec<(&'static str, Vec<PageId>)>);

/// Every algorithm here under its name.
pub const ALL: &[(&str, Make)] = &[
    ("random", |_, frames, draw| Box::new(Random { frames, draw, pages: Vec::new() })),
    ("fifo", |_, frames, _| Box::new(Fifo { frames, queue: Vec::new() })),
    ("nru", |settings, frames, draw| Box::new(Nru::new(settings, frames, draw))),
    ("clock", |settings, frames, _| Box::new(Clock::new(settings, frames))),
    ("2q", |settings, frames, _| Box::new(TwoQueue::new(settings, frames))),
    ("s3-fifo", |settings, frames, _| Box::new(S3Fifo::new(settings, frames))),
    ("sieve", |_, frames, _| Box::new(Sieve { frames, queue: Vec::new(), hand: None })),
    ("lfu", |_, frames, _| Box::new(Lfu { frames, pages: Vec::new(), clock: 0 })),
];

/// Evicts by one rule until as many pages are resident as there are frames.
fn shrink(excess: usize, mut evict: impl FnMut() -> PageId) -> Vec<PageId> {
    (0..excess).map(|_| evict()).collect()
}

/// A part of the frames, rounded down, of a knob with two decimals at most.
fn part(settings: &Settings, name: &str, frames: usize) -> usize {
    let text = settings.decimal(name).to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let hundredths: usize = format!("{whole}{fraction:0<2}").parse().unwrap();
    hundredths * frames / 100
}

struct Random {
    frames: usize,
    draw: Stream,
    pages: Vec<PageId>,
}

impl Random {
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

    fn lists(&self) -> Lists {
        (1, vec![("", self.pages.clone())])
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

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = self.queue.len().saturating_sub(frames);
        shrink(excess, || self.queue.pop().unwrap())
    }

    fn lists(&self) -> Lists {
        (1, vec![("", self.queue.clone())])
    }
}

/// Two bits for each page; the classes are kept beside them for their order, which decides what a
/// draw means: who leaves a class is replaced by its last page.
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
    fn new(settings: &Settings, frames: usize, draw: Stream) -> Self {
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

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.bits.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Lists {
        let names = ["class 3", "class 2", "class 1", "class 0"];
        (4, names.into_iter().zip(self.classes.iter().rev().cloned()).collect())
    }
}

/// A ring of frames that stay where they are, and a hand that is at one of them.
struct Clock {
    frames: usize,
    set_on_load: bool,
    ring: Vec<(PageId, bool)>,
    hand: usize,
}

impl Clock {
    fn new(settings: &Settings, frames: usize) -> Self {
        let set_on_load = settings.choice("load") == "set";
        Self { frames, set_on_load, ring: Vec::new(), hand: 0 }
    }

    /// Moves the hand to the page that goes.
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
            // An empty frame stands just behind the hand.
            self.ring.insert(self.hand, (page, self.set_on_load));
            self.hand = (self.hand + 1) % self.ring.len();
            return None;
        }
        self.sweep();
        let (victim, _) = std::mem::replace(&mut self.ring[self.hand], (page, self.set_on_load));
        self.hand = (self.hand + 1) % self.ring.len();
        Some(victim)
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

    fn lists(&self) -> Lists {
        let (before, from_hand) = self.ring.split_at(self.hand);
        let order = before.iter().rev().chain(from_hand.iter().rev());
        (1, vec![("", order.map(|frame| frame.0).collect())])
    }
}

/// The paper's pseudo-code: head first, the hand a page or nothing.
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

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.queue.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Lists {
        (1, vec![("", self.queue.iter().map(|object| object.0).collect())])
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

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.pages.len().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Lists {
        let mut pages = self.pages.clone();
        pages.sort_by_key(|&(_, count, last)| std::cmp::Reverse((count, last)));
        (1, vec![("", pages.iter().map(|page| page.0).collect())])
    }
}

/// The full version's pseudo-code, all lists head first.
struct TwoQueue {
    frames: usize,
    settings: Settings,
    a1in: Vec<PageId>,
    a1out: Vec<PageId>,
    am: Vec<PageId>,
}

impl TwoQueue {
    fn new(settings: &Settings, frames: usize) -> Self {
        let settings = settings.clone();
        Self { frames, settings, a1in: Vec::new(), a1out: Vec::new(), am: Vec::new() }
    }

    fn reclaim(&mut self) -> Option<PageId> {
        (self.a1in.len() + self.am.len() == self.frames).then(|| self.page_out())
    }

    fn page_out(&mut self) -> PageId {
        if self.a1in.len() > part(&self.settings, "in", self.frames) || self.am.is_empty() {
            let page = self.a1in.pop().unwrap();
            self.a1out.insert(0, page);
            self.a1out.truncate(part(&self.settings, "out", self.frames));
            page
        } else {
            self.am.pop().unwrap()
        }
    }
}

impl Naive for TwoQueue {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if let Some(at) = self.am.iter().position(|&other| other == page) {
            self.am.remove(at);
            self.am.insert(0, page);
            None
        } else if let Some(at) = self.a1out.iter().position(|&other| other == page) {
            self.a1out.remove(at);
            let victim = self.reclaim();
            self.am.insert(0, page);
            victim
        } else if self.a1in.contains(&page) {
            None
        } else {
            let victim = self.reclaim();
            self.a1in.insert(0, page);
            victim
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = (self.a1in.len() + self.am.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.page_out());
        self.a1out.truncate(part(&self.settings, "out", frames));
        evicted
    }

    fn lists(&self) -> Lists {
        let lists = [("A1in", &self.a1in), ("Am", &self.am), ("A1out", &self.a1out)];
        (2, lists.map(|(name, pages)| (name, pages.clone())).to_vec())
    }
}

/// Algorithm 1 of the paper, all queues head first, but for one page a miss.
struct S3Fifo {
    frames: usize,
    settings: Settings,
    small: Vec<(PageId, u64)>,
    main: Vec<(PageId, u64)>,
    ghosts: Vec<PageId>,
}

impl S3Fifo {
    fn new(settings: &Settings, frames: usize) -> Self {
        let settings = settings.clone();
        Self { frames, settings, small: Vec::new(), main: Vec::new(), ghosts: Vec::new() }
    }

    fn small_part(&self) -> usize {
        part(&self.settings, "small", self.frames).max(1)
    }

    fn evict(&mut self) -> PageId {
        let from_small =
            if self.small.len() >= self.small_part() { self.evict_small() } else { None };
        from_small.unwrap_or_else(|| self.evict_main())
    }

    fn evict_small(&mut self) -> Option<PageId> {
        while let Some((page, uses)) = self.small.pop() {
            if uses >= self.settings.integer("uses") {
                self.main.insert(0, (page, 0));
            } else {
                self.ghosts.insert(0, page);
                self.ghosts.truncate(self.frames - self.small_part());
                return Some(page);
            }
        }
        None
    }

    fn evict_main(&mut self) -> PageId {
        loop {
            let (page, uses) = self.main.pop().unwrap();
            if uses == 0 {
                return page;
            }
            self.main.insert(0, (page, uses - 1));
        }
    }
}

impl Naive for S3Fifo {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        let mut resident = self.small.iter_mut().chain(&mut self.main);
        if let Some(object) = resident.find(|object| object.0 == page) {
            object.1 = 3.min(object.1 + 1);
            return None;
        }
        let is_ghost = self.ghosts.contains(&page);
        self.ghosts.retain(|&ghost| ghost != page);
        let is_full = self.small.len() + self.main.len() == self.frames;
        let victim = is_full.then(|| self.evict());
        let queue = if is_ghost { &mut self.main } else { &mut self.small };
        queue.insert(0, (page, 0));
        victim
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = (self.small.len() + self.main.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.evict());
        self.ghosts.truncate(frames - self.small_part());
        evicted
    }

    fn lists(&self) -> Lists {
        let pages = |queue: &[(PageId, u64)]| queue.iter().map(|object| object.0).collect();
        let (small, main) = (pages(&self.small), pages(&self.main));
        (2, vec![("S", small), ("M", main), ("G", self.ghosts.clone())])
    }
}

//! The table of shared frames: which pages of which VMs are in one frame.

use std::collections::{BTreeMap, BTreeSet};

use super::Pages;
use super::content::{Class, OWN, ZERO};
use crate::trace::PageId;
use crate::units::Frames;

/// A frame of the table, numbered from 1 by the order in which frames came into it.
type Shared = u64;

/// A frame that pages share, or shared until all but one left it.
#[derive(Clone, Copy, Debug)]
struct Frame {
    content: Class,
    /// The pages in it.
    mappers: u64,
    /// Whether the host maps it too: its own page of zeros.
    is_host: bool,
}

/// A page that went into a frame of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped {
    /// Its VM.
    pub vm: usize,
    /// The page.
    pub page: PageId,
    /// Whether others map the frame, so that a frame became free.
    pub saves: bool,
}

/// The frames whose contents were found equal, and the pages in them.
#[derive(Debug)]
pub(crate) struct Table {
    /// The most pages in one frame.
    max_sharing: u64,
    frames: BTreeMap<Shared, Frame>,
    /// The frames of each content that have room, the oldest first.
    open: BTreeMap<Class, BTreeSet<Shared>>,
    /// The frame of each page of each VM; 0 if it is in none.
    pages: Vec<Vec<Shared>>,
    /// How many pages of each VM are in the table.
    shared: Vec<u64>,
    next: Shared,
    saving: u64,
    /// The pages that came in since they were last taken.
    mapped: Vec<Mapped>,
}

impl Table {
    /// An empty table, for VMs of so many pages.
    pub(crate) fn new(max_sharing: u64, pages: &[usize]) -> Self {
        Self {
            max_sharing,
            frames: BTreeMap::new(),
            open: BTreeMap::new(),
            pages: pages.iter().map(|&pages| vec![0; pages]).collect(),
            shared: vec![0; pages.len()],
            next: 1,
            saving: 0,
            mapped: Vec::new(),
        }
    }

    /// Mappings of shared frames beyond their first.
    pub(crate) fn saving(&self) -> Frames {
        Frames(self.saving)
    }

    /// Takes the pages that came in since the last call, in order.
    pub(crate) fn take_mapped(&mut self) -> Vec<Mapped> {
        std::mem::take(&mut self.mapped)
    }

    /// How many pages of the VM are in the table.
    pub(crate) fn pages_of(&self, vm: usize) -> u64 {
        self.shared[vm]
    }

    /// Whether the page is in the table.
    pub(crate) fn has(&self, vm: usize, page: PageId) -> bool {
        self.pages[vm][page as usize] != 0
    }

    /// Puts the page into the oldest frame of its content that has room. Returns whether there is
    /// one.
    pub(crate) fn join(&mut self, vm: usize, page: PageId, content: Class) -> bool {
        let open = self.open.get(&content).and_then(BTreeSet::first);
        let Some(&frame) = open.filter(|_| content != OWN) else { return false };
        self.map(vm, page, frame);
        true
    }

    /// Puts the page into a frame with the page of its content that was kept before. That one is
    /// not protected, so it may have left or changed since; then the new one is kept.
    pub(super) fn pair_or_keep(
        &mut self,
        kept: &mut BTreeMap<Class, (usize, PageId)>,
        here: (usize, PageId),
        pages: &dyn Pages,
    ) {
        let content = pages.content(here.0, here.1);
        if let Some(there) = kept.remove(&content)
            && there != here
            && pages.is_resident(there.0, there.1)
            && !self.has(there.0, there.1)
            && pages.content(there.0, there.1) == content
        {
            self.pair([there, here], content);
        } else {
            kept.insert(content, here);
        }
    }

    /// Puts two pages of this content into a frame of their own.
    fn pair(&mut self, pages: [(usize, PageId); 2], content: Class) {
        let frame = self.add(Frame { content, mappers: 0, is_host: false });
        for (vm, page) in pages {
            self.map(vm, page, frame);
        }
    }

    /// Maps the page of zeros to the host's own.
    pub(crate) fn map_to_host(&mut self, vm: usize, page: PageId) {
        let of_host = |frame: &Shared| self.frames[frame].is_host;
        let known = self.open.get(&ZERO).and_then(|open| open.iter().copied().find(of_host));
        let frame =
            known.unwrap_or_else(|| self.add(Frame { content: ZERO, mappers: 0, is_host: true }));
        self.map(vm, page, frame);
    }

    fn add(&mut self, frame: Frame) -> Shared {
        let number = self.next;
        self.next += 1;
        self.open.entry(frame.content).or_default().insert(number);
        self.frames.insert(number, frame);
        number
    }

    fn map(&mut self, vm: usize, page: PageId, number: Shared) {
        let frame = self.frames.get_mut(&number).expect("only frames of the table");
        let saves = frame.mappers > 0 || frame.is_host;
        self.saving += u64::from(saves);
        self.mapped.push(Mapped { vm, page, saves });
        frame.mappers += 1;
        if frame.mappers == self.max_sharing && !frame.is_host {
            self.open.entry(frame.content).or_default().remove(&number);
        }
        self.pages[vm][page as usize] = number;
        self.shared[vm] += 1;
    }

    /// A page of the table leaves it. Returns whether others still map its frame, so that a saving
    /// is gone.
    pub(crate) fn part(&mut self, vm: usize, page: PageId) -> bool {
        let number = std::mem::take(&mut self.pages[vm][page as usize]);
        self.shared[vm] -= 1;
        let frame = self.frames.get_mut(&number).expect("pages of the table map frames");
        frame.mappers -= 1;
        let Frame { content, mappers, is_host } = *frame;
        if mappers > 0 || is_host {
            self.saving -= 1;
            self.open.entry(content).or_default().insert(number);
            return true;
        }
        self.frames.remove(&number);
        let open = self.open.entry(content).or_default();
        open.remove(&number);
        if open.is_empty() {
            self.open.remove(&content);
        }
        false
    }

    /// The VM's pages in the table, in order.
    pub(crate) fn pages(&self, vm: usize) -> impl Iterator<Item = PageId> {
        let pages = self.pages[vm].iter().enumerate();
        pages.filter(|&(_, &frame)| frame != 0).map(|(page, _)| page as PageId)
    }

    /// What the VM's pages in the table cost it if the mappers of a frame pay in equal parts, in
    /// millionths of frames, each rounded down.
    pub(crate) fn charged(&self, vm: usize) -> u128 {
        self.mappers_of(vm).map(|mappers| 1_000_000 / mappers).sum()
    }

    /// The VM's part of what is saved, rounded down, if the mappers of a frame have equal parts.
    pub(crate) fn saved(&self, vm: usize) -> Frames {
        let parts = self.mappers_of(vm).map(|mappers| 1_000_000 * (mappers - 1) / mappers);
        Frames((parts.sum::<u128>() / 1_000_000) as u64)
    }

    /// How many map the frame of each of the VM's pages in the table.
    fn mappers_of(&self, vm: usize) -> impl Iterator<Item = u128> {
        self.pages(vm).map(move |page| {
            let Frame { mappers, is_host, .. } = self.frames[&self.pages[vm][page as usize]];
            u128::from(mappers + u64::from(is_host))
        })
    }

    /// Asserts what always holds, given what pages hold and which are resident.
    #[cfg(debug_assertions)]
    pub(crate) fn audit(&self, pages: &dyn super::Pages) {
        let mut mappers: BTreeMap<Shared, u64> = BTreeMap::new();
        for vm in 0..self.pages.len() {
            assert_eq!(self.pages(vm).count() as u64, self.shared[vm], "pages of the VM");
            for page in self.pages(vm) {
                let number = self.pages[vm][page as usize];
                *mappers.entry(number).or_default() += 1;
                assert_eq!(pages.content(vm, page), self.frames[&number].content, "equal contents");
                assert!(pages.is_resident(vm, page), "a shared page is in a frame");
            }
        }
        let mut saving = 0;
        for (number, frame) in &self.frames {
            let by_vms = mappers.get(number).copied().unwrap_or(0);
            assert_eq!(by_vms, frame.mappers, "every mapper is a page");
            assert!(by_vms > 0 || frame.is_host, "frames are mapped");
            assert!(by_vms <= self.max_sharing || frame.is_host, "no frame is overfull");
            let has_room = by_vms < self.max_sharing || frame.is_host;
            let is_open = self.open.get(&frame.content).is_some_and(|open| open.contains(number));
            assert_eq!(is_open, has_room, "frames with room are found");
            saving += (by_vms + u64::from(frame.is_host)).saturating_sub(1);
        }
        assert_eq!(saving, self.saving, "a saving is a mapping beyond the first");
    }
}

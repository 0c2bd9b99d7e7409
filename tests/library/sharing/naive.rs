//! The host of the simulation as plainly as possible.

use std::collections::BTreeMap;

use balloonist::scenario::{Scenario, VmSpec};
use balloonist::share::Source;

/// What a page holds: nothing else, or what all pages of that class hold.
type Content = Option<u64>;

/// The host of the simulation as plainly as possible, for LRU guests that start at tick 0 and make
/// an access at each tick.
pub(super) struct Naive {
    /// Pages in the order of their last uses, the latest first.
    lists: Vec<Vec<u64>>,
    pub(super) held: Vec<u64>,
    least: Vec<u64>,
    pub(super) target: Vec<u64>,
    contents: Vec<BTreeMap<u64, u64>>,
    written: Vec<Vec<u64>>,
    free: u64,
    pub(super) saving: u64,
    pub(super) debt: u64,
    pub(super) memory: u64,
    /// Shared frames, the oldest first: their content, and who maps them.
    frames: Vec<(u64, Vec<(usize, u64)>)>,
    most: usize,
    at: (usize, u64),
    noted: BTreeMap<(usize, u64), u64>,
    unstable: BTreeMap<u64, (usize, u64)>,
    pass: u64,
    /// Faults, merges, copies, hollow and forced of each VM.
    pub(super) counts: Vec<[u64; 5]>,
}

impl Naive {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let vms = scenario.vms.len();
        let contents = |vm: &VmSpec| {
            let of = |page: u64| {
                let holds = vm.content.iter().find(|of| (of.from..of.until).contains(&page))?;
                Some((
                    page,
                    match holds.source {
                        Source::Zero => 1_000,
                        _ => page - holds.from,
                    },
                ))
            };
            (0..20).filter_map(of).collect()
        };
        let held: Vec<u64> = scenario.vms.iter().map(|vm| vm.initial.0).collect();
        Self {
            lists: vec![Vec::new(); vms],
            free: scenario.host.memory.0 - held.iter().sum::<u64>(),
            target: held.clone(),
            held,
            least: scenario.vms.iter().map(|vm| vm.min.0).collect(),
            contents: scenario.vms.iter().map(contents).collect(),
            written: vec![Vec::new(); vms],
            saving: 0,
            debt: 0,
            memory: scenario.host.memory.0,
            frames: Vec::new(),
            most: scenario.sharing.unwrap().max_sharing as usize,
            at: (0, 0),
            noted: BTreeMap::new(),
            unstable: BTreeMap::new(),
            pass: 1,
            counts: vec![[0; 5]; vms],
        }
    }

    fn content(&self, vm: usize, page: u64) -> Content {
        let content = self.contents[vm].get(&page).copied();
        content.filter(|_| !self.written[vm].contains(&page))
    }

    fn frame(&self, vm: usize, page: u64) -> Option<usize> {
        self.frames.iter().position(|(_, mappers)| mappers.contains(&(vm, page)))
    }

    pub(super) fn audit(&self) {
        let held: u64 = self.held.iter().sum();
        assert_eq!(self.free + held, self.memory + self.saving + self.debt);
        let saving: usize = self.frames.iter().map(|(_, mappers)| mappers.len() - 1).sum();
        assert_eq!(saving as u64, self.saving);
    }

    fn release(&mut self, frames: u64) {
        let paid = frames.min(self.debt);
        self.debt -= paid;
        self.free += frames - paid;
    }

    /// The page no longer shares, which may cost its VM a frame.
    fn part(&mut self, vm: usize, page: u64) {
        let frame = self.frame(vm, page).unwrap();
        self.frames[frame].1.retain(|&mapper| mapper != (vm, page));
        if self.frames[frame].1.is_empty() {
            self.frames.remove(frame);
            return;
        }
        self.saving -= 1;
        if self.free > 0 {
            self.free -= 1;
        } else if self.held[vm] > self.least[vm] {
            self.held[vm] -= 1;
            self.counts[vm][4] += 1;
            self.fit(vm, self.held[vm]);
        } else {
            self.debt += 1;
        }
    }

    /// Evicts pages until no more than so many are left, or than the VM holds.
    fn fit(&mut self, vm: usize, most: u64) {
        while self.lists[vm].len() as u64 > most.min(self.held[vm]) {
            let page = self.lists[vm].pop().unwrap();
            if self.frame(vm, page).is_some() {
                self.counts[vm][3] += 1;
                self.part(vm, page);
            }
        }
    }

    pub(super) fn access(&mut self, vm: usize, page: u64, writes: bool) {
        if let Some(place) = self.lists[vm].iter().position(|&other| other == page) {
            self.lists[vm].remove(place);
        } else {
            self.counts[vm][0] += 1;
            // A VM that loses a frame meanwhile evicts one page more.
            while self.lists[vm].len() as u64 >= self.held[vm] {
                self.fit(vm, self.lists[vm].len() as u64 - 1);
            }
        }
        self.lists[vm].insert(0, page);
        if writes && !self.written[vm].contains(&page) {
            let shares = self.frame(vm, page).is_some();
            self.written[vm].push(page);
            if shares {
                self.counts[vm][2] += 1;
                self.part(vm, page);
            }
        }
    }

    pub(super) fn scan(&mut self, pages: u64) {
        for _ in 0..pages {
            let resident = |vm: usize| self.lists[vm].iter().map(move |&page| (vm, page));
            let all = (0..self.lists.len()).flat_map(resident);
            let Some(here) = all.filter(|&here| here >= self.at).min() else {
                (self.at, self.pass) = ((0, 0), self.pass + 1);
                self.unstable.clear();
                return;
            };
            self.at = (here.0, here.1 + 1);
            self.look(here);
        }
    }

    fn look(&mut self, (vm, page): (usize, u64)) {
        let Some(content) = self.content(vm, page) else { return };
        if self.frame(vm, page).is_some() {
            return;
        }
        let most = self.most;
        let open = |(of, mappers): &&mut (u64, Vec<_>)| *of == content && mappers.len() < most;
        if let Some((_, mappers)) = self.frames.iter_mut().find(open) {
            mappers.push((vm, page));
            self.merged(vm);
            return;
        }
        let noted = self.noted.insert((vm, page), self.pass);
        if noted != Some(self.pass - 1) {
            return;
        }
        let there = self.unstable.remove(&content).filter(|&(other, there)| {
            self.lists[other].contains(&there)
                && self.frame(other, there).is_none()
                && self.content(other, there) == Some(content)
        });
        match there {
            Some(there) => {
                self.frames.push((content, vec![there, (vm, page)]));
                self.merged(vm);
            }
            None => {
                self.unstable.insert(content, (vm, page));
            }
        }
    }

    fn merged(&mut self, vm: usize) {
        self.saving += 1;
        self.counts[vm][1] += 1;
        self.release(1);
    }

    /// Pays debts, and lowers targets to what there is.
    pub(super) fn settle(&mut self) {
        let most = |surplus: &dyn Fn(usize) -> u64, vms: usize| {
            (0..vms).max_by_key(|&vm| (surplus(vm), std::cmp::Reverse(vm))).unwrap()
        };
        let vms = self.held.len();
        while self.debt > 0 {
            let vm = most(&|vm| self.held[vm] - self.least[vm], vms);
            self.held[vm] -= 1;
            self.counts[vm][4] += 1;
            self.release(1);
            self.fit(vm, self.held[vm]);
        }
        let there = self.memory + self.saving;
        while self.target.iter().sum::<u64>() > there {
            let vm = most(&|vm| self.target[vm] - self.least[vm], vms);
            let needed = self.target.iter().sum::<u64>() - there;
            self.target[vm] -= needed.min(self.target[vm] - self.least[vm]);
        }
    }

    /// All VMs above their targets give, those below take, and then the former evict.
    pub(super) fn act(&mut self) {
        let mut shrunk = Vec::new();
        for vm in 0..self.held.len() {
            if self.held[vm] > self.target[vm] {
                self.release(self.held[vm] - self.target[vm]);
                self.held[vm] = self.target[vm];
                shrunk.push(vm);
            }
        }
        for vm in 0..self.held.len() {
            let given = self.free.min(self.target[vm].saturating_sub(self.held[vm]));
            self.held[vm] += given;
            self.free -= given;
        }
        for vm in shrunk {
            self.fit(vm, self.held[vm]);
        }
    }
}

//! Tiers behind an LRU guest as counters: one integer a tier decides where a page is found.
//!
//! *Claim.* Let S be the stack of all pages that the VM has ever used, most recent first. The
//! resident pages, those of the first tier, those of the second and so on are consecutive pieces of
//! S from its top, whatever sizes do and whenever. With k₀ resident pages and kⱼ pages in tier j,
//! an access at stack distance d finds its page in the first j with d ≤ k₀ + … + kⱼ, or else in the
//! store.
//!
//! *Proof.* Each step keeps the tiers contiguous pieces of S, in order. A used page goes on top of
//! S and of the frames, wherever it was, and its old piece loses one page. Every page above its old
//! place moves down by one. A piece that is too long hands on its last page, which is the one at
//! the boundary, and the next piece has it on top; and so on until a piece has room, or lost a page
//! itself, or the last one hands its page to the store. A shrink cuts the ends of pieces in the
//! same way. Growth moves nothing. A freed page leaves S and its piece. Packed pages are a piece
//! like others: how many there are depends on counts alone. ∎
//!
//! *Follows.* R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger, "Evaluation techniques for
//! storage hierarchies", IBM Systems Journal 9(2), 1970; T. M. Wong and J. Wilkes, "My cache or
//! yours? Making storage more exclusive", USENIX ATC 2002.
//! *Cost.* While nothing fills, a stretch takes as many counts of distances as there are tiers,
//! each a look-up in the [index](crate::trace::index) or a comparison an access. `tests/library/
//! tiers.rs` compares it with explicit lists.

use super::{Capacity, Pool, TierSpec, TierState};
use crate::trace::index::StackDistances;
use crate::units::Frames;

/// The pages of an LRU guest, in its frames and in its tiers.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    frames: u64,
    resident: u64,
    /// Its tiers, nearest first.
    tiers: Vec<TierState>,
    /// The ticks that a page found in each tier costs, and those of a page put into it.
    ticks: Vec<[u64; 2]>,
    /// The arithmetic of the first tier, if that is in the VM's own frames.
    pool: Option<Pool>,
    /// The pages found in tiers so far.
    found: u64,
    /// The ticks that tiers have cost so far.
    waited: u64,
    /// Both when they were last charged.
    charged: [u64; 2],
}

/// What a stretch did with the VM's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Accesses to pages that were not resident.
    pub(crate) all: u64,
    /// Those that had to evict a resident page.
    pub(crate) replacements: u64,
}

/// The most accesses at a time that are counted one by one before the sizes are looked at again.
const STEPS: usize = 256;

impl Stack {
    /// A VM with these frames that has used no page. Its tiers are empty and have no frames yet.
    pub(crate) fn new(specs: &[TierSpec], frames: u64) -> Self {
        let pool = specs.first().and_then(|spec| match spec.capacity {
            Capacity::Percent(most) => Some(Pool::new(most, spec.ratio)),
            _ => None,
        });
        let mut stack = Self {
            frames,
            resident: 0,
            tiers: vec![TierState::default(); specs.len()],
            ticks: specs.iter().map(|spec| [spec.fetch.0, spec.put.0]).collect(),
            pool,
            found: 0,
            waited: 0,
            charged: [0, 0],
        };
        stack.resize(frames);
        stack
    }

    /// The number of resident pages.
    pub(crate) fn resident(&self) -> u64 {
        self.resident
    }

    /// What the VM holds.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Its tiers, nearest first.
    pub(crate) fn tiers(&self) -> &[TierState] {
        &self.tiers
    }

    /// The ticks that its tiers have cost so far.
    pub(crate) fn waited(&self) -> u64 {
        self.waited
    }

    /// The pages found in tiers, and the ticks that these cost, by accesses since the last call.
    #[inline(always)]
    pub(crate) fn charge(&mut self) -> [u64; 2] {
        let now = [self.found, self.waited];
        let [found, waited] = std::mem::replace(&mut self.charged, now);
        [now[0] - found, now[1] - waited]
    }

    /// Whether tiers cost any ticks.
    pub(crate) fn takes_time(&self) -> bool {
        self.ticks.iter().any(|&ticks| ticks != [0, 0])
    }

    /// An access to a page that is not resident, at this stack distance. Returns how many resident
    /// pages left their frames.
    pub(crate) fn fault(&mut self, distance: u32) -> u64 {
        let mut depth = self.resident;
        for (tier, [fetch, _]) in self.tiers.iter_mut().zip(&self.ticks) {
            depth += tier.pages;
            if u64::from(distance) <= depth {
                tier.pages -= 1;
                tier.counts.found += 1;
                self.found += 1;
                self.waited += fetch;
                break;
            }
        }
        self.resident += 1;
        self.settle()
    }

    /// Sets what the VM holds. Returns how many resident pages left their frames.
    pub(crate) fn resize(&mut self, frames: u64) -> u64 {
        self.frames = frames;
        if let Some(pool) = &self.pool {
            self.tiers[0].frames = Frames(pool.most(frames));
        }
        let evicted = self.settle();
        self.charge(); // Whoever resizes it charges what that costs.
        evicted
    }

    /// Sets the frames of each tier that is not in the VM's own frames.
    pub(crate) fn resize_tiers(&mut self, parts: &[Frames]) {
        let own = usize::from(self.pool.is_some());
        for (tier, part) in self.tiers.iter_mut().zip(parts).skip(own) {
            tier.frames = *part;
        }
        let evicted = self.settle();
        self.charge();
        debug_assert_eq!(evicted, 0, "tiers do not change what is resident");
    }

    /// The VM frees the page at this depth. Returns whether it was resident.
    pub(crate) fn free(&mut self, depth: u32) -> bool {
        let mut bound = self.resident;
        if u64::from(depth) <= bound {
            self.resident -= 1;
            return true;
        }
        for tier in &mut self.tiers {
            bound += tier.pages;
            if u64::from(depth) <= bound {
                tier.pages -= 1;
                tier.counts.flushes += 1;
                break;
            }
        }
        false
    }

    /// The VM has gone: its tiers are emptied.
    pub(crate) fn flush(&mut self) {
        for tier in &mut self.tiers {
            tier.counts.flushes += std::mem::take(&mut tier.pages);
            tier.frames = Frames(0);
        }
    }

    /// Passes pages down until everything fits. Returns how many resident pages left their frames.
    fn settle(&mut self) -> u64 {
        let before = self.resident;
        let mut tiers = self.tiers.iter_mut().zip(&self.ticks);
        let mut down;
        if let Some(pool) = &self.pool {
            let (tier, [_, put]) = tiers.next().expect("a pool is the first tier");
            let fit = pool.fit(self.frames, before, tier.pages);
            (self.resident, tier.pages) = (fit.near, fit.packed);
            tier.counts.puts += fit.puts;
            tier.counts.drops += fit.drops;
            self.waited += fit.puts * put;
            down = fit.drops + fit.passed;
        } else {
            self.resident = before.min(self.frames);
            down = before - self.resident;
        }
        for (tier, [_, put]) in tiers {
            if tier.frames > Frames(0) {
                tier.pages += down;
                tier.counts.puts += down;
                self.waited += down * put;
                down = 0;
            }
            let kept = tier.pages.min(tier.frames.0);
            down += tier.pages - kept;
            tier.counts.drops += tier.pages - kept;
            tier.pages = kept;
        }
        before - self.resident
    }

    /// Accesses at these distances.
    pub(crate) fn count(&mut self, distances: &StackDistances<'_>) -> Faults {
        let mut faults = Faults::default();
        let mut rest = distances.clone();
        while !rest.slice().is_empty() {
            let made = if self.is_settled() {
                self.count_settled(&rest, &mut faults)
            } else {
                self.count_steps(&rest, &mut faults)
            };
            rest = rest.skip(made);
        }
        faults
    }

    /// Whether a fault changes neither what is resident nor what is packed, or there is no pool.
    fn is_settled(&self) -> bool {
        let Some(pool) = &self.pool else { return true };
        pool.is_settled(self.frames, self.resident, self.tiers[0].pages)
    }

    /// Makes some accesses one by one; returns how many.
    fn count_steps(&mut self, distances: &StackDistances<'_>, faults: &mut Faults) -> usize {
        let some = &distances.slice()[..distances.slice().len().min(STEPS)];
        for &distance in some {
            if u64::from(distance) > self.resident {
                faults.all += 1;
                faults.replacements += u64::from(self.fault(distance) > 0);
            }
        }
        some.len()
    }

    /// Makes accesses until the first piece with room is full; returns how many.
    ///
    /// Pieces before that one keep their sizes: at each fault they hand a page on. The one with
    /// room grows by a page at each access that reaches beyond it.
    fn count_settled(&mut self, distances: &StackDistances<'_>, faults: &mut Faults) -> usize {
        // Piece 0 is the frames, piece j tier j.
        let settled = self.pool.as_ref().map_or(0, |_| 2);
        let has_room = |at: &usize| match at {
            0 => self.resident < self.frames,
            at => self.tiers[at - 1].pages < self.tiers[at - 1].frames.0,
        };
        let growing = (settled..=self.tiers.len()).find(has_room);
        let (made, grown) = match growing {
            None => (distances.slice().len(), 0),
            Some(piece) => self.grow(piece, distances),
        };
        let part = distances.first(made);
        let last = growing.unwrap_or(self.tiers.len() + 1);
        let mut depth = self.resident;
        // How many reach beyond the piece before.
        let mut beyond = if last == 0 { grown } else { part.deeper(depth as u32) };
        faults.all += beyond;
        if last > 0 {
            faults.replacements += beyond;
        }
        for (at, (tier, [fetch, put])) in self.tiers.iter_mut().zip(&self.ticks).enumerate() {
            if at + 1 > last || tier.frames == Frames(0) {
                continue;
            }
            depth += tier.pages;
            let further = if at + 1 == last { grown } else { part.deeper(depth as u32) };
            tier.counts.found += beyond - further;
            self.found += beyond - further;
            tier.counts.puts += beyond;
            self.waited += (beyond - further) * fetch + beyond * put;
            if at + 1 < last {
                tier.counts.drops += further;
            }
            beyond = further;
        }
        made
    }

    /// Lets the first piece with room grow at each access beyond it until it is full. Returns the
    /// accesses that this takes, and by how much it grew.
    fn grow(&mut self, piece: usize, distances: &StackDistances<'_>) -> (usize, u64) {
        let above = match piece {
            0 => 0,
            _ => self.resident + self.tiers[..piece - 1].iter().map(|tier| tier.pages).sum::<u64>(),
        };
        let (pages, most) = match piece {
            0 => (self.resident, self.frames),
            _ => (self.tiers[piece - 1].pages, self.tiers[piece - 1].frames.0),
        };
        let before = (above + pages) as u32;
        let (mut depth, slice) = (before, distances.slice());
        let (tiers, ticks) = (&mut self.tiers[piece..], &self.ticks[piece..]);
        let (found, waited) = (&mut self.found, &mut self.waited);
        let mut grown = 0;
        let made = distances.grow(&mut depth, above.saturating_add(most), |at| {
            // A tier further down gives its page up.
            let mut bound = u64::from(before) + grown;
            for (tier, [fetch, _]) in tiers.iter_mut().zip(ticks) {
                bound += tier.pages;
                if u64::from(slice[at]) <= bound {
                    tier.pages -= 1;
                    tier.counts.found += 1;
                    *found += 1;
                    *waited += fetch;
                    break;
                }
            }
            grown += 1;
        });
        match piece {
            0 => self.resident += grown,
            _ => self.tiers[piece - 1].pages += grown,
        }
        (made, grown)
    }

    /// Checks what must always hold.
    pub(crate) fn audit(&self) {
        let packed = self.pool.as_ref().map_or(0, |pool| pool.frames_of(self.tiers[0].pages));
        assert!(self.resident + packed <= self.frames, "no more pages than frames");
        let own = usize::from(self.pool.is_some());
        for tier in &self.tiers {
            let super::TierCounts { found, puts, drops, flushes } = tier.counts;
            assert_eq!(puts, found + drops + flushes + tier.pages, "pages are conserved");
        }
        for tier in &self.tiers[own..] {
            assert!(tier.pages <= tier.frames.0, "no more pages than frames");
        }
    }
}

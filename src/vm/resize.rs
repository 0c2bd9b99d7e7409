//! Changes of a VM's memory: its frames, what its guest believes in, and its tiers.

use super::Vm;
use crate::host::{Change, Taking};
use crate::scenario::Cost;
use crate::units::{Frames, Ticks};

impl Vm<'_> {
    /// Applies a change of its allocation, which delays it by what is written; `taking` says how
    /// frames are taken. If `watched`, records the pages that a shrink evicts. Returns the delay.
    pub(crate) fn resize(
        &mut self,
        change: Change,
        at: Ticks,
        cost: Cost,
        taking: Taking,
        watched: bool,
    ) -> u64 {
        let Change { before, after, .. } = change;
        if after > before {
            self.account.granted += after - before;
        } else {
            self.account.reclaimed += before - after;
        }
        self.account.frames.change(after, at);
        let waited = self.replacement.waited();
        let write_backs = self.resize_memory(change, taking, watched);
        self.interval.write_backs += write_backs;
        let waited = self.replacement.waited() - waited;
        let stall = self.delay(write_backs * cost.delays.write_back.0 + waited);
        self.account.stall_ticks += stall;
        self.note_tiers(at);
        stall
    }

    /// Resizes its frames and, if a balloon moves, what its guest believes in. Returns how many
    /// pages the guest writes back.
    fn resize_memory(&mut self, change: Change, taking: Taking, watched: bool) -> u64 {
        let Change { before, after, .. } = change;
        let mut events = watched.then_some(&mut self.events);
        let believed = match self.believed {
            // The guest empties as many pages as its balloon takes.
            Some(believed) if after < before && taking == Taking::Balloon => {
                believed - (before - after)
            }
            // Frames first serve pages that the host took.
            Some(believed) if after > believed => after,
            _ => return self.replacement.resize_into(after, events),
        };
        self.believed = Some(believed);
        let mut write_backs = 0;
        if after > before {
            write_backs += self.replacement.resize_into(after, events.as_deref_mut());
        }
        write_backs += self.replacement.resize_guest_into(believed, events.as_deref_mut());
        if after < before {
            write_backs += self.replacement.resize_into(after, events);
        }
        write_backs
    }

    /// Sets the frames of its tiers; pages that come down into others delay it.
    pub(crate) fn resize_tiers(&mut self, parts: &[Frames], at: Ticks) {
        let waited = self.replacement.waited();
        self.replacement.resize_tiers(parts);
        let waited = self.replacement.waited() - waited;
        // A VM that has not started has no pages, and its idle phases are not looked at yet.
        if waited > 0 {
            let stall = self.delay(waited);
            self.account.stall_ticks += stall;
        }
        self.note_tiers(at);
    }

    /// Empties its tiers, because it departs.
    pub(crate) fn flush_tiers(&mut self, at: Ticks) {
        self.note_tiers(at);
        for (account, _) in self.account.tiers.iter_mut().zip(self.replacement.tiers()) {
            account.frames.end(at);
        }
        self.replacement.flush_tiers();
    }

    /// Records the frames of its tiers, if it has started.
    pub(super) fn note_tiers(&mut self, at: Ticks) {
        if self.account.started.is_none() {
            return;
        }
        for (account, tier) in self.account.tiers.iter_mut().zip(self.replacement.tiers()) {
            if account.frames.last != tier.frames {
                account.frames.change(tier.frames, at);
            }
        }
    }
}

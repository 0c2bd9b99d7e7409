//! What lies beneath a guest's algorithm: a disk for dirty pages, a host that pages, or one that
//! shares pages.

use super::host_pager::HostPager;
use super::shared_pages::SharedPages;
use super::sink::{Dirty, Sink};
use super::{FrameEvent, Guest};
use crate::trace::PageId;

/// What a guest's algorithm works on, if that must hear of every page.
pub(super) enum Beneath {
    /// A disk to which dirty pages are written back.
    Disk(Dirty),
    /// A host that pages.
    Host(Box<HostPager>),
    /// A host that shares pages, with a disk if write-backs are counted.
    Shared(Box<SharedPages>),
}

impl Beneath {
    /// What the guest needs.
    pub(super) fn of(guest: &Guest<'_>) -> Option<Self> {
        if let Some(backing) = &guest.backing {
            return Some(Self::Host(Box::new(HostPager::new(guest, backing))));
        }
        if let Some(copy) = guest.shares {
            return Some(Self::Shared(Box::new(SharedPages::new(guest, copy))));
        }
        guest.counts_write_backs.then(|| Self::Disk(Dirty::new(guest.trace)))
    }

    /// The host's pager, if there is one.
    pub(super) fn pager(&self) -> Option<&HostPager> {
        match self {
            Self::Host(pager) => Some(pager),
            Self::Disk(_) | Self::Shared(_) => None,
        }
    }

    /// The pager, to change it.
    pub(super) fn pager_mut(&mut self) -> Option<&mut HostPager> {
        match self {
            Self::Host(pager) => Some(pager),
            Self::Disk(_) | Self::Shared(_) => None,
        }
    }

    /// What the host that shares knows of the guest's pages.
    pub(super) fn shared_mut(&mut self) -> Option<&mut SharedPages> {
        match self {
            Self::Shared(pages) => Some(pages),
            Self::Disk(_) | Self::Host(_) => None,
        }
    }

    /// The same, to look at.
    pub(super) fn shared(&self) -> Option<&SharedPages> {
        match self {
            Self::Shared(pages) => Some(pages),
            Self::Disk(_) | Self::Host(_) => None,
        }
    }
}

/// The guest evicts a page outside of a stretch. Returns the number of dirty pages, 0 or 1.
pub(super) fn evict(
    beneath: &mut Option<Beneath>,
    events: &mut Option<&mut Vec<FrameEvent>>,
    page: PageId,
) -> u64 {
    let event = FrameEvent::Eviction { page };
    if let Some(events) = events {
        events.push(event);
    }
    match beneath {
        Some(Beneath::Disk(dirty)) => dirty.tell(event),
        Some(Beneath::Host(pager)) => pager.tell_between(event),
        Some(Beneath::Shared(pages)) => pages.tell(event),
        None => 0,
    }
}

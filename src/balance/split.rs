//! What policies of several families have in common when they divide the host's frames.

use super::{Plan, View};
use crate::shares;
use crate::units::Frames;

/// What each VM's shares entitle it to: its minimum, and the rest of the host in proportion to
/// shares within the maxima, by largest remainder, ties in file order.
pub(super) fn entitled(view: &View) -> Vec<Frames> {
    let mut frames: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
    let room: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.max - vm.bounds.min).collect();
    let weights: Vec<u64> = view.vms.iter().map(|vm| vm.shares).collect();
    let rest = spare(view, &frames);
    add(&mut frames, rest, &weights, &room);
    frames
}

/// The plan in which every VM has at least the frames that it needs. `needs` are within the VMs'
/// bounds and together within the host.
///
/// Frames beyond all needs stay where they are if possible. If VMs with a surplus must give some
/// up, each keeps a part in proportion to its surplus. Free frames go to all VMs in proportion to
/// their needs, within the maxima. So unchanged needs move nothing.
pub(super) fn settle(view: &View, mut needs: Vec<Frames>) -> Plan {
    let beyond: Vec<Frames> = view
        .vms
        .iter()
        .zip(&needs)
        .map(|(vm, need)| Frames(vm.allocation.0.saturating_sub(need.0)))
        .collect();
    let weights: Vec<u64> = beyond.iter().map(|frames| frames.0).collect();
    let kept = spare(view, &needs).min(beyond.iter().copied().sum());
    let of_needs: Vec<u64> = needs.iter().map(|frames| frames.0).collect();
    add(&mut needs, kept, &weights, &beyond);
    let room: Vec<Frames> =
        view.vms.iter().zip(&needs).map(|(vm, &frames)| vm.bounds.max - frames).collect();
    let free = spare(view, &needs);
    add(&mut needs, free, &of_needs, &room);
    Plan(needs)
}

/// The host's frames that are not among these.
pub(super) fn spare(view: &View, frames: &[Frames]) -> Frames {
    view.host - frames.iter().copied().sum()
}

/// Adds an amount in proportion to weights, as far as there is room, by largest remainder, ties in
/// file order. Nothing stays over while a VM with a weight has room.
pub(super) fn add(frames: &mut [Frames], amount: Frames, weights: &[u64], room: &[Frames]) {
    let (mut left, mut room) = (amount, room.to_vec());
    while left > Frames(0) {
        let more = shares::divide(left, weights, &room).largest_remainder(&room);
        let given: Frames = more.iter().copied().sum();
        if given == Frames(0) {
            return;
        }
        left -= given;
        for ((frames, room), more) in frames.iter_mut().zip(&mut room).zip(more) {
            *frames += more;
            *room -= more;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::balance::{Bounds, VmView};
    use crate::units::{Ticks, VmId};

    /// VMs that hold these frames, without limits and with equal shares.
    pub(in crate::balance) fn view(host: u64, allocations: &[u64]) -> View {
        let bounds = Bounds { min: Frames(0), max: Frames(host) };
        let vm =
            |(at, &frames): (usize, &u64)| VmView::new(VmId(at as u32), "", bounds, Frames(frames));
        let vms = allocations.iter().enumerate().map(vm).collect();
        View::new(Ticks(1), Frames(host), vms)
    }

    fn settled(host: u64, allocations: &[u64], needs: &[u64]) -> Vec<u64> {
        let needs = needs.iter().copied().map(Frames).collect();
        settle(&view(host, allocations), needs).0.iter().map(|frames| frames.0).collect()
    }

    #[test]
    fn what_nobody_needs_stays_where_it_is() {
        assert_eq!(settled(20, &[15, 5], &[3, 5]), [15, 5]);
    }

    #[test]
    fn who_has_more_than_it_needs_keeps_what_others_leave_it() {
        // The third needs 6 more; of the 12 that the others have beyond their needs 6 are left.
        assert_eq!(settled(20, &[10, 6, 4], &[2, 2, 10]), [6, 4, 10]);
    }

    #[test]
    fn a_frame_that_rounding_gives_to_a_full_vm_goes_to_the_next() {
        let mut view = view(9, &[2, 2, 2]);
        view.vms[0].bounds.max = Frames(4);
        assert_eq!(settle(&view, vec![Frames(3), Frames(1), Frames(1)]).0, [4, 3, 2].map(Frames));
    }

    #[test]
    fn free_frames_go_by_need_and_then_nothing_moves() {
        let once = settled(20, &[2, 2], &[2, 6]);
        assert_eq!(once, [5, 15]);
        assert_eq!(settled(20, &once, &[2, 6]), once);
    }
}

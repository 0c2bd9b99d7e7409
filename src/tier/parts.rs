//! What each VM has of each tier: divided anew at every control event among the VMs present.

use super::{Capacity, Division, Memory, TierSpec};
use crate::shares;
use crate::units::Frames;

/// The frames of each tier, nearest first, for each VM that is present; `shares` are the VMs'
/// shares, and `spare` is the host's frames that are free and not reserved.
///
/// A tier in the VM's own frames has no part here. Tiers of the host's frames take them in order.
pub(crate) fn divide(tiers: &[TierSpec], spare: Frames, shares: &[u64]) -> Vec<Vec<Frames>> {
    let mut left = spare;
    let mut of_vms = vec![Vec::with_capacity(tiers.len()); shares.len()];
    for tier in tiers {
        let frames = match (tier.kind.memory, tier.capacity) {
            (Memory::Vm, _) | (_, Capacity::Percent(_)) => Frames(0),
            (Memory::Own, Capacity::Frames(frames)) => frames,
            (Memory::Host, Capacity::Frames(frames)) => frames.min(left),
            (Memory::Own | Memory::Host, Capacity::Spare) => left,
        };
        if tier.kind.memory == Memory::Host {
            left -= frames;
        }
        let weights: Vec<u64> = match tier.division {
            Division::Shares => shares.to_vec(),
            Division::Equal => vec![1; shares.len()],
        };
        let room = vec![frames; shares.len()];
        let parts = shares::divide(frames, &weights, &room).largest_remainder(&room);
        for (of_vm, part) in of_vms.iter_mut().zip(parts) {
            of_vm.push(part);
        }
    }
    of_vms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tier::ALL;
    use crate::units::{Decimal, Ticks};

    fn tier(kind: &str, capacity: Capacity, division: Division) -> TierSpec {
        TierSpec {
            name: kind.to_owned(),
            kind: ALL.iter().find(|known| known.name == kind).unwrap(),
            capacity,
            division,
            fetch: Ticks(0),
            put: Ticks(0),
            ratio: Decimal { digits: 3, places: 0 },
        }
    }

    #[test]
    fn present_vms_divide_each_tier_and_spare_frames_are_lent_once() {
        let some = Capacity::Frames(Frames(10));
        let tiers = [
            tier("exclusive", some, Division::Shares),
            tier("ephemeral", some, Division::Equal),
            tier("ephemeral", Capacity::Spare, Division::Shares),
        ];
        let frames = |parts: Vec<Vec<Frames>>| -> Vec<Vec<u64>> {
            parts.iter().map(|part| part.iter().map(|frames| frames.0).collect()).collect()
        };
        // Ties of the remainder go to the first.
        let parts = frames(divide(&tiers, Frames(17), &[1, 3]));
        assert_eq!(parts, [[3, 5, 2], [7, 5, 5]]);
        let parts = frames(divide(&tiers, Frames(7), &[1, 3]));
        assert_eq!(parts, [[3, 4, 0], [7, 3, 0]]);
        assert!(divide(&tiers, Frames(7), &[]).is_empty());
    }
}

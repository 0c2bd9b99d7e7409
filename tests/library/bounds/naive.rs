//! The bounds by brute force over a list of events.

use super::*;

pub(super) fn naive_global_lru(events: &[Event], frames: usize) -> u64 {
    let mut list: Vec<(usize, u64)> = Vec::new();
    let mut faults = 0;
    for event in events {
        match *event {
            Event::Depart(vm) => list.retain(|&(owner, _)| owner != vm),
            Event::Free(vm, page) => list.retain(|&entry| entry != (vm, page)),
            Event::Access(vm, page) => {
                match list.iter().position(|&entry| entry == (vm, page)) {
                    Some(at) => drop(list.remove(at)),
                    None => faults += 1,
                }
                list.insert(0, (vm, page));
                list.truncate(frames);
            }
        }
    }
    faults
}

pub(super) fn naive_global_fifo(events: &[Event], frames: usize) -> u64 {
    let mut queue: Vec<(usize, u64)> = Vec::new();
    let mut faults = 0;
    for event in events {
        match *event {
            Event::Depart(vm) => queue.retain(|&(owner, _)| owner != vm),
            Event::Free(vm, page) => queue.retain(|&entry| entry != (vm, page)),
            Event::Access(vm, page) if queue.contains(&(vm, page)) => {}
            Event::Access(vm, page) => {
                faults += 1;
                queue.insert(0, (vm, page));
                queue.truncate(frames);
            }
        }
    }
    faults
}

/// The fewest faults over every choice of victims: all reachable sets of resident pages, with the
/// fewest faults to reach each.
pub(super) fn exhaustive_min(events: &[Event], frames: usize) -> u64 {
    let mut reached = BTreeMap::from([(BTreeSet::new(), 0_u64)]);
    for event in events {
        let mut next: BTreeMap<BTreeSet<(usize, u64)>, u64> = BTreeMap::new();
        let mut reach = |set: BTreeSet<_>, faults: u64| {
            let known = next.entry(set).or_insert(faults);
            *known = (*known).min(faults);
        };
        let (vm, page) = match *event {
            Event::Access(vm, page) => (vm, page),
            Event::Free(vm, page) => {
                for (mut set, faults) in reached {
                    set.remove(&(vm, page));
                    reach(set, faults);
                }
                reached = next;
                continue;
            }
            Event::Depart(_) => continue,
        };
        for (set, &faults) in &reached {
            if set.contains(&(vm, page)) {
                reach(set.clone(), faults);
                continue;
            }
            let mut with = set.clone();
            with.insert((vm, page));
            if with.len() <= frames {
                reach(with, faults + 1);
                continue;
            }
            for victim in set {
                let mut without = with.clone();
                without.remove(victim);
                reach(without, faults + 1);
            }
        }
        reached = next;
    }
    reached.into_values().min().unwrap()
}

/// The faults of one VM's accesses and frees.
pub(super) fn naive_lru(events: &[Event], frames: u64) -> u64 {
    naive_global_lru(events, frames as usize)
}

/// The fewest faults over every split of the host within the VMs' bounds.
pub(super) fn exhaustive_best_static(
    scenario: &Scenario,
    events: &[Event],
    starts: &[Option<u64>],
) -> Option<u64> {
    let vms = scenario.vms.len();
    let events_of = |vm: usize| -> Vec<Event> {
        events.iter().filter(|event| event.is_of(vm)).copied().collect()
    };
    let mut splits: Vec<(u64, u64)> = vec![(scenario.host.memory.0, 0)];
    for vm in (0..vms).filter(|&vm| starts[vm].is_some()) {
        let (spec, events) = (&scenario.vms[vm], events_of(vm));
        let deal = |&(left, faults): &(u64, u64)| {
            let most = spec.max.0.min(left);
            let events = &events;
            (spec.min.0..=most)
                .map(move |frames| (left - frames, faults + naive_lru(events, frames)))
                .collect::<Vec<_>>()
        };
        splits = splits.iter().flat_map(deal).collect();
    }
    splits.into_iter().map(|(_, faults)| faults).min()
}

//! What happens to VMs in a run, to be marked on its allocations over time.

use toml::de::{DeTable, DeValue};

use crate::render::chart::Unit;
use crate::render::chart::stack::Event;
use crate::store::thinned::Thinned;

/// The arrivals and departures that a series shows. Of the VMs that are there from beginning to end
/// there is nothing to say.
pub(super) fn stays(thinned: &Thinned, vms: &[String], unit: Unit) -> Vec<Event> {
    let buckets = thinned.buckets();
    let mut events = Vec::new();
    for (vm, name) in vms.iter().enumerate() {
        let is_there = |at: &usize| buckets[*at].vms[vm].frames > 0;
        let Some(first) = (0..buckets.len()).find(is_there) else { continue };
        let last = (0..buckets.len()).rfind(is_there).unwrap_or(first);
        let event = |at: usize, what: &str| {
            let (from, until) = (buckets[at - 1].until, buckets[at].until);
            let text =
                format!("{name} {what} between {} and {}", shown(from, unit), shown(until, unit));
            Event { vm, from, until: None, leaves: what == LEAVES, text }
        };
        if first > 0 {
            events.push(event(first, "starts"));
        }
        if last + 1 < buckets.len() {
            events.push(event(last + 1, LEAVES));
        }
    }
    events
}

/// When the scenario, with every default filled in, has drivers stuck.
pub(super) fn stuck(scenario: &str, vms: &[String], unit: Unit) -> Vec<Event> {
    let phases = |at: usize, of: &DeValue<'_>| {
        let tick = |phase: &DeValue<'_>, key: &str| {
            phase.get(key)?.get_ref().as_integer()?.as_str().parse::<u64>().ok()
        };
        let event = |phase: &DeValue<'_>| {
            let (from, until) = (tick(phase, "from")?, tick(phase, "until")?);
            let (name, end) = (vms.get(at)?, shown(until, unit));
            let text = format!("{name}'s driver is stuck from {} to {end}", shown(from, unit));
            Some(Event { vm: at, from, until: Some(until), leaves: false, text })
        };
        let phases = of.get("stuck").and_then(|phases| phases.get_ref().as_array());
        phases.into_iter().flatten().filter_map(|phase| event(phase.get_ref())).collect::<Vec<_>>()
    };
    let Ok(document) = DeTable::parse(scenario) else { return Vec::new() };
    let all = document.get_ref().get("vm").and_then(|all| all.get_ref().as_array());
    let all = all.into_iter().flatten().enumerate();
    all.flat_map(|(at, vm)| phases(at, vm.get_ref())).collect()
}

const LEAVES: &str = "leaves";

fn shown(tick: u64, unit: Unit) -> String {
    match unit {
        Unit::Time => unit.shown(tick),
        _ => format!("tick {}", unit.shown(tick)),
    }
}

//! Notes on VMs that did not start when they arrived, and on frames in flight at the end.

use crate::account::{Account, Outcome, Refusal};
use crate::number::{counted, grouped};
use crate::scenario::{Scenario, VmSpec};

/// The most VMs that get a sentence of their own.
const SHOWN_MAX: usize = 8;

/// A sentence for each VM that waited or was refused, and one for frames in flight at the end.
pub(crate) fn notes(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let told = |(vm, account): (&VmSpec, &Account)| note(vm, account);
    let mut notes: Vec<String> = scenario.vms.iter().zip(&outcome.vms).filter_map(told).collect();
    let more = notes.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        notes.truncate(SHOWN_MAX);
        notes.push(format!("{} more waited or were refused.", counted(more as u64, "VM")));
    }
    if outcome.in_flight.0 > 0 {
        notes.push(format!("In flight at the end: {}.", counted(outcome.in_flight.0, "frame")));
    }
    notes
}

fn note(vm: &VmSpec, account: &Account) -> Option<String> {
    let (name, start) = (&vm.name, grouped(vm.start));
    if let Some(Refusal { at, left }) = account.refused {
        let is_stop = vm.stop == Some(at);
        let at = grouped(at);
        if is_stop {
            return Some(format!(
                "VM {name} waited for frames from tick {start} to its stop at {at}, and never ran."
            ));
        }
        let (min, left) = (counted(vm.min.0, "frame"), grouped(left.0));
        return Some(format!(
            "VM {name} was refused at tick {at} and never ran: its minimum is {min}, and only \
             {left} were not guaranteed to other VMs."
        ));
    }
    let started = grouped(account.started.filter(|started| *started > vm.start)?);
    if account.warm_up_accesses > 0 {
        return Some(format!("VM {name} waited from tick {start} to {started}."));
    }
    let frames = counted(account.frames.first.0, "frame");
    Some(format!(
        "VM {name} waited from tick {start} to {started}, and then started with {frames}."
    ))
}

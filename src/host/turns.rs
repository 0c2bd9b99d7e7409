//! Which VM is next: VMs in file order, and VMs by the ticks at which they are due. Neither looks
//! at VMs that have nothing to do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::Ticks;

/// VMs in file order, each at most once.
#[derive(Debug)]
pub(super) struct FileOrder {
    heap: BinaryHeap<Reverse<usize>>,
    is_in: Vec<bool>,
}

impl FileOrder {
    pub(super) fn of(vms: usize) -> Self {
        Self { heap: BinaryHeap::new(), is_in: vec![false; vms] }
    }

    pub(super) fn push(&mut self, vm: usize) {
        if !std::mem::replace(&mut self.is_in[vm], true) {
            self.heap.push(Reverse(vm));
        }
    }

    pub(super) fn first(&self) -> Option<usize> {
        self.heap.peek().map(|&Reverse(vm)| vm)
    }

    pub(super) fn pop(&mut self) -> Option<usize> {
        let Reverse(vm) = self.heap.pop()?;
        self.is_in[vm] = false;
        Some(vm)
    }
}

/// VMs by ticks. An entry may be earlier than the VM's real tick, which is looked up when the entry
/// comes up; so postponing a VM costs nothing, and a VM rarely has more than one entry.
#[derive(Debug)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Ticks, usize)>>,
    /// The tick of each VM's valid entry.
    ticks: Vec<Option<Ticks>>,
}

impl Timers {
    pub(super) fn of(vms: usize) -> Self {
        Self { heap: BinaryHeap::new(), ticks: vec![None; vms] }
    }

    /// The VM is not due before `tick`, if it ever is.
    pub(super) fn set(&mut self, vm: usize, tick: Option<Ticks>) {
        let Some(tick) = tick else { return };
        if self.ticks[vm].is_none_or(|earlier| tick < earlier) {
            self.ticks[vm] = Some(tick);
            self.heap.push(Reverse((tick, vm)));
        }
    }

    /// Removes and returns a VM whose tick has come.
    pub(super) fn pop(&mut self, at: Ticks) -> Option<usize> {
        while let Some(&Reverse((tick, vm))) = self.heap.peek()
            && tick <= at
        {
            self.heap.pop();
            if self.ticks[vm] == Some(tick) {
                self.ticks[vm] = None;
                return Some(vm);
            }
        }
        None
    }

    /// The earliest tick at which a VM is due, if `due` says when each is.
    pub(super) fn first(&mut self, due: impl Fn(usize) -> Option<Ticks>) -> Option<Ticks> {
        loop {
            let &Reverse((tick, vm)) = self.heap.peek()?;
            let counts = self.ticks[vm] == Some(tick);
            let really = if counts { due(vm) } else { None };
            if really == Some(tick) {
                return really;
            }
            self.heap.pop();
            if counts {
                self.ticks[vm] = None;
                self.set(vm, really);
            }
        }
    }
}

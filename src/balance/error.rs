//! Why there is no plan, or none that can be carried out.

use std::error::Error;
use std::fmt;

use super::Bounds;
use crate::units::{Frames, VmId};

/// Why a policy's plan cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// An external dependency of the policy failed, such as a program or a user's rules: a sentence
    /// without a full stop with the failure and the remedy.
    Failed(String),
    /// What was recorded of a program that the policy asks does not fit this run any more: a
    /// sentence without a full stop.
    Outdated(String),
    /// The policy made a plan that breaks its contract. A policy that passes on the answer of
    /// another program checks it first ([`Plan::check`](super::Plan::check)) and reports
    /// [`Failed`](Self::Failed), for the mistake is not its own.
    BadPlan(PlanError),
}

impl PolicyError {
    /// A failure of what the policy relies on, in a sentence without a full stop.
    pub fn failed(sentence: impl fmt::Display) -> Self {
        Self::Failed(sentence.to_string())
    }

    /// The sentence, with VMs called by the names that `name` gives them.
    pub(crate) fn sentence(&self, name: impl Fn(VmId) -> String) -> String {
        match self {
            Self::Failed(sentence) | Self::Outdated(sentence) => sentence.clone(),
            Self::BadPlan(error) => error.sentence(name),
        }
    }
}

impl From<PlanError> for PolicyError {
    fn from(error: PlanError) -> Self {
        Self::BadPlan(error)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence(numbered))
    }
}

impl Error for PolicyError {}

/// How a plan breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// It has not one target for each VM of the view.
    Length {
        /// The targets of the plan.
        targets: usize,
        /// The VMs of the view.
        vms: usize,
    },
    /// A VM's target is outside the VM's bounds.
    Target {
        /// The VM.
        vm: VmId,
        /// Its target.
        target: Frames,
        /// What it must keep.
        bounds: Bounds,
    },
    /// The targets add up to more than the host has.
    Sum {
        /// What they add up to.
        sum: u128,
        /// The frames of the host.
        host: Frames,
    },
}

impl PlanError {
    /// The sentence, with VMs called by the names that `name` gives them.
    pub(crate) fn sentence(&self, name: impl Fn(VmId) -> String) -> String {
        match *self {
            Self::Length { targets, vms } => {
                format!("the plan has {targets} targets, expected one for each of {vms} VMs")
            }
            Self::Target { vm, target, bounds: Bounds { min, max } } => {
                let vm = name(vm);
                format!("the plan gives VM {vm} {target} frames, expected {min} to {max}")
            }
            Self::Sum { sum, host } => {
                format!("the plan gives {sum} frames in all, expected at most the host's {host}")
            }
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence(numbered))
    }
}

impl Error for PlanError {}

/// A VM by its place in the scenario, from 0, where its name is not known.
fn numbered(vm: VmId) -> String {
    vm.0.to_string()
}

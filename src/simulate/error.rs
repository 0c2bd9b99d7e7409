//! Why a run failed before its end.

use std::error::Error;
use std::fmt;

use crate::balance::PolicyError;
use crate::units::Ticks;

/// A policy failed, or made a plan that the host refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunError {
    /// The policy's name.
    pub policy: String,
    /// The tick of the checkpoint.
    pub at: Ticks,
    /// What went wrong.
    pub error: PolicyError,
    /// The error as a sentence that names the VM.
    pub(super) sentence: String,
}

impl fmt::Display for RunError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, at, sentence, .. } = self;
        write!(out, "policy {policy} at tick {at}: {sentence}")
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

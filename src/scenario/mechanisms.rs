//! Which columns a scenario's tables have beyond those that all have.

use super::Scenario;

/// The parts of a scenario that name or add columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mechanisms {
    /// The names of its tiers.
    pub tiers: Vec<String>,
    /// Whether the host pages.
    pub pages: bool,
    /// Whether it reclaims by the state of its free memory.
    pub states: bool,
    /// Whether it shares pages.
    pub shares: bool,
}

impl Scenario {
    /// The parts that add columns to its tables.
    pub fn mechanisms(&self) -> Mechanisms {
        Mechanisms {
            tiers: self.tiers.iter().map(|tier| tier.name.clone()).collect(),
            pages: self.paging.is_some(),
            states: self.states.is_some(),
            shares: self.sharing.is_some(),
        }
    }
}

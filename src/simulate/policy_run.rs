//! A policy instance for one run.

use crate::balance::{Policy, PolicyKind};
use crate::meets::Meets;
use crate::observe::ObserverKind;
use crate::params::Settings;
use crate::scenario::Scenario;

/// A policy instance for one run, with its observers.
///
/// [`PolicyKind::run`] makes one from a policy of the list, [`new`](Self::new) from a policy of
/// your own, which need not be in a list.
#[non_exhaustive]
pub struct PolicyRun {
    /// The policy's name in results.
    pub name: String,
    /// The policy, in its state before the first checkpoint.
    pub policy: Box<dyn Policy>,
    /// The policy's observers.
    pub observers: &'static [&'static ObserverKind],
    /// The parameters of the observers; those of the policy itself may be among them.
    pub settings: Settings,
    /// Whether its VMs draw frames from each other at faults, as [`Policy::giver`] says.
    pub pools: bool,
    /// Where its VMs meet between checkpoints.
    pub meets: Meets,
}

impl PolicyRun {
    /// A policy that sees only the VMs' counts.
    pub fn new(name: impl Into<String>, policy: Box<dyn Policy>) -> Self {
        let settings = Settings::defaults(&[]);
        Self {
            name: name.into(),
            policy,
            observers: &[],
            settings,
            pools: false,
            meets: Meets::Never,
        }
    }

    /// A policy that also sees what these observers measure. `settings` has all their parameters.
    #[must_use]
    pub fn observing(
        self,
        observers: &'static [&'static ObserverKind],
        settings: Settings,
    ) -> Self {
        Self { observers, settings, ..self }
    }

    /// A policy whose VMs draw frames from each other at faults, as [`Policy::giver`] says.
    #[must_use]
    pub fn pooling(self) -> Self {
        let meets = self.meets.max(Meets::AtFaults);
        Self { pools: true, meets, ..self }
    }

    /// A policy whose VMs meet between checkpoints here too. Horizons get shorter; results stay.
    #[must_use]
    pub fn meeting(self, meets: Meets) -> Self {
        Self { meets: self.meets.max(meets), ..self }
    }
}

impl PolicyKind {
    /// Makes the policy for a run of `scenario`, with the parameters that the scenario sets.
    /// [`Scenario::fits`] says whether it can run the scenario.
    pub fn run(&self, scenario: &Scenario) -> PolicyRun {
        let settings = scenario.settings_of(self).into_owned();
        PolicyRun {
            name: self.name.to_owned(),
            policy: (self.build)(&settings),
            observers: (self.observers)(&settings),
            settings,
            pools: self.pools(),
            meets: self.meets,
        }
    }
}

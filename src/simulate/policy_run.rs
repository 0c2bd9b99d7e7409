//! What a simulation runs: a policy made for one run.

use crate::balance::{Policy, PolicyKind};
use crate::meets::Meets;
use crate::observe::ObserverKind;
use crate::params::Settings;
use crate::scenario::Scenario;

/// A policy that is ready for one run, with what it shall see.
///
/// [`PolicyKind::run`] makes one of a policy of the list; [`new`](Self::new) one of a policy of
/// your own, which must be in no list.
pub struct PolicyRun {
    /// What results call it.
    pub name: String,
    /// The policy, as if no checkpoint had happened yet.
    pub policy: Box<dyn Policy>,
    /// What the policy sees of each VM beyond its counts.
    pub observers: &'static [&'static ObserverKind],
    /// The parameters of the observers; those of the policy itself may stand beside them.
    pub settings: Settings,
    /// A policy of one's own decides at checkpoints and nowhere else.
    pub(super) meets: Meets,
}

impl PolicyRun {
    /// A policy that sees nothing of a VM beyond its counts.
    pub fn new(name: impl Into<String>, policy: Box<dyn Policy>) -> Self {
        let settings = Settings::defaults(&[]);
        Self { name: name.into(), policy, observers: &[], settings, meets: Meets::Never }
    }

    /// The same, which sees what these observers measure. `settings` has all their parameters.
    #[must_use]
    pub fn observing(
        self,
        observers: &'static [&'static ObserverKind],
        settings: Settings,
    ) -> Self {
        Self { observers, settings, ..self }
    }
}

impl PolicyKind {
    /// Makes the policy for a run of `scenario`, with the parameters that the scenario sets.
    /// Whether it can run the scenario is for [`Scenario::fits`] to say.
    pub fn run(&self, scenario: &Scenario) -> PolicyRun {
        let settings = scenario.settings_of(self).into_owned();
        PolicyRun {
            name: self.name.to_owned(),
            policy: (self.build)(&settings),
            observers: (self.observers)(&settings),
            settings,
            meets: self.meets,
        }
    }
}

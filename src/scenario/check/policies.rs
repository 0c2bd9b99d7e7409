//! The policies that a scenario names: the one in force and those to compare.

use std::collections::BTreeMap;

use super::params;
use super::values::{Findings, Section};
use crate::balance::{self, Bounds, PolicyKind};
use crate::params::{Domain, Param, Settings};
use crate::scenario::Scenario;
use crate::scenario::codes;
use crate::scenario::document::{Literal, Origin};
use crate::units::{Frames, Ticks};

/// The policies that `compare` runs unless the scenario names others: the report's.
const COMPARE_DEFAULT: &[&str] = &["static", "last-n", "proportional"];

/// The policy in force and those to compare, as the document names them.
pub(super) struct Policies {
    in_force: Option<(&'static PolicyKind, Origin)>,
    /// `None` if the default list applies.
    compare: Option<Vec<(&'static PolicyKind, Origin)>>,
}

impl Policies {
    pub(super) fn read(findings: &mut Findings, root: &Section, policy: &Section) -> Self {
        let kind = match policy.get("kind") {
            Some(field) => {
                // The caller runs its own in the place of the one that stands here.
                let own = findings.own.policies.clone().into_iter();
                let own = own.map(|name| (name, &balance::ALL[0]));
                findings.choice(&field, params::policies().chain(own))
            }
            None => Some(&balance::ALL[0]),
        };
        let in_force = kind.map(|kind| (kind, policy.origin_of("kind")));
        Self { in_force, compare: super::expects::policy_list(findings, root, "compare") }
    }

    /// All that the document names, with the places.
    fn named(&self) -> impl Iterator<Item = (&'static PolicyKind, Origin)> {
        self.in_force.into_iter().chain(self.compare.iter().flatten().copied())
    }

    /// Reports named policies that pool frames if the VMs or the actuator do not allow it.
    pub(super) fn check_pools(&self, findings: &mut Findings, scenario: &Scenario) {
        for (kind, origin) in self.named().filter(|(kind, _)| kind.pools()) {
            if let Err(message) = scenario.fits(kind) {
                let remedy = "change the scenario or choose another policy";
                findings.error(codes::DOES_NOT_FIT, origin, message, remedy);
            }
        }
    }

    /// Warns about named policies whose real implementation runs much more or less often. Applies
    /// only if the checkpoint interval is a duration; bare ticks have no real length.
    pub(super) fn check_intervals(
        &self,
        findings: &mut Findings,
        scenario: &Scenario,
        checkpoint: &Section,
    ) {
        let every = checkpoint.get("every");
        if !every.is_some_and(|every| matches!(every.node.value, Literal::String(_))) {
            return;
        }
        let asked = u128::from(scenario.checkpoint_every.0) * u128::from(scenario.cadence());
        let mut warned: Vec<&str> = Vec::new();
        for (kind, _) in self.named() {
            let Some(Ticks(live)) = kind.live_interval else { continue };
            let live = u128::from(live);
            if (asked > 2 * live || 2 * asked < live) && !warned.contains(&kind.name) {
                warned.push(kind.name);
                let (live, asked) = (seconds(live), seconds(asked));
                let message = format!(
                    "`{}` runs every {live} s in its real implementation, but every {asked} s here",
                    kind.name
                );
                let remedy = "set `checkpoint.every`, or `policy.cadence`, to the rule's interval";
                findings.warn(
                    codes::ANOTHER_INTERVAL,
                    checkpoint.origin_of("every"),
                    message,
                    remedy,
                );
            }
        }
    }

    /// The policies if they fit the host and the VMs. Policies of the default list that do not fit
    /// are left out with a warning, because the user did not ask for them.
    pub(super) fn fitting(
        &self,
        findings: &mut Findings,
        settings: &BTreeMap<&'static str, Settings>,
        memory: Frames,
        bounds: &[Bounds],
    ) -> Option<(&'static PolicyKind, Vec<&'static PolicyKind>)> {
        // A policy without the files that could not be read would be told that it names none.
        let lacks_files = findings.list.iter().any(|found| {
            [codes::BAD_POLICY_FILE, codes::POLICY_FILE_UNREADABLE].contains(&found.code)
        });
        let misfit = |kind: &'static PolicyKind| {
            let reads = |param: &Param| matches!(param.domain, Domain::Files { .. });
            if lacks_files && kind.params.iter().any(reads) {
                return None;
            }
            (kind.fits)(&settings[kind.name], memory, bounds).err()
        };
        let mut fits = true;
        for (kind, origin) in self.named() {
            if let Some(message) = misfit(kind) {
                let remedy = "change the scenario or choose another policy";
                findings.error(codes::DOES_NOT_FIT, origin, message, remedy);
                fits = false;
            }
        }
        let compare = if let Some(listed) = &self.compare {
            listed.iter().map(|&(kind, _)| kind).collect()
        } else {
            let known = params::policies().filter(|(name, _)| COMPARE_DEFAULT.contains(name));
            let mut fitting = Vec::new();
            for (_, kind) in known {
                let Some(message) = misfit(kind) else {
                    fitting.push(kind);
                    continue;
                };
                let remedy = "it is left out of comparisons; list the policies to compare in \
                              `compare`";
                findings.warn(codes::DOES_NOT_FIT, Origin::whole(0), message, remedy);
            }
            fitting
        };
        self.in_force.filter(|_| fits).map(|(policy, _)| (policy, compare))
    }
}

/// Nanoseconds as seconds, for messages.
fn seconds(ns: u128) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

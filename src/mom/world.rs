//! What a program sees and sets: the host and the guests, with their statistics, variables and
//! controls.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::Place;
use super::value::Value;

/// The host and the guests, the host first.
#[derive(Debug)]
pub(crate) struct World {
    pub(super) entities: Vec<Entity>,
}

/// The host, or a guest.
#[derive(Debug, Default)]
pub(crate) struct Entity {
    properties: Vec<(&'static str, Arc<str>)>,
    fields: Vec<(&'static str, Statistic)>,
    pub(super) variables: BTreeMap<Arc<str>, Value>,
    pub(super) controls: BTreeMap<Arc<str>, (Value, Place)>,
}

/// A statistic that a collector samples: `None` is one that the collector could not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statistic {
    /// The latest sample.
    pub(crate) latest: Option<i128>,
    /// The sum of the samples that are remembered, and how many there are.
    pub(crate) sum: (i128, u32),
}

impl Statistic {
    /// One whose samples are all the same.
    pub(crate) fn constant(value: i128) -> Self {
        Self { latest: Some(value), sum: (value, 1) }
    }

    /// One that is not collected.
    pub(crate) const MISSING: Self = Self { latest: None, sum: (0, 0) };
}

/// What collectors of MOM's report and no entity here has: the host's wall clock (`HostTime`), and
/// the limits on I/O in force (`GuestIoTune`).
const NOT_SIMULATED: [&str; 8] = [
    "time_year",
    "time_month",
    "time_day",
    "time_hour",
    "time_minute",
    "time_second",
    "time_microsecond",
    "io_tune_current",
];

impl World {
    pub(crate) fn new(host: Entity, guests: impl IntoIterator<Item = Entity>) -> Self {
        Self { entities: std::iter::once(host).chain(guests).collect() }
    }
}

impl Entity {
    pub(crate) fn new(
        properties: Vec<(&'static str, Arc<str>)>,
        fields: Vec<(&'static str, Statistic)>,
    ) -> Self {
        Self { properties, fields, ..Self::default() }
    }

    pub(super) fn property(&self, name: &str) -> Option<Value> {
        let found = self.properties.iter().find(|(known, _)| *known == name)?;
        Some(Value::Text(Arc::clone(&found.1)))
    }

    pub(super) fn statistic(&self, name: &str) -> Option<Statistic> {
        Some(self.fields.iter().find(|(known, _)| *known == name)?.1)
    }

    /// Why there is no statistic of that name, and which there are, for messages.
    pub(super) fn lacks(&self, name: &str) -> String {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| *name).collect();
        let why = if NOT_SIMULATED.contains(&name) {
            "MOM collects it, but it is not simulated"
        } else {
            "MOM does not collect it"
        };
        format!("{why}; there are {}", names.join(", "))
    }
}

impl From<Statistic> for Value {
    fn from(statistic: Statistic) -> Self {
        statistic.latest.map_or(Self::Nil, Self::Int)
    }
}

//! `mom-ovirt`: the balloon rules that oVirt's hosts run.
//!
//! *Idea.* As `mom-balloon`, but a guest that grows wants as large a part of its memory free as the
//! host has, so that on an empty host it grows to its maximum at once.
//! *Follows.* oVirt/vdsm static/etc/vdsm/mom.d (00-defines, 02-balloon) and mom.conf.in at fd4b0df,
//! with the statistics of oVirt/mom at 3de1c8e.
//! *Departs.* As `mom-balloon`. oVirt's files have ballooning off until its engine writes another
//! into 01-parameters; here it is on unless `ballooning` says otherwise.
//! *Cost.* O(V log V) per checkpoint or sample for V VMs.
//! *Parameters.* As `mom-balloon`, but `sample_every` is 15 s; `ballooning`: whether guests shrink
//! at all (on).

use super::mom_balloon::{self, Guest, HostFree, Mom, Round, Rules, shrink};
use crate::balance::{PolicyKind, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::units::Ticks;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mom-ovirt",
    summary: "the balloon rules that oVirt's hosts run: guests shrink while the host is short of \
              free memory, and grow by the part of it that is free",
    follows: "oVirt's vdsm, mom.d, with the Memory Overcommitment Manager",
    live_interval: Some(LIVE),
    params: &[
        mom_balloon::THRESHOLD,
        mom_balloon::CRITICAL,
        mom_balloon::GUEST_FREE,
        mom_balloon::MAX_CHANGE,
        mom_balloon::MIN_CHANGE,
        mom_balloon::SAMPLES,
        SAMPLE_EVERY,
        meminfo::RESIDENT_PARAM,
        BALLOONING,
    ],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let round: Round = match settings.choice(BALLOONING.name) {
            "on" => |rules, host| Some(if rules.is_short(host) { shrink } else { grow }),
            _ => |_, _| Some(grow),
        };
        Mom::boxed(settings, round)
    },
};

const LIVE: Ticks = Ticks(15_000_000_000);

const SAMPLE_EVERY: Param = Param {
    name: "sample_every",
    doc: "time between two samples after a checkpoint, at which one is taken too; oVirt's 15 s",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(LIVE.0),
};

const BALLOONING: Param = Param {
    name: "ballooning",
    doc: "whether guests shrink under pressure, or only grow; what oVirt's engine sets",
    domain: Domain::Choice(&["on", "off"]),
    default: Value::Choice("on"),
};

/// Unlike in `mom-balloon`, a growing guest's free share also depends on how much memory the host
/// has free.
fn grow(rules: &Rules, host: HostFree, guest: &Guest) -> Option<i128> {
    rules.grow(guest, rules.need_under_pressure(host, guest))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    /// Targets of oVirt's files and of MOM's sample, computed by MOM's own evaluator.
    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mom-rules/ovirt.json");

    #[test]
    fn guests_get_what_the_shipped_files_give_them() {
        let text = std::fs::read_to_string(VECTORS).unwrap();
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let vectors = described["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 20);
        for vector in vectors {
            let number = |key: &str| vector[key].as_f64().unwrap() as u64;
            let [now, used, min, max] = ["cur", "used", "min", "max"].map(number);
            // All but the guest's pages is held by another VM, where the host is not empty.
            let free = (vector["host_free"].as_f64().unwrap() * 100.0).round() as u64;
            let host = if free == 100 { 1_000_000 * now } else { 100 * now };
            let mut guests = vec![resident(used, vm(now, min, max))];
            if free < 100 {
                guests.push(vm(host - now * free - used, 1, host));
            }
            let ballooning = if vector["ballooning"] == true { "on" } else { "off" };
            let set = [(BALLOONING.name, Value::Choice(ballooning))];
            let target = |kind, set: &[(&str, Value)]| {
                step(&mut *policy(kind, set), &mut view(host, guests.clone()))[0]
            };
            assert_eq!(target(&KIND, &set), number("target"), "{vector}");
            assert_eq!(target(&mom_balloon::KIND, &[]), number("doc_balloon_rules"), "{vector}");
        }
    }
}

//! Checks of the run as a whole: its end, checkpoints and warm-up.

use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::Literal;
use super::super::{Actuator, Admission, After, Cost, Phase, WarmUp};
use super::draft::{Draft, NEVER};
use super::values::{Findings, Section};
use crate::replace::Delays;
use crate::tier::TierSpec;
use crate::trace::tempo::Tempo;
use crate::units::{Frames, TICKS_MAX, Ticks};

/// What limits a run's length, besides its VMs; `None` is a value with a reported error.
pub(super) struct Length<'a> {
    pub(super) cost: Option<Cost>,
    pub(super) every: Option<Ticks>,
    pub(super) actuator: Option<Actuator>,
    /// Whether the host pages.
    pub(super) pages: bool,
    pub(super) tiers: Option<&'a [TierSpec]>,
    pub(super) admission: Option<Admission>,
}

impl Length<'_> {
    /// Reports runs that would not end before the largest tick, and checkpoints that never come.
    /// Returns an upper bound on the last tick, if there are no errors.
    pub(super) fn check(
        &self,
        findings: &mut Findings,
        root: &Section,
        checkpoint: &Section,
        vms: &[Draft],
    ) -> Option<u128> {
        let repeats = |vm: &Draft| vm.after == Some(After::Repeat);
        let endless = |vm: &&Draft| repeats(vm) && vm.stop == Some(NEVER);
        if !vms.is_empty() && vms.iter().all(|vm| endless(&vm)) {
            let origin = vms[0].section.origin_of("after");
            let message = "all VMs repeat and none has a `stop`, so the run would never end";
            findings.error(codes::ENDLESS, origin, message, "give at least one VM a `stop`");
        }
        if let (Some(Cost { policy, .. }), Some(every)) = (self.cost, self.every)
            && policy >= every
        {
            let origin = root.section(findings, "cost").origin_of("policy");
            let message =
                format!("the policy takes {policy} of the {every} ticks between checkpoints");
            let remedy = "no VM could make an access; lower it";
            findings.error(codes::ENDLESS, origin, message, remedy);
            return None;
        }
        // A VM that repeats without a `stop` ends with the others.
        let (endless, ending): (Vec<_>, Vec<_>) = vms.iter().partition(endless);
        let waits = self.longest_wait(vms);
        // The last tick of the run if every access were a fault and a trap; `None` if a part is
        // unknown.
        let mut latest = Some(0_u128);
        let mut ticks = 0_u128;
        for vm in ending {
            let end = vm.stop.and_then(|stop| {
                let worst = waits?.saturating_add(self.latest_end(vm, stop)?);
                ticks += worst;
                is_in_time(findings, vm, worst).then(|| worst.min(u128::from(stop.0)))
            });
            latest = latest.zip(end).map(|(latest, end)| latest.max(end));
        }
        if let Some(latest) = latest {
            for vm in endless {
                if let Some(end) = self.latest_end(vm, Ticks(latest as u64)) {
                    is_in_time(findings, vm, end);
                    ticks += end;
                }
            }
            check_sums(findings, vms, ticks, latest);
        }
        if let (Some(every), Some(latest)) = (self.every, latest.filter(|&latest| latest > 0)) {
            check_checkpoints(findings, checkpoint, [u128::from(every.0), latest], vms.len());
        }
        latest
    }

    /// An upper bound on when the VM finishes the accesses that it begins before `stop` if it never
    /// waits for frames: each is assumed to be a fault, and idle phases make none. What it begins
    /// before `stop` may delay it further: an access, intercepted accesses of an interval,
    /// write-backs.
    fn latest_end(&self, vm: &Draft, stop: Ticks) -> Option<u128> {
        let start = vm.start?;
        let once = u128::from(vm.accesses.as_ref()?.count());
        let accesses = most_accesses(vm, stop)?;
        let Cost { delays, trap, policy, host_read, host_write, copy, .. } = self.cost?;
        let Delays { fault, zero_fill, swap_in, write_back } = delays;
        // At worst each access loads a page and evicts another.
        let each = [fault, zero_fill, swap_in, write_back, trap];
        let each: u128 = each.iter().map(|ticks| u128::from(ticks.0)).sum();
        // Or two pages get frames, one of them to be evicted: each is read, and takes a frame from
        // another, which is written. Every page that loses its frame got it in one of these ways.
        let [read, write] = [host_read, host_write].map(|ticks| u128::from(ticks.0));
        let [read, write] = if self.pages { [read, write] } else { [0, 0] };
        // A write to a shared page copies it.
        let each = each + 2 * (read + write) + u128::from(copy.0);
        // It may find its page in a tier, and every tier may pass a page on. No page goes down more
        // often than pages are used.
        let tiers = || self.tiers.unwrap_or_default().iter();
        let fetch = tiers().map(|tier| u128::from(tier.fetch.0)).max().unwrap_or(0);
        let puts: u128 = tiers().map(|tier| u128::from(tier.put.0)).sum();
        let each = each + fetch + puts;
        let (nominal, one) = nominal(vm, accesses)?;
        let mut busy = accesses.saturating_mul(each).saturating_add(nominal);
        let each = each + one;
        if policy > Ticks(0) {
            // The policy's time is charged in every interval, including the last, partial one.
            let (every, policy) = (u128::from(self.every?.0), u128::from(policy.0));
            let left = every.checked_sub(policy).filter(|&left| left > 0)?;
            busy = busy.saturating_add(policy).saturating_mul(every).div_ceil(left);
        }
        let idle = length_of(vm.idle.as_ref()?);
        let in_interval = match vm.tempo()? {
            Tempo::Steps(period) => u128::from(self.every?.0 / period.0) + 1,
            Tempo::Recorded(_) => accesses,
        };
        let trapped = in_interval.min(accesses).saturating_mul(u128::from(trap.0));
        // A page that a balloon takes may have to be read first.
        let each_gone = u128::from(write_back.0) + puts + read + write;
        let gone = once.min(accesses).saturating_mul(each_gone);
        let held_up = trapped.saturating_add(gone).saturating_add(each);
        let beyond = held_up.saturating_add(u128::from(stop.0));
        Some(u128::from(start.0).saturating_add(busy).saturating_add(idle).min(beyond))
    }

    /// The longest wait of a VM after its start: for balloons, which give frames in every step; for
    /// drivers that are stuck; and in a queue, for all other VMs to come and leave.
    fn longest_wait(&self, vms: &[Draft]) -> Option<u128> {
        let Actuator { latency, rate, step } = self.actuator?;
        let mut wait = u128::from(latency.0);
        for vm in vms {
            let batches = u128::from(vm.min?.0.div_ceil(rate.0)) + 1;
            let stuck = length_of(vm.stuck.as_ref()?);
            let held_up = batches * u128::from(step.0) + u128::from(latency.0) + stuck;
            wait = wait.saturating_add(held_up);
            if self.admission? == Admission::Queue {
                wait = wait.saturating_add(self.latest_end(vm, vm.stop?)?);
            }
        }
        let never = self.actuator? == Actuator::INSTANT
            && self.admission? != Admission::Queue
            && vms.iter().all(|vm| vm.stuck.as_ref().is_some_and(Vec::is_empty));
        Some(if never { 0 } else { wait })
    }
}

/// The nominal ticks of a number of accesses of a VM, and the longest of them.
fn nominal(vm: &Draft, accesses: u128) -> Option<(u128, u128)> {
    match vm.tempo()? {
        Tempo::Steps(period) => {
            let one = u128::from(period.0);
            Some((accesses.saturating_mul(one), one))
        }
        tempo @ Tempo::Recorded(_) => {
            let trace = vm.accesses.as_ref()?.trace.as_ref()?;
            let pass = u128::from(tempo.pass(trace));
            let passes = accesses.div_ceil(u128::from(trace.accesses()));
            Some((passes.saturating_mul(pass), pass))
        }
    }
}

/// Reports a VM that might not end before the largest tick.
fn is_in_time(findings: &mut Findings, vm: &Draft, end: u128) -> bool {
    let is_in_time = end <= u128::from(TICKS_MAX);
    if !is_in_time {
        let message = format!("{} would not end before 2^62 ticks", vm.called());
        let remedy = "lower its `start`, its `period` or the `cost` of its events";
        findings.error(codes::TOO_LONG, vm.section.origin, message, remedy);
    }
    is_in_time
}

/// The ticks of all phases that end.
fn length_of(phases: &[Phase]) -> u128 {
    let ending = phases.iter().filter(|phase| phase.until != Phase::NEVER);
    ending.map(|phase| u128::from((phase.until - phase.from).0)).sum()
}

fn check_checkpoints(
    findings: &mut Findings,
    checkpoint: &Section,
    [every, latest]: [u128; 2],
    vms: usize,
) {
    let origin = checkpoint.origin_of("every");
    let (checkpoints, vms) = (latest / every, vms as u128);
    if checkpoints * vms > CHECKPOINTS_MAX {
        let each = if vms == 1 { String::new() } else { format!(", each of {vms} VMs") };
        let message = format!("an interval of {every} ticks gives {checkpoints} checkpoints{each}");
        let remedy = format!(
            "the run may last {latest} ticks; use {} or more",
            latest.div_ceil(CHECKPOINTS_MAX / vms)
        );
        findings.error(codes::TOO_MANY_EVENTS, origin, message, remedy);
    }
    if checkpoints == 0 {
        let message = format!("a checkpoint every {every} ticks never comes");
        let remedy = format!("the run ends by tick {latest}");
        findings.warn(codes::CHECKPOINT_TOO_LATE, origin, message, remedy);
    }
}

/// The most checkpoints of a run times its VMs: a policy looks at every VM.
const CHECKPOINTS_MAX: u128 = 10_000_000_000;

/// The most ticks and accesses of all VMs together, and frames moved at all checkpoints together:
/// their sums must fit into 64 bits, in observers with eight fractional bits.
const TICKS_SUM: u128 = i64::MAX as u128;
const ACCESSES_SUM: u128 = TICKS_SUM >> 8;
const FRAMES_SUM: u128 = i64::MAX as u128;

/// Reports checkpoints that could move more frames than can be counted.
pub(super) fn check_moves(
    findings: &mut Findings,
    checkpoint: &Section,
    [every, latest]: [u128; 2],
    memory: Frames,
) {
    let checkpoints = latest / every;
    let moved = checkpoints.saturating_mul(u128::from(memory.0));
    if moved > FRAMES_SUM {
        let message =
            format!("{checkpoints} checkpoints could move {moved} frames, more than {FRAMES_SUM}");
        let remedy = "use fewer checkpoints or a smaller host";
        findings.error(codes::TOO_MANY_EVENTS, checkpoint.origin_of("every"), message, remedy);
    }
}

/// Reports VMs whose counts would overflow when added up: ticks in 64 bits, accesses with the eight
/// fractional bits of observers.
fn check_sums(findings: &mut Findings, vms: &[Draft], ticks: u128, latest: u128) {
    let Some(first) = vms.first() else { return };
    let of_vm = |vm: &Draft| most_accesses(vm, vm.stop?.min(Ticks(latest as u64)));
    let accesses: u128 = vms.iter().filter_map(of_vm).sum();
    for (what, sum, most) in [("ticks", ticks, TICKS_SUM), ("accesses", accesses, ACCESSES_SUM)] {
        if sum > most {
            let message = format!("all VMs together could have {sum} {what}, more than {most}");
            let remedy = "shorten the run: lower a `stop`, a `period` or a `cost`";
            findings.error(codes::TOO_LONG, first.section.origin, message, remedy);
        }
    }
}

/// An upper bound on the accesses that a VM begins before `stop`.
fn most_accesses(vm: &Draft, stop: Ticks) -> Option<u128> {
    let once = u128::from(vm.accesses.as_ref()?.count());
    let stay = stop.0.saturating_sub(vm.start?.0);
    let in_time = match (vm.tempo()?, &vm.accesses.as_ref()?.trace) {
        (Tempo::Steps(period), _) => stay.div_ceil(period.0),
        (tempo, Some(trace)) => tempo.accesses_before(trace, stay),
        (Tempo::Recorded(_), None) => return None,
    };
    let in_time = u128::from(in_time);
    Some(if vm.after? == After::Repeat { in_time } else { once.min(in_time) })
}

/// The warm-up; `None` if everything counts, or after an error.
pub(super) fn warm_up(findings: &mut Findings, root: &Section, vms: &[Draft]) -> Option<WarmUp> {
    let field = root.get("warm_up")?;
    let origin = field.node.origin;
    let warm_up = match &field.node.value {
        Literal::Integer(_) => WarmUp::Accesses(findings.integer(&field, 0, TICKS_MAX)?),
        Literal::String(text) => match WarmUp::parse(text) {
            Ok(warm_up) => warm_up,
            Err(message) => {
                let remedy = "write \"10%\", \"1000 accesses\", \"10 s\" or \"until 10 s\"";
                findings.error(codes::BAD_WARM_UP, origin, clip(&message), remedy);
                return None;
            }
        },
        _ => {
            findings.wrong_type(&field, "a string such as \"10%\", or a number of accesses");
            return None;
        }
    };
    let outlives = |vm: &Draft| match (warm_up, &vm.accesses) {
        (WarmUp::Accesses(warm), Some(accesses)) => {
            vm.after == Some(After::Repeat) || accesses.count() > warm
        }
        _ => true,
    };
    if !vms.is_empty() && !vms.iter().any(outlives) {
        let message = "every access of every VM would belong to the warm-up";
        findings.error(codes::BAD_WARM_UP, origin, message, "shorten it, or give a share: \"10%\"");
        return None;
    }
    Some(warm_up)
}

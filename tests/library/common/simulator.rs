//! A second, naive simulator. It proceeds tick by tick, keeps each VM's pages in a plain list, and
//! uses no events, runs or stack distances. Balloons, stuck drivers, the host's queue and idle
//! phases are examined in every tick. The policies are second implementations too, from the
//! report's text.

use balloonist::random::Stream;
use balloonist::replace::Counts;
use balloonist::scenario::{Admission, After, Phase, Scenario, VmSpec};
use balloonist::trace::AccessKind;
use balloonist::trace::tempo::Tempo;
use balloonist::units::Ticks;

/// The policies that it knows: the report's.
pub const POLICIES: [&str; 3] = ["static", "last-n", "proportional"];

/// The results of the naive run.
pub struct Outcome {
    pub vms: Vec<Vm>,
    pub end: u64,
    pub in_flight: u64,
}

#[derive(Default)]
pub struct Vm {
    pub counts: Counts,
    pub distinct: u64,
    /// Ticks charged for faults and write-backs, and for the policy.
    pub stalled: u64,
    pub overhead: u64,
    /// The frames held in each tick that the VM was present; `None` if it never started.
    pub frames: Option<Vec<u64>>,
    interval: Counts,
    list: Vec<u64>,
    /// The pages used and not freed since, and those ever used.
    seen: Vec<u64>,
    used: Vec<u64>,
    dirty: Vec<u64>,
    position: usize,
    here: bool,
    allocation: u64,
    target: u64,
    /// When its balloon may act again.
    ready: u64,
    next: u64,
    finished: Option<u64>,
    pub started: Option<u64>,
    /// When it was refused.
    pub refused: Option<u64>,
}

/// The state shared by the VMs.
#[derive(Default)]
struct Between {
    /// The frames in flight: when they become free, and how many.
    flights: Vec<(u64, u64)>,
    /// The VMs that wait, in order, and whether each one's minimum is kept back for it.
    queue: Vec<(usize, bool)>,
}

/// Runs the scenario under the policy of that name.
pub fn simulate(scenario: &Scenario, policy: &str) -> Outcome {
    let traces: Vec<Vec<u64>> = scenario
        .vms
        .iter()
        .map(|vm| {
            let trace = &vm.trace;
            (0..trace.accesses()).map(|at| trace.numbers()[trace.page(at) as usize].0).collect()
        })
        .collect();
    let mut draw = Stream::new(scenario.random, scenario.seed, scenario.repetition, "policy");
    let mut vms: Vec<Vm> = scenario.vms.iter().map(|_| Vm::default()).collect();
    let mut between = Between::default();
    let mut tick = 0;
    loop {
        depart(scenario, &mut vms, &mut between, tick);
        for at in 0..vms.len() {
            if scenario.vms[at].start.0 == tick {
                between.queue.push((at, false));
                act(scenario, &mut vms, &mut between, tick);
            }
        }
        act(scenario, &mut vms, &mut between, tick);
        if tick > 0 && tick % scenario.checkpoint_every.0 == 0 {
            checkpoint(scenario, &mut vms, policy, &mut draw);
            act(scenario, &mut vms, &mut between, tick);
        }
        if let Some(end) = end(scenario, &vms)
            && tick >= end
        {
            let in_flight = between.flights.iter().map(|flight| flight.1).sum();
            return Outcome { vms, end, in_flight };
        }
        for (at, vm) in vms.iter_mut().enumerate() {
            access(scenario, at, vm, &traces[at], tick);
        }
        for vm in vms.iter_mut().filter(|vm| vm.here) {
            vm.frames.as_mut().unwrap().push(vm.allocation);
        }
        tick += 1;
        assert!(tick < 100_000, "the naive run does not end");
    }
}

fn end(scenario: &Scenario, vms: &[Vm]) -> Option<u64> {
    let mut end = 0;
    for (spec, vm) in scenario.vms.iter().zip(vms) {
        if spec.after == After::Repeat && spec.stop.is_none() {
            continue;
        }
        end = end.max(vm.finished?);
    }
    Some(end)
}

fn depart(scenario: &Scenario, vms: &mut [Vm], between: &mut Between, tick: u64) {
    for at in 0..vms.len() {
        let spec = &scenario.vms[at];
        let stopped = spec.stop == Some(Ticks(tick));
        let left = spec.after == After::Leave && vms[at].finished == Some(tick);
        if stopped && between.queue.iter().any(|&(waits, _)| waits == at) {
            between.queue.retain(|&(waits, _)| waits != at);
            (vms[at].finished, vms[at].refused) = (Some(tick), Some(tick));
            act(scenario, vms, between, tick);
        }
        if vms[at].here && (stopped || left) {
            vms[at].here = false;
            // Write-backs of its shrinks, or an idle phase, may have delayed it until its stop.
            vms[at].finished.get_or_insert(tick);
            let wants = |vm: &Vm| vm.here && vm.allocation < vm.target;
            if !between.queue.is_empty() || vms.iter().any(wants) {
                act(scenario, vms, between, tick);
            }
        }
    }
}

fn stuck(scenario: &Scenario, at: usize, tick: u64) -> Option<&Phase> {
    let mut phases = scenario.vms[at].stuck.iter();
    phases.find(|phase| (phase.from.0..phase.until.0).contains(&tick))
}

/// One round of frame movements without a plan.
fn act(scenario: &Scenario, vms: &mut [Vm], between: &mut Between, tick: u64) {
    let memory = scenario.host.memory.0;
    let free = |vms: &[Vm], between: &Between| {
        let held: u64 = vms.iter().filter(|vm| vm.here).map(|vm| vm.allocation).sum();
        memory - held - between.flights.iter().map(|flight| flight.1).sum::<u64>()
    };
    let kept = |between: &Between| -> u64 {
        let kept = between.queue.iter().filter(|waits| waits.1);
        kept.map(|waits| scenario.vms[waits.0].min.0).sum()
    };
    between.flights.retain(|&(lands, _)| lands > tick);
    queue(scenario, vms, between, tick);
    if between.queue.iter().any(|waits| waits.1) {
        make_room(scenario, vms, kept(between), tick);
    }
    let actuator = scenario.actuator;
    for (at, vm) in vms.iter_mut().enumerate() {
        let works = stuck(scenario, at, tick).is_none() && vm.ready <= tick;
        if vm.here && vm.allocation > vm.target && works {
            let batch = actuator.rate.0.min(vm.allocation - vm.target);
            vm.allocation -= batch;
            vm.ready = tick + actuator.step.0;
            if actuator.latency.0 > 0 {
                between.flights.push((tick + actuator.latency.0, batch));
            }
            shrink(scenario, at, vm);
        }
    }
    while let Some(&(at, true)) = between.queue.first() {
        let min = scenario.vms[at].min.0;
        if free(vms, between) < min {
            break;
        }
        between.queue.remove(0);
        let promised = counted_on(scenario, vms, tick) + kept(between);
        let spare =
            memory.saturating_sub(promised).min(free(vms, between).saturating_sub(kept(between)));
        let vm = &mut vms[at];
        vm.here = true;
        vm.allocation = scenario.vms[at].initial.0.min(spare).max(min);
        vm.target = vm.allocation;
        vm.frames = Some(Vec::new());
        vm.started = Some(tick);
        vm.next = rested(scenario, at, tick + nominal(&scenario.vms[at], 0));
        if let Some(Ticks(stop)) = scenario.vms[at].stop {
            vm.next = vm.next.min(stop);
        }
    }
    for at in 0..vms.len() {
        if vms[at].here && stuck(scenario, at, tick).is_none() {
            let spare = free(vms, between).saturating_sub(kept(between));
            let wanted = vms[at].target.saturating_sub(vms[at].allocation);
            vms[at].allocation += wanted.min(spare);
        }
    }
}

/// Keeps minima back for VMs that are first and fit, and refuses VMs that never will.
fn queue(scenario: &Scenario, vms: &mut [Vm], between: &mut Between, tick: u64) {
    let memory = scenario.host.memory.0;
    let stays =
        |at: usize| scenario.vms[at].after != After::Leave && scenario.vms[at].stop.is_none();
    let min = |at: usize| scenario.vms[at].min.0;
    let mut turn = 0;
    while turn < between.queue.len() {
        let (at, is_kept) = between.queue[turn];
        let mut never_back = 0;
        for other in (0..vms.len()).filter(|&other| vms[other].here && stays(other)) {
            let stuck_for_ever =
                stuck(scenario, other, tick).is_some_and(|phase| phase.until == Phase::NEVER);
            never_back += if stuck_for_ever { vms[other].allocation } else { min(other) };
        }
        let before = between.queue[..turn].iter().map(|waits| waits.0);
        never_back += before.filter(|&at| stays(at)).map(min).sum::<u64>();
        let mut refused = never_back + min(at) > memory;
        if !refused && !is_kept && between.queue[..turn].iter().all(|waits| waits.1) {
            let here = (0..vms.len()).filter(|&other| vms[other].here).map(min).sum::<u64>();
            let kept = between.queue[..turn].iter().map(|waits| min(waits.0)).sum::<u64>();
            if here + kept + min(at) <= memory {
                between.queue[turn].1 = true;
            } else {
                refused = scenario.host.admission == Admission::Refuse;
            }
        }
        if refused {
            between.queue.remove(turn);
            (vms[at].finished, vms[at].refused) = (Some(tick), Some(tick));
        } else {
            turn += 1;
        }
    }
}

fn counted_on(scenario: &Scenario, vms: &[Vm], tick: u64) -> u64 {
    let counts_on = |at: usize| match stuck(scenario, at, tick) {
        Some(_) => vms[at].target.max(vms[at].allocation),
        None => vms[at].target,
    };
    (0..vms.len()).filter(|&at| vms[at].here).map(counts_on).sum()
}

/// Takes frames from the targets: all surplus of the VM with the largest surplus, then of the next.
fn make_room(scenario: &Scenario, vms: &mut [Vm], kept: u64, tick: u64) {
    let surplus = |vms: &[Vm], at: usize| match stuck(scenario, at, tick) {
        Some(_) => vms[at].target.saturating_sub(vms[at].allocation),
        None => vms[at].target - scenario.vms[at].min.0,
    };
    let mut givers: Vec<usize> = (0..vms.len()).filter(|&giver| vms[giver].here).collect();
    while let Some(best) = givers.iter().map(|&giver| surplus(vms, giver)).max() {
        let missing =
            (counted_on(scenario, vms, tick) + kept).saturating_sub(scenario.host.memory.0);
        let giver = *givers.iter().find(|&&giver| surplus(vms, giver) == best).unwrap();
        givers.retain(|&other| other != giver);
        vms[giver].target -= best.min(missing);
    }
}

/// The tick, or the end of the idle phases that contain it.
fn rested(scenario: &Scenario, at: usize, mut tick: u64) -> u64 {
    while let Some(phase) =
        scenario.vms[at].idle.iter().find(|phase| (phase.from.0..phase.until.0).contains(&tick))
    {
        tick = phase.until.0;
    }
    tick
}

/// Evicts pages until the others fit, and waits for write-backs.
fn shrink(scenario: &Scenario, at: usize, vm: &mut Vm) {
    while vm.list.len() as u64 > vm.allocation {
        let written = evict(scenario, vm);
        vm.interval.write_backs += written;
        vm.counts.write_backs += written;
        if vm.finished.is_none() {
            vm.next += written * scenario.cost.delays.write_back.0;
            vm.stalled += written * scenario.cost.delays.write_back.0;
        }
    }
    if vm.finished.is_none() {
        vm.next = rested(scenario, at, vm.next);
    }
}

/// Evicts the last page; returns whether it must be written back.
fn evict(scenario: &Scenario, vm: &mut Vm) -> u64 {
    let page = vm.list.pop().unwrap();
    let clean = vm.dirty.len();
    vm.dirty.retain(|&other| other != page);
    u64::from(vm.dirty.len() < clean && scenario.cost.counts_write_backs)
}

/// When an access of the first pass starts without delays; for one past the last, when the last one
/// ends.
fn nominal(spec: &VmSpec, position: u64) -> u64 {
    match spec.tempo {
        Tempo::Steps(period) => position * period.0,
        Tempo::Recorded(speed) => {
            let times = spec.trace.times().unwrap();
            let is_behind = position == spec.trace.accesses();
            let elapsed = times.get(position - u64::from(is_behind)) - times.origin();
            let quotient = elapsed * speed.denominator() / speed.digits;
            quotient + u64::from(is_behind)
        }
    }
}

/// All accesses of this tick: recorded ones may be several.
fn access(scenario: &Scenario, at: usize, vm: &mut Vm, trace: &[u64], tick: u64) {
    while vm.here && vm.finished.is_none() && vm.next == tick {
        one_access(scenario, at, vm, trace, tick);
    }
}

fn one_access(scenario: &Scenario, at: usize, vm: &mut Vm, trace: &[u64], tick: u64) {
    let spec = &scenario.vms[at];
    let position = vm.position as u64;
    let takes = nominal(spec, position + 1) - nominal(spec, position);
    let page = trace[vm.position];
    let writes = spec.trace.kind(vm.position as u64).is_some_and(AccessKind::writes);
    let delays = scenario.cost.delays;
    vm.position += 1;
    vm.next = tick + takes;
    let mut happened = Counts::default();
    happened.accesses = 1;
    if let Some(found) = vm.list.iter().position(|&other| other == page) {
        vm.list.remove(found);
    } else {
        let is_new = !vm.seen.contains(&page);
        vm.next += delays.fault.0 + if is_new { delays.zero_fill.0 } else { delays.swap_in.0 };
        happened.demand_faults = 1;
        if vm.list.len() as u64 == vm.allocation {
            happened.write_backs = evict(scenario, vm);
            vm.next += happened.write_backs * delays.write_back.0;
            happened.replacement_misses = 1;
        }
    }
    if writes && !vm.dirty.contains(&page) {
        vm.dirty.push(page);
    }
    vm.stalled += vm.next - tick - takes;
    vm.list.insert(0, page);
    if !vm.seen.contains(&page) {
        vm.seen.push(page);
        happened.cold_faults = 1;
    }
    if !vm.used.contains(&page) {
        vm.used.push(page);
        vm.distinct += 1;
    }
    for &freed in spec.trace.freed_after(position) {
        let freed = spec.trace.numbers()[freed as usize].0;
        for list in [&mut vm.list, &mut vm.seen, &mut vm.dirty] {
            list.retain(|&other| other != freed);
        }
    }
    vm.counts.add(happened);
    vm.interval.add(happened);
    if vm.position == trace.len() {
        if spec.after == After::Repeat {
            vm.position = 0;
            vm.next += nominal(spec, 0);
        } else {
            vm.finished = Some(vm.next);
        }
    }
    if vm.finished.is_none() {
        vm.next = rested(scenario, at, vm.next);
    }
    if let Some(Ticks(stop)) = spec.stop
        && vm.next >= stop
    {
        vm.finished = Some(stop);
    }
}

fn checkpoint(scenario: &Scenario, vms: &mut [Vm], policy: &str, draw: &mut Stream) {
    let here: Vec<usize> = (0..vms.len()).filter(|&at| vms[at].here).collect();
    if !here.is_empty() {
        // The policies write their targets into the allocations, starting from the last targets.
        for vm in vms.iter_mut() {
            std::mem::swap(&mut vm.allocation, &mut vm.target);
        }
        match policy {
            "last-n" => last_n(scenario, vms, &here),
            "proportional" => proportional(scenario, vms, &here, draw),
            _ => {}
        }
        for vm in vms.iter_mut() {
            std::mem::swap(&mut vm.allocation, &mut vm.target);
        }
    }
    for (at, vm) in vms.iter_mut().enumerate() {
        vm.interval = Counts::default();
        if vm.here && vm.finished.is_none() {
            vm.next = rested(scenario, at, vm.next + scenario.cost.policy.0);
            vm.overhead += scenario.cost.policy.0;
        }
    }
}

fn last_n(scenario: &Scenario, vms: &mut [Vm], here: &[usize]) {
    let settings = scenario.settings_of(super::policy("last-n"));
    let demand = settings.choice("count") == "demand_faults";
    // Intervals have far fewer than a million accesses, so equal quotients to twelve digits mean
    // equal ratios.
    let ratio = |vm: &Vm| {
        let Counts { accesses, demand_faults, replacement_misses, .. } = vm.interval;
        let misses = if demand { demand_faults } else { replacement_misses };
        misses * 1_000_000_000_000 / accesses.max(1)
    };
    let mut order: Vec<(u64, usize)> = here.iter().map(|&at| (ratio(&vms[at]), at)).collect();
    order.sort_unstable();
    while order.len() > 1 {
        let (least, giver) = order.remove(0);
        let (most, taker) = order.pop().unwrap();
        if least == most {
            break;
        }
        let (giver_spec, taker_spec) = (&scenario.vms[giver], &scenario.vms[taker]);
        if vms[giver].allocation > giver_spec.min.0 && vms[taker].allocation < taker_spec.max.0 {
            vms[giver].allocation -= 1;
            vms[taker].allocation += 1;
        }
    }
}

fn proportional(scenario: &Scenario, vms: &mut [Vm], here: &[usize], draw: &mut Stream) {
    let settings = scenario.settings_of(super::policy("proportional"));
    let demand = settings.choice("count") == "demand_faults";
    let misses = |at: usize, vms: &[Vm]| {
        let Counts { demand_faults, replacement_misses, .. } = vms[at].counts;
        if demand { demand_faults } else { replacement_misses }
    };
    if here.iter().all(|&at| misses(at, vms) == 0) {
        return;
    }
    let max = |at: usize| scenario.vms[at].max.0;
    let mut targets: Vec<u64> = vec![0; vms.len()];
    let mut left = scenario.host.memory.0;
    for &at in here {
        targets[at] =
            settings.integer("guarantee").clamp(scenario.vms[at].min.0, scenario.vms[at].max.0);
        left -= targets[at];
    }
    // A VM that cannot take its share takes what it can and drops out; then shares are new.
    let mut open: Vec<usize> = here.iter().copied().filter(|&at| misses(at, vms) > 0).collect();
    let share = |at: usize, open: &[usize], bonus: u64| {
        misses(at, vms) * bonus / open.iter().map(|&at| misses(at, vms)).sum::<u64>()
    };
    loop {
        let bonus = left;
        let everybody = open.clone();
        open.retain(|&at| targets[at] + share(at, &everybody, bonus) <= max(at));
        if open.len() == everybody.len() {
            break;
        }
        for at in everybody.into_iter().filter(|at| !open.contains(at)) {
            left -= max(at) - targets[at];
            targets[at] = max(at);
        }
    }
    let bonus = left;
    for &at in &open {
        targets[at] += share(at, &open, bonus);
        left -= share(at, &open, bonus);
    }
    if settings.choice("rounding") == "random" && left > 0 {
        let mut lucky = draw.below(here.len() as u64) as usize;
        for _ in 0..here.len() {
            let at = here[lucky];
            let taken = left.min(max(at) - targets[at]);
            targets[at] += taken;
            left -= taken;
            lucky = (lucky + 1) % here.len();
        }
    } else {
        let sum: u64 = open.iter().map(|&at| misses(at, vms)).sum();
        let mut ranks: Vec<(u64, usize)> =
            open.iter().map(|&at| (sum - misses(at, vms) * bonus % sum, at)).collect();
        ranks.sort_unstable();
        for (_, at) in ranks {
            if left > 0 && targets[at] < max(at) {
                targets[at] += 1;
                left -= 1;
            }
        }
    }
    for &at in here {
        vms[at].allocation = targets[at];
    }
}

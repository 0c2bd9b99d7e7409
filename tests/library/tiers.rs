//! Tiers behind LRU guests: the counter beside given vectors and explicit lists, and the laws of
//! runs with tiers.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use crate::common;
use crate::common::replacements::stretch;
use crate::common::scenarios::random_scenario;
use balloonist::balance::PolicyKind;
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Guest, Replacement};
use balloonist::scenario::{Document, Scenario};
use balloonist::tier::{self, Capacity, Division, TierCounts, TierSpec};
use balloonist::trace::{Trace, TraceBuilder};
use balloonist::units::{Decimal, Frames, Page, Ticks};
use balloonist::watch::{Access, Checkpoint, NullWatcher, Watcher};
use serde_json::Value as Json;

fn tier(kind: &str, capacity: Capacity) -> TierSpec {
    TierSpec {
        name: kind.to_owned(),
        kind: tier::ALL.iter().find(|known| known.name == kind).unwrap(),
        capacity,
        division: Division::Shares,
        fetch: Ticks(0),
        put: Ticks(0),
        ratio: Decimal { digits: 3, places: 0 },
    }
}

fn lru(trace: &Arc<Trace>, frames: u64, tiers: &[TierSpec]) -> Box<dyn Replacement> {
    let draw = || Stream::new(Generator::ChaCha8, 0, 0, "test/tiers");
    let frames = Frames(frames);
    let guest = Guest {
        trace,
        frames,
        draw: &draw,
        counts_write_backs: false,
        tiers,
        backing: None,
        shares: None,
    };
    (replace::ALL[0].build)(&Settings::defaults(&[]), &guest)
}

/// Where the last access found its page: 0 in a frame, j in tier j, `None` in the store.
fn place(guest: &dyn Replacement, before: &[u64], faults: u64) -> Option<usize> {
    let found = guest.tiers().iter().map(|tier| tier.counts.found);
    let at = found.zip(before).position(|(now, &before)| now > before);
    if faults == 0 { Some(0) } else { at.map(|at| at + 1) }
}

fn found(guest: &dyn Replacement) -> Vec<u64> {
    guest.tiers().iter().map(|tier| tier.counts.found).collect()
}

fn read(name: &str) -> Json {
    let path = format!("{}/tests/tiers/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn numbers(json: &Json) -> Vec<u64> {
    json.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

fn pages(steps: &[Json]) -> Arc<Trace> {
    Arc::new(Trace::from_pages(steps.iter().map(|step| step["page"].as_u64().unwrap())))
}

#[test]
fn exclusive_tiers_give_the_vector() {
    let vector = read("exclusive");
    let steps = vector["steps"].as_array().unwrap();
    let trace = pages(steps);
    let tiers = [tier("exclusive", Capacity::Spare), tier("exclusive", Capacity::Spare)];
    let mut guest = lru(&trace, 1, &tiers);
    let mut sizes = vector["sizes"].as_array().unwrap().iter().peekable();
    // The vector counts as passed down what a tier of no size lets pass; here that is no put.
    let mut passed = 0;
    for (at, step) in steps.iter().enumerate() {
        if let Some(now) = sizes.next_if(|now| now[0] == at) {
            let now = numbers(&now[1]);
            guest.resize(Frames(now[0]));
            guest.resize_tiers(&[Frames(now[1]), Frames(now[2])]);
        }
        let before = found(&*guest);
        let counts = guest.run(stretch(at as u64, 1));
        passed += if guest.tiers()[0].frames == Frames(0) { counts.replacement_misses } else { 0 };
        let expected = match step["found"].as_i64().unwrap() {
            -1 | 3 => None,
            at => Some(at as usize),
        };
        assert_eq!(place(&*guest, &before, counts.demand_faults), expected, "access {at}");
        let k = [guest.resident().0, guest.tiers()[0].pages, guest.tiers()[1].pages];
        assert_eq!(k.to_vec(), numbers(&step["k"]), "access {at}");
    }
    let drops: Vec<u64> = guest.tiers().iter().map(|tier| tier.counts.drops).collect();
    assert_eq!([drops[0] + passed, drops[1]].to_vec(), numbers(&vector["down"])[1..]);
}

#[test]
fn a_compressed_tier_gives_the_vector() {
    let vector = read("compressed");
    let steps = vector["steps"].as_array().unwrap();
    let trace = pages(steps);
    // Two of six frames.
    let most = Capacity::Percent(Decimal { digits: 34, places: 0 });
    let mut guest = lru(&trace, vector["frames"].as_u64().unwrap(), &[tier("compressed", most)]);
    for (at, step) in steps.iter().enumerate() {
        let before = found(&*guest);
        let counts = guest.run(stretch(at as u64, 1));
        let expected = match step["found"].as_i64().unwrap() {
            -1 | 2 => None,
            at => Some(at as usize),
        };
        assert_eq!(place(&*guest, &before, counts.demand_faults), expected, "access {at}");
        let state = [guest.resident().0, guest.tiers()[0].pages];
        assert_eq!(Some(state[0]), step["near"].as_u64());
        assert_eq!(Some(state[1]), step["packed"].as_u64());
    }
    assert_eq!(Some(guest.tiers()[0].counts.drops), vector["written_to_store"].as_u64());
}

/// Tiers as lists, most recent first: the frames, then each tier.
struct Lists {
    sizes: Vec<u64>,
    pages: Vec<Vec<u64>>,
    /// For the first tier, if it is compressed: its most frames, and pages in a frame.
    packs: Option<(u64, u64)>,
}

impl Lists {
    fn use_page(&mut self, page: u64) -> Option<usize> {
        let at = self.pages.iter().position(|list| list.contains(&page));
        self.forget(page);
        self.pages[0].insert(0, page);
        self.fit();
        at
    }

    /// Uses and frees pages; returns the faults, and how many each tier answered.
    fn use_all(&mut self, events: &[(u64, Vec<u64>)]) -> (u64, Vec<u64>) {
        let (mut faults, mut from) = (0, vec![0; self.pages.len() - 1]);
        for (page, freed) in events {
            match self.use_page(*page) {
                Some(0) => {}
                Some(tier) => {
                    faults += 1;
                    from[tier - 1] += 1;
                }
                None => faults += 1,
            }
            for &freed in freed {
                self.forget(freed);
            }
        }
        (faults, from)
    }

    fn forget(&mut self, page: u64) {
        self.pages.iter_mut().for_each(|list| list.retain(|&other| other != page));
    }

    fn fit(&mut self) {
        let mut down = Vec::new();
        let mut next = 0;
        if let Some((most, ratio)) = self.packs {
            let frames = |packed: usize| (packed as u64).div_ceil(ratio);
            let (near, packed) = self.pages.split_at_mut(1);
            let (near, packed) = (&mut near[0], &mut packed[0]);
            while frames(packed.len()) > most {
                down.extend(packed.pop());
            }
            while near.len() as u64 + frames(packed.len()) > self.sizes[0] {
                while !packed.is_empty() && frames(packed.len() + 1) > most {
                    down.extend(packed.pop());
                }
                let page = near.pop().unwrap();
                if frames(packed.len() + 1) <= most {
                    packed.insert(0, page);
                } else {
                    down.push(page);
                }
            }
            next = 2;
        }
        for (list, &size) in self.pages.iter_mut().zip(&self.sizes).skip(next) {
            // The oldest came first, so the last to come is on top.
            for page in std::mem::take(&mut down) {
                list.insert(0, page);
            }
            while list.len() as u64 > size {
                down.extend(list.pop());
            }
        }
    }
}

/// A random trace, and its pages, each with those that are freed after it.
fn random_accesses(draw: &mut Stream) -> (Arc<Trace>, Vec<(u64, Vec<u64>)>) {
    let distinct = 2 + draw.below(14);
    let frees = draw.below(3) == 0;
    let mut builder = TraceBuilder::default();
    let mut events = Vec::new();
    for _ in 0..60 + draw.below(600) {
        let page = draw.below(distinct);
        builder.push(Page(page));
        events.push((page, Vec::new()));
        while frees && draw.below(12) == 0 {
            let freed = draw.below(distinct);
            builder.free(Page(freed));
            events.last_mut().unwrap().1.push(freed);
        }
    }
    (Arc::new(builder.finish()), events)
}

/// Compares the counter with lists over random accesses, frees and sizes of every piece, in
/// stretches of any length, with an index or without, with delays or without, asked for victims or
/// not.
fn compare_with_lists(number: u64) {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/tiers/lists");
    let packs = draw.below(3) == 0;
    let count = 1 + draw.below(4) as usize;
    let mut tiers: Vec<TierSpec> = (0..count).map(|_| tier("exclusive", Capacity::Spare)).collect();
    if packs {
        // Three of four frames.
        tiers[0] = tier("compressed", Capacity::Percent(Decimal { digits: 75, places: 0 }));
        tiers[0].ratio = Decimal { digits: 1 + draw.below(3), places: 0 };
    }
    let timed = draw.below(2) == 0;
    for tier in &mut tiers {
        (tier.fetch, tier.put) = (Ticks(u64::from(timed) * 3), Ticks(u64::from(timed)));
    }
    let (trace, events) = random_accesses(&mut draw);
    if draw.below(2) == 0 {
        trace.index();
    }
    let mut guest = lru(&trace, 1, &tiers);
    let lists = vec![Vec::new(); count + 1];
    let mut naive = Lists { sizes: vec![1; count + 1], pages: lists, packs: None };
    let mut at = 0;
    let (mut evicted, mut waited) = (Vec::new(), 0);
    while at < trace.accesses() {
        if at == 0 || draw.below(3) == 0 {
            naive.sizes = (0..=count as u64).map(|at| u64::from(at == 0) + draw.below(5)).collect();
            let frames = naive.sizes[0];
            naive.packs = packs.then(|| (frames * 3 / 4, tiers[0].ratio.digits));
            let parts: Vec<Frames> = naive.sizes[1..].iter().map(|&size| Frames(size)).collect();
            // In this order the lists shrink at once.
            guest.resize_tiers(&parts);
            guest.resize(Frames(frames));
            naive.fit();
            waited = guest.waited();
        }
        let longest = if draw.below(2) == 0 { 4 } else { 400 };
        let most = (1 + draw.below(longest)).min(trace.accesses() - at);
        let watched = draw.below(3) == 0;
        evicted.clear();
        let before = found(&*guest);
        let counts = guest.run_into(stretch(at, most), watched.then_some(&mut evicted));
        assert_eq!(counts.accesses, most);
        let (faults, from) = naive.use_all(&events[at as usize..(at + most) as usize]);
        at += most;
        let now = found(&*guest);
        let of_tiers: Vec<u64> =
            now.iter().zip(&before).map(|(now, before)| now - before).collect();
        assert_eq!((counts.demand_faults, of_tiers), (faults, from.clone()), "case {number}");
        assert_eq!(counts.found.tiers, from.iter().sum::<u64>());
        assert_eq!(counts.waited, guest.waited() - std::mem::replace(&mut waited, guest.waited()));
        let pages: Vec<u64> = guest.tiers().iter().map(|tier| tier.pages).collect();
        let expected: Vec<u64> = naive.pages[1..].iter().map(|list| list.len() as u64).collect();
        assert_eq!(pages, expected, "case {number}");
        let resident: Vec<u64> =
            guest.resident_pages().iter().map(|&page| trace.numbers()[page as usize].0).collect();
        assert_eq!(resident, naive.pages[0], "case {number}");
        guest.audit();
    }
}

#[test]
fn the_counter_agrees_with_lists() {
    (0..600).for_each(compare_with_lists);
}

/// Tens of thousands of cases: `cargo test --release --test library tiers -- --ignored`.
#[test]
#[ignore = "takes long"]
fn the_counter_agrees_with_lists_in_many_cases() {
    (600..60_000).for_each(compare_with_lists);
}

/// A random scenario with LRU guests and one to four tiers.
fn with_tiers(number: u64) -> (Scenario, &'static PolicyKind) {
    let (scenario, policy) = random_scenario(number);
    let mut scenario = scenario.with_replacement(&replace::ALL[0]);
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/tiers/scenario");
    for at in 0..=draw.below(4) {
        let capacity = Capacity::Frames(Frames(draw.below(12)));
        let mut spec = match draw.below(4) {
            0 if at == 0 => {
                scenario.cost.counts_write_backs = false;
                tier("compressed", Capacity::Percent(Decimal { digits: 60, places: 0 }))
            }
            0 | 1 => tier("ephemeral", Capacity::Spare),
            2 => tier("ephemeral", capacity),
            _ => tier("exclusive", capacity),
        };
        (spec.fetch, spec.put) = (Ticks(draw.below(4)), Ticks(draw.below(3)));
        if draw.below(2) == 0 {
            (spec.fetch, spec.put, spec.division) = (Ticks(0), Ticks(0), Division::Equal);
        }
        spec.name = format!("t{at}");
        scenario.tiers.push(spec);
    }
    let policy = if scenario.fits(policy).is_ok() { policy } else { common::policy("last-n") };
    (scenario, policy)
}

/// Checks tiers at every checkpoint, in simulation order or running ahead.
struct Tiers<'a> {
    scenario: &'a Scenario,
    in_order: bool,
    checkpoints: u64,
}

impl Watcher for Tiers<'_> {
    fn wants_accesses(&self) -> bool {
        self.in_order
    }

    fn access(&mut self, access: &Access<'_>) {
        assert!(
            access.counts.found.tiers <= access.counts.demand_faults - access.counts.cold_faults
        );
        access.replacement.audit();
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.checkpoints += 1;
        for (at, spec) in self.scenario.tiers.iter().enumerate() {
            let ids = || checkpoint.view.vms.iter().map(|vm| vm.id);
            let guests = ids().map(|id| checkpoint.guests.replacement(id).tiers()[at].frames);
            if let Capacity::Frames(all) = spec.capacity {
                assert!(guests.sum::<Frames>() <= all, "parts fit into the capacity");
            }
        }
        for vm in &checkpoint.view.vms {
            checkpoint.guests.replacement(vm.id).audit();
        }
    }
}

#[test]
fn running_ahead_changes_nothing_and_tiers_keep_their_laws() {
    let (mut answered, mut checked) = (BTreeSet::new(), 0);
    for number in 0..400 {
        let (scenario, policy) = with_tiers(number);
        let run = |in_order| {
            let mut watcher = Tiers { scenario: &scenario, in_order, checkpoints: 0 };
            let outcome = common::simulate(&scenario, policy, &mut watcher);
            (outcome, watcher.checkpoints)
        };
        let (ahead, checkpoints) = run(false);
        assert_eq!(ahead, run(true).0, "scenario {number} under {}", policy.name);
        checked += checkpoints;
        for account in ahead.vms.iter().chain([&ahead.all]) {
            let found: u64 = account.tiers.iter().map(|tier| tier.counts.found).sum();
            let counts = account.counts;
            assert_eq!(counts.found.tiers, found);
            assert_eq!(counts.demand_faults, counts.cold_faults + found + counts.store_reads());
        }
        let tiers = scenario.tiers.iter().zip(&ahead.all.tiers);
        answered
            .extend(tiers.filter(|(_, of)| of.counts.found > 0).map(|(spec, _)| spec.kind.name));
        // Tiers that never have a frame change nothing.
        let mut without = scenario.clone();
        without.tiers.clear();
        let mut empty = scenario;
        empty.tiers.retain(|tier| !tier.is_in_vm());
        for tier in &mut empty.tiers {
            tier.capacity = Capacity::Frames(Frames(0));
        }
        let accounts = [without, empty].map(|form| {
            let mut outcome = common::simulate(&form, policy, &mut NullWatcher);
            for account in outcome.vms.iter_mut().chain([&mut outcome.all]) {
                // What is left says how long a tier had no frame.
                for tier in std::mem::take(&mut account.tiers) {
                    assert_eq!(tier.counts, TierCounts::default());
                    assert_eq!([tier.frames.max, tier.frames.last], [Frames(0); 2]);
                }
            }
            (outcome.vms, outcome.all, outcome.checkpoints, outcome.end)
        });
        assert_eq!(accounts[0], accounts[1], "scenario {number}");
    }
    assert_eq!(answered.len(), tier::ALL.len(), "every kind answers: {answered:?}");
    assert!(checked > 0);
}

#[test]
fn an_exclusive_tier_reads_the_store_as_seldom_as_as_many_frames() {
    let run = |frames: u64, tier: u64| {
        let text = format!(
            "host.memory = {frames}\ncheckpoint.every = 100\n[[vm]]\nname = 'a'\n\
             workload = {{ kind = 'zipf', accesses = 5000, pages = 60 }}\n\
             [[tier]]\nname = 'far'\nkind = 'exclusive'\ncapacity = {tier}\n"
        );
        let scenario = Document::from_toml("a.toml", text.as_bytes()).check().unwrap().scenario;
        let counts = common::simulate(&scenario, scenario.policy, &mut NullWatcher).all.counts;
        counts.store_reads()
    };
    assert_eq!(run(20, 15), run(35, 0));
    assert!(run(20, 15) < run(20, 0));
}

//! Scenarios with extreme numbers: each is refused, or runs to its end under every policy without
//! an overflow.

use std::fmt::Write as _;

use crate::common::simulate;
use balloonist::balance::{self, PolicyKind};
use balloonist::params::{Domain, Param};
use balloonist::random::{Generator, Stream};
use balloonist::replace;
use balloonist::scenario::Document;
use balloonist::watch::NullWatcher;

const SCENARIOS: u64 = 600;

/// The largest tick and the most frames.
const TICKS_MAX: u64 = (1 << 62) - 1;
const FRAMES_MAX: u64 = 1 << 40;

fn one_of<T: Copy>(draw: &mut Stream, choices: &[T]) -> T {
    choices[draw.below(choices.len() as u64) as usize]
}

/// Times are a small multiple of one unit or the largest possible, so that no run has many
/// checkpoints.
fn scenario(draw: &mut Stream) -> String {
    let unit = one_of(draw, &[1, 1 << 20, 1 << 40, 1 << 50, 1 << 56, 1 << 61]);
    let mut ticks = |few: &[u64]| {
        let times = one_of(draw, few);
        // The largest time beside small ones would mean very many checkpoints.
        let times = if unit < 1 << 50 { times.min(100) } else { times };
        if times == u64::MAX { TICKS_MAX } else { times.saturating_mul(unit).min(TICKS_MAX) }
    };
    let mut out = format!("checkpoint.every = {}\n", ticks(&[1, 1, 3, 50, u64::MAX]));
    for cost in ["fault", "zero_fill", "swap_in", "write_back", "trap", "policy"] {
        let _ = writeln!(out, "cost.{cost} = {}", ticks(&[0, 0, 0, 0, 0, 0, 1, 3, u64::MAX]));
    }
    let vms: Vec<String> = (0..2)
        .map(|_| {
            let mut vm = format!("[[vm]]\nperiod = {}\n", ticks(&[1, 1, 1, 3, u64::MAX]));
            let _ = writeln!(vm, "start = {}", ticks(&[0, 0, 0, 1, 5, u64::MAX]));
            match ticks(&[0, 0, 1, 7, 30, u64::MAX]) {
                0 => {}
                stop => writeln!(vm, "stop = {stop}").unwrap(),
            }
            vm
        })
        .collect();
    let memory = one_of(draw, &[4, 9, 64, FRAMES_MAX - 1, FRAMES_MAX]);
    let rate = (memory / one_of(draw, &[4, 1 << 12])).max(1);
    let balloon = format!("actuator = {{ kind = \"balloon\", rate = {rate} }}\n");
    let actuator = one_of(draw, &["", "", &balloon]);
    let mut text = format!("host.memory = {memory}\n{actuator}{out}");
    for (name, vm) in ["a", "b"].iter().zip(vms) {
        let after = one_of(draw, &["idle", "idle", "leave", "repeat"]);
        let length = 1 + draw.below(20);
        let pages: Vec<String> = (0..length).map(|_| draw.below(9).to_string()).collect();
        let pages = pages.join(", ");
        let _ = writeln!(text, "{vm}name = \"{name}\"\nafter = \"{after}\"");
        let drawn = draw.below(2 * replace::ALL.len() as u64) as usize;
        // Half of them have LRU.
        let algorithm = replace::ALL.get(drawn).unwrap_or(&replace::ALL[0]).name;
        let _ = writeln!(text, "replacement = {{ kind = \"{algorithm}\" }}");
        let _ = writeln!(text, "trace.pages = [{pages}]");
    }
    text
}

/// A parameter at an end of its domain, as a scenario writes it.
fn extreme(draw: &mut Stream, param: &Param) -> Option<String> {
    let is_least = draw.below(2) == 0;
    let value = match param.domain {
        Domain::Integer { min, max } if is_least => min.min(max).to_string(),
        // A million draws per interval are correct but slow.
        Domain::Integer { .. } if param.name == "samples" => "1000".to_owned(),
        // A scenario's integers end there.
        Domain::Integer { max, .. } => max.min(i64::MAX.unsigned_abs()).to_string(),
        Domain::Frames { min } | Domain::Ticks { min } if is_least => min.to_string(),
        Domain::Frames { .. } => FRAMES_MAX.to_string(),
        Domain::Ticks { .. } => TICKS_MAX.to_string(),
        Domain::Decimal { min, max } => if is_least { min } else { max }.to_string(),
        Domain::Choice(words) => format!("\"{}\"", one_of(draw, words)),
        _ => return None,
    };
    Some(value)
}

/// A policy under a document that sets a third of its parameters to extremes, and with one of the
/// wrappers around it.
fn under(draw: &mut Stream, text: &str, policy: &PolicyKind) -> Document {
    let mut document = Document::from_toml("extreme.toml", text.as_bytes());
    document.set(&format!("policy.kind={}", policy.name));
    for param in policy.params {
        if draw.below(3) == 0
            && let Some(value) = extreme(draw, param)
        {
            document.set(&format!("policy.{}.{}={value}", policy.name, param.name));
        }
    }
    let most = FRAMES_MAX.to_string();
    let wrapper = one_of(draw, &["", "", "dead_band", "largest_move", "warm_up", "cadence"]);
    if !wrapper.is_empty() {
        let value = one_of(draw, &["1", "3", &most]);
        document.set(&format!("policy.{wrapper}={value}"));
    }
    document
}

/// Accepted scenarios run to their end under every policy, and so with every observer, and with
/// every replacement algorithm. `BALLOONIST_EXTREMES=100000` runs more.
#[test]
#[allow(clippy::disallowed_methods)] // A test may be asked for more.
fn accepted_scenarios_run_to_their_end() {
    let drawn =
        std::env::var("BALLOONIST_EXTREMES").map_or(SCENARIOS, |text| text.parse().unwrap());
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/extremes");
    let (mut run, mut refused) = (0, 0);
    for number in 0..drawn {
        let text = scenario(&mut draw);
        for policy in balance::ALL.iter().skip(number as usize % 8).step_by(8) {
            let document = under(&mut draw, &text, policy);
            let Ok(checked) = document.check() else {
                refused += 1;
                continue;
            };
            let outcome = simulate(&checked.scenario, policy, &mut NullWatcher);
            assert!(outcome.checkpoints < 1_000_000, "{text}");
            run += 1;
        }
    }
    assert!(run > drawn && refused > drawn / 4, "{run} run, {refused} refused");
}

/// A policy looks at every VM at every checkpoint, so their product is what takes time.
#[test]
fn checkpoints_are_limited_by_the_number_of_vms() {
    let check = |vms: u64| {
        let mut text = "host.memory = 9\ncheckpoint.every = 1\n".to_owned();
        for at in 0..vms {
            let stop = "after = 'repeat'\nstop = 9_000_000_000";
            let _ = writeln!(text, "[[vm]]\nname = 'v{at}'\n{stop}\ntrace.pages = [1]");
        }
        Document::from_toml("many.toml", text.as_bytes()).check()
    };
    assert!(check(1).is_ok());
    let said = check(2).unwrap_err().render(false);
    assert!(
        said.starts_with(
            "error[S056]: an interval of 1 ticks gives 9000000000 checkpoints, each of 2 VMs"
        ),
        "{said}"
    );
    assert!(said.contains("use 2 or more"), "{said}");
}

/// Sums over VMs and checkpoints that do not fit into 64 bits are refused before the run.
#[test]
fn sums_that_overflow_are_refused_before_the_run() {
    let refused = |text: &str, code: &str| {
        let found = Document::from_toml("sums.toml", text.as_bytes()).check().unwrap_err();
        assert!(
            found.render(false).starts_with(&format!("error[{code}]")),
            "{}",
            found.render(false)
        );
    };
    let eight = |key: &str, host: &str| {
        let vm = |at: u32| format!("[[vm]]\nname = 'v{at}'\n{key}\ntrace.pages = [1, 2, 3]\n");
        let vms: String = (0..8).map(vm).collect();
        format!("host.memory = 32\ncheckpoint.every = {}\n{host}\n{vms}", 1_u64 << 52)
    };
    refused(&eight("", &format!("cost.fault = {}", 1_u64 << 60)), "S051");
    refused(&eight(&format!("period = {}", 1_u64 << 60), ""), "S051");
    // Each has 2^57 accesses, times eight fractional bits of a curve without decay.
    let repeated = format!("after = 'repeat'\nstop = {}", 1_u64 << 57);
    let curves = "policy.kind = 'mrc-dp'\npolicy.mrc-dp.decay = 1";
    refused(&eight(&repeated, curves), "S051");
    // A plan a tick, each of which may move the whole host.
    let vm = |at: u32| {
        format!(
            "[[vm]]\nname = 'v{at}'\nstart = {at}\nperiod = 2\n\
             workload = {{ kind = 'loop', accesses = 9000000, pages = 1 }}\n"
        )
    };
    let swing = |memory: u64| {
        let kind = "policy.kind = 'ws-share'";
        format!("host.memory = {memory}\ncheckpoint.every = 1\n{kind}\n{}{}", vm(0), vm(1))
    };
    refused(&swing(1 << 40), "S056");
    assert!(Document::from_toml("a.toml", swing(1 << 38).as_bytes()).check().is_ok());
}

/// Batches of one frame on the largest host would take hours or days to simulate; the same speed in
/// larger batches ends.
#[test]
fn balloons_of_very_many_batches_are_refused_with_what_to_do_instead() {
    let scenario = |[rate, step, latency]: [u64; 3]| {
        let actuator = format!("rate = {rate}, step = {step}, latency = {latency}");
        let text = format!(
            "host.memory = {FRAMES_MAX}\ncheckpoint.every = {every}\n\
             actuator = {{ kind = \"balloon\", {actuator} }}\n\
             defaults.vm = {{ period = {every}, trace.pages = [1, 2, 3, 4] }}\n\
             vm = [{{ name = \"a\" }}, {{ name = \"b\", start = {every} }}]\n",
            every = 1_u64 << 45,
        );
        Document::from_toml("slow.toml", text.as_bytes()).check()
    };
    let refused = |actuator| {
        let problems = scenario(actuator).expect_err("it is refused");
        let codes: Vec<&str> = problems.iter().map(|found| found.code.id).collect();
        assert_eq!(codes, ["S056"], "{actuator:?}");
        problems.render(false)
    };
    let said = refused([1, 1, 0]);
    assert!(said.contains("14293651161088 batches"), "{said}");
    assert!(said.contains("143 times as large"), "{said}");
    refused([1 << 6, 1 << 6, 0]);
    refused([1 << 12, 1 << 12, 1 << 40]);
    let hyperv = balance::ALL.iter().find(|policy| policy.name == "hyperv-like").unwrap();
    let fast = scenario([1 << 20, 1 << 20, 1 << 40]).unwrap().scenario;
    let outcome = simulate(&fast, hyperv, &mut NullWatcher);
    assert!(outcome.all.reclaimed.0 > FRAMES_MAX / 2, "{}", outcome.all.reclaimed);
}

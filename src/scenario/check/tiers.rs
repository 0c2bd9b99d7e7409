//! The tiers behind the VMs' memory: `[[tier]]`, nearest first.

use std::collections::BTreeMap;

use super::params;
use super::root::Clock;
use super::values::{Findings, Section};
use crate::scenario::codes;
use crate::scenario::diagnostic::clip;
use crate::scenario::document::{Literal, Origin};
use crate::scenario::{Cost, Scenario};
use crate::tier::{ALL, Capacity, Division, Memory, TIERS_MAX, TierKind, TierSpec};
use crate::units::Decimal;

const KEYS: &[&str] = &["name", "kind", "capacity", "division", "device", "fetch", "put", "ratio"];

/// The most of a VM's frames that a compressed tier takes by default: zswap's `max_pool_percent`.
const PERCENT: Decimal = Decimal { digits: 20, places: 0 };
/// The default ratio of compression, and the largest.
const RATIO: Decimal = Decimal { digits: 3, places: 0 };
const RATIO_MAX: Decimal = Decimal { digits: 1000, places: 0 };

/// Reads all tiers; `None` if one of them was reported.
pub(super) fn read(
    findings: &mut Findings,
    root: &Section,
    clock: &Clock,
) -> Option<Vec<TierSpec>> {
    let sections = root.sections(findings, "tier", "an array of tables, `[[tier]]`");
    let mut names: BTreeMap<String, Origin> = BTreeMap::new();
    let mut tiers = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        let tier = tier(findings, section, clock);
        let Some(tier) = tier else { continue };
        let origin = section.origin_of("name");
        if let Some(&first) = names.get(&tier.name) {
            let message = format!("two tiers are named `{}`", tier.name);
            let remedy = "give each tier a unique name";
            findings.error_beside(codes::BAD_TIER, [origin, first], "the first", message, remedy);
        }
        names.insert(tier.name.clone(), origin);
        if tier.is_in_vm() && at > 0 {
            let message = format!("the tier `{}` is compressed, but not the first", tier.name);
            let remedy = "put it before the others: its frames are the VM's own, so it is nearest";
            findings.error(codes::BAD_TIER, section.origin, message, remedy);
        }
        tiers.push(tier);
    }
    if sections.len() > TIERS_MAX {
        let message = format!("{} tiers", sections.len());
        let remedy = format!("at most {TIERS_MAX} are allowed");
        findings.error(codes::BAD_TIER, sections[TIERS_MAX].origin, message, remedy);
    }
    let is_given = root.get("tier").is_none_or(|field| match &field.node.value {
        Literal::Array(items) => items.len() == tiers.len(),
        _ => false,
    });
    is_given.then_some(tiers)
}

fn tier(findings: &mut Findings, section: &Section, clock: &Clock) -> Option<TierSpec> {
    section.only(findings, KEYS);
    let remedy = "name the tier, for example `name = \"tmem\"`; columns are named by it";
    let name = section.need(findings, "name", remedy).and_then(|field| {
        let name = findings.text(&field)?;
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > 32 || !name.bytes().all(letter) {
            let message = format!("`{}` cannot be a tier's name", clip(name));
            let remedy = "a name has 1 to 32 lower-case letters, digits and `_`";
            findings.error(codes::BAD_TIER, field.node.origin, message, remedy);
            return None;
        }
        Some(name.to_owned())
    });
    let remedy = "choose a kind; `balloonist list tiers` shows them";
    let kind = section
        .need(findings, "kind", remedy)
        .and_then(|field| findings.choice(&field, ALL.iter().map(|kind| (kind.name, kind))));
    let division = section.get("division").map_or(Some(Division::default()), |field| {
        findings.choice(&field, Division::ALL.iter().copied())
    });
    let device = clock.device(findings, section);
    let [read, write] = device.unwrap_or_default();
    let mut ticks =
        |key, default| section.get(key).map_or(Some(default), |field| findings.ticks(&field, 0));
    let (fetch, put) = (ticks("fetch", read), ticks("put", write));
    let ratio = section.get("ratio").map_or(Some(RATIO), |field| {
        params::decimal(findings, &field, Decimal { digits: 1, places: 0 }, RATIO_MAX)
    });
    let kind: &'static TierKind = kind?;
    let capacity = capacity(findings, section, kind, clock.page_size);
    device?;
    let key = if kind.memory == Memory::Vm { "division" } else { "ratio" };
    if section.get(key).is_some() {
        let message = format!("`{key}` says nothing of a tier of kind {}", kind.name);
        findings.error(codes::BAD_TIER, section.origin_of(key), message, "leave it out");
        return None;
    }
    Some(TierSpec {
        name: name?,
        kind,
        capacity: capacity?,
        division: division?,
        fetch: fetch?,
        put: put?,
        ratio: ratio?,
    })
}

fn capacity(
    findings: &mut Findings,
    section: &Section,
    kind: &TierKind,
    page_size: Option<u64>,
) -> Option<Capacity> {
    let field = match (section.get("capacity"), kind.memory) {
        (Some(field), _) => field,
        (None, Memory::Host) => return Some(Capacity::Spare),
        (None, Memory::Vm) => return Some(Capacity::Percent(PERCENT)),
        (None, Memory::Own) => {
            let remedy = "set its frames or its size, for example `capacity = \"1 GiB\"`";
            section.need(findings, "capacity", remedy)?
        }
    };
    let text = field.node.text().map(str::trim);
    let percent = text.and_then(|text| text.strip_suffix('%'));
    match (kind.memory, percent, text) {
        (Memory::Host, _, Some("spare")) => Some(Capacity::Spare),
        (Memory::Vm, Some(percent), _) => {
            let below = Decimal { digits: 100, places: 0 };
            let read = Decimal::parse(percent.trim());
            let read = read.filter(|&read| params::compare(read, below).is_lt());
            if read.is_none() {
                let message = format!("`{}` is no percentage below 100", clip(percent));
                let remedy = "write a percentage of the VM's frames such as \"20%\"";
                findings.error(codes::BAD_TIER, field.node.origin, message, remedy);
            }
            read.map(Capacity::Percent)
        }
        (Memory::Vm, None, _) | (_, Some(_), _) | (Memory::Own, _, Some("spare")) => {
            let message = format!("this is no capacity of a tier of kind {}", kind.name);
            let remedy = format!("expected {}", kind.capacity);
            findings.error(codes::BAD_TIER, field.node.origin, message, remedy);
            None
        }
        _ => findings.frames(&field, 0, page_size).map(Capacity::Frames),
    }
}

/// Reports tiers that the guests or the costs do not allow.
pub(super) fn check(findings: &mut Findings, root: &Section, scenario: &Scenario) {
    let origin = root.origin_of("tier");
    if let Err(message) = scenario.allows_tiers() {
        let remedy = "change the guests or the tiers";
        findings.error(codes::BAD_TIER, origin, message, remedy);
    }
    let Cost { counts_write_backs, .. } = scenario.cost;
    if counts_write_backs && scenario.tiers.iter().any(TierSpec::is_in_vm) {
        let message = "write-backs are not simulated with a compressed tier, which packs dirty \
                       pages too";
        let remedy = "leave `cost.write_back` out, or use a tier of another kind";
        findings.error(codes::BAD_TIER, origin, message, remedy);
    }
}

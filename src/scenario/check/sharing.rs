//! Sharing: the table `[sharing]`, and what the pages of a VM hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::draft::{Draft, Surroundings};
use super::files::Texts;
use super::params;
use super::values::{Field, Findings, INTEGER_MAX, Section};
use crate::scenario::Scenario;
use crate::scenario::codes;
use crate::scenario::diagnostic::clip;
use crate::scenario::document::Origin;
use crate::scenario::origin::SourceText;
use crate::share::{self, Holds, SharingSpec, Source};
use crate::units::{Decimal, Ticks};

const KEYS: &[&str] = &["scanner", "every", "pages", "per_vm", "max_sharing", "zero_pages"];
const CONTENT_KEYS: &[&str] = &["from", "until", "zero", "image", "offset", "file", "part"];

/// The word for no scanner: what pages hold is declared, and nothing is shared.
const NONE: &str = "none";

/// The default of `per_vm`, ESX's rate in a second.
const PER_VM: u64 = 50;

/// The table `[sharing]`; `None` if nothing is shared, or if something was reported.
pub(super) fn read(findings: &mut Findings, root: &Section) -> Option<SharingSpec> {
    root.get("sharing")?;
    let section = root.section(findings, "sharing");
    section.only(findings, KEYS);
    let kinds = share::ALL.iter().map(|kind| (kind.name, Some(kind)));
    let scanner = match section.get("scanner") {
        Some(field) => findings.choice(&field, kinds.chain([(NONE, None)])),
        None => Some(Some(&share::ALL[0])),
    };
    let remedy = "set the ticks between two scans, for example `every = \"20 ms\"`";
    let every = section.need(findings, "every", remedy).and_then(|field| findings.ticks(&field, 1));
    let mut integer = |key, default, min, max| {
        let field = section.get(key);
        field.map_or(Some(default), |field| findings.integer(&field, min, max))
    };
    let kind = scanner.flatten().unwrap_or(&share::ALL[0]);
    let pages = integer("pages", kind.pages, 1, INTEGER_MAX);
    let per_vm = integer("per_vm", PER_VM, 1, INTEGER_MAX);
    let max_sharing = integer("max_sharing", kind.max_sharing, 2, INTEGER_MAX);
    let zero_pages = integer("zero_pages", 0, 0, 1);
    let (every, pages, per_vm) = (every?, pages?, per_vm?);
    let (max_sharing, zero_pages) = (max_sharing?, zero_pages? == 1);
    let scanner = scanner??;
    Some(SharingSpec { scanner, every, pages, per_vm, max_sharing, zero_pages })
}

/// What the pages of a VM hold: the array `content`.
pub(super) fn contents(
    findings: &mut Findings,
    vm: &Section,
    around: &Surroundings,
    texts: &mut Texts,
) -> Option<Vec<Holds>> {
    let before = findings.list.len();
    let wanted = "an array of tables such as `{ from = 0, until = 512, image = \"debian\" }`";
    let sections = vm.sections(findings, "content", wanted);
    let all: Vec<Holds> =
        sections.iter().filter_map(|section| holds(findings, section, around, texts)).collect();
    (findings.list.len() == before).then_some(all)
}

fn holds(
    findings: &mut Findings,
    section: &Section,
    around: &Surroundings,
    texts: &mut Texts,
) -> Option<Holds> {
    section.only(findings, CONTENT_KEYS);
    let mut page = |key, default| {
        let field = section.get(key);
        field.map_or(Some(default), |field| findings.integer(&field, 0, INTEGER_MAX))
    };
    let (from, until) = (page("from", 0), page("until", INTEGER_MAX));
    let offset = page("offset", 0);
    let one = Decimal { digits: 1, places: 0 };
    let part = section.get("part").map_or(Some(one), |field| {
        params::decimal(findings, &field, Decimal { digits: 0, places: 0 }, one)
    });
    let given = ["zero", "image", "file"].into_iter().filter_map(|key| section.get(key));
    let given: Vec<Field> = given.collect();
    let [source] = given.as_slice() else {
        let message = format!("the pages hold {} contents", given.len());
        let remedy = "write one of `zero = 1`, `image = \"NAME\"` and `file = \"PATH\"`";
        findings.error(codes::BAD_CONTENT, section.origin, message, remedy);
        return None;
    };
    let source = match source.path.rsplit('.').next() {
        Some("zero") => findings.integer(source, 1, 1).map(|_| Source::Zero),
        Some("image") => findings.text(source).map(|name| {
            let offset = offset.unwrap_or_default();
            Source::Image { name: name.to_owned(), offset }
        }),
        _ => fingerprints(findings, source, around, texts),
    };
    let is_image = matches!(source, Some(Source::Image { .. }));
    if source.is_some() && !is_image && section.get("offset").is_some() {
        let message = "`offset` says nothing of contents that are no image";
        findings.error(codes::BAD_CONTENT, section.origin_of("offset"), message, "leave it out");
    }
    let (from, until) = (from?, until?);
    if until <= from {
        let message = format!("the pages begin at {from} and end before {until}");
        let origin = section.origin_of("until");
        findings.error(codes::BAD_CONTENT, origin, message, "`until` must be above `from`");
        return None;
    }
    Some(Holds { from, until, source: source?, part: part? })
}

/// The fingerprints of a file: lines of a page and what identifies its content.
fn fingerprints(
    findings: &mut Findings,
    field: &Field,
    around: &Surroundings,
    texts: &mut Texts,
) -> Option<Source> {
    let name = findings.text(field)?;
    let path = Path::new(&around.sources[field.node.origin.source].folder).join(name);
    let place = around.folder.join(&path);
    let text = match texts.text(&place) {
        Ok(text) => text,
        Err(unread) => {
            let (why, remedy) = unread.told();
            let message = format!("`{}` cannot be read: {why}", clip(name));
            findings.error(codes::BAD_CONTENT, field.node.origin, message, remedy);
            return None;
        }
    };
    match lines(&text) {
        Ok(ids) => {
            let path = path.to_string_lossy().into_owned();
            Some(Source::File { path, ids: Arc::new(ids) })
        }
        Err((line, message)) => {
            let source = around.sources.len() + findings.sources.len();
            let text = SourceText::file(place.display().to_string(), text.to_string());
            findings.sources.push(Arc::new(text));
            let remedy = "write a line `page,id` for each page, under that header";
            findings.error(codes::BAD_CONTENT, Origin::at(source, line), message, remedy);
            None
        }
    }
}

/// Reads lines of a page and its fingerprint, or says which line is wrong.
fn lines(text: &str) -> Result<BTreeMap<u64, Arc<str>>, (std::ops::Range<usize>, String)> {
    let (mut ids, mut at) = (BTreeMap::new(), 0);
    // Equal fingerprints are kept once.
    let mut known: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let place = at..at + line.trim_end().len().max(1);
        at += line.len();
        let line = line.trim();
        if number == 0 {
            if line != "page,id" {
                return Err((place, "the file does not begin with `page,id`".to_owned()));
            }
            continue;
        }
        let cells = line.split_once(',').filter(|(_, id)| !id.is_empty() && !id.contains(','));
        let read = cells.and_then(|(page, id)| Some((page.parse::<u64>().ok()?, id)));
        let Some((page, id)) = read else {
            return Err((place, format!("`{}` is no page and its id", clip(line))));
        };
        let id = Arc::clone(known.entry(id).or_insert_with(|| Arc::from(id)));
        if ids.insert(page, id).is_some() {
            return Err((place, format!("page {page} has two ids")));
        }
    }
    Ok(ids)
}

/// The most pages looked at in all scans of a run, and scans times VMs.
const LOOKS_MAX: u128 = 100_000_000_000;

/// Reports scans that could be too many in a run that ends by the tick `latest`.
pub(super) fn check_scans(
    findings: &mut Findings,
    root: &Section,
    spec: &SharingSpec,
    latest: u128,
    vms: &[Draft],
) {
    let Ticks(every) = spec.every;
    let scans = latest / u128::from(every);
    let each = u128::from(spec.pages).max(vms.len() as u128);
    let looks = scans.saturating_mul(each);
    if looks > LOOKS_MAX {
        let message = format!("a scan every {every} ticks gives {looks} looks at pages and VMs");
        let least = latest.saturating_mul(each).div_ceil(LOOKS_MAX);
        let remedy =
            format!("the run may last {latest} ticks; use {least} or more, or fewer pages");
        let origin = root.section(findings, "sharing").origin_of("every");
        findings.error(codes::TOO_MANY_EVENTS, origin, message, remedy);
    }
}

/// Reports sharing that the rest of the scenario does not allow, or that finds nothing to share.
pub(super) fn check(findings: &mut Findings, root: &Section, scenario: &Scenario) {
    let Some(_) = scenario.sharing else { return };
    let origin = root.origin_of("sharing");
    if let Err(message) = scenario.allows_sharing() {
        let remedy = "change the scenario, or leave `[sharing]` out";
        findings.error(codes::BAD_SHARING, origin, message, remedy);
    }
    let declares = |vm: &&crate::scenario::VmSpec| !vm.content.is_empty();
    if !scenario.vms.iter().any(|vm| declares(&vm)) {
        let message = "no VM declares what its pages hold, so no two pages are equal";
        let remedy = "add `content` to the VMs, for example `content = [{ image = \"debian\" }]`";
        findings.warn(codes::NOTHING_SHARED, origin, message, remedy);
    }
    for vm in scenario.vms.iter().filter(declares).filter(|vm| !vm.trace.has_kinds()) {
        let message = format!(
            "the trace of `{}` does not say which accesses write, so no shared page is copied",
            vm.name
        );
        let remedy = "use a trace with reads and writes; what sharing saves is an upper bound";
        findings.warn(codes::NOTHING_WRITTEN, origin, message, remedy);
    }
}

//! The lesson: a run as a self-contained page that is stepped through forwards and back, for a
//! lecture. A step is an access, a checkpoint, or a VM that comes or goes; each VM's lists are
//! drawn as boxes, in the order of the algorithm's own lists.
//!
//! The page holds the steps as data, each with the lists that it changed, and draws them itself. It
//! is for small scenarios: how much it holds is bounded.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::account::Refusal;
use crate::balance::{PolicyKind, VmView};
use crate::host::Change;
use crate::number::{counted, every, grouped};
use crate::render::events::{Touch, Touched};
use crate::render::html::THEME;
use crate::render::rounds::Rounds;
use crate::render::svg::escaped;
use crate::render::walk::{gone, heading};
use crate::replace::{List, Replacement};
use crate::scenario::Scenario;
use crate::units::{Frames, Ticks, VmId};
use crate::watch::{Access, Arrival, Checkpoint, Moved, Watcher};

const STYLE: &str = include_str!("../html/style.css");
const LESSON_STYLE: &str = include_str!("lesson.css");
const SCRIPT: &str = include_str!("lesson.js");

/// The most steps of a page.
pub const STEPS: usize = 2_000;
/// The most bytes of its data.
pub const BYTES: usize = 2_000_000;

/// Collects the steps of a range of rounds.
pub struct Lesson<'a> {
    scenario: &'a Scenario,
    policy: &'a PolicyKind,
    rounds: Rounds,
    lists: Vec<Vec<List>>,
    frames: Vec<Frames>,
    steps: Vec<String>,
    bytes: usize,
    /// The last round of which all steps were collected.
    whole: u64,
    too_much: bool,
}

/// Why there is no page.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// No round of the range happened.
    Nothing,
    /// The page would be too large; this is the last round that it has room for, if it has for any.
    TooMuch(Option<u64>),
}

impl<'a> Lesson<'a> {
    /// A lesson on the `rounds` of a run of `scenario` under `policy`.
    pub fn new(scenario: &'a Scenario, policy: &'a PolicyKind, rounds: Rounds) -> Self {
        Self {
            scenario,
            policy,
            rounds,
            lists: vec![Vec::new(); scenario.vms.len()],
            frames: vec![Frames(0); scenario.vms.len()],
            steps: Vec::new(),
            bytes: 0,
            whole: 0,
            too_much: false,
        }
    }

    /// The page.
    ///
    /// # Errors
    /// Where there is nothing to show, or too much for one page.
    pub fn finish(self) -> Result<String, Refused> {
        if self.too_much {
            return Err(Refused::TooMuch((self.whole > 0).then_some(self.whole)));
        }
        if self.steps.is_empty() {
            return Err(Refused::Nothing);
        }
        let vm = |vm: &crate::scenario::VmSpec| json!([vm.name, vm.replacement.name]);
        let vms: Vec<Value> = self.scenario.vms.iter().map(vm).collect();
        // A script's text ends at the first `</`, which no string of ours may hold.
        let data =
            format!("{{\"vms\":{},\n\"steps\":[\n{}\n]}}", json!(vms), self.steps.join(",\n"))
                .replace('<', "\\u003c");
        let scenario = self.scenario;
        let name = escaped(&scenario.name);
        let heading = format!(
            "{} under {}: {}, {}, a checkpoint {}",
            scenario.name,
            self.policy.name,
            counted(scenario.vms.len() as u64, "VM"),
            counted(scenario.host.memory.0, "frame"),
            every(scenario.checkpoint_every.0),
        );
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <title>{name}, step by step · balloonist</title>\n\
             <style>\n{STYLE}{LESSON_STYLE}</style>\n</head>\n<body>\n\
             <header>\n<p class=\"tool\">balloonist {}</p>\n<h1>{name}</h1>\n<p>{}</p>\n\
             </header>\n",
            env!("CARGO_PKG_VERSION"),
            escaped(&heading),
        );
        let _ = write!(
            out,
            "{BODY}<script type=\"application/json\" id=\"data\">\n{data}\n</script>\n\
             <script>\n{THEME}{SCRIPT}</script>\n</body>\n</html>\n"
        );
        Ok(out)
    }

    fn shown(&self) -> bool {
        !self.too_much && self.rounds.shown()
    }

    fn name(&self, vm: VmId) -> &'a str {
        &self.scenario.vms[vm.index()].name
    }

    /// Takes over a VM's lists; returns the pages that are in no frame any more.
    fn follow(&mut self, vm: VmId, frames: Frames, replacement: &dyn Replacement) -> Vec<u64> {
        let after = replacement.lists();
        let numbers = self.scenario.vms[vm.index()].trace.numbers();
        let gone = gone(&self.lists[vm.index()], &after);
        self.lists[vm.index()] = after;
        self.frames[vm.index()] = frames;
        gone.into_iter().map(|page| numbers[page as usize].0).collect()
    }

    fn drawn(&self, vm: VmId) -> Value {
        let numbers = self.scenario.vms[vm.index()].trace.numbers();
        let list = |list: &List| {
            let pages: Vec<u64> = list.pages.iter().map(|&at| numbers[at as usize].0).collect();
            json!([heading(list), list.resident, pages, list.marks])
        };
        let lists: Vec<Value> = self.lists[vm.index()].iter().map(list).collect();
        json!({ "vm": vm.index(), "frames": self.frames[vm.index()].0, "lists": lists })
    }

    /// Adds a step that changed the lists of `changed`; `more` has what only its kind has.
    fn step(&mut self, at: Ticks, say: &str, changed: &[VmId], more: Value) {
        if !self.shown() {
            return;
        }
        let drawn: Vec<Value> = changed.iter().map(|&vm| self.drawn(vm)).collect();
        let mut step =
            json!({ "at": at.0, "round": self.rounds.now(), "say": say, "drawn": drawn });
        if let (Value::Object(step), Value::Object(more)) = (&mut step, more) {
            step.extend(more);
        }
        let step = step.to_string();
        self.bytes += step.len();
        self.steps.push(step);
        self.too_much = self.steps.len() > STEPS || self.bytes > BYTES;
    }

    /// The first step shows what every VM holds before anything happens.
    fn begin(&mut self, at: Ticks) {
        if self.shown() && self.steps.is_empty() {
            let here = (0..self.frames.len()).filter(|&vm| self.frames[vm] > Frames(0));
            let here: Vec<VmId> = here.map(|vm| VmId(vm as u32)).collect();
            self.step(at, "Before the first step", &here, json!({}));
        }
    }

    /// Follows changes of allocations; returns what is said of them and the changes as data.
    fn changes<'b>(
        &mut self,
        changes: &[Change],
        replacement: impl Fn(VmId) -> &'b dyn Replacement,
    ) -> (String, Vec<Value>) {
        let (mut said, mut moves) = (Vec::new(), Vec::new());
        for &Change { vm, before, after } in changes {
            let dropped = self.follow(vm, after, replacement(vm));
            let (verb, moved) =
                if after > before { ("takes", after - before) } else { ("gives", before - after) };
            let mut say = format!("{} {verb} {}", self.name(vm), counted(moved.0, "frame"));
            if !dropped.is_empty() {
                let pages: Vec<String> = dropped.iter().map(ToString::to_string).collect();
                let _ = write!(say, " and drops page {}", pages.join(", "));
            }
            moves.push(json!([vm.index(), before.0, after.0]));
            said.push(say);
        }
        (said.join("; "), moves)
    }
}

impl Watcher for Lesson<'_> {
    fn wants_accesses(&self) -> bool {
        self.shown()
    }

    fn wait(&mut self, at: Ticks, vm: VmId) {
        self.rounds.enter(at);
        self.begin(at);
        let min = counted(self.scenario.vms[vm.index()].min.0, "frame");
        self.step(at, &format!("{} waits for its minimum of {min}", self.name(vm)), &[], json!({}));
    }

    fn refuse(&mut self, vm: VmId, Refusal { at, left }: Refusal) {
        self.rounds.enter(at);
        self.begin(at);
        let left = grouped(left.0);
        let say = format!("{} does not start: {left} frames are left", self.name(vm));
        self.step(at, &say, &[], json!({}));
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        let Arrival { at, vm, allocation, shrunk, .. } = *arrival;
        self.rounds.enter(at);
        self.begin(at);
        let (said, moves) = self.changes(shrunk, |vm| arrival.replacement(vm));
        self.follow(vm, allocation, arrival.replacement(vm));
        let mut say = format!("{} arrives with {}", self.name(vm), counted(allocation.0, "frame"));
        if !said.is_empty() {
            let _ = write!(say, ": {said}");
        }
        let changed: Vec<VmId> = shrunk.iter().map(|change| change.vm).chain([vm]).collect();
        self.step(at, &say, &changed, json!({ "moves": moves }));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.rounds.enter(moved.at);
        self.begin(moved.at);
        let (said, moves) = self.changes(moved.changes, |vm| moved.replacement(vm));
        let changed: Vec<VmId> = moved.changes.iter().map(|change| change.vm).collect();
        let more = json!({ "moves": moves, "flight": moved.in_flight.0 });
        self.step(moved.at, &format!("Balloons: {said}"), &changed, more);
    }

    fn depart(&mut self, at: Ticks, vm: VmId, allocation: Frames) {
        self.begin(at);
        self.lists[vm.index()] = Vec::new();
        self.frames[vm.index()] = Frames(0);
        let say = format!("{} leaves {} behind", self.name(vm), counted(allocation.0, "frame"));
        self.step(at, &say, &[vm], json!({}));
    }

    fn access(&mut self, access: &Access<'_>) {
        self.begin(access.at);
        let vm = access.vm;
        let after = access.replacement.lists();
        let touch = Touch::of(self.scenario, access, &self.lists[vm.index()], &after);
        self.follow(vm, access.allocation, access.replacement);
        let (kind, evicted, outcome) = match touch.outcome {
            Touched::Hit => ("hit", None, "a hit".to_owned()),
            Touched::Fill => ("fill", None, "a fault that fills an empty frame".to_owned()),
            Touched::Evicts(page) => {
                ("miss", Some(page.0), format!("a replacement miss that evicts page {page}"))
            }
        };
        let cold = if touch.cold { "; the first access ever to the page" } else { "" };
        let say = format!("{} accesses page {}: {outcome}{cold}", self.name(vm), touch.page);
        let more = json!({
            "vm": vm.index(), "page": touch.page.0, "kind": kind, "evicted": evicted,
        });
        self.step(access.at, &say, &[vm], more);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let (at, number) = (checkpoint.view.at, checkpoint.number);
        self.rounds.check(number);
        self.begin(at);
        let (said, moves) = self.changes(checkpoint.changes, |vm| checkpoint.replacement(vm));
        if self.shown() {
            let said = if said.is_empty() { "nothing moves".to_owned() } else { said };
            let changed: Vec<VmId> = checkpoint.changes.iter().map(|change| change.vm).collect();
            let saw = checkpoint.view.vms.iter().zip(&checkpoint.plan.0);
            let saw: Vec<Value> = saw.map(|(vm, target)| seen(vm, *target)).collect();
            let more = json!({ "saw": saw, "moves": moves, "flight": checkpoint.in_flight.0 });
            self.step(at, &format!("Checkpoint {number}: {said}"), &changed, more);
            if !self.too_much {
                self.whole = number;
            }
        }
        if self.rounds.next() {
            for vm in &checkpoint.view.vms {
                let moved = checkpoint.changes.iter().find(|change| change.vm == vm.id);
                let frames = moved.map_or(vm.allocation, |change| change.after);
                self.follow(vm.id, frames, checkpoint.replacement(vm.id));
            }
        }
    }
}

/// What the policy saw of a VM, and its target, in the order of the page's table.
fn seen(vm: &VmView, target: Frames) -> Value {
    json!([
        vm.id.index(),
        vm.allocation.0,
        vm.resident.0,
        vm.interval.demand_faults,
        vm.interval.replacement_misses,
        vm.total.demand_faults,
        vm.total.replacement_misses,
        target.0,
    ])
}

const BODY: &str = r#"<main>
<noscript><p>This page is drawn by its script; <code>balloonist walk</code> prints the same as
text.</p></noscript>
<nav aria-label="Steps">
<button type="button" id="first" title="Home">First</button>
<button type="button" id="back" title="Left arrow">Back</button>
<button type="button" id="next" title="Right arrow">Next</button>
<button type="button" id="last" title="End">Last</button>
<label>Step <input type="range" id="slider" min="0" value="0"></label>
<output id="count"></output>
</nav>
<p id="say" role="status" aria-live="polite"></p>
<div id="vms"></div>
<section id="checkpoint" hidden>
<h2 id="decided">What the policy saw and decided</h2>
<div class="wide"><table aria-labelledby="decided"><thead></thead><tbody></tbody></table></div>
</section>
<p class="keys">Keys: right and left arrow, space, Page Up and Page Down (ten steps), Home, End.
Solid boxes are frames with their pages, dashed ones empty frames, of which 40 are drawn; dotted
boxes are pages that the algorithm remembers and that are in no frame. The page that was accessed has
a thick border. An asterisk behind a page: its reference bit is set, or a use is counted. An arrow
behind the name of a list: how long it should be.</p>
</main>
"#;

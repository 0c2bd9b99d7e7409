//! The lesson: a run as a self-contained page with buttons to step forward and back. A step is an
//! access, a checkpoint, or the arrival or departure of a VM. Each VM's lists are drawn as boxes,
//! in the order of the algorithm's own lists.
//!
//! The page contains the steps as data, each with the lists that it changed, and a script that
//! draws them. Its size is bounded, so it suits small scenarios.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::html::THEME;
use super::narrator::{Event, Held, Narrator, Resized, Teller, Touch, Touched, listed};
use super::rounds::Rounds;
use super::svg::escaped;
use super::walk::heading;
use crate::balance::VmView;
use crate::number::{counted, every, grouped};
use crate::replace::List;
use crate::scenario::Scenario;
use crate::units::{Frames, Ticks, VmId};
use crate::watch::Checkpoint;

const STYLE: &str = include_str!("../html/style.css");
const LESSON_STYLE: &str = include_str!("lesson.css");
const SCRIPT: &str = include_str!("lesson.js");

/// The most steps of a page.
pub const STEPS: usize = 2_000;
/// The most bytes of its data.
pub const BYTES: usize = 2_000_000;

/// Collects the steps of a range of rounds.
pub type Lesson<'a> = Narrator<'a, Steps<'a>>;

/// Keeps each event as a step.
pub struct Steps<'a> {
    scenario: &'a Scenario,
    policy: &'a str,
    /// The only VM to draw; all if there is none.
    only: Option<VmId>,
    /// What every VM holds before the first step.
    before: Vec<Value>,
    collected: Vec<String>,
    bytes: usize,
    /// The last round with all its steps collected.
    whole: u64,
    too_much: bool,
}

/// Why there is no page.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// No round of the range happened.
    Nothing,
    /// The page would be too large; holds the last round for which it has room, if any.
    TooMuch(Option<u64>),
}

impl<'a> Lesson<'a> {
    /// A lesson on the `rounds` of a run of `scenario` under `policy`.
    pub fn new(scenario: &'a Scenario, policy: &'a str, rounds: Rounds) -> Self {
        let steps = Steps {
            scenario,
            policy,
            only: rounds.only,
            before: Vec::new(),
            collected: Vec::new(),
            bytes: 0,
            whole: 0,
            too_much: false,
        };
        Self::of(scenario, rounds, steps)
    }

    /// The page.
    ///
    /// # Errors
    /// If there is nothing to show, or too much for one page.
    pub fn finish(self) -> Result<String, Refused> {
        self.teller.page()
    }
}

impl<'a> Steps<'a> {
    fn page(self) -> Result<String, Refused> {
        if self.too_much {
            return Err(Refused::TooMuch((self.whole > 0).then_some(self.whole)));
        }
        if self.collected.is_empty() {
            return Err(Refused::Nothing);
        }
        let vm = |vm: &crate::scenario::VmSpec| json!([vm.name, vm.replacement.name]);
        let vms: Vec<Value> = self.scenario.vms.iter().map(vm).collect();
        // A script element ends at `</`, so the data must not contain it.
        let data = format!(
            "{{\"vms\":{},\n\"only\":{},\n\"steps\":[\n{}\n]}}",
            json!(vms),
            json!(self.only.map(VmId::index)),
            self.collected.join(",\n")
        )
        .replace('<', "\\u003c");
        let scenario = self.scenario;
        let name = escaped(&scenario.name);
        let heading = format!(
            "{} under {}: {}, {}, a checkpoint {}",
            scenario.name,
            self.policy,
            counted(scenario.vms.len() as u64, "VM"),
            counted(scenario.host.memory.0, "frame"),
            every(scenario.checkpoint_every.0, scenario.in_time),
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

    fn name(&self, vm: VmId) -> &'a str {
        &self.scenario.vms[vm.index()].name
    }

    fn drawn(&self, held: &Held<'_>) -> Value {
        self.boxes(held.vm, held.frames, &held.lists())
    }

    fn boxes(&self, vm: VmId, frames: Frames, lists: &[List]) -> Value {
        let numbers = self.scenario.vms[vm.index()].trace.numbers();
        let list = |list: &List| {
            let pages: Vec<u64> = list.pages.iter().map(|&at| numbers[at as usize].0).collect();
            json!([heading(list), list.resident, pages, list.marks])
        };
        let lists: Vec<Value> = lists.iter().map(list).collect();
        json!({ "vm": vm.index(), "frames": frames.0, "lists": lists })
    }

    /// Adds a step. `drawn` has the VMs whose lists it changed, `more` the members of its kind.
    fn step(&mut self, (at, round): (Ticks, u64), say: &str, drawn: &[Value], more: Value) {
        if self.too_much {
            return;
        }
        let mut step = json!({ "at": at.0, "round": round, "say": say, "drawn": drawn });
        if let (Value::Object(step), Value::Object(more)) = (&mut step, more) {
            step.extend(more);
        }
        let step = step.to_string();
        self.bytes += step.len();
        self.collected.push(step);
        self.too_much = self.collected.len() > STEPS || self.bytes > BYTES;
    }

    fn drawn_all(&self, changes: &[Resized<'_>]) -> Vec<Value> {
        changes.iter().map(|change| self.drawn(&change.held)).collect()
    }

    /// Changes of allocations in words and as data.
    fn changes(&self, changes: &[Resized<'_>]) -> (String, Vec<Value>) {
        let (mut said, mut moves) = (Vec::new(), Vec::new());
        for change in changes {
            let (vm, (verb, moved)) = (change.held.vm, change.moved());
            let mut say = format!("{} {verb} {}", self.name(vm), counted(moved.0, "frame"));
            if !change.evicted.is_empty() {
                let pages: Vec<String> = change.evicted.iter().map(ToString::to_string).collect();
                let _ = write!(say, " and drops page {}", pages.join(", "));
            }
            moves.push(json!([vm.index(), change.before.0, change.held.frames.0]));
            said.push(say);
        }
        (said.join("; "), moves)
    }

    fn arrival(&mut self, when: (Ticks, u64), held: &Held<'_>, shrunk: &[Resized<'_>]) {
        let (said, moves) = self.changes(shrunk);
        let frames = counted(held.frames.0, "frame");
        let mut say = format!("{} arrives with {frames}", self.name(held.vm));
        if !said.is_empty() {
            let _ = write!(say, ": {said}");
        }
        let mut drawn = self.drawn_all(shrunk);
        drawn.push(self.drawn(held));
        self.step(when, &say, &drawn, json!({ "moves": moves }));
    }

    fn access(&mut self, when: (Ticks, u64), touch: &Touch<'_>) {
        let vm = touch.held.vm;
        let (kind, outcome) = match &touch.outcome {
            Touched::Hit => ("hit", "a hit".to_owned()),
            Touched::HostFault => ("fill", "a host fault: no frame backed it".to_owned()),
            Touched::Fill => ("fill", "a fault that fills an empty frame".to_owned()),
            Touched::Evicts(pages) => match &pages[..] {
                [] => {
                    ("miss", "a replacement miss into a frame that was emptied before".to_owned())
                }
                [page] => ("miss", format!("a replacement miss that evicts page {page}")),
                pages => {
                    ("miss", format!("a replacement miss that evicts pages {}", listed(pages)))
                }
            },
        };
        let evicted = match touch.evicted() {
            [] => Value::Null,
            [page] => page.0.into(),
            pages => listed(pages).into(),
        };
        let cold = if touch.cold { "; the first access ever to the page" } else { "" };
        let freed = touch.freed_words();
        let say = format!("{} accesses page {}: {outcome}{cold}{freed}", self.name(vm), touch.page);
        let more = json!({
            "vm": vm.index(), "page": touch.page.0, "kind": kind, "evicted": evicted,
        });
        let drawn = [self.drawn(&touch.held)];
        self.step(when, &say, &drawn, more);
    }

    fn checkpoint(
        &mut self,
        when: (Ticks, u64),
        checkpoint: &Checkpoint<'_>,
        changes: &[Resized<'_>],
    ) {
        let number = checkpoint.number;
        let (said, moves) = self.changes(changes);
        let said = if said.is_empty() { "nothing moves".to_owned() } else { said };
        let saw = checkpoint.view.vms.iter().zip(&checkpoint.plan.0);
        let saw: Vec<Value> = saw.map(|(vm, target)| seen(vm, *target)).collect();
        let more = json!({ "saw": saw, "moves": moves, "flight": checkpoint.in_flight.0 });
        let drawn = self.drawn_all(changes);
        self.step(when, &format!("Checkpoint {number}: {said}"), &drawn, more);
        if !self.too_much {
            self.whole = number;
        }
    }
}

impl Teller for Steps<'_> {
    fn wants_accesses(&self) -> bool {
        !self.too_much
    }

    fn tell(&mut self, at: Ticks, round: u64, event: &Event<'_>) {
        let when = (at, round);
        if let Event::Skipped(held) = event {
            self.before = held.iter().map(|held| self.drawn(held)).collect();
            return;
        }
        if self.collected.is_empty() {
            let before = std::mem::take(&mut self.before);
            self.step(when, "Before the first step", &before, json!({}));
        }
        match event {
            Event::Skipped(_) => {}
            Event::Wait(vm) => {
                let min = counted(self.scenario.vms[vm.index()].min.0, "frame");
                let say = format!("{} waits for its minimum of {min}", self.name(*vm));
                self.step(when, &say, &[], json!({}));
            }
            Event::Refuse { vm, left, .. } => {
                let left = grouped(left.0);
                let say = format!("{} does not start: {left} frames are left", self.name(*vm));
                self.step(when, &say, &[], json!({}));
            }
            Event::Arrive(held, shrunk) => self.arrival(when, held, shrunk),
            Event::Move(changes, in_flight) => {
                let (said, moves) = self.changes(changes);
                let more = json!({ "moves": moves, "flight": in_flight.0 });
                let drawn = self.drawn_all(changes);
                self.step(when, &format!("Balloons: {said}"), &drawn, more);
            }
            Event::Depart(vm, allocation) => {
                let frames = counted(allocation.0, "frame");
                let say = format!("{} leaves {frames} behind", self.name(*vm));
                let drawn = [self.boxes(*vm, Frames(0), &[])];
                self.step(when, &say, &drawn, json!({}));
            }
            Event::Access(touch) => self.access(when, touch),
            Event::Checkpoint(checkpoint, changes) => self.checkpoint(when, checkpoint, changes),
        }
    }
}

/// The policy's view of a VM and its target, in the order of the page's table.
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
<label class="choice" id="which" hidden>VM <select id="vm"><option value="">all</option></select>
</label>
<label class="choice">A step is <select id="pace"><option value="access">an access</option><option
value="round">a round</option></select></label>
</nav>
<p id="say" role="status" aria-live="polite"></p>
<div id="vms"></div>
<section id="checkpoint" hidden>
<h2 id="decided">What the policy saw and decided</h2>
<div class="wide"><table aria-labelledby="decided"><thead></thead><tbody></tbody></table></div>
</section>
<p class="keys">Keys: right and left arrow, space, Page Up and Page Down (ten steps), Home, End.
Solid boxes are frames with their pages, dashed ones empty frames, of which 40 are drawn; dotted
boxes are pages that the algorithm remembers and that are in no frame. F is a demand fault, ✓ a
hit; counts are of the steps shown. The page that was accessed has a thick border. An asterisk
behind a page: its reference bit is set, or a use is counted. An arrow behind the name of a list:
how long it should be.</p>
</main>
"#;

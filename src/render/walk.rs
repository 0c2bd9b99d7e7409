//! The walk-through: one line for each access and each checkpoint, in their true order, with the
//! VMs' page lists.
//!
//! With a checkpoint every tick a round is the report's: one access by each VM. Lines are written
//! as they happen and nothing is kept, so a walk of any length needs no more memory than the run
//! itself. Outside the shown rounds the simulation runs at full speed.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::narrator::{Event, Held, Narrator, Resized, Teller, Touch, Touched};
use super::rounds::Rounds;
use crate::account::Outcome;
use crate::balance::VmView;
use crate::number::{counted, every, grouped};
use crate::replace::List;
use crate::scenario::{Scenario, VmSpec};
use crate::trace::PageId;
use crate::units::{Frames, Ticks, VmId};
use crate::watch::Checkpoint;

/// Writes the rounds of a range as they happen.
pub type Walk<'a, W> = Narrator<'a, Board<'a, W>>;

/// Writes events as lines with lists of pages.
pub struct Board<'a, W> {
    scenario: &'a Scenario,
    /// The only VM to show; all if there is none.
    only: Option<VmId>,
    columns: Columns,
    out: W,
    /// The first write error; nothing is written after it.
    written: io::Result<()>,
}

/// The widths of the columns, in characters.
#[derive(Clone, Copy)]
struct Columns {
    tick: usize,
    vm: usize,
    page: usize,
    event: usize,
    list: usize,
}

const REPLACEMENT_MISS: &str = "replacement miss";
const COLD: &str = "cold";

impl Columns {
    const LINE: usize = 100;
    const LIST_MIN: usize = 32;

    fn of(scenario: &Scenario) -> Self {
        let digits = |number: u64| number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let end = |vm: &VmSpec| vm.start.0.saturating_add(vm.tempo.pass(&vm.trace));
        let vms = || scenario.vms.iter();
        let tick = digits(vms().map(end).max().unwrap_or(0));
        let vm = vms().map(|vm| vm.name.chars().count()).max().unwrap_or(0);
        let pages = vms().flat_map(|vm| vm.trace.numbers());
        let page = digits(pages.map(|page| page.0).max().unwrap_or(0));
        let event = REPLACEMENT_MISS.len() + ", evicts ".len() + page;
        // The gaps between columns are two wide; "t=", "page ", "cold" and the brackets have fixed
        // widths.
        let before = 2 + tick + 2 + vm + 2 + 5 + page + 2 + event + 2 + COLD.len() + 2;
        let list = Self::LINE.saturating_sub(before + 2).max(Self::LIST_MIN);
        Self { tick, vm, page, event, list }
    }

    /// The width between the VM and the list in a decision line.
    fn decision(&self) -> usize {
        5 + self.page + 2 + self.event + 2 + COLD.len()
    }
}

impl<'a, W: Write> Walk<'a, W> {
    /// Begins a walk through the `rounds` of a run of `scenario` under `policy` with a legend.
    pub fn new(scenario: &'a Scenario, policy: &str, rounds: Rounds, out: W) -> Self {
        let (only, columns) = (rounds.only, Columns::of(scenario));
        let mut board = Board { scenario, only, columns, out, written: Ok(()) };
        let every = every(scenario.checkpoint_every.0, scenario.in_time);
        let (vms, memory) = (scenario.vms.len(), scenario.host.memory);
        let order = if scenario.all_lru() {
            "most recently used first, · is an empty frame; "
        } else {
            "each algorithm's own, pages in ( ) are not resident, · is an empty frame\n\
             * after a page: its reference bit is set, or a use is counted; → target length of \
             the list\n"
        };
        board.write(format_args!(
            "{} under {}: {}, {}, a checkpoint {every}\n\
             lists: {order}cold: the first access ever to the page\n\
             faults: demand faults; misses: the replacement misses among them\n\n",
            scenario.name,
            policy,
            counted(vms as u64, "VM"),
            counted(memory.0, "frame"),
        ));
        Self::of(scenario, rounds, board)
    }

    /// Ends the walk with the run's totals.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(self, outcome: &Outcome) -> io::Result<()> {
        let mut board = self.teller;
        let counts = outcome.all.counts;
        board.write(format_args!(
            "all rounds, to t={}: {}, {} ({} cold), {}, {} moved\n",
            outcome.end,
            counted(counts.accesses, "access"),
            counted(counts.demand_faults, "demand fault"),
            grouped(counts.cold_faults),
            counted(counts.replacement_misses, "replacement miss"),
            counted(outcome.all.frames_moved(), "frame"),
        ));
        board.written?;
        board.out.flush()
    }
}

impl<W: Write> Board<'_, W> {
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        if self.written.is_ok() {
            self.written = self.out.write_fmt(text);
        }
    }

    fn spec(&self, vm: VmId) -> &VmSpec {
        &self.scenario.vms[vm.index()]
    }

    fn name(&self, vm: VmId) -> String {
        format!("{:width$}", self.spec(vm).name, width = self.columns.vm)
    }

    /// The lists of a VM: what its frames hold in brackets, ghosts in parentheses.
    fn list(&self, held: &Held<'_>) -> String {
        let numbers = self.spec(held.vm).trace.numbers();
        let number = |page: PageId| numbers[page as usize].0;
        laid_out(&held.lists(), held.frames.0 as usize, number, self.columns.list)
    }

    /// The policy's view of each VM and the targets that it set.
    fn view(&mut self, checkpoint: &Checkpoint<'_>) {
        let Columns { tick, vm: vm_width, .. } = self.columns;
        let indent = tick + 4;
        let (at, number) = (checkpoint.view.at, checkpoint.number);
        self.write(format_args!("t={at:<tick$}  checkpoint {number}\n"));
        self.write(format_args!(
            "{:indent$}{:vm_width$}  frames  resident  interval: faults  misses  total: faults  \
             misses  target\n",
            "", "VM",
        ));
        let vms = checkpoint.view.vms.iter().zip(&checkpoint.plan.0);
        let only = self.only;
        for (vm, target) in vms.filter(|(vm, _)| only.is_none_or(|only| only == vm.id)) {
            let name = self.name(vm.id);
            let VmView { allocation, resident, interval, total, .. } = vm;
            self.write(format_args!(
                "{:indent$}{name}  {:>6}  {:>8}  {:>16}  {:>6}  {:>13}  {:>6}  {:>6}\n",
                "",
                allocation.0,
                resident.0,
                interval.demand_faults,
                interval.replacement_misses,
                total.demand_faults,
                total.replacement_misses,
                target.0,
            ));
        }
    }

    /// The VMs that give and take frames, with their lists afterwards. Givers come first, because
    /// the host reclaims before it grants.
    fn decision(&mut self, changes: &[Resized<'_>], in_flight: Frames) {
        self.changes(changes);
        if changes.is_empty() {
            let indent = self.columns.tick + 4;
            self.write(format_args!("{:indent$}nothing moves\n", ""));
        }
        self.in_flight(in_flight);
        self.write(format_args!("\n"));
    }

    /// A line for each VM whose allocation changed.
    fn changes(&mut self, changes: &[Resized<'_>]) {
        for resized in changes {
            let (verb, moved) = resized.moved();
            let mut change = format!("{verb} {}", counted(moved.0, "frame"));
            if !resized.evicted.is_empty() {
                let number = |at: usize| resized.evicted[at].to_string();
                let room = self.columns.decision().saturating_sub(change.len() + ", drops ".len());
                let _ = write!(change, ", drops {}", items(number, resized.evicted.len(), room));
            }
            let (indent, width) = (self.columns.tick + 4, self.columns.decision());
            let (name, list) = (self.name(resized.held.vm), self.list(&resized.held));
            self.write(format_args!("{:indent$}{name}  {change:width$}  {list}\n", ""));
        }
    }

    fn in_flight(&mut self, frames: Frames) {
        if frames > Frames(0) {
            let indent = self.columns.tick + 4;
            let frames = counted(frames.0, "frame");
            self.write(format_args!("{:indent$}in flight: {frames}\n", ""));
        }
    }

    fn arrival(&mut self, at: Ticks, held: &Held<'_>, shrunk: &[Resized<'_>]) {
        let mut line = format!("arrives with {}", counted(held.frames.0, "frame"));
        for change in shrunk {
            let (name, (_, moved)) = (&self.spec(change.held.vm).name, change.moved());
            let _ = write!(line, ", {} of them from {name}", grouped(moved.0));
        }
        let (width, list) = (self.columns.decision(), self.list(held));
        self.line(at, held.vm, format_args!("{line:width$}  {list}"));
    }

    fn access(&mut self, at: Ticks, touch: &Touch<'_>) {
        let evicted = touch.evicted();
        let event = match &touch.outcome {
            Touched::Hit => "hit".to_owned(),
            Touched::HostFault => "host fault".to_owned(),
            Touched::Fill => "fill".to_owned(),
            Touched::Evicts(_) => match evicted {
                [page] => format!("{REPLACEMENT_MISS}, evicts {page}"),
                _ => REPLACEMENT_MISS.to_owned(),
            },
        };
        let cold = if touch.cold { COLD } else { "" };
        let (page, list) = (touch.page, self.list(&touch.held));
        let Columns { page: page_width, event: width, .. } = self.columns;
        let line = format_args!("page {page:<page_width$}  {event:width$}  {cold:4}  {list}");
        self.line(at, touch.held.vm, line);
        if evicted.len() > 1 {
            let number = |at: usize| evicted[at].to_string();
            let evicted = items(number, evicted.len(), self.columns.decision());
            self.line(at, touch.held.vm, format_args!("evicts {evicted}"));
        }
        if !touch.freed.is_empty() {
            let number = |at: usize| touch.freed[at].to_string();
            let freed = items(number, touch.freed.len(), self.columns.decision());
            self.line(at, touch.held.vm, format_args!("frees {freed}"));
        }
    }

    /// A line about one VM.
    fn line(&mut self, at: Ticks, vm: VmId, what: std::fmt::Arguments<'_>) {
        let (name, tick) = (self.name(vm), self.columns.tick);
        self.write(format_args!("t={at:<tick$}  {name}  {what}\n"));
    }
}

impl<W: Write> Teller for Board<'_, W> {
    fn wants_accesses(&self) -> bool {
        self.written.is_ok()
    }

    fn tell(&mut self, at: Ticks, _: u64, event: &Event<'_>) {
        match event {
            Event::Skipped(_) => {}
            Event::Wait(vm) => {
                let min = counted(self.spec(*vm).min.0, "frame");
                self.line(at, *vm, format_args!("waits for its minimum of {min}"));
            }
            Event::Refuse { vm, gave_up: true, .. } => {
                self.line(at, *vm, format_args!("gives up: its stop is reached"));
            }
            Event::Refuse { vm, left, .. } => {
                let (min, left) = (counted(self.spec(*vm).min.0, "frame"), grouped(left.0));
                let why = format_args!("is refused: its minimum is {min}, and {left} are left");
                self.line(at, *vm, why);
            }
            Event::Arrive(held, shrunk) => self.arrival(at, held, shrunk),
            Event::Move(changes, in_flight) => {
                let width = self.columns.tick;
                self.write(format_args!("t={at:<width$}  frames move\n"));
                self.changes(changes);
                self.in_flight(*in_flight);
            }
            Event::Depart(vm, allocation) => {
                let frames = counted(allocation.0, "frame");
                self.line(at, *vm, format_args!("leaves {frames} behind"));
            }
            Event::Access(touch) => self.access(at, touch),
            Event::Checkpoint(checkpoint, changes) => {
                self.view(checkpoint);
                self.decision(changes, checkpoint.in_flight);
            }
        }
    }
}

fn resident(lists: &[List]) -> impl Iterator<Item = PageId> {
    lists.iter().filter(|list| list.resident).flat_map(|list| list.pages.iter().copied())
}

/// The name of a list, with its wanted length if the algorithm adapts it.
pub(super) fn heading(list: &List) -> String {
    let Some(wanted) = list.wanted else { return list.name.to_owned() };
    let wanted = format!("{wanted:.2}");
    format!("{}→{}", list.name, wanted.trim_end_matches('0').trim_end_matches('.'))
}

const EMPTY: &str = "·";

/// The lists as a line: a single list without a name together with the empty frames, as in "[4 12*
/// ·]"; several lists as in "T1 [4] T2 [12*] [·] B1 (7)".
fn laid_out(lists: &[List], frames: usize, number: impl Fn(PageId) -> u64, width: usize) -> String {
    let numbers = |list: &List, length: usize, width: usize| {
        let mark = |at: usize| "*".repeat(list.marks.get(at).copied().unwrap_or(0).into());
        let page = |at| list.pages.get(at).map(|&page| format!("{}{}", number(page), mark(at)));
        items(|at| page(at).unwrap_or_else(|| EMPTY.to_owned()), length, width)
    };
    if let [list] = lists
        && list.name.is_empty()
    {
        return format!("[{}]", numbers(list, frames, width));
    }
    // Several lists may make the line longer, but each must show enough to be followed.
    let width = (width / lists.len().max(1)).max(Columns::LIST_MIN);
    let shown = |list: &List| {
        let (open, close) = if list.resident { ('[', ']') } else { ('(', ')') };
        format!("{} {open}{}{close}", heading(list), numbers(list, list.pages.len(), width))
    };
    let mut parts: Vec<String> = lists.iter().filter(|list| list.resident).map(shown).collect();
    let empty = frames - resident(lists).count();
    if empty > 0 {
        parts.push(format!("[{}]", items(|_| EMPTY.to_owned(), empty, width)));
    }
    parts.extend(lists.iter().filter(|list| !list.resident).map(shown));
    parts.join(" ")
}

/// `length` items, each a page or an empty frame; if they need more than `width` characters, the
/// middle is elided.
fn items(item: impl Fn(usize) -> String, length: usize, width: usize) -> String {
    let (head, used) = fitting((0..length).map(&item), width);
    if head.len() == length {
        return head.join(" ");
    }
    // "… 123456 more …" separates the two ends; the head, which changes most, gets more room.
    let room = width.saturating_sub(16).min(used);
    let (head, used) = fitting((0..length).map(&item), room * 2 / 3);
    let (mut tail, _) = fitting((head.len()..length).rev().map(item), room.saturating_sub(used));
    tail.reverse();
    let elided = length - head.len() - tail.len();
    let middle = format!("… {elided} more …");
    [head, vec![middle], tail].concat().join(" ")
}

/// The first items that fit into `width` characters, separated by blanks, and their width.
fn fitting(items: impl Iterator<Item = String>, width: usize) -> (Vec<String>, usize) {
    let mut used = 0;
    let mut fit = Vec::new();
    for item in items {
        let wanted = used + item.chars().count() + usize::from(used > 0);
        if wanted > width {
            break;
        }
        used = wanted;
        fit.push(item);
    }
    (fit, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &'static str, resident: bool, pages: &[PageId]) -> List {
        List { resident, ..List::resident(name, pages.iter().copied()) }
    }

    fn shown(pages: &[u64], frames: usize, width: usize) -> String {
        let item = |at| pages.get(at).map_or_else(|| EMPTY.to_owned(), u64::to_string);
        items(item, frames, width)
    }

    #[test]
    fn empty_frames_are_dots_behind_the_pages() {
        assert_eq!(shown(&[4, 12, 7], 5, 40), "4 12 7 · ·");
        assert_eq!(shown(&[], 0, 40), "");
    }

    #[test]
    fn a_long_list_is_elided_in_the_middle() {
        let pages: Vec<u64> = (1..=100).collect();
        assert_eq!(shown(&pages, 100, 40), "1 2 3 4 5 6 7 8 … 89 more … 98 99 100");
        assert_eq!(shown(&pages, 1_000_000, 40), "1 2 3 4 5 6 7 8 … 999987 more … · · · · ·");
        for width in 16..60 {
            assert!(shown(&pages, 100, width).chars().count() <= width, "{width}");
        }
    }

    #[test]
    fn several_lists_have_their_names_and_ghosts_stand_behind_the_empty_frames() {
        let lists = [list("T1", true, &[4]), list("T2", true, &[]), list("B1", false, &[7, 9])];
        let number = |page| 10 * u64::from(page);
        assert_eq!(laid_out(&lists, 3, number, 99), "T1 [40] T2 [] [· ·] B1 (70 90)");
        assert_eq!(laid_out(&lists, 1, number, 99), "T1 [40] T2 [] B1 (70 90)");
        assert_eq!(laid_out(&[list("", true, &[4, 5])], 3, number, 99), "[40 50 ·]");
    }

    #[test]
    fn marks_stand_behind_their_pages_and_a_wanted_length_behind_the_name() {
        let uses = list("", true, &[4, 5, 6]).marked(|page| 3 * (page as u8 % 2));
        assert_eq!(laid_out(&[uses], 4, u64::from, 99), "[4 5*** 6 ·]");
        let t1 = |wanted| List { wanted: Some(wanted), ..list("T1", true, &[4]) };
        let lists = [t1(4.0 / 3.0), list("T2", true, &[])];
        assert_eq!(laid_out(&lists, 1, u64::from, 99), "T1→1.33 [4] T2 []");
        assert_eq!([0.0, 0.5, 10.0].map(|p| heading(&t1(p))), ["T1→0", "T1→0.5", "T1→10"]);
    }
}

//! The grid of textbooks: a VM's reference string across, its frames down, each column what the
//! frames hold after an access, and an F under each demand fault.

use std::fmt::Write as _;

use super::lesson::Refused;
use super::narrator::{Event, Held, Narrator, Resized, Teller, Touched};
use super::rounds::Rounds;
use super::svg::{Anchor, Drawing, escaped};
use crate::number::counted;
use crate::scenario::Scenario;
use crate::units::{Page, Ticks};

/// The most cells of a grid, a cell being one frame at one access.
pub const CELLS: usize = 100_000;

/// How a grid is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines of text, wrapped at 100 characters.
    Text,
    /// A `tabular` of LaTeX for each VM.
    Latex,
    /// A drawing in SVG.
    Svg,
}

/// Collects the grid of a range of rounds.
pub type Grid<'a> = Narrator<'a, Sheets<'a>>;

/// The grids of all VMs.
pub struct Sheets<'a> {
    scenario: &'a Scenario,
    of_vms: Vec<Sheet>,
    cells: usize,
    /// The last round that fits.
    whole: u64,
}

/// The grid of one VM.
#[derive(Clone, Default)]
struct Sheet {
    /// What the frames hold now.
    frames: Vec<Frame>,
    columns: Vec<Column>,
}

/// A row of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Holds(Page),
    Empty,
    /// The VM does not have it at present.
    Away,
}

/// An access, and what the frames hold after it.
#[derive(Clone)]
struct Column {
    page: Page,
    is_fault: bool,
    frames: Vec<Frame>,
}

impl Sheet {
    /// Brings the frames up to date: pages stay where they are, one that came takes the frame of
    /// one that left or else the first empty frame.
    fn update(&mut self, allocation: usize, resident: &[Page]) {
        for frame in &mut self.frames {
            if matches!(frame, Frame::Holds(page) if !resident.contains(page)) {
                *frame = Frame::Empty;
            }
        }
        let there = |frame: &&mut Frame| **frame != Frame::Away;
        let mut held = self.frames.iter_mut().filter(there).count();
        while held > allocation {
            let empty = self.frames.iter().rposition(|&frame| frame == Frame::Empty);
            self.frames[empty.expect("a VM has no more pages than frames")] = Frame::Away;
            held -= 1;
        }
        while held < allocation {
            match self.frames.iter().position(|&frame| frame == Frame::Away) {
                Some(away) => self.frames[away] = Frame::Empty,
                None => self.frames.push(Frame::Empty),
            }
            held += 1;
        }
        for &page in resident {
            if !self.frames.contains(&Frame::Holds(page)) {
                let empty = self.frames.iter().position(|&frame| frame == Frame::Empty);
                self.frames[empty.expect("a resident page is in a frame")] = Frame::Holds(page);
            }
        }
    }

    fn faults(&self) -> usize {
        self.columns.iter().filter(|column| column.is_fault).count()
    }
}

impl<'a> Grid<'a> {
    /// The grid of the `rounds` of a run of `scenario`.
    pub fn new(scenario: &'a Scenario, rounds: Rounds) -> Self {
        let of_vms = vec![Sheet::default(); scenario.vms.len()];
        Self::of(scenario, rounds, Sheets { scenario, of_vms, cells: 0, whole: 0 })
    }

    /// The grids of the VMs that made accesses.
    ///
    /// # Errors
    /// If there is nothing to show, or more than [`CELLS`] cells.
    pub fn finish(self, format: Format) -> Result<String, Refused> {
        let sheets = self.teller;
        if sheets.cells > CELLS {
            return Err(Refused::TooMuch((sheets.whole > 0).then_some(sheets.whole)));
        }
        if sheets.shown().next().is_none() {
            return Err(Refused::Nothing);
        }
        Ok(match format {
            Format::Text => sheets.text(),
            Format::Latex => sheets.latex(),
            Format::Svg => sheets.svg(),
        })
    }
}

impl Teller for Sheets<'_> {
    fn wants_accesses(&self) -> bool {
        self.cells <= CELLS
    }

    fn tell(&mut self, _: Ticks, round: u64, event: &Event<'_>) {
        match event {
            Event::Skipped(all) => all.iter().for_each(|held| self.update(held)),
            Event::Arrive(held, shrunk) => {
                self.update(held);
                self.resize(shrunk);
            }
            Event::Move(changes, _) => self.resize(changes),
            Event::Depart(vm, _) => self.of_vms[vm.index()].update(0, &[]),
            Event::Checkpoint(_, changes) => {
                self.resize(changes);
                if self.cells <= CELLS {
                    self.whole = round;
                }
            }
            Event::Access(touch) => {
                self.update(&touch.held);
                let sheet = &mut self.of_vms[touch.held.vm.index()];
                let is_fault = touch.outcome != Touched::Hit;
                let frames = sheet.frames.clone();
                self.cells += frames.len();
                sheet.columns.push(Column { page: touch.page, is_fault, frames });
            }
            Event::Wait(_) | Event::Refuse { .. } => {}
        }
    }
}

impl Sheets<'_> {
    fn resize(&mut self, changes: &[Resized<'_>]) {
        for change in changes {
            self.update(&change.held);
        }
    }

    fn update(&mut self, held: &Held<'_>) {
        let numbers = self.scenario.vms[held.vm.index()].trace.numbers();
        let lists = held.lists();
        let resident = lists.iter().filter(|list| list.resident).flat_map(|list| &list.pages);
        let resident: Vec<Page> = resident.map(|&page| numbers[page as usize]).collect();
        self.of_vms[held.vm.index()].update(held.frames.0 as usize, &resident);
    }

    /// The VMs with accesses: the heading and the grid of each.
    fn shown(&self) -> impl Iterator<Item = (String, &Sheet)> {
        let shown = self.of_vms.iter().enumerate().filter(|(_, sheet)| !sheet.columns.is_empty());
        shown.map(|(vm, sheet)| {
            let vm = &self.scenario.vms[vm];
            let heading = format!(
                "{}, {}: {} in {}",
                vm.name,
                vm.replacement.name,
                counted(sheet.faults() as u64, "demand fault"),
                counted(sheet.columns.len() as u64, "access"),
            );
            (heading, sheet)
        })
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for (heading, sheet) in self.shown() {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            let _ = writeln!(out, "{heading}");
            let label = "frame ".len() + sheet.rows().to_string().len();
            let width = sheet.columns.iter().map(|column| column.page.to_string().len()).max();
            let width = 1 + width.unwrap_or(1);
            for columns in sheet.columns.chunks(((100 - label) / width).max(1)) {
                out.push('\n');
                for (name, cells) in sheet.lines(columns) {
                    let cells = cells.iter().map(|cell| format!("{cell:>width$}"));
                    let line = format!("{name:label$}{}", cells.collect::<String>());
                    let _ = writeln!(out, "{}", line.trim_end());
                }
            }
        }
        out
    }

    fn latex(&self) -> String {
        let mut out = String::new();
        for (heading, sheet) in self.shown() {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            let _ = writeln!(
                out,
                "% {heading}\n\\begin{{tabular}}{{l*{{{}}}{{|c}}}}",
                sheet.columns.len()
            );
            let last = sheet.rows() + 1;
            for (at, (name, cells)) in sheet.lines(&sheet.columns).into_iter().enumerate() {
                let rule = if at == 0 || at + 1 == last { " \\hline" } else { "" };
                let cells = cells.iter().map(|cell| if cell == "·" { "$\\cdot$" } else { cell });
                let cells = cells.collect::<Vec<_>>().join(" & ");
                let _ = writeln!(out, "{name} & {cells} \\\\{rule}");
            }
            out.push_str("\\end{tabular}\n");
        }
        out
    }

    fn svg(&self) -> String {
        let mut drawings = Vec::new();
        for (heading, sheet) in self.shown() {
            drawings.push(sheet.drawing(&heading));
        }
        let width = drawings.iter().map(|drawing| drawing.width).max().unwrap_or(0);
        let mut all = Drawing::new(width, 0);
        for drawing in &drawings {
            all.place(0, all.height, drawing);
            all.height += drawing.height;
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {} width=\"{}\" height=\"{}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n\
             <desc id=\"desc\">Each column shows what the frames hold after an access.</desc>\n\
             <style>{STYLE}</style>\n{}</svg>\n",
            all.view_box(),
            all.width / 10,
            all.height / 10,
            escaped(&self.scenario.name),
            all.body(),
        )
    }
}

/// Text of 16 pixels; colours that print.
const STYLE: &str = "text{font:16px sans-serif;fill:#1a1a1a}.end{text-anchor:end}\
.mid{text-anchor:middle}.h{font-weight:600}.c{fill:#fff;stroke:#888}.n{fill:#fde3cf;stroke:#888}\
.a{fill:#eee;stroke:#ccc}.f{fill:#b3400a;font-weight:600}";

impl Sheet {
    /// The number of rows of frames.
    fn rows(&self) -> usize {
        self.columns.iter().map(|column| column.frames.len()).max().unwrap_or(0)
    }

    /// The rows of a grid with their names: the pages, the frames, the faults.
    fn lines(&self, columns: &[Column]) -> Vec<(String, Vec<String>)> {
        let row = |name: &str, cell: &dyn Fn(&Column) -> String| {
            (name.to_owned(), columns.iter().map(cell).collect())
        };
        let mut lines = vec![row("page", &|column| column.page.to_string())];
        for at in 0..self.rows() {
            lines.push(row(&format!("frame {}", at + 1), &|column| match column.frames.get(at) {
                Some(Frame::Holds(page)) => page.to_string(),
                Some(Frame::Empty) => "·".to_owned(),
                Some(Frame::Away) | None => String::new(),
            }));
        }
        lines.push(row("fault", &|column| if column.is_fault { "F" } else { "" }.to_owned()));
        lines
    }

    fn drawing(&self, heading: &str) -> Drawing {
        const ROW: i64 = 280;
        let digits = self.columns.iter().map(|column| column.page.to_string().len()).max();
        let cell = 180 + 100 * digits.unwrap_or(1) as i64;
        let left = 1000;
        let mut out = Drawing::new(left + cell * self.columns.len() as i64 + 200, 0);
        out.text(100, 300, Anchor::Start, "h", heading);
        let mut y = 440;
        for (row, (name, cells)) in self.lines(&self.columns).into_iter().enumerate() {
            out.text(100, y + 200, Anchor::Start, "", &name);
            for (at, (text, column)) in cells.iter().zip(&self.columns).enumerate() {
                let x = left + cell * at as i64;
                let frame = row.checked_sub(1).filter(|&frame| frame < self.rows());
                if let Some(frame) = frame {
                    let class = match column.frames.get(frame) {
                        Some(&Frame::Holds(page)) if page == column.page && column.is_fault => "n",
                        Some(Frame::Holds(_) | Frame::Empty) => "c",
                        Some(Frame::Away) | None => "a",
                    };
                    out.rect([x, y, cell, ROW], class, None);
                }
                let class = if text == "F" { "f" } else { "" };
                out.text(x + cell / 2, y + 200, Anchor::Middle, class, text);
            }
            y += ROW;
        }
        out.height = y + 200;
        out
    }
}

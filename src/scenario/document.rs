//! The document: a scenario's values as they were written, each with its place in the source.
//!
//! TOML files, .dat files, settings and trace lists all become one tree of [`Node`]s. Later sources
//! overlay earlier ones by replacing nodes, so a check's findings point at the value in force.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Diagnostic;
pub use super::origin::{Origin, SourceText};
use super::own::Own;
use crate::balance::exec::Programs;

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Literal,
}

/// The kinds of values in scenarios.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Table(Table),
    Array(Vec<Node>),
    String(String),
    /// An integer; one outside 128 bits is stored as the nearest limit, which no check accepts.
    Integer(i128),
    /// The text of a number with a point or an exponent; it is never converted to floating point.
    Decimal(String),
    Bool,
    Date,
    /// A long array of non-negative integers, whose items need no places of their own.
    Pages(Arc<[u64]>),
}

/// Keys in a stable order. It is not the order of the source, but nothing depends on that:
/// diagnostics are sorted by place.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key's place and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Origin,
    pub(super) node: Node,
}

/// A table of these keys, each with the place of its value.
pub(super) fn table<'k>(entries: impl IntoIterator<Item = (&'k str, Node)>) -> Table {
    let entry = |(key, node): (&str, Node)| (key.to_owned(), Entry { key: node.origin, node });
    entries.into_iter().map(entry).collect()
}

impl Node {
    /// What kind of value it is, with an article, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Literal::Table(_) => "a table",
            Literal::Array(_) | Literal::Pages(_) => "an array",
            Literal::String(_) => "a string",
            Literal::Integer(_) => "an integer",
            Literal::Decimal(_) => "a decimal number",
            Literal::Bool => "a boolean",
            Literal::Date => "a date",
        }
    }

    /// The table, if it is one.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.value {
            Literal::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The same table, its name ending in a hyphen and a number.
    fn numbered(&self, number: u64) -> Self {
        let mut copy = self.clone();
        if let Literal::Table(table) = &mut copy.value
            && let Some(Literal::String(name)) =
                table.get_mut("name").map(|entry| &mut entry.node.value)
        {
            *name = format!("{name}-{number}");
        }
        copy
    }

    /// The text, if it is a string.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Literal::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A scenario as written: values with origins, not yet checked.
///
/// Reading never fails; faults of a source are kept and reported by [`check`](Self::check) together
/// with everything else.
///
/// ```
/// use balloonist::scenario::Document;
/// let text = "sede = 3\n\
///             host = { memory = 8 }\n\
///             checkpoint = { every = 1 }\n\
///             [[vm]]\n\
///             name = 'a'\n\
///             trace = { pages = [1, 2, 1] }\n";
/// let errors = Document::from_toml("a.toml", text.as_bytes()).check().unwrap_err();
/// assert_eq!(
///     errors.render(false),
///     "error[S012]: unknown key `sede`\n \
///      --> a.toml:1:1\n  \
///       |\n\
///      1 | sede = 3\n  \
///       | ^^^^ did you mean `seed`?\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) sources: Vec<Arc<SourceText>>,
    pub(super) root: Table,
    /// What was wrong with the sources themselves.
    pub(super) problems: Vec<Diagnostic>,
    /// How much of its sources the tree holds.
    pub(super) state: State,
    /// The folder of the first file, to which trace paths are relative.
    pub(super) folder: PathBuf,
    /// The scenario's name if it gives none.
    pub(super) stem: String,
    /// The repetition of a sweep, 0 outside one.
    pub(super) repetition: u64,
    /// The scenario files that were opened.
    pub(super) files: Vec<PathBuf>,
    pub(super) programs: Option<Arc<dyn Programs>>,
    pub(super) own: Own,
}

/// How much of its sources a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// All.
    Whole,
    /// What could be read between syntax errors.
    Partial,
    /// Nothing that checks could use.
    Nothing,
}

impl Document {
    pub(super) fn empty(folder: PathBuf, stem: &str) -> Self {
        Self {
            sources: Vec::new(),
            root: Table::new(),
            problems: Vec::new(),
            state: State::Whole,
            folder,
            stem: name_of(stem),
            repetition: 0,
            files: Vec::new(),
            programs: None,
            own: Own::default(),
        }
    }

    /// The scenario files that were opened: the first, and those that it extends; `-` is standard
    /// input.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The folder that paths in it are relative to: that of the first file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets policies start programs in runs of it.
    pub fn allow_programs(&mut self, programs: Arc<dyn Programs>) {
        self.programs = Some(programs);
    }

    /// Lets it name what the caller brings.
    ///
    /// ```
    /// use balloonist::scenario::{Document, Own};
    /// let text = "host.memory = 8\ncheckpoint.every = 1\npolicy.kind = 'mine'\n\
    ///             [[vm]]\nname = 'a'\ntrace.pages = [1, 2, 1]\n";
    /// let mut document = Document::from_toml("a.toml", text.as_bytes());
    /// assert!(document.check().is_err());
    /// document.allow_own(Own { policies: vec!["mine"], ..Own::default() });
    /// assert_eq!(document.check().unwrap().scenario.policy.name, "static");
    /// ```
    pub fn allow_own(&mut self, own: Own) {
        self.own = own;
    }

    /// This scenario under another seed and in another repetition, otherwise the same: everything
    /// random is drawn again.
    pub fn at(&self, seed: u64, repetition: u64) -> Self {
        let mut document = self.clone();
        document.repetition = repetition;
        document.set(&format!("seed={seed}"));
        document
    }

    /// This scenario with so many copies of all its VMs: `web-1`, `db-1`, `web-2`, … Each draws for
    /// itself. Expectations are left out, because they name VMs.
    pub(crate) fn copied(&self, copies: u64) -> Self {
        let mut document = self.clone();
        document.root.remove("expect");
        let vms = document.root.get_mut("vm").map(|entry| &mut entry.node.value);
        if let Some(Literal::Array(vms)) = vms {
            let copy = |number: u64| vms.iter().map(move |vm| vm.numbered(number));
            *vms = (1..=copies).flat_map(copy).collect();
        }
        document
    }

    pub(super) fn add_source(&mut self, source: SourceText) -> usize {
        self.sources.push(Arc::new(source));
        self.sources.len() - 1
    }

    /// Keeps a problem that leaves the document at best in `state`.
    pub(super) fn problem(&mut self, state: State, problem: Diagnostic) {
        self.state = self.state.max(state);
        self.problems.push(problem);
    }
}

/// A scenario name made from a file name: lower-case letters and digits, and hyphens for the rest.
fn name_of(stem: &str) -> String {
    const MAX: usize = 64;
    let mut name = String::new();
    for letter in stem.chars().take(MAX) {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() { "scenario".to_owned() } else { name.to_owned() }
}

/// Puts `upper` over `lower`: tables are merged key by key, anything else is replaced.
pub(super) fn overlay(lower: &mut Table, upper: Table) {
    for (key, entry) in upper {
        match lower.get_mut(&key) {
            Some(below) => {
                if key == "vm" {
                    overlay_vms(&mut below.node, entry.node);
                    continue;
                }
                // The source of accesses and the replacement algorithm are single choices, whose
                // parts would contradict each other if they were mixed.
                let whole = ["trace", "workload", "replacement"].contains(&key.as_str());
                match (&mut below.node.value, entry.node.value) {
                    (Literal::Table(below), Literal::Table(above)) if !whole => {
                        overlay(below, above);
                    }
                    (_, value) => {
                        let node = Node { origin: entry.node.origin, value };
                        *below = Entry { key: entry.key, node };
                    }
                }
            }
            None => {
                lower.insert(key, entry);
            }
        }
    }
}

/// The list of VMs is merged like a table keyed by their names: a VM of the lower list is overlaid
/// in its place, any other is appended.
fn overlay_vms(lower: &mut Node, upper: Node) {
    let (Literal::Array(below), Literal::Array(above)) = (&mut lower.value, upper.value) else {
        return;
    };
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, vm) in below.iter().enumerate() {
        if let Some(name) = table_name(vm) {
            places.entry(name.to_owned()).or_insert(at);
        }
    }
    for vm in above {
        let place = table_name(&vm).and_then(|name| places.get(name)).copied();
        match (place.map(|at| &mut below[at].value), vm) {
            (Some(Literal::Table(below)), Node { value: Literal::Table(above), .. }) => {
                for key in above.keys() {
                    replace_source(below, key);
                }
                overlay(below, above);
            }
            (_, vm) => below.push(vm),
        }
    }
}

/// Makes room for `key` in a VM's table: of a trace and a workload, the later one counts.
pub(super) fn replace_source(vm: &mut Table, key: &str) {
    match key {
        "trace" => vm.remove("workload"),
        "workload" => vm.remove("trace"),
        _ => None,
    };
}

/// The name of a `[[vm]]` or `[[tier]]` table.
pub(super) fn table_name(entry: &Node) -> Option<&str> {
    entry.table()?.get("name")?.node.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_file_names() {
        for (stem, name) in [
            ("test1", "test1"),
            ("My Files_2", "my-files-2"),
            ("..", "scenario"),
            ("", "scenario"),
            ("é-x", "x"),
        ] {
            assert_eq!(name_of(stem), name);
        }
    }

    #[test]
    fn lines_are_found_at_any_place() {
        let source = SourceText::file("a".to_owned(), "ab\r\nc\n".to_owned());
        let found = [0, 1, 3, 4, 5, 6, 99].map(|at| source.line_at(at));
        assert_eq!(
            found,
            [(1, 0, 2), (1, 0, 2), (1, 0, 2), (2, 4, 5), (2, 4, 5), (3, 6, 6), (3, 6, 6)]
        );
    }
}

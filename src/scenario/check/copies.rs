//! `[[vm]]` with `count` or `of`: several VMs alike, each with a trace drawn from a list.
//!
//! Before a scenario is checked, `count = N` is replaced by N VMs, named by `name`, a hyphen and
//! their number, and `of = [FILES]` by one of the files as `trace.file`. Each VM draws its file
//! from a stream of its own, so that all runs of a repetition have the same files.

use super::super::codes;
use super::super::document::{Document, Entry, Literal, Node, Table};
use super::root;
use super::values::{Findings, Section};
use crate::random::{Generator, Stream};

/// The most copies of one VM.
const COUNT_MAX: u64 = 65_535;

/// Whether a VM draws its trace.
pub(super) fn draws(document: &Document) -> bool {
    vms(document).iter().any(|vm| vm.table().is_some_and(|table| table.contains_key("of")))
}

/// The document with its copies; `None` if it has none, or if one of them is wrong.
pub(super) fn expand(findings: &mut Findings, document: &Document) -> Option<Document> {
    let is_copied = |table: &&Table| table.contains_key("count") || table.contains_key("of");
    if !vms(document).iter().filter_map(Node::table).any(|table| is_copied(&table)) {
        return None;
    }
    let root = Section::new(String::new(), document.root["vm"].key, &document.root);
    let (_, seed) = root::randomness(&mut Findings::default(), &root);
    let mut expanded = Vec::new();
    for (at, vm) in vms(document).iter().enumerate() {
        match vm.table().filter(is_copied) {
            Some(table) => {
                let origin = table.values().next().map_or(vm.origin, |entry| entry.key);
                let section = Section::new(format!("vm[{at}]."), origin, table);
                let copies = Copies::read(findings, &section)?;
                expanded.extend(copies.vms(vm, table, (seed?, document.repetition)));
            }
            None => expanded.push(vm.clone()),
        }
    }
    let mut document = document.clone();
    document.root.get_mut("vm")?.node.value = Literal::Array(expanded);
    Some(document)
}

fn vms(document: &Document) -> &[Node] {
    match document.root.get("vm").map(|entry| &entry.node.value) {
        Some(Literal::Array(vms)) => vms,
        _ => &[],
    }
}

/// What the keys of one VM say.
struct Copies<'d> {
    name: &'d str,
    /// The number of VMs; `None` for one VM under the name itself.
    count: Option<u64>,
    /// The files that its trace is drawn from, with where they stand; empty if it is not drawn.
    files: Vec<&'d Node>,
}

impl<'d> Copies<'d> {
    fn read(findings: &mut Findings, vm: &Section<'d>) -> Option<Self> {
        let name = vm.need(findings, "name", "give each VM a unique name")?;
        let name = findings.text(&name)?;
        let count = match vm.get("count") {
            Some(field) => Some(findings.integer(&field, 1, COUNT_MAX)?),
            None => None,
        };
        let Some(of) = vm.get("of") else { return Some(Self { name, count, files: Vec::new() }) };
        let files = findings.words(&of);
        let trace = vm.get("trace").and_then(|trace| trace.node.table());
        let given = ["file", "pages"].iter().find_map(|key| trace?.get(*key));
        if let Some(given) = given {
            let message = "a VM whose trace is drawn from `of` has a trace of its own too";
            findings.error(codes::TWO_SOURCES, given.key, message, "keep only one of them");
            return None;
        }
        if files.is_empty() {
            let remedy = "write a list of trace files, such as `of = [\"web.csv\", \"db.csv\"]`";
            findings.error(codes::NO_ACCESSES, of.node.origin, "`of` names no file", remedy);
            return None;
        }
        Some(Self { name, count, files: files.iter().map(|file| file.node).collect() })
    }

    fn vms(&self, vm: &Node, table: &Table, (seed, repetition): (u64, u64)) -> Vec<Node> {
        let one = |number: u64| {
            let name = match self.count {
                Some(_) => format!("{}-{number}", self.name),
                None => self.name.to_owned(),
            };
            let mut table = table.clone();
            table.remove("count");
            table.remove("of");
            if !self.files.is_empty() {
                let purpose = format!("vm/{name}/of");
                let mut stream = Stream::new(Generator::ChaCha8, seed, repetition, &purpose);
                let file = self.files[stream.below(self.files.len() as u64) as usize];
                put_file(&mut table, file);
            }
            if let Some(entry) = table.get_mut("name") {
                entry.node.value = Literal::String(name);
            }
            Node { origin: vm.origin, value: Literal::Table(table) }
        };
        (1..=self.count.unwrap_or(1)).map(one).collect()
    }
}

/// Makes `file` the file of the VM's trace.
fn put_file(vm: &mut Table, file: &Node) {
    let key = file.origin;
    let empty = Node { origin: key, value: Literal::Table(Table::new()) };
    let trace = vm.entry("trace".to_owned()).or_insert(Entry { key, node: empty });
    if let Literal::Table(trace) = &mut trace.node.value {
        trace.insert("file".to_owned(), Entry { key, node: file.clone() });
    }
}

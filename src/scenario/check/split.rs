//! `[[vm]]` with `split`: one trace file, a VM for each value of a column.
//!
//! Before a scenario is checked, each such VM is replaced by one VM per value. These share all
//! other keys; `trace.split` and `trace.part` select the accesses of each, and the values become
//! part of their names. `largest = N` keeps the N VMs with the most accesses.

use std::collections::BTreeSet;

use super::super::codes;
use super::super::document::{Document, Entry, Literal, Node, Table};
use super::super::load::vm_name;
use super::accesses::{self, split_file};
use super::draft::Surroundings;
use super::traces::Traces;
use super::values::{Findings, Section};

/// The document with its split VMs; `None` if it has none, or if one of them is wrong.
pub(super) fn expand(
    findings: &mut Findings,
    document: &Document,
    traces: &mut Traces,
) -> Option<Document> {
    let Literal::Array(vms) = &document.root.get("vm")?.node.value else { return None };
    let is_split = |vm: &Node| vm.table().is_some_and(|table| table.contains_key("split"));
    if !vms.iter().any(is_split) {
        return None;
    }
    let mut names: BTreeSet<String> =
        vms.iter().filter(|vm| !is_split(vm)).filter_map(name).collect();
    let mut expanded = Vec::new();
    for (at, vm) in vms.iter().enumerate() {
        match vm.table() {
            Some(table) if table.contains_key("split") => {
                let parts = parts(findings, document, traces, table, at)?;
                expanded.extend(parts.iter().map(|part| with_part(vm, table, part, &mut names)));
            }
            _ => expanded.push(vm.clone()),
        }
    }
    let mut document = document.clone();
    document.root.get_mut("vm")?.node.value = Literal::Array(expanded);
    Some(document)
}

fn name(vm: &Node) -> Option<String> {
    vm.table()?.get("name")?.node.text().map(str::to_owned)
}

/// The values of the column that the VM is split by; only those of the largest VMs if `largest` is
/// set.
fn parts(
    findings: &mut Findings,
    document: &Document,
    traces: &mut Traces,
    table: &Table,
    at: usize,
) -> Option<Vec<String>> {
    let unsaid = &mut Findings::default();
    let root = Section::new(String::new(), document.root["vm"].key, &document.root);
    let host = root.section(unsaid, "host");
    let page_size = host.get("page_size").and_then(|field| unsaid.page_size(&field));
    let around = Surroundings {
        sources: &document.sources,
        folder: &document.folder,
        page_size,
        split: None,
        seed: None,
        repetition: 0,
    };
    let vm = Section::new(format!("vm[{at}]."), table["split"].key, table);
    let field = vm.get("split")?;
    let column = accesses::column(findings, &field)?;
    let largest = match vm.get("largest") {
        Some(field) => Some(findings.integer(&field, 1, u64::from(u32::MAX))?),
        None => None,
    };
    let Some(file) = split_file(findings, &vm, &around, &column) else {
        let remedy = "add `trace = { file = \"…\" }`";
        let message = "a VM with `split` has no trace file";
        findings.error(codes::NO_ACCESSES, field.node.origin, message, remedy);
        return None;
    };
    match traces.parts(&file, largest) {
        Ok(parts) => Some(parts),
        Err(error) => {
            let trace = vm.section(unsaid, "trace");
            let file = trace.get("file")?;
            let name = file.node.text().unwrap_or_default();
            accesses::report_read_error(findings, &trace, &file, name, &error);
            None
        }
    }
}

/// The VM of one value.
fn with_part(vm: &Node, table: &Table, part: &str, names: &mut BTreeSet<String>) -> Node {
    let mut table = table.clone();
    let split = table.remove("split").expect("the VM is split");
    table.remove("largest");
    let node = |value| Node { origin: split.node.origin, value };
    let entry = |value| Entry { key: split.key, node: node(value) };
    let value: String = part.chars().take(40).collect();
    let prefix =
        table.get("name").and_then(|entry| entry.node.text()).map(|name| format!("{name}-"));
    let plain = vm_name(&format!("{}{value}", prefix.unwrap_or_default()), usize::MAX);
    let mut name = plain.clone();
    let mut count = 1;
    while !names.insert(name.clone()) {
        count += 1;
        name = format!("{plain}-{count}");
    }
    table.insert("name".to_owned(), entry(Literal::String(name)));
    if let Some(Entry { node: Node { value: Literal::Table(trace), .. }, .. }) =
        table.get_mut("trace")
    {
        trace.insert("split".to_owned(), Entry { key: split.key, node: split.node.clone() });
        trace.insert("part".to_owned(), entry(Literal::String(part.to_owned())));
        trace.remove("vm");
    }
    Node { origin: vm.origin, value: Literal::Table(table) }
}

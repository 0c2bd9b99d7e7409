//! `list`: the available policies, algorithms, formats and so on, with parameters and sources.

use std::borrow::Cow;
use std::fmt::Write as _;

use balloonist::balance::wrapped;
use balloonist::params::{Domain, Param};
use balloonist::scenario::codes;
use balloonist::store::outcomes::OutcomeRow;
use balloonist::store::row::Row as _;
use balloonist::store::vms::{self, VmRow};
use balloonist::table::Cell;
use balloonist::table::Format;
use balloonist::table::Table;
use balloonist::trace::workloads;
use balloonist::trace::workloads::WorkloadSpec;
use balloonist::units::Ticks;
use balloonist::{balance, observe, replace};
use balloonist::{formats, formats::write};
use clap::ValueEnum;

use super::text;
use super::{Context, Failure, context};

/// List policies, workloads, trace formats and more, with their parameters and sources
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What to list
    #[arg(value_name = "WHAT")]
    what: What,

    /// How to print the list
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

/// The lists.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Rules for moving frames between VMs
    Policies,
    /// Replacement algorithms inside a VM
    Replacements,
    /// What policies can observe of a VM beyond its counts
    Observers,
    /// Generators of page accesses
    Workloads,
    /// Formats of trace files
    Formats,
    /// Columns of a run's tables
    Columns,
    /// Diagnostic codes of scenarios; `explain` tells more of each
    Codes,
}

/// Something with a name, a source and parameters.
struct Entry {
    name: &'static str,
    summary: Cow<'static, str>,
    follows: &'static str,
    /// A required parameter: its key, its domain and its meaning.
    needs: Option<[String; 3]>,
    params: &'static [Param],
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let is_text = args.format == Format::Table;
    let show = |entries: Vec<Entry>| {
        if is_text {
            context.print(&text(&entries, context.colour_out))
        } else {
            context.print_table(&table(&entries), args.format)
        }
    };
    match args.what {
        What::Policies => show(policies()),
        What::Replacements => show(replacements()),
        What::Observers => show(observers()),
        What::Workloads => show(workloads::ALL.iter().map(workload).collect()),
        What::Formats if is_text => context.print(&format_text(context.colour_out)),
        What::Formats => context.print_table(&format_table(), args.format),
        What::Columns => context.print_table(&columns_table(), args.format),
        What::Codes if is_text => context.print(&codes_text(context.colour_out)),
        What::Codes => context.print_table(&codes_table(), args.format),
    }
}

fn policies() -> Vec<Entry> {
    let entry = |kind: &'static balance::PolicyKind| {
        let balance::PolicyKind { name, summary, follows, live_interval, params, .. } = *kind;
        let summary = match live_interval {
            Some(Ticks(ns)) => format!("{summary}; real interval: {} s", ns / 1_000_000_000).into(),
            None => summary.into(),
        };
        Entry { name, summary, follows, needs: None, params }
    };
    balance::ALL.iter().map(entry).chain(std::iter::once(wrapper())).collect()
}

fn replacements() -> Vec<Entry> {
    let entry = |kind: &'static replace::ReplacementKind| {
        let replace::ReplacementKind { name, follows, params, .. } = *kind;
        let summary = if kind.knows_the_future {
            format!("{} (knows the future)", kind.summary).into()
        } else {
            kind.summary.into()
        };
        Entry { name, summary, follows, needs: None, params }
    };
    replace::ALL.iter().map(entry).collect()
}

fn observers() -> Vec<Entry> {
    let entry = |kind: &&'static observe::ObserverKind| {
        let observe::ObserverKind { name, summary, follows, params, .. } = **kind;
        Entry { name, summary: summary.into(), follows, needs: None, params }
    };
    observe::ALL.iter().map(entry).collect()
}

/// The parameters of the wrapper around every policy.
fn wrapper() -> Entry {
    Entry {
        name: "every policy",
        summary: wrapped::SUMMARY.into(),
        follows: wrapped::FOLLOWS,
        needs: None,
        params: wrapped::PARAMS,
    }
}

fn workload(kind: &workloads::WorkloadKind) -> Entry {
    let workloads::WorkloadKind { name, summary, follows, params, .. } = *kind;
    let needs = if kind.nests {
        let domain = "an array of workloads".to_owned();
        ["of".to_owned(), domain, "the workloads, in order".to_owned()]
    } else {
        let domain = Domain::Integer { min: 1, max: WorkloadSpec::ACCESSES_MAX }.to_string();
        ["accesses".to_owned(), domain, "number of accesses".to_owned()]
    };
    Entry { name, summary: summary.into(), follows, needs: Some(needs), params }
}

/// A row for each column of the tables of a run.
fn columns_table() -> Table {
    let mut table = Table::new(&["table", "column", "meaning"]);
    let vms = VmRow::COLUMNS.iter().map(|column| ("vms.csv", *column));
    let outcomes = OutcomeRow::COLUMNS[vms::KEY..].iter().map(|column| ("outcomes.csv", *column));
    for (name, column) in vms.chain(outcomes) {
        table.push(vec![name.into(), column.into(), vms::meaning(column).into()]);
    }
    table
}

/// A paragraph for each diagnostic code.
fn codes_text(colour: bool) -> String {
    let bold = if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
    let paragraph = |code: &&codes::Code| {
        let text = text::wrapped(code.explanation, 4);
        format!("{bold}{}{bold:#} {}\n{text}", code.id, code.title)
    };
    codes::ALL.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// A row for each diagnostic code.
fn codes_table() -> Table {
    let mut table = Table::new(&["code", "title", "explanation"]);
    for code in codes::ALL {
        table.push(vec![code.id.into(), code.title.into(), code.explanation.into()]);
    }
    table
}

/// A paragraph for each format.
fn format_text(colour: bool) -> String {
    let bold = if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
    let rows = format_table();
    let paragraph = |row: &Vec<Cell>| {
        let [name, summary, extensions, options, reads, writes, source] =
            [0, 1, 2, 3, 4, 5, 6].map(|at| row[at].plain());
        let mut text = format!("{bold}{name}{bold:#}\n");
        text += &text::wrapped(&summary, 4);
        if !extensions.is_empty() {
            text += &text::wrapped(&format!("extensions {extensions}"), 4);
        }
        if !options.is_empty() {
            text += &text::wrapped(&format!("options {options}"), 4);
        }
        if !source.is_empty() {
            text += &text::wrapped(&format!("source: {source}"), 4);
        }
        text += match (reads.as_str(), writes.as_str()) {
            ("yes", "yes") => "    is read and written\n",
            ("yes", _) => "    is read\n",
            _ => "    is written\n",
        };
        text
    };
    rows.rows().iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// A row for each format.
fn format_table() -> Table {
    const COLUMNS: &[&str] =
        &["name", "summary", "extensions", "options", "read", "written", "source"];
    let mut table = Table::new(COLUMNS);
    let is_written = |name| write::OUTPUTS.iter().any(|output| output.name == name);
    let yes = |is: bool| Cell::from(if is { "yes" } else { "no" });
    for format in formats::ALL {
        let extensions: Vec<String> =
            format.extensions.iter().map(|extension| format!(".{extension}")).collect();
        let cells: [Cell; 7] = [
            format.name.into(),
            format.summary.into(),
            extensions.join(" ").into(),
            format.options.join(" ").into(),
            yes(true),
            yes(is_written(format.name)),
            format.source.into(),
        ];
        table.push(cells.into());
    }
    let is_read = |name| formats::ALL.iter().any(|format| format.name == name);
    for output in write::OUTPUTS.iter().filter(|output| !is_read(output.name)) {
        let (name, summary) = (output.name.into(), output.summary.into());
        let (none, own) = (|| Cell::Empty, "our own".into());
        table.push(vec![name, summary, none(), none(), yes(false), yes(true), own]);
    }
    table
}

/// A paragraph for each entry.
fn text(entries: &[Entry], colour: bool) -> String {
    let bold = if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
    let paragraph = |entry: &Entry| {
        let mut text = format!("{bold}{}{bold:#}\n", entry.name);
        text += &text::wrapped(&entry.summary, 4);
        text += &text::wrapped(&format!("follows {}", entry.follows), 4);
        if let Some([name, domain, doc]) = &entry.needs {
            let _ = writeln!(text, "    {bold}{name}{bold:#} [{domain}]");
            text += &text::wrapped(&format!("{doc}; must be given"), 8);
        }
        for Param { name, doc, domain, default } in entry.params {
            let _ = writeln!(text, "    {bold}{name}{bold:#} = {default} [{domain}]");
            text += &text::wrapped(doc, 8);
        }
        text
    };
    entries.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// A row for each parameter, and one for each entry without parameters.
fn table(entries: &[Entry]) -> Table {
    let mut table =
        Table::new(&["name", "summary", "param", "default", "domain", "description", "follows"]);
    for entry in entries {
        let mut push = |param: [Cell; 4]| {
            let mut row: Vec<Cell> = vec![entry.name.into(), entry.summary.as_ref().into()];
            row.extend(param);
            row.push(entry.follows.into());
            table.push(row);
        };
        if let Some([name, domain, doc]) = entry.needs.clone() {
            push([name.into(), Cell::Empty, domain.into(), doc.into()]);
        }
        for Param { name, doc, domain, default } in entry.params {
            push([
                (*name).into(),
                default.to_string().into(),
                domain.to_string().into(),
                (*doc).into(),
            ]);
        }
        if entry.params.is_empty() && entry.needs.is_none() {
            push([Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty]);
        }
    }
    table
}

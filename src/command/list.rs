//! `list`: the available policies, algorithms, formats and so on, with parameters and sources.

use std::borrow::Cow;
use std::fmt::Write as _;

use balloonist::account::TIER_METRICS;
use balloonist::balance::wrapped;
use balloonist::number::{decimal, grouped};
use balloonist::params::{Domain, Param};
use balloonist::scenario::{codes, meant};
use balloonist::store::outcomes::OutcomeRow;
use balloonist::store::row::Row as _;
use balloonist::store::vms::{self, VmRow};
use balloonist::table::Cell;
use balloonist::table::Format;
use balloonist::table::Table;
use balloonist::trace::workloads;
use balloonist::trace::workloads::WorkloadSpec;
use balloonist::units::Ticks;
use balloonist::{balance, device, observe, reclaim, replace, share, tier};
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

    /// Show all of these entries alone, with their parameters and sources [default: a line for
    /// each entry of a long list]
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Show all of every entry
    #[arg(long, conflicts_with = "names")]
    long: bool,

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
    /// Kinds of tiers behind the VMs' memory
    Tiers,
    /// What holds pages that are not in memory, with the times to read and write one
    Devices,
    /// Mechanisms by which VMs come down to their targets
    Actuators,
    /// Scanners that find pages of equal content
    Scanners,
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

/// An entry in text.
struct Paragraph {
    name: String,
    summary: String,
    /// All there is to say of it.
    whole: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let of = |entries: Vec<Entry>| (paragraphs(&entries, context.colour_out), table(&entries));
    let (paragraphs, table) = match args.what {
        What::Policies => of(policies()),
        What::Replacements => of(replacements()),
        What::Observers => of(observers()),
        What::Tiers => of(tiers()),
        What::Devices => of(devices()),
        What::Actuators => of(actuators()),
        What::Scanners => of(scanners()),
        What::Workloads => of(workloads::ALL.iter().map(workload).collect()),
        What::Formats => (format_paragraphs(context.colour_out), format_table()),
        What::Columns => (Vec::new(), columns_table()),
        What::Codes => (codes_paragraphs(context.colour_out), codes_table()),
    };
    let names =
        if matches!(args.what, What::Columns) { "column" } else { table.columns()[0].as_str() };
    let table = args.chosen(&table, names)?;
    if paragraphs.is_empty() || args.format != Format::Table {
        return context.print_table(&table, args.format);
    }
    if args.long || !args.names.is_empty() {
        let chosen = paragraphs.iter().filter(|entry| args.wants(&entry.name));
        let whole: Vec<&str> = chosen.map(|entry| entry.whole.as_str()).collect();
        return context.print(&whole.join("\n"));
    }
    context.print(&lines(&paragraphs, context.colour_out))?;
    context.note("`list … NAME` shows all of an entry, `--long` of every entry");
    Ok(())
}

impl Args {
    /// Whether the entry of this name is shown.
    fn wants(&self, name: &String) -> bool {
        self.names.is_empty() || self.names.contains(name)
    }

    /// The rows of the named entries; their names are in this column.
    fn chosen(&self, table: &Table, column: &str) -> Result<Table, Failure> {
        let at = table.columns().iter().position(|known| known == column);
        let at = at.expect("the list has this column");
        let known: Vec<String> = table.rows().iter().map(|row| row[at].plain()).collect();
        if let Some(name) = self.names.iter().find(|name| !known.contains(name)) {
            let meant = meant(name, known.iter().map(String::as_str));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            return Err(Failure::Usage(format!("the list has no `{name}`{meant}")));
        }
        let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
        let mut chosen = Table::new(&columns);
        let rows = table.rows().iter().zip(&known);
        for (row, _) in rows.filter(|(_, name)| self.wants(name)) {
            chosen.push(row.clone());
        }
        Ok(chosen)
    }
}

/// A line for each entry: its name and its summary.
fn lines(entries: &[Paragraph], colour: bool) -> String {
    let bold = bold(colour);
    let width = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0);
    let line = |Paragraph { name, summary, .. }: &Paragraph| {
        let summary = text::wrapped(summary, width + 2);
        format!("{bold}{name}{bold:#}{}", &summary[name.chars().count()..])
    };
    entries.iter().map(line).collect()
}

fn bold(colour: bool) -> anstyle::Style {
    if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() }
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

fn tiers() -> Vec<Entry> {
    let entry = |kind: &'static tier::TierKind| {
        let tier::TierKind { name, summary, follows, capacity, .. } = *kind;
        let summary = format!("{summary}; capacity: {capacity}").into();
        Entry { name, summary, follows, needs: None, params: &[] }
    };
    tier::ALL.iter().map(entry).collect()
}

fn devices() -> Vec<Entry> {
    let entry = |kind: &'static device::Device| {
        let device::Device { name, summary, read, write, follows, .. } = *kind;
        let [reads, writes] = [read, write].map(|access| decimal(access.first, 1000));
        let rates = [read, write].map(|access| grouped(access.rate / 1_000_000));
        let summary = format!(
            "{summary}; reads 4 KiB in {reads} µs and writes them in {writes} µs; larger pages at \
             {} and {} MB/s",
            rates[0], rates[1]
        );
        Entry { name, summary: summary.into(), follows, needs: None, params: &[] }
    };
    device::ALL.iter().map(entry).collect()
}

fn actuators() -> Vec<Entry> {
    let entry = |kind: &'static reclaim::MechanismKind| {
        let reclaim::MechanismKind { name, summary, follows, .. } = *kind;
        Entry { name, summary: summary.into(), follows, needs: None, params: &[] }
    };
    reclaim::ALL.iter().map(entry).collect()
}

fn scanners() -> Vec<Entry> {
    let entry = |kind: &'static share::ScannerKind| {
        let share::ScannerKind { name, summary, follows, .. } = *kind;
        Entry { name, summary: summary.into(), follows, needs: None, params: &[] }
    };
    share::ALL.iter().map(entry).collect()
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
    let store_reads = (vms::STORE_READS, vms::meaning(vms::STORE_READS).unwrap_or_default());
    let of_tiers = TIER_METRICS.iter().map(|metric| (metric.name, metric.means));
    for (column, meaning) in std::iter::once(store_reads).chain(of_tiers) {
        let meaning = format!("{meaning}; where a scenario has tiers");
        table.push(vec!["vms.csv".into(), column.into(), meaning.into()]);
    }
    let of_paging = vms::OF_PAGING.iter().map(|column| (column, "the host pages"));
    let of_states = vms::OF_STATES.iter().map(|column| (column, "the host reclaims by states"));
    let of_sharing = vms::OF_SHARING.iter().map(|column| (column, "the host shares pages"));
    for (column, place) in of_paging.chain(of_states).chain(of_sharing) {
        let meaning = format!("{}; where {place}", vms::meaning(column).unwrap_or_default());
        table.push(vec!["vms.csv".into(), (*column).into(), meaning.into()]);
    }
    table
}

/// A paragraph for each diagnostic code.
fn codes_paragraphs(colour: bool) -> Vec<Paragraph> {
    let bold = bold(colour);
    let paragraph = |code: &&codes::Code| {
        let text = text::wrapped(code.explanation, 4);
        let whole = format!("{bold}{}{bold:#} {}\n{text}", code.id, code.title);
        Paragraph { name: code.id.to_owned(), summary: code.title.to_owned(), whole }
    };
    codes::ALL.iter().map(paragraph).collect()
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
fn format_paragraphs(colour: bool) -> Vec<Paragraph> {
    let bold = bold(colour);
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
        Paragraph { name, summary, whole: text }
    };
    rows.rows().iter().map(paragraph).collect()
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
fn paragraphs(entries: &[Entry], colour: bool) -> Vec<Paragraph> {
    let bold = bold(colour);
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
        let (name, summary) = (entry.name.to_owned(), entry.summary.clone().into_owned());
        Paragraph { name, summary, whole: text }
    };
    entries.iter().map(paragraph).collect()
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

//! `list`: what there is to choose from, with its parameters and sources.

use std::fmt::Write as _;

use balloonist::knobs::Knob;
use balloonist::output::{Cell, Format, Table};
use balloonist::{balance, replace};
use clap::ValueEnum;

use super::text::wrapped;
use super::{Context, Failure, context};

/// List the policies or the replacement algorithms, with their knobs and where they come from
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What to list
    #[arg(value_name = "WHAT")]
    what: What,

    /// How to print the list
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The hypervisor's rules for moving frames between VMs
    Policies,
    /// The algorithms inside a VM that pick the page to evict
    Replacements,
}

/// Something with a name, a source and knobs.
struct Entry {
    name: &'static str,
    summary: &'static str,
    follows: &'static str,
    knobs: &'static [Knob],
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let entries: Vec<Entry> = match args.what {
        What::Policies => balance::ALL
            .iter()
            .map(|kind| {
                let balance::PolicyKind { name, summary, follows, knobs, .. } = *kind;
                Entry { name, summary, follows, knobs }
            })
            .collect(),
        What::Replacements => replace::ALL
            .iter()
            .map(|kind| {
                let replace::ReplacementKind { name, summary, follows, knobs, .. } = *kind;
                Entry { name, summary, follows, knobs }
            })
            .collect(),
    };
    if args.format == Format::Table {
        context.print(&text(&entries, context.colour_out))
    } else {
        context.print_table(&table(&entries), args.format)
    }
}

/// A paragraph for each entry.
fn text(entries: &[Entry], colour: bool) -> String {
    let bold = if colour { anstyle::Style::new().bold() } else { anstyle::Style::new() };
    let paragraph = |entry: &Entry| {
        let mut text = format!("{bold}{}{bold:#}\n", entry.name);
        text += &wrapped(entry.summary, 4);
        text += &wrapped(&format!("follows {}", entry.follows), 4);
        for Knob { name, doc, domain, default } in entry.knobs {
            let _ = writeln!(text, "    {bold}{name}{bold:#} = {default} [{domain}]");
            text += &wrapped(doc, 8);
        }
        text
    };
    entries.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// A row for each knob, and one for each entry without.
fn table(entries: &[Entry]) -> Table {
    let mut table =
        Table::new(&["name", "summary", "knob", "default", "domain", "description", "follows"]);
    for entry in entries {
        let mut push = |knob: [Cell; 4]| {
            let mut row: Vec<Cell> = vec![entry.name.into(), entry.summary.into()];
            row.extend(knob);
            row.push(entry.follows.into());
            table.push(row);
        };
        for Knob { name, doc, domain, default } in entry.knobs {
            push([
                (*name).into(),
                default.to_string().into(),
                domain.to_string().into(),
                (*doc).into(),
            ]);
        }
        if entry.knobs.is_empty() {
            push([Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty]);
        }
    }
    table
}

//! `trace info`: describes traces.

use std::ffi::OsStr;
use std::path::PathBuf;

use balloonist::formats::info::TraceInfo;
use balloonist::store::traces;
use balloonist::table::Format;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::super::reader::{self, Reader};
use super::super::text::no_formula;
use super::super::{Context, Failure, context};

/// Show the format, accesses, pages, kinds and content hash of traces
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace_format", |flag| reader::named_format(flag).value_parser(TraceFormat)))]
pub(super) struct Args {
    /// The trace files, or `-` for standard input
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    print: Format,

    #[command(flatten)]
    reader: Reader,
}

/// A parser of the trace format. In all other commands `--format` is the output format, so the
/// error message names the flag for that.
#[derive(Clone)]
struct TraceFormat;

impl TypedValueParser for TraceFormat {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        flag: Option<&Arg>,
        word: &OsStr,
    ) -> Result<String, clap::Error> {
        reader::names().parse_ref(command, flag, word).map_err(|error| {
            if Format::ALL.iter().all(|(name, _)| *name != word) {
                return error;
            }
            let word = word.display();
            let text = format!(
                "`{word}` is not a trace format, which `--format` means here; use `--print \
                 {word}` for the output format"
            );
            command.clone().error(ErrorKind::InvalidValue, text)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names: Vec<PossibleValue> = reader::names().possible_values()?.collect();
        Some(Box::new(names.into_iter()))
    }
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut infos = Vec::new();
    for path in &args.traces {
        // Only one trace is in memory at a time.
        for (value, loaded) in args.reader.load_each(path, context)? {
            let value = value.map(|value| format!(":{value}")).unwrap_or_default();
            infos.push((no_formula(&(reader::shown(path) + &value)), TraceInfo::of(&loaded)));
        }
    }
    let table = traces::table(&infos);
    let table = if args.print.is_for_people() { traces::upright(&table) } else { table };
    context.print_table(&table, args.print)
}

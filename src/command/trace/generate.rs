//! `trace generate`: a workload's accesses as a trace file.

use balloonist::random::{Generator, Stream};
use balloonist::scenario::Document;
use balloonist::trace::workloads;
use clap::builder::PossibleValuesParser;

use super::super::{Context, Failure, input};
use super::target::Output;

/// Generate a workload's accesses as a trace, with parameters such as `--set pages=4000 --set
/// accesses=1000000`
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The workload; see `list workloads` for its parameters
    #[arg(value_name = "WORKLOAD", value_parser = names())]
    workload: String,

    /// The name of the VM in a scenario that would generate the same accesses [default: the
    /// workload's name]
    #[arg(long, value_name = "NAME")]
    vm: Option<String>,

    #[command(flatten)]
    output: Output,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(workloads::ALL.iter().map(|kind| kind.name))
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let spec = Document::workload(&args.workload, &context.common.settings)
        .map_err(|found| input::refused(&found, context))?;
    let target = args.output.open()?;
    let purpose = format!("vm/{}/workload", args.vm.as_ref().unwrap_or(&args.workload));
    let seed = context.common.seed.unwrap_or(1);
    let mut stream = Stream::new(Generator::ChaCha8, seed, 0, &purpose);
    target.write(&spec.generate(&mut stream), context)
}

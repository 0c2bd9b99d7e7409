//! `walk`: a run line by line, for a lecture or for the eye.

use std::io::{self, BufWriter};

use balloonist::output::walk::Walk;
use balloonist::simulate::simulate;

use super::input::Source;
use super::{Context, Failure};

/// Show every access and checkpoint of a run, with the VMs' lists of pages
///
/// A round is what lies between two checkpoints, with the checkpoint that ends it. In a .dat file
/// that is the report's round: one access by each VM, then a checkpoint.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The policy [default: the scenario's]
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<String>,

    /// The first round shown
    #[arg(long, value_name = "ROUND", default_value_t = 1, value_parser = round())]
    from: u64,

    /// The last round shown [default: the last]
    #[arg(long, value_name = "ROUND", value_parser = round())]
    to: Option<u64>,
}

fn round() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let to = args.to.unwrap_or(u64::MAX);
    if to < args.from {
        return Err(Failure::Usage(format!(
            "`--from {}` is behind `--to {to}`; give the first round first",
            args.from
        )));
    }
    let scenario = args.source.open(args.policy.as_deref(), context)?;
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut walk = Walk::new(&scenario, scenario.policy, args.from..=to, out);
    let outcome = simulate(&scenario, scenario.policy, &mut walk);
    walk.finish(&outcome).map_err(|error| Failure::stdout(&error))?;
    let rounds = outcome.end.0.div_ceil(scenario.checkpoint_every.0);
    if args.from > rounds {
        return Err(Failure::Nothing(format!(
            "the run has {rounds} rounds, so there is no round {}",
            args.from
        )));
    }
    Ok(())
}

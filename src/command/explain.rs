//! `explain`: the explanation of a diagnostic code.

use balloonist::scenario::codes;

use super::text::wrapped;
use super::{Context, Failure};

/// Explain a diagnostic code such as S012
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The code [default: list all codes]
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let Some(id) = &args.code else {
        let line = |code: &&codes::Code| format!("{}  {}\n", code.id, code.title);
        return context.print(&codes::ALL.iter().map(line).collect::<String>());
    };
    let code = codes::find(id).ok_or_else(|| {
        let last = codes::ALL.last().map_or("", |code| code.id);
        Failure::Usage(format!("there is no code `{id}`, expected one from S001 to {last}"))
    })?;
    context.print(&format!("{}: {}\n\n{}", code.id, code.title, wrapped(code.explanation, 0)))
}

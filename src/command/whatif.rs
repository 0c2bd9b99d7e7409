//! `whatif`: plans whose answers must keep what their scenarios expect.

use std::path::{Path, PathBuf};

use balloonist::conclude::plan as conclude;
use balloonist::conclude::whatif::{Judged, judged};
use balloonist::number::counted;
use balloonist::render::checks::{self, Check, Finding, Format};

use super::input;
use super::planning::Planning;
use super::{Context, Failure, context, distances, goldens, guard, jobs};

/// Check that hosts are still large enough: plan scenarios, and judge the answers by what their
/// `[plan]` expects
///
/// `--set` says what would change, such as `--set cost.fault=500`. The exit code is 1 if an
/// expectation does not hold.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Scenarios with `[[plan.expect]]`, or folders, whose other scenarios are left out
    #[arg(value_name = "SCENARIO", required = true)]
    paths: Vec<PathBuf>,

    /// The number of parallel mixes [default: the number of cores]; results do not depend on it
    #[arg(long, short, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=jobs::MOST))]
    jobs: Option<u16>,

    /// How to print what is found
    #[arg(long, value_name = "FORMAT", default_value = "text",
          value_parser = context::one_of(Format::ALL))]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let (mut checks, mut bad) = (Vec::new(), Vec::new());
    for path in goldens::scenarios(&args.paths)? {
        let file = path.display().to_string();
        match plan(&path, args, context) {
            Ok(judged) => checks.extend(judged.into_iter().map(|judged| check(&file, judged))),
            Err(failure @ (Failure::Input(_) | Failure::Unreadable(_))) => {
                let text = failure.render(false);
                checks.push(Check::new(file, "scenario", vec![Finding::error(text)]));
                bad.push(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    if checks.is_empty() {
        let text = "no scenario in these folders has a `[[plan.expect]]`";
        return Err(Failure::Nothing(text.to_owned()));
    }
    if args.format != Format::Text {
        context.print(&checks::render("whatif", &checks, args.format))?;
    }
    if !bad.is_empty() {
        let texts: Vec<String> = bad.iter().map(|failure| failure.render(false)).collect();
        let is_io = bad.iter().all(|failure| matches!(failure, Failure::Unreadable(_)));
        let of = if is_io { Failure::Unreadable } else { Failure::Input };
        return Err(of(texts.join("\n")));
    }
    let broken = checks.iter().filter(|check| !check.findings.is_empty()).count() as u64;
    let all = counted(checks.len() as u64, "expectation");
    if broken > 0 {
        guard::say(&format!("FAILED: {broken} of {all}\n"));
        return Err(Failure::Difference);
    }
    context.note(&format!("{all} hold"));
    Ok(())
}

/// The judged expectations of a scenario; none if it is in a folder and has none.
fn plan(path: &Path, args: &Args, context: &Context) -> Result<Vec<Judged>, Failure> {
    let opened = input::open_keeping(path, context)?;
    let Some(asked) = opened.scenario.plan.clone().filter(|plan| !plan.expects.is_empty()) else {
        if args.paths.iter().any(|given| given == path) {
            let text =
                format!("{} has no `[[plan.expect]]`, so nothing is checked", path.display());
            return Err(Failure::Usage(text));
        }
        return Ok(Vec::new());
    };
    distances::load_all(&opened.scenario, context);
    let policies = input::policies_or(&[], &asked.policies, &opened.scenario, context)?;
    let planning = Planning::new(opened, &asked, policies, args.jobs, context);
    // Here the scenario alone asks, so what cannot be asked is wrong with it.
    let mut planning = planning.map_err(|failure| match failure {
        Failure::Usage(text) => Failure::wrong(format!("{}: {text}", path.display())),
        failure => failure,
    })?;
    planning.run(None, context)?;
    let answers = planning.answers();
    let judged = judged(&answers, &asked);
    if args.format == Format::Text {
        let lines = judged.iter().map(|judged| {
            let word = if judged.holds { "holds " } else { "BROKEN" };
            format!("  {word}  {}\n", judged.text)
        });
        let answer = conclude::answer(&answers);
        let lines: String = lines.collect();
        context.print(&format!("{}: {answer}\n{lines}", answers.scenario.name))?;
    }
    Ok(judged)
}

fn check(file: &str, judged: Judged) -> Check {
    let Judged { name, text, holds, place } = judged;
    let broken = Finding { place: Some(place), ..Finding::error(text.clone()) };
    Check {
        file: file.to_owned(),
        name,
        says: text,
        findings: if holds { Vec::new() } else { vec![broken] },
    }
}

//! The page of a plan: the answer, the curve, what each policy needs, what it costs to be wrong,
//! and a run with the answer opened up.

use std::fmt::Write as _;

use super::chart::bars::{self, Group};
use super::chart::{Figure, Key, fill, response};
use super::html::{limited, marked, section, sheet, verdict, without};
use super::svg::escaped;
use crate::conclude::plan as conclude;
use crate::number::{counted, duration, every, grouped};
use crate::plan::{Answers, Shortfall, Witness, Worst};
use crate::store::plan as tables;

/// All that the page of a plan shows.
#[derive(Debug)]
pub struct Report<'a> {
    /// The needs.
    pub answers: &'a Answers<'a>,
    /// What happens if the answers are missed.
    pub shortfalls: &'a [Shortfall],
    /// The best policy's answer in the mix that decides it: the policy's place and the run. `None`
    /// if there is no answer.
    pub witness: Option<(usize, Witness)>,
}

/// The page.
pub fn page(report: &Report<'_>) -> String {
    let Report { answers, shortfalls, witness } = report;
    let said = [capital(&conclude::answer(answers)), conclude::how_sure(answers)];
    let mut main = verdict(&said.join("\n"));
    main += &section(&response::figure(answers, shortfalls));
    main += "<section>\n<h2>What each policy needs</h2>\n";
    main += &needs(answers);
    main += "</section>\n";
    if !shortfalls.is_empty() {
        main += "<section>\n<h2>What it costs to be wrong</h2>\n";
        for sentence in conclude::shortfalls(answers, shortfalls) {
            let _ = writeln!(main, "<p>{}</p>", escaped(&sentence));
        }
        main += &limited("shortfalls", &tables::shortfalls(answers, shortfalls));
        main += "</section>\n";
    }
    if let Some((policy, witness)) = witness {
        main += &every_vm(answers, *policy, witness);
        if let Some(worst) = &witness.worst {
            main += &section(&worst_interval(answers, *policy, witness, worst));
        }
    }
    let _ = write!(
        main,
        "<section>\n<h2>What was run</h2>\n<p>Mixes are the repetitions of the scenario under its \
         seed, from 0 on; the same scenario has the same answer on any machine.</p>\n<details>\
         <summary>The scenario with every default filled in</summary>\n<pre>{}</pre></details>\n\
         </section>\n",
        escaped(&answers.scenario.effective()),
    );
    let heading = format!("<p>{}</p>\n", escaped(&heading(answers)));
    sheet(&answers.scenario.name, env!("CARGO_PKG_VERSION"), &heading, &main)
}

/// A sentence with a capital at its beginning.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn heading(answers: &Answers<'_>) -> String {
    let scenario = answers.scenario;
    format!(
        "{} with pages of {} bytes, a checkpoint {}; {} under seed {}",
        counted(scenario.vms.len() as u64, "VM"),
        grouped(scenario.host.page_size),
        every(scenario.checkpoint_every.0, scenario.in_time),
        counted(answers.needs.len() as u64, "mix"),
        scenario.seed,
    )
}

/// The table of the needs, the best policy marked.
fn needs(answers: &Answers<'_>) -> String {
    let table = without(&tables::needs(answers), &["mixes"]);
    let shown = limited("needs", &table);
    match answers.best().filter(|_| answers.question.policies.len() > 1) {
        Some((best, _)) => marked(&shown, best),
        None => shown,
    }
}

fn every_vm(answers: &Answers<'_>, policy: usize, witness: &Witness) -> String {
    format!(
        "<section>\n<h2>Every VM with the answer</h2>\n<p>{}</p>\n{}</section>\n",
        escaped(&conclude::witness(answers, policy)),
        limited("vms", &tables::witness(witness)),
    )
}

/// The most VMs that have bars.
const BARS: usize = 40;

/// The interval with the most demand faults, a bar for each VM that accessed pages in it.
fn worst_interval(
    answers: &Answers<'_>,
    policy: usize,
    witness: &Witness,
    Worst { until, counts }: &Worst,
) -> Figure {
    let mut ranked: Vec<(&str, u64, u64)> = witness
        .vms
        .iter()
        .zip(counts)
        .map(|((vm, _), counts)| (vm.as_str(), counts.demand_faults, counts.accesses))
        .filter(|&(_, _, accesses)| accesses > 0)
        .collect();
    let active = ranked.len();
    if active > BARS {
        ranked.sort_by_key(|&(_, faults, _)| std::cmp::Reverse(faults));
        ranked.truncate(BARS);
    }
    let group = |(vm, faults, accesses): (&str, u64, u64)| Group {
        vm: vm.to_owned(),
        shares: vec![(faults, accesses)],
    };
    let groups: Vec<Group> = ranked.into_iter().map(group).collect();
    let label = answers.question.policies[policy].name.to_owned();
    let keys = vec![Key { label, class: fill(policy) }];
    let scenario = answers.scenario;
    let until =
        if scenario.in_time { duration(until.0) } else { format!("tick {}", grouped(until.0)) };
    let all: u64 = counts.iter().map(|counts| counts.demand_faults).sum();
    let mut caption = format!(
        "The interval between two checkpoints in which all VMs together had the most demand \
         faults, {}, in the run of the table above: it ended at {until}. A bar is a VM's demand \
         faults as a share of its accesses in it.",
        grouped(all)
    );
    if active > BARS {
        let _ = write!(caption, " The {BARS} VMs with the most of {} are drawn.", grouped(active));
    }
    Figure {
        name: "worst-interval".to_owned(),
        title: "The worst interval".to_owned(),
        caption,
        table: bars::table(&groups, &keys, "demand_faults"),
        drawing: bars::draw(&groups, &keys, "demand faults"),
        keys,
    }
}

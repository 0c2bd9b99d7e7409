//! The text of `reproduce`: the tables as the report prints them, and what they do not show.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{bar_figures, demand, draws, fixed, place_name, ratio, status, table1, vm_name};
use crate::number::{counted, grouped};
use crate::reproduce::{
    Equality, Figure, Metric, Place, Reproduction, Strategy, TESTS, Verdict, rounded,
};
use crate::table::{Cell, Format, Table};

/// Everything for people, as aligned text or as Markdown.
pub fn report(reproduction: &Reproduction, format: Format, colour: bool) -> String {
    let mut page = Page { out: String::new(), format, colour };
    page.head("Table 1: the total page miss ratio over test1, test2 and test3");
    page.table(&table1_drawn(reproduction));
    page.say(&decreases(reproduction));
    page.head("Table 2: replacement misses on test1 under last-n");
    page.table(&table2_drawn(reproduction));
    page.head("Figures 4 to 6: the page miss ratio of each VM");
    page.table(&bars_drawn(reproduction));
    page.say(
        "The report draws these as bars and prints no numbers. They are compared with reference \
         values, on which two independent models and the report's own program agree access by \
         access; so are the demand faults below.",
    );
    page.head("What the report did not count");
    page.say(HIDDEN);
    page.table(&demand_drawn(reproduction));
    page.say(&turned_over(reproduction));
    page.head("A lucky draw");
    page.say(&lucky(reproduction));
    page.table(&draws(reproduction));
    page.head("The hypotheses, on these inputs");
    page.say(&first_hypothesis(reproduction));
    page.say(&second_hypothesis(reproduction));
    page.head("Result");
    page.say(&result(reproduction));
    page.out
}

/// How many figures agree, and which do not.
pub fn result(reproduction: &Reproduction) -> String {
    let all = reproduction.figures.len();
    let differences: Vec<&Figure> = reproduction.differences().collect();
    if differences.is_empty() {
        let published = reproduction.figures.iter().filter(|figure| figure.place.is_published());
        let published = published.count();
        return format!(
            "All {all} figures agree: {published} that the report printed, {} reference values.",
            all - published
        );
    }
    let mut text = format!("{} of {} differ:", differences.len(), counted(all as u64, "figure"));
    for figure in differences {
        let places = figure.metric.places();
        let vm = figure.vm.map_or(String::new(), |vm| format!(" VM{vm}"));
        let every = Some(figure.every).filter(|&every| every > 0);
        let every = every.map_or(String::new(), |every| format!(" every={every}"));
        let _ = write!(
            text,
            "\n{}: {} {}{every}{vm} {} {} → {}",
            place_name(figure.place),
            figure.test,
            figure.policy,
            figure.metric.name(),
            fixed(figure.published, places),
            fixed(figure.ours, places),
        );
    }
    text
}

/// The names of the strategies of [`Strategy::COMPARED`] for people.
const STRATEGY_NAMES: [&str; 3] = ["static", "last-n, n = 1", "proportional"];

/// Table 1 for people, with the names that the report uses.
fn table1_drawn(reproduction: &Reproduction) -> Table {
    let all = table1(reproduction);
    let mut table = Table::new(&[
        "strategy",
        "misses",
        "accesses",
        "ratio",
        "published",
        "decrease %",
        "published",
        "status",
    ]);
    let columns = [
        "replacement_misses",
        "accesses",
        "ratio_rounded",
        "ratio_published",
        "decrease_percent",
        "decrease_published",
        "status",
    ];
    for (name, cells) in STRATEGY_NAMES.into_iter().zip(all.select(&columns).rows()) {
        table.push([Cell::from(name)].into_iter().chain(cells.iter().cloned()).collect());
    }
    table
}

fn decreases(reproduction: &Reproduction) -> String {
    let [unmoved, last_n, proportional] =
        Strategy::COMPARED.map(|strategy| reproduction.total(strategy).0.replacement_misses);
    let exact = |misses: u64| {
        let percent = rounded(unmoved.saturating_sub(misses), 10_000, unmoved);
        format!("({unmoved}-{misses})/{unmoved} = {} %", fixed(percent, 2))
    };
    let ratio = |place: usize| {
        let mut ratios = reproduction
            .figures_at(Place::Table1)
            .filter(|figure| figure.metric == Metric::ReplacementRatio);
        fixed(ratios.nth(place).map_or(0, |figure| figure.ours), 3)
    };
    let from_rounded = |place: usize| {
        let mut decreases = reproduction
            .figures_at(Place::Table1)
            .filter(|figure| figure.metric == Metric::Decrease);
        let percent = fixed(decreases.nth(place - 1).map_or(0, |figure| figure.ours), 2);
        let (unmoved, ratio) = (ratio(0), ratio(place));
        format!("({unmoved}-{ratio})/{unmoved} = {percent} %")
    };
    format!(
        "The report says \"decreased by 26.48 %\" and \"38.32 %\": these come from the rounded \
         ratios, {} and {}. From the counts it would be {} and {}.",
        from_rounded(1),
        from_rounded(2),
        exact(last_n),
        exact(proportional),
    )
}

/// Table 2 as the report draws it: VMs down, n across, ours beneath the published.
fn table2_drawn(reproduction: &Reproduction) -> Table {
    let numbers: Vec<String> = (1..=10).map(|n| n.to_string()).collect();
    let mut columns = vec!["vm", "n ="];
    columns.extend(numbers.iter().map(String::as_str));
    columns.push("status");
    let mut table = Table::new(&columns);
    for vm in 0..4 {
        let of_vm =
            || reproduction.figures_at(Place::Table2).filter(|figure| figure.vm == Some(vm));
        let mut published: Vec<Cell> = vec![format!("VM{vm}").into(), "published".into()];
        published.extend(of_vm().map(|figure| Cell::from(figure.published)));
        published.push("".into());
        table.push(published);
        let mut ours: Vec<Cell> = vec!["".into(), "ours".into()];
        ours.extend(of_vm().map(|figure| Cell::from(figure.ours)));
        ours.push(status(of_vm()).into());
        table.push(ours);
    }
    table
}

/// The bars side by side: a row for each VM of each file, a column for each strategy.
fn bars_drawn(reproduction: &Reproduction) -> Table {
    let [first, second, third] = STRATEGY_NAMES;
    let mut table = Table::new(&["figure", "test", "vm", first, second, third, "status"]);
    for (at, test) in TESTS.into_iter().enumerate() {
        if at > 0 {
            table.push_rule();
        }
        for vm in 0.. {
            let of_vm: Vec<(&Figure, u64)> = bar_figures(reproduction)
                .filter(|(figure, _)| figure.test == test && figure.vm == Some(vm))
                .collect();
            let Some((first, _)) = of_vm.first() else { break };
            let mut row: Vec<Cell> =
                vec![place_name(first.place).into(), test.into(), vm_name(first).into()];
            row.extend(of_vm.iter().map(|(figure, accesses)| ratio(figure.ours, *accesses)));
            row.push(status(of_vm.iter().map(|(figure, _)| *figure)).into());
            table.push(row);
        }
    }
    table
}

const HIDDEN: &str = "\
    The report counts a page miss only where an access evicts a page: a replacement miss. But an \
    access to a page that is not in memory must fetch it whether or not another page has to go: \
    that is a demand fault, and demand faults = replacement misses + fills, where a fill is a \
    fault into an empty frame. A frame that has just been moved arrives empty. The next fault of \
    the VM that got it is a fill: nothing is evicted, nothing is counted, yet the page is \
    fetched all the same. And the VM that gave the frame may lose a page with it, which it must \
    fetch again at its next use. So every move hides a fetch on one side and may cause one on \
    the other.";

fn demand_drawn(reproduction: &Reproduction) -> Table {
    let all = demand(reproduction);
    let mut table = Table::new(&[
        "name",
        "every",
        "replacement_misses",
        "fills",
        "demand_faults",
        "cold",
        "capacity",
        "frames_moved",
        "status",
    ]);
    let columns = [
        "name",
        "every",
        "replacement_misses",
        "fills",
        "demand_faults",
        "cold_faults",
        "capacity_faults",
        "frames_moved",
        "status",
    ];
    let mut bounds = false;
    // The first cell is the role, the last the status.
    for (row, shown) in all.rows().iter().zip(all.select(&columns).rows()) {
        let is_bound = row.first() == Some(&Cell::from("bound"));
        if !is_bound && row.last() == Some(&Cell::Empty) {
            continue; // last-n with n > 1, which the report does not total
        }
        if is_bound && !bounds {
            bounds = true;
            table.push_rule();
        }
        table.push(shown.clone());
    }
    table
}

fn turned_over(reproduction: &Reproduction) -> String {
    let [unmoved, _, proportional] =
        Strategy::COMPARED.map(|strategy| reproduction.total(strategy).0);
    let bound = |name| {
        let bound = reproduction.bounds.iter().find(|bound| bound.name == name);
        bound.expect("the bound is in the list").demand_faults
    };
    let [global, best, cold] = ["global-lru", "best-static", "cold"].map(bound);
    let mut text = format!(
        "From static to proportional the replacement misses go from {} to {}, and the pages \
         fetched from {} to {}. Below the line stand bounds: one LRU list for all VMs fetches \
         {global} pages, the best fixed division of the frames {best}, and nothing fewer than \
         {cold}, since each page must be fetched once.",
        unmoved.replacement_misses,
        proportional.replacement_misses,
        unmoved.demand_faults,
        proportional.demand_faults,
    );
    if best == cold {
        text += " As a fixed division reaches that minimum, no movement of frames could do better \
                 on these files.";
    }
    let _ = write!(
        text,
        " They are {} of {} to {} accesses a VM, and {cold} of the {} accesses use a page for the \
         first time; on longer traces of real programs `balloonist compare` shows what balancing \
         can win.",
        counted(TESTS.len() as u64, "file"),
        fewest_accesses(reproduction),
        most_accesses(reproduction),
        unmoved.accesses,
    );
    text
}

fn lucky(reproduction: &Reproduction) -> String {
    let ours = reproduction.total(Strategy::PROPORTIONAL).0;
    let draws = &reproduction.draws;
    let misses = Spread::of(&draws.replacement_misses);
    let faults = Spread::of(&draws.demand_faults);
    let as_lucky: u64 =
        draws.replacement_misses.range(..=ours.replacement_misses).map(|(_, seeds)| seeds).sum();
    format!(
        "Proportional gives the frames that rounding leaves over to one VM drawn at random, and \
         the report's program draws with the C library's rand() without a seed: {} is one draw. \
         With the seeds 1 to {} of an unbiased generator its replacement misses lie between {} \
         and {}, most often {}; only {} % of the seeds come to {} or fewer. Its demand faults \
         lie between {} and {}, most often {}; static has {}.",
        ours.replacement_misses,
        grouped(misses.seeds),
        misses.fewest,
        misses.most,
        misses.commonest,
        fixed(rounded(as_lucky, 1000, misses.seeds), 1),
        ours.replacement_misses,
        faults.fewest,
        faults.most,
        faults.commonest,
        reproduction.total(Strategy::STATIC).0.demand_faults,
    )
}

/// The range and the mode of totals over seeds.
struct Spread {
    seeds: u64,
    fewest: u64,
    most: u64,
    commonest: u64,
}

impl Spread {
    fn of(totals: &BTreeMap<u64, u64>) -> Self {
        let commonest = totals.iter().max_by_key(|&(_, seeds)| seeds).map(|(&total, _)| total);
        Self {
            seeds: totals.values().sum(),
            fewest: totals.keys().next().copied().unwrap_or(0),
            most: totals.keys().next_back().copied().unwrap_or(0),
            commonest: commonest.unwrap_or(0),
        }
    }
}

fn first_hypothesis(reproduction: &Reproduction) -> String {
    let counts = Strategy::COMPARED.map(|strategy| reproduction.total(strategy).0);
    let [misses, faults] =
        [counts.map(|counts| counts.replacement_misses), counts.map(|counts| counts.demand_faults)];
    let verdicts = &reproduction.verdicts;
    format!(
        "H1, dynamic balancing lowers the page miss ratio: {} where replacement misses are counted \
         ({}), {} where demand faults are counted ({}).",
        verdict(verdicts.lowers_replacement_misses),
        went(misses),
        verdict(verdicts.lowers_demand_faults),
        went(faults),
    )
}

fn second_hypothesis(reproduction: &Reproduction) -> String {
    let verdicts = &reproduction.verdicts;
    let met: Vec<&Equality> = verdicts.equality.iter().filter(|file| file.is_met()).collect();
    let mut text = "H2, where all VMs access and miss about equally balancing lowers nothing and \
                    only adds overhead: "
        .to_owned();
    if !met.is_empty() {
        let names: Vec<&str> = met.iter().map(|file| file.test).collect();
        let holds = met.iter().all(|file| {
            let [unmoved, last_n, proportional] = file.file_demand_faults;
            last_n >= unmoved && proportional >= unmoved
        });
        let verdict = verdict(if holds { Verdict::Supported } else { Verdict::Refuted });
        let _ = write!(text, "{verdict} by the demand faults of {}.", names.join(" and "));
        return text;
    }
    text += "these inputs do not test it. All VMs access equally often, but in no file do they \
             miss about equally while nothing moves, the most at most a tenth above the fewest: ";
    let ranges = verdicts.equality.iter().map(|file| {
        let (fewest, most) = file.demand_faults;
        let (fewest_misses, most_misses) = file.replacement_misses;
        format!(
            "in {} {fewest} to {most} demand faults ({fewest_misses} to {most_misses} replacement \
             misses) in {} accesses",
            file.test, file.accesses
        )
    });
    text += &ranges.collect::<Vec<_>>().join("; ");
    let nearest = verdicts.nearest_to_equality();
    let [_, last_n, proportional] = nearest.moved;
    let _ = write!(
        text,
        ". Nearest comes {}: there last-n moves {} and proportional {}, and the demand faults go \
         {}.",
        nearest.test,
        counted(last_n.0, "frame"),
        proportional.0,
        went(nearest.file_demand_faults),
    );
    text
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "supported",
        Verdict::Refuted => "refuted",
        Verdict::Mixed => "supported by one strategy, refuted by the other,",
    }
}

fn went([unmoved, last_n, proportional]: [u64; 3]) -> String {
    format!("from {unmoved} to {last_n} and to {proportional}")
}

fn fewest_accesses(reproduction: &Reproduction) -> u64 {
    reproduction.verdicts.equality.iter().map(|file| file.accesses).min().unwrap_or(0)
}

fn most_accesses(reproduction: &Reproduction) -> u64 {
    reproduction.verdicts.equality.iter().map(|file| file.accesses).max().unwrap_or(0)
}

/// Text with headings, tables and paragraphs, in one of the formats for people.
struct Page {
    out: String,
    format: Format,
    colour: bool,
}

impl Page {
    const WIDTH: usize = 98;

    fn head(&mut self, title: &str) {
        self.gap();
        let _ = match self.format {
            Format::Markdown => writeln!(self.out, "## {title}"),
            _ => writeln!(self.out, "{title}\n{}", "=".repeat(title.chars().count())),
        };
    }

    fn table(&mut self, table: &Table) {
        self.gap();
        self.out += &table.render(self.format, self.colour, usize::MAX);
    }

    /// A paragraph; aligned text is wrapped.
    fn say(&mut self, text: &str) {
        self.gap();
        for line in text.lines() {
            let mut column = 0;
            for word in line.split(' ') {
                let width = word.chars().count();
                if column > 0 && self.format == Format::Table && column + 1 + width > Self::WIDTH {
                    self.out.push('\n');
                    column = 0;
                }
                if column > 0 {
                    self.out.push(' ');
                    column += 1;
                }
                self.out += word;
                column += width;
            }
            self.out.push('\n');
        }
    }

    /// The blank line between two blocks.
    fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

//! One self-contained HTML page of results: it opens from disk, needs no network, and contains the
//! numbers of every picture.

use std::fmt::Write as _;

use crate::number::{counted, every, grouped};
use crate::render::chart::{Figure, STYLE, patterns};
use crate::render::figures;
use crate::render::svg::escaped;
use crate::store::compare::{self, CompareRow, Role};
use crate::store::manifest::{BoundEntry, Manifest};
use crate::store::outcomes::OutcomeRow;
use crate::store::results::{Results, Sweep};
use crate::store::row::{self, Row as _};
use crate::store::sweep::{self, RunRow};
use crate::store::vms::{KEY, VmRow};
use crate::table::{Cell, Table};
use crate::units::show_size;

const PAGE_STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");
/// The beginning of every page's script.
pub(super) const THEME: &str = include_str!("html/theme.js");

/// The most rows of a table without a chart.
const ROWS: usize = 600;

/// The most columns of a table in portrait orientation on paper.
const UPRIGHT: usize = 11;

/// The page.
pub fn page(results: &Results) -> String {
    let manifest = &results.manifest;
    let varied = results.sweep.as_ref().map(varied).unwrap_or_default();
    let made = results.command.as_deref().map(command).unwrap_or_default();
    let heading = format!("<p>{}</p>\n{varied}{made}", escaped(&heading(manifest)));
    let mut parts = Vec::new();
    if let Some(compare) = &results.compare {
        let shown = comparison(compare) + &bounds(manifest);
        parts.push(Part::new("policies-and-bounds", "Policies and bounds", &shown));
    }
    parts.extend(figures::all(results).iter().map(Part::of));
    if let Some(vms) = &results.vms {
        parts.push(Part::new("all-vms", "Every VM", &limited("every-vm", &every_vm(vms))));
    }
    if let Some(sweep) = &results.sweep {
        parts.push(Part::new("all-runs", "Every run", &limited("every-run", &every_run(sweep))));
    }
    parts.push(Part::new("what-was-run", "What was run", &what_was_run(results)));
    let mut main = verdict(manifest.verdict.as_deref().unwrap_or(""));
    main += &contents(&parts);
    main.extend(parts.into_iter().map(|part| part.html));
    sheet(&manifest.study.name, &manifest.study.balloonist, &heading, &main)
}

/// A part of a page that the table of contents leads to.
struct Part {
    id: String,
    title: String,
    html: String,
}

impl Part {
    fn new(id: &str, title: &str, content: &str) -> Self {
        let html = format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{content}</section>\n");
        Self { id: id.to_owned(), title: title.to_owned(), html }
    }

    fn of(figure: &Figure) -> Self {
        let (id, title) = (figure.name.clone(), figure.title.clone());
        Self { id, title, html: section(figure) }
    }
}

/// The table of contents.
fn contents(parts: &[Part]) -> String {
    let mut out = String::from("<nav class=\"contents\" aria-label=\"Contents\">\n");
    for Part { id, title, .. } in parts {
        let _ = writeln!(out, "<a href=\"#{}\">{}</a>", escaped(id), escaped(title));
    }
    out + "</nav>\n"
}

/// The command that made a page's results, which the script lets readers copy.
fn command(text: &str) -> String {
    format!("<pre class=\"command\"><code>{}</code></pre>\n", escaped(text))
}

/// What a page concludes, a sentence a line.
pub(super) fn verdict(sentences: &str) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section class=\"verdict\" aria-label=\"Verdict\">\n");
    for sentence in sentences.split('\n') {
        let _ = writeln!(out, "<p>{}</p>", escaped(sentence));
    }
    out + "</section>\n"
}

/// A page with this name and heading, made by a version of the program.
pub(super) fn sheet(name: &str, version: &str, heading: &str, main: &str) -> String {
    let name = escaped(name);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{name} · balloonist</title>\n\
         <style>\n{STYLE}{PAGE_STYLE}</style>\n</head>\n<body>\n\
         <svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"defs\">{}</svg>\n\
         <header>\n<p class=\"tool\">balloonist {}</p>\n<h1>{name}</h1>\n{heading}</header>\n\
         <main>\n{main}",
        patterns(),
        escaped(version),
    );
    let _ = write!(
        out,
        "</main>\n<div id=\"tip\" role=\"status\" aria-live=\"polite\" hidden></div>\n\
         <script>\n{THEME}{SCRIPT}</script>\n</body>\n</html>\n"
    );
    out
}

fn heading(manifest: &Manifest) -> String {
    let study = &manifest.study;
    let frames = counted(study.host_frames, "frame");
    let memory = if study.in_bytes {
        let size = show_size(study.host_frames.saturating_mul(study.page_size));
        format!("{size}, {frames} of {}", show_size(study.page_size))
    } else {
        format!("{frames} of {} bytes", grouped(study.page_size))
    };
    format!(
        "{} on {memory}, a checkpoint {}; seed {}, draws by {}",
        counted(study.traces.len() as u64, "VM"),
        every(study.checkpoint_every, study.in_time),
        study.seed,
        study.random,
    )
}

/// A sweep's size and its axes, shown instead of the scenario's values.
fn varied(sweep: &Sweep) -> String {
    let size = sweep::size(sweep.grid.points(), sweep.repetitions());
    let mut out = format!("<p>{}</p>\n", escaped(&size));
    for dimension in sweep.grid.dimensions() {
        let (name, values) = (dimension.name(), dimension.values());
        let shown = match values.as_slice() {
            [first, second, .., last] if values.len() > 12 => {
                format!("{first}, {second}, … {last}: {} values", grouped(values.len()))
            }
            all => all.join(", "),
        };
        let _ = writeln!(out, "<p>{}: {}</p>", escaped(&name), escaped(&shown));
    }
    out
}

/// The rows of all VMs together, without columns that are equal everywhere or duplicates, and of
/// outcomes only those that delays change.
fn every_run(sweep: &Sweep) -> Table {
    let twice = |path, column| sweep.grid.paths().any(|axis| axis == path).then_some(column);
    let twice = [twice("policy.kind", "policy"), twice("checkpoint.every", "every")];
    // Where nothing is delayed, what delays lead to is not shown; the CSV file has all.
    let is_delayed = |run: &RunRow| run.outcome.stall_ticks + run.outcome.overhead_ticks > 0;
    let kept: &[&str] =
        if sweep.runs.iter().any(is_delayed) { &["ticks", "slowdown"] } else { &[] };
    let outcomes = OutcomeRow::COLUMNS[KEY..].iter().copied();
    let outcomes = outcomes.filter(|column| !kept.contains(column));
    let left_out = ["scenario", "vm"].into_iter().chain(twice.into_iter().flatten());
    let left_out = left_out.chain(outcomes);
    without(&sweep::table(&sweep.grid, &sweep.runs), &left_out.collect::<Vec<_>>())
}

/// The rows of vms.csv, each under its run's title, without the columns in the page's heading.
fn every_vm(vms: &[VmRow]) -> Table {
    let titled =
        |row: &VmRow| VmRow { policy: row.title(), param_replacement: None, ..row.clone() };
    let rows: Vec<VmRow> = vms.iter().map(titled).collect();
    without(&row::table(&rows), &["scenario", "every", "seed"])
}

/// The table of the comparison: policies in the order of the verdict, the best one marked, then
/// what knows the future.
fn comparison(compare: &[CompareRow]) -> String {
    let mut rows = compare.to_vec();
    // Where faults differ in price, what counts is the time that they cost.
    rows.sort_by_key(|row| match row.role {
        Role::Policy => (0, row.stall_ticks, row.demand_faults),
        Role::Yardstick => (1, None, 0),
        Role::Bound => (2, None, 0),
    });
    let shown = table("comparison", &with_regret(&rows));
    let policies = rows.iter().filter(|row| row.role == Role::Policy).count();
    if policies < 2 {
        return shown;
    }
    marked(&shown, 0)
}

/// compare.csv, each row under its title, with one more column: the demand faults in excess of
/// MIN's.
fn with_regret(rows: &[CompareRow]) -> Table {
    let min = rows.iter().find(|row| row.title() == "min").map(|row| row.demand_faults);
    let titled =
        |row: &CompareRow| CompareRow { name: row.title(), param_replacement: None, ..row.clone() };
    let all = compare::table(&rows.iter().map(titled).collect::<Vec<_>>());
    let all = without(&all, compare::NOT_FOR_PEOPLE);
    let columns: Vec<&str> = all.columns().iter().map(String::as_str).collect();
    let mut table = Table::new(&[columns.as_slice(), &["regret"]].concat());
    for (row, cells) in rows.iter().zip(all.rows()) {
        let regret = min.and_then(|min| row.demand_faults.checked_sub(min));
        table.push(cells.iter().cloned().chain([Cell::from(regret)]).collect());
    }
    table.without_empty_columns()
}

fn bounds(manifest: &Manifest) -> String {
    let mut out = String::from("<dl class=\"bounds\">\n");
    for BoundEntry { name, summary, note } in &manifest.bounds {
        let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        let said = escaped(&format!("{summary}{note}"));
        let _ = writeln!(out, "<div><dt>{}</dt><dd>{said}</dd></div>", escaped(name));
    }
    if manifest.bounds.iter().any(|bound| bound.name == "min") {
        out += "<div><dt>regret</dt><dd>demand faults above those of min</dd></div>\n";
    }
    out + "</dl>\n"
}

/// A figure with its legend, its caption and its numbers.
pub(super) fn section(figure: &Figure) -> String {
    let name = escaped(&figure.name);
    let mut out = format!("<figure id=\"{name}\">\n<h2>{}</h2>\n", escaped(&figure.title));
    if figure.keys.len() > 1 {
        out += "<div class=\"legend\" role=\"group\" aria-label=\"Legend\">\n";
        for (at, key) in figure.keys.iter().enumerate() {
            let _ = writeln!(
                out,
                "<button type=\"button\" aria-pressed=\"true\" data-toggle=\"{at}\">\
                 <svg width=\"12\" height=\"12\" aria-hidden=\"true\"><rect width=\"12\" \
                 height=\"12\" class=\"{}\"/></svg>{}</button>",
                key.class,
                escaped(&key.label)
            );
        }
        out += "</div>\n";
    }
    let _ = write!(
        out,
        "<div class=\"wide\"><svg {} role=\"img\" tabindex=\"0\" aria-label=\"{}\" \
         aria-describedby=\"{name}-caption\">\n{}</svg></div>\n\
         <figcaption id=\"{name}-caption\">{}</figcaption>\n\
         <details><summary>The numbers ({})</summary>\n{}</details>\n</figure>\n",
        figure.drawing.view_box(),
        escaped(&figure.title),
        figure.drawing.body(),
        escaped(&figure.caption),
        counted(figure.table.rows().len() as u64, "row"),
        table(&figure.name, &figure.table),
    );
    out
}

/// A table without these columns, which the page's heading shows.
pub(super) fn without(table: &Table, left_out: &[&str]) -> Table {
    let columns = table.columns().iter().map(String::as_str);
    table.select(&columns.filter(|column| !left_out.contains(column)).collect::<Vec<_>>())
}

/// A table's HTML with this row marked as the best; unchanged if the row is not there.
pub(super) fn marked(shown: &str, row: usize) -> String {
    let mut rows = shown.match_indices("<tr>").map(|(at, _)| at);
    // The first is the header.
    match rows.nth(1 + row) {
        Some(at) => format!("{}<tr class=\"best\">{}", &shown[..at], &shown[at + 4..]),
        None => shown.to_owned(),
    }
}

/// A table cut to the most rows of a page.
pub(super) fn limited(name: &str, all: &Table) -> String {
    let rows = all.rows().len();
    if rows <= ROWS {
        return table(name, all);
    }
    let columns: Vec<&str> = all.columns().iter().map(String::as_str).collect();
    let mut first = Table::new(&columns);
    all.rows().iter().take(ROWS).for_each(|row| first.push(row.clone()));
    let said =
        format!("<p>The first {ROWS} of {} rows; the CSV file has all.</p>\n", grouped(rows));
    said + &table(name, &first)
}

/// A table with sortable columns; the script offers it as CSV.
pub(super) fn table(name: &str, table: &Table) -> String {
    // Tables with many columns are printed in landscape.
    let class = if table.columns().len() > UPRIGHT { "wide broad" } else { "wide" };
    let mut out = format!(
        "<div class=\"{class}\"><table data-name=\"{0}\" aria-label=\"{0}\">\n<thead><tr>",
        escaped(name)
    );
    for column in table.columns() {
        let shown = escaped(&table.head(column));
        let _ = write!(
            out,
            "<th scope=\"col\" data-column=\"{}\"><button type=\"button\">{shown}</button></th>",
            escaped(column)
        );
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in table.rows() {
        out += "<tr>";
        for (column, cell) in table.columns().iter().zip(row) {
            // Optional end tags are omitted, because long tables make up most of a page.
            let _ = match cell {
                Cell::Text(text) => write!(out, "<td class=\"w\">{}", escaped(text)),
                // A seed is a name.
                number if column == "seed" => write!(out, "<td>{}", number.plain()),
                number => write!(out, "<td>{}", number.for_people()),
            };
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

fn what_was_run(results: &Results) -> String {
    let manifest = &results.manifest;
    let mut traces = Table::new(&["vm", "accesses", "distinct_pages", "content_hash"]);
    for trace in &manifest.study.traces {
        traces.push(vec![
            trace.vm.as_str().into(),
            trace.accesses.into(),
            trace.distinct_pages.into(),
            trace.content_hash.as_str().into(),
        ]);
    }
    let mut runs = Table::new(&["policy", "seed", "fingerprint"]);
    for run in manifest.runs() {
        let row = [run.title().into(), Cell::from(run.seed), run.fingerprint.as_str().into()];
        runs.push(row.into());
    }
    // A sweep's fingerprints are in the table of every run.
    let runs = if results.sweep.is_some() {
        String::new()
    } else {
        format!("<h3>Runs</h3>\n{}", limited("runs", &runs))
    };
    format!(
        "<p>Equal fingerprints mean equal trajectories. The \
         scenario below, with these traces, reproduces these runs on any machine.</p>\n\
         {runs}<h3>Traces</h3>\n{}<details><summary>The scenario with every default filled \
         in</summary>\n<pre>{}</pre></details>\n",
        limited("traces", &traces),
        escaped(&manifest.study.scenario),
    )
}

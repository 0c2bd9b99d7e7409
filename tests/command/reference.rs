//! docs/reference.md is generated from the program's lists. `BLESS=1 cargo test --test command
//! reference` updates it.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

const PAGE: &str = "docs/reference.md";

const HEAD: &str = "# Reference

Made from the program's own lists: `BLESS=1 cargo test --test command reference` writes this page
anew, and the test fails where it is not what the program says. `balloonist list`, `balloonist
explain` and `--help` tell the same in a terminal.

";

const KEYS: &str = "## Scenario keys

`balloonist check --effective` prints a scenario with every default filled in, and so every key that
takes a value. This is [`scenarios/slow-balloon.toml`](../scenarios/slow-balloon.toml). Besides
there are `extends = \"base.toml\"`, which overlays another scenario; `defaults.vm`, which holds any
key of a VM; `trace = { file = \"…\" }` or `trace = { pages = [1, 2, 1] }` in place of `workload`;
`stop`, the tick at which a VM leaves; [`[[tier]]`](guide-mechanisms.md), memory behind that of the
VMs; `actuator.kind` \"paging\" and \"esx-states\" with their
[keys and costs](guide-mechanisms.md#host-paging);
[`[sharing]`, `content` and `cost.copy`](guide-mechanisms.md#sharing), pages of equal content in one
frame; and
[`[sweep]`](sweeps.md). Any value can be set by its path on the command line:
`--set host.memory=64`, `--set vm.web.min=2`, `--set tier.far.fetch=30`.

";

#[test]
fn the_reference_matches_the_program() {
    let page = page();
    if std::env::var_os("BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let kept = fs::read_to_string(PAGE).unwrap();
    let differs = page.lines().zip(kept.lines()).find(|(now, kept)| now != kept);
    assert!(page == kept, "bless {PAGE} anew: {differs:?}");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let help = balloonist(&["--help"]);
    let (_, codes) = help.split_once("Exit codes:\n").expect("help ends with the exit codes");
    page += "## Commands\n\n";
    for command in commands(&help) {
        let help = balloonist(&[&command, "--help"]);
        let own = help.split("\nCommon options:").next().unwrap().trim_end();
        let _ = write!(page, "### `{command}`\n\n```text\n{own}\n```\n\n");
    }
    let common = help.split("\nCommon options:\n").nth(1).unwrap();
    let common = common.split("\nExit codes:").next().unwrap().trim_end();
    let _ = write!(page, "### Options of all commands\n\n```text\n{common}\n```\n\n");
    let _ = write!(page, "### Exit codes\n\n```text\n{}\n```\n\n", codes.trim_end());
    page += KEYS;
    let effective = balloonist(&["check", "--effective", "scenarios/slow-balloon.toml"]);
    let _ = write!(page, "```toml\n{}\n```\n\n", effective.trim_end());
    for (list, title) in [
        ("policies", "Policies"),
        ("replacements", "Replacement algorithms"),
        ("observers", "Observers"),
        ("tiers", "Tiers"),
        ("actuators", "Mechanisms of reclaim"),
        ("scanners", "Scanners of equal pages"),
        ("workloads", "Workloads"),
    ] {
        let _ = write!(page, "## {title}\n\n");
        page += &entries(&balloonist(&["list", list, "--format", "json"]));
    }
    for (list, title) in
        [("formats", "Trace formats"), ("columns", "Columns"), ("codes", "Diagnostic codes")]
    {
        let table = balloonist(&["list", list, "--format", "markdown"]);
        let _ = write!(page, "## {title}\n\n{}\n", narrow(&table));
    }
    page.trim_end().to_owned() + "\n"
}

/// The names under "Commands:" of the help.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// A paragraph for each name, with a table of its parameters.
fn entries(json: &str) -> String {
    let rows: Vec<Value> = serde_json::from_str(json).unwrap();
    let mut page = String::new();
    let mut last = String::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().replace('|', "\\|");
        let (name, param) = (text("name"), text("param"));
        if name != last {
            let (summary, follows) = (text("summary"), text("follows"));
            let _ = write!(page, "### {name}\n\n{summary}\n\nFollows {follows}.\n\n");
            if !param.is_empty() {
                page += "| parameter | default | may be | meaning |\n|---|---|---|---|\n";
            }
        }
        if !param.is_empty() {
            let default = match text("default") {
                none if none.is_empty() => "must be given".to_owned(),
                default => format!("`{default}`"),
            };
            let (domain, doc) = (text("domain"), text("description"));
            let _ = writeln!(page, "| `{param}` | {default} | {domain} | {doc} |");
        }
        let following = rows.iter().skip_while(|other| *other != row).nth(1);
        if !param.is_empty() && following.is_none_or(|next| next["name"] != row["name"]) {
            page.push('\n');
        }
        last = name;
    }
    page
}

/// A Markdown table without the spaces that align its source.
fn narrow(table: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("| -") {
            return format!("|{}\n", "---|".repeat(line.matches('|').count() - 1));
        }
        line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
    };
    table.lines().map(line).collect()
}

fn balloonist(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let output = command.args(arguments).env_remove("COLUMNS").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

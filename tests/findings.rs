//! Every number in docs/findings.md and docs/hit-density.md is in the output of the commands next
//! to it, and the tables of docs/benchmark.md are those that the benchmark's script prints.
//!
//! A block ```` ```console ```` of the page has commands, `$ balloonist …`, each followed by lines
//! of its output; `...` stands for any others. The lines must be what the command prints, and the
//! numbers of a section's text and tables must be in the
//! output of the section's own commands, exact or rounded as on the page; a percentage may be of a
//! ratio or of its distance from 1. Numbers in `code`, numbers that are part of a word and, outside
//! tables, whole numbers up to 20 without a per cent are ignored. Blocks marked
//! ```` ```console release ```` take too long for a debug build and are not run by trycmd:
//! their sections and lines are checked only in release builds. A section that links to
//! the benchmark may use its numbers too.

use std::fs;
use std::process::Command;

#[test]
fn every_number_is_in_the_output_of_a_command_beside_it() {
    assert!(check("docs/findings.md") > 100);
}

#[test]
fn the_same_holds_for_hit_density() {
    check("docs/hit-density.md");
}

/// The small form; the page has the command of the whole, which takes minutes.
#[cfg(unix)]
#[test]
fn the_small_tables_of_the_benchmark_are_what_its_script_prints() {
    let page = fs::read_to_string("docs/benchmark.md").unwrap();
    let mut script = Command::new("sh");
    script.arg("scenarios/benchmark/table.sh").env("SEEDS", "2").env("MIXES", "two-loops");
    let output = script.env("BALLOONIST", env!("CARGO_BIN_EXE_balloonist")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for table in printed.split("\n\n") {
        assert!(page.contains(table.trim_end()), "not on the page:\n{table}");
    }
}

/// Checks a page. Returns how many numbers were checked.
fn check(page: &str) -> usize {
    let page = fs::read_to_string(page).unwrap();
    let mut looked_at = 0;
    let mut unfounded = Vec::new();
    for section in sections(&page) {
        let Some(output) = section.run(&mut unfounded) else { continue };
        let numbers = Numbers::of(&output);
        let absent = section.claims.iter().filter(|claim| !numbers.bear(claim));
        unfounded.extend(absent.map(|claim| format!("{claim} in \"{}\"", section.title)));
        looked_at += section.claims.len();
    }
    assert_eq!(unfounded, [""; 0], "in no output of the commands of the section");
    looked_at
}

#[test]
fn a_wrong_digit_is_found() {
    let numbers = Numbers::of("policy,last-n,76591,0.903013\nfaults 55,966\n");
    for claim in claims("| `1` | 76,591 | of 55,966 | 0.90 | 90.3 % | 9.7 % | last-n H2") {
        assert!(numbers.bear(&claim), "{claim}");
    }
    for claim in claims("| 76,592 | 55,965 | 0.91 | 90.4 % | 9.6 %") {
        assert!(!numbers.bear(&claim), "{claim}");
    }
}

/// A part of the page under one `##` heading.
#[derive(Default)]
struct Section {
    title: String,
    commands: Vec<Example>,
    /// The numbers of text and tables, as written; those with `%` are per cents.
    claims: Vec<String>,
    /// Whether its text links to the page whose tables the script of the benchmark makes.
    cites_benchmark: bool,
}

/// A command with the lines of the page under it.
struct Example {
    command: String,
    lines: Vec<String>,
    is_slow: bool,
}

fn sections(page: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut block = None;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.to_owned(), ..Section::default() });
        }
        let section = sections.last_mut().unwrap();
        match block {
            None if line.starts_with("```") => block = Some(line),
            None => {
                section.claims.extend(claims(line));
                section.cites_benchmark |= line.contains("](benchmark.md)");
            }
            Some(_) if line == "```" => block = None,
            Some(start) if start.starts_with("```console") => {
                let continued = section.commands.last_mut().filter(|of| of.command.ends_with('\\'));
                if let Some(command) = line.strip_prefix("$ ") {
                    let (command, is_slow) = (command.to_owned(), start.ends_with(" release"));
                    section.commands.push(Example { command, lines: Vec::new(), is_slow });
                } else if let Some(Example { command, .. }) = continued {
                    command.pop();
                    command.push_str(line.trim());
                } else if let Some(example) = section.commands.last_mut() {
                    example.lines.push(line.to_owned());
                }
            }
            Some(start) => panic!("{start}: a command's block is marked `console`"),
        }
    }
    assert_eq!(block, None, "a block without an end");
    sections
}

impl Section {
    /// All that the commands print, and the commands; `None` if one is too slow for this build.
    /// Examples that do not print what the page shows are unfounded.
    fn run(&self, unfounded: &mut Vec<String>) -> Option<String> {
        let mut all = String::new();
        let (slow, quick) = self.commands.iter().partition::<Vec<_>, _>(|of| of.is_slow);
        let too_slow = cfg!(debug_assertions) && !slow.is_empty();
        for example in quick.iter().chain(if too_slow { [].iter() } else { slow.iter() }) {
            all += &example.run(unfounded);
        }
        if self.cites_benchmark {
            all += &fs::read_to_string("docs/benchmark.md").unwrap();
        }
        (!too_slow).then_some(all)
    }
}

impl Example {
    fn run(&self, unfounded: &mut Vec<String>) -> String {
        let arguments = self.command.strip_prefix("balloonist ").expect("a command of balloonist");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
        let output = command.args(&arguments).output().unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            unfounded.push(format!("`{}` fails: {notes}", self.command));
        }
        // Notes are printed before or after results, depending on the command.
        let shown: Vec<&str> = self.lines.iter().map(|line| line.trim_end()).collect();
        let printed = [format!("{notes}{text}"), format!("{text}{notes}")];
        if !shown.is_empty() && !printed.iter().any(|printed| is_shown(&shown, printed)) {
            unfounded.push(format!("`{}` prints\n{notes}{text}", self.command));
        }
        format!("{}\n{text}\n", self.command)
    }
}

/// Whether these lines are the whole of what was printed, `...` standing for any lines.
fn is_shown(lines: &[&str], printed: &str) -> bool {
    let lines = lines.iter().filter(|line| !line.is_empty()).copied();
    let parts: Vec<&str> = lines.collect();
    let printed: Vec<&str> =
        printed.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let mut parts = parts.split(|&line| line == "...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut parts: Vec<&[&str]> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let found = (0..=rest.len()).find(|&at| rest[at..].starts_with(part));
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn a_line_that_is_not_printed_is_found() {
    assert!(is_shown(&["a", "...", "c", "...", "e"], "a\nb\nc\n\nd\ne\n"));
    assert!(is_shown(&["a", "..."], "a\n") && is_shown(&["...", "b"], "a\nb\n"));
    for wrong in [&["a", "..."][..], &["...", "c"], &["b"], &["b", "...", "c", "...", "a", "..."]] {
        assert!(!is_shown(wrong, "b\na\nc\nd\n"), "{wrong:?}");
    }
}

/// The numbers in a line of the page that must have been measured.
fn claims(line: &str) -> Vec<String> {
    let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let is_table = line.starts_with('|');
    let mut claims = Vec::new();
    for (start, number) in tokens(&text) {
        let before = text[..start].chars().next_back();
        let rest = &text[start + number.len()..];
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '-';
        if before.is_some_and(is_word) || rest.starts_with(char::is_alphanumeric) {
            continue;
        }
        if rest.trim_start().starts_with('%') {
            claims.push(format!("{number}%"));
        } else if is_table
            || number.contains('.')
            || number.replace(',', "").parse::<u64>().unwrap() > 20
        {
            claims.push(number.to_owned());
        }
    }
    claims
}

/// Digits, with points and commas between them, and where they start.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(skip) = text[at..].find(|letter: char| letter.is_ascii_digit()) {
        let start = at + skip;
        let length = text[start..]
            .find(|letter: char| !(letter.is_ascii_digit() || letter == ',' || letter == '.'));
        let token = &text[start..length.map_or(text.len(), |length| start + length)];
        at = start + token.len();
        tokens.push((start, token.trim_end_matches([',', '.'])));
    }
    tokens
}

/// What commands printed.
struct Numbers {
    whole: Vec<u64>,
    /// Decimals, in millionths.
    ratios: Vec<u64>,
}

impl Numbers {
    fn of(output: &str) -> Self {
        let mut numbers = Self { whole: Vec::new(), ratios: Vec::new() };
        for (_, token) in tokens(output) {
            let groups: Vec<&str> = token.split(',').collect();
            // Commas group digits, or divide the columns of CSV.
            let last = groups[groups.len() - 1].split('.').next().unwrap_or_default();
            let middle = &groups[1.min(groups.len() - 1)..groups.len() - 1];
            let is_grouped = groups.len() > 1
                && groups[0].len() <= 3
                && last.len() == 3
                && middle.iter().all(|group| group.len() == 3);
            if is_grouped && token.contains('.') {
                numbers.ratios.extend(millionths(&groups.concat()));
            } else if is_grouped {
                numbers.whole.extend(groups.concat().parse::<u64>());
            }
            for group in groups {
                if group.contains('.') {
                    numbers.ratios.extend(millionths(group));
                } else {
                    numbers.whole.extend(group.parse::<u64>());
                }
            }
        }
        numbers
    }

    /// Whether the claim is among them, or is one of them rounded.
    fn bear(&self, claim: &str) -> bool {
        let (number, is_percent) = match claim.strip_suffix('%') {
            Some(number) => (number, true),
            None => (claim, false),
        };
        let plain = number.replace(',', "");
        if !is_percent && !plain.contains('.') {
            return self.whole.contains(&plain.parse().unwrap());
        }
        let places = plain.split_once('.').map_or(0, |(_, decimals)| decimals.len() as u32);
        let claimed = millionths(&plain).unwrap();
        // The unit of the last place, in millionths.
        let unit = 10_u64.pow(6 - places);
        let rounds = |exact: u64| (exact + unit / 2) / unit * unit == claimed;
        let ratio = |&ratio: &u64| {
            let change = ratio.abs_diff(1_000_000);
            if is_percent {
                rounds(ratio * 100) || rounds(change * 100) || ratio == claimed
            } else {
                rounds(ratio)
            }
        };
        self.ratios.iter().any(ratio)
    }
}

/// A decimal with at most six places.
fn millionths(decimal: &str) -> Option<u64> {
    let (whole, places) = decimal.split_once('.').unwrap_or((decimal, ""));
    let whole: u64 = whole.parse().ok()?;
    let places: u64 = format!("{places:0<6}").get(..6)?.parse().ok()?;
    Some(whole * 1_000_000 + places)
}

//! Results of checks for people and for continuous integration: JSON, `JUnit` XML, and the workflow
//! commands of GitHub Actions.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::svg::escaped;
use crate::conclude::expects::Unmet;
use crate::scenario::{Diagnostic, Diagnostics, Place, Severity};

/// How checks are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Sentences for people.
    Text,
    /// One JSON object.
    Json,
    /// `JUnit` XML as read by Jenkins, GitLab and others: a test case for each check.
    Junit,
    /// An annotation for each finding, as in GitHub's "Workflow commands for GitHub Actions".
    Github,
}

impl Format {
    /// All formats with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("json", Self::Json),
        ("junit", Self::Junit),
        ("github", Self::Github),
    ];
}

/// Something that is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The scenario's path.
    pub file: String,
    /// What of it is checked, such as a policy.
    pub name: String,
    /// What the check says if nothing is wrong; may be empty.
    pub says: String,
    /// What is wrong; a check without errors has passed.
    pub findings: Vec<Finding>,
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is only a warning.
    pub is_warning: bool,
    /// Its diagnostic code, if it has one.
    pub code: Option<&'static str>,
    /// Where it is, if that is known better than by the check's file.
    pub place: Option<Place>,
    /// What was found.
    pub text: String,
}

impl Finding {
    /// An error without a code and a place.
    pub fn error(text: String) -> Self {
        Self { is_warning: false, code: None, place: None, text }
    }

    /// An expectation that does not hold.
    pub fn unmet(unmet: &Unmet) -> Self {
        Self { place: Some(unmet.place.clone()), ..Self::error(unmet.text.clone()) }
    }

    /// A diagnostic of a scenario. Warnings are errors if they are denied.
    pub fn diagnostic(found: &Diagnostic, all: &Diagnostics, deny_warnings: bool) -> Self {
        Self {
            is_warning: found.severity == Severity::Warning && !deny_warnings,
            code: Some(found.code.id),
            place: Some(all.place(found)),
            text: format!("{}: {}", found.message, found.remedy),
        }
    }

    /// The line and the column, from 1.
    fn at(&self) -> Option<(usize, usize)> {
        self.place.as_ref()?.at
    }
}

impl Check {
    /// A check that says nothing but what it finds.
    pub fn new(file: String, name: &str, findings: Vec<Finding>) -> Self {
        Self { file, name: name.to_owned(), says: String::new(), findings }
    }

    fn has_passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.is_warning)
    }
}

/// The checks of a command in this format.
pub fn render(command: &str, checks: &[Check], format: Format) -> String {
    match format {
        Format::Text => text(checks),
        Format::Json => json(command, checks),
        Format::Junit => junit(command, checks),
        Format::Github => checks.iter().flat_map(annotations).collect(),
    }
}

fn text(checks: &[Check]) -> String {
    let findings = checks.iter().flat_map(|check| &check.findings);
    findings.flat_map(|finding| [finding.text.as_str(), "\n"]).collect()
}

fn json(command: &str, checks: &[Check]) -> String {
    let finding = |finding: &Finding| {
        json!({
            "severity": if finding.is_warning { "warning" } else { "error" },
            "code": finding.code,
            "file": finding.place.as_ref().map(|place| &place.file),
            "line": finding.at().map(|(line, _)| line),
            "column": finding.at().map(|(_, column)| column),
            "message": finding.text,
        })
    };
    let check = |check: &Check| {
        let findings: Vec<Value> = check.findings.iter().map(finding).collect();
        json!({
            "file": check.file,
            "name": check.name,
            "passed": check.has_passed(),
            "message": Some(&check.says).filter(|says| !says.is_empty()),
            "findings": findings,
        })
    };
    let failed = checks.iter().filter(|check| !check.has_passed()).count();
    let report = json!({
        "command": command,
        "passed": failed == 0,
        "failed": failed,
        "checks": checks.iter().map(check).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn junit(command: &str, checks: &[Check]) -> String {
    let failed = checks.iter().filter(|check| !check.has_passed()).count();
    let sums = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\"", checks.len());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {sums}>\n\
         <testsuite name=\"balloonist {command}\" {sums}>\n"
    );
    for check in checks {
        let (file, name) = (escaped(&check.file), escaped(&check.name));
        let _ = write!(out, "<testcase classname=\"{file}\" name=\"{name}\"");
        if check.findings.is_empty() && check.says.is_empty() {
            out += "/>\n";
            continue;
        }
        out += ">\n";
        if !check.says.is_empty() {
            let _ = writeln!(out, "<system-out>{}</system-out>", escaped(&check.says));
        }
        for finding in &check.findings {
            let text = escaped(&finding.text);
            // A warning is shown beside a test case that passes.
            let _ = if finding.is_warning {
                writeln!(out, "<system-err>{text}</system-err>")
            } else {
                let message = escaped(finding.text.lines().next().unwrap_or(""));
                writeln!(out, "<failure message=\"{message}\">{text}</failure>")
            };
        }
        out += "</testcase>\n";
    }
    out + "</testsuite>\n</testsuites>\n"
}

fn annotations(check: &Check) -> Vec<String> {
    let annotation = |finding: &Finding| {
        let level = if finding.is_warning { "warning" } else { "error" };
        let file = finding.place.as_ref().map_or(&check.file, |place| &place.file);
        let mut line = format!("::{level} file={}", property(file));
        if let Some((at, column)) = finding.at() {
            let _ = write!(line, ",line={at},col={column}");
        }
        let title = finding.code.unwrap_or(&check.name);
        line + &format!(",title={}::{}\n", property(title), message(&finding.text))
    };
    check.findings.iter().map(annotation).collect()
}

/// A message: a workflow command is one line.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property: `:` and `,` end it.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        let bad = Finding {
            is_warning: false,
            code: Some("S012"),
            place: Some(Place { file: "a,b.toml".to_owned(), at: Some((3, 7)) }),
            text: "50 % < 9\nsee, there".to_owned(),
        };
        let odd = Finding { is_warning: true, place: None, code: None, ..bad.clone() };
        let check = |name: &str, findings| Check::new("a,b.toml".to_owned(), name, findings);
        vec![check("good", vec![]), check("odd", vec![odd]), check("bad", vec![bad])]
    }

    #[test]
    fn annotations_are_lines_whatever_is_in_them() {
        assert_eq!(
            render("check", &checks(), Format::Github),
            "::warning file=a%2Cb.toml,title=odd::50 %25 < 9%0Asee, there\n\
             ::error file=a%2Cb.toml,line=3,col=7,title=S012::50 %25 < 9%0Asee, there\n"
        );
    }

    #[test]
    fn a_test_case_fails_by_errors_alone() {
        let junit = render("check", &checks(), Format::Junit);
        assert!(junit.contains("<testsuites tests=\"3\" failures=\"1\" errors=\"0\">"), "{junit}");
        assert!(junit.contains("<testcase classname=\"a,b.toml\" name=\"good\"/>"), "{junit}");
        let failure = "<failure message=\"50 % &lt; 9\">50 % &lt; 9\nsee, there</failure>";
        assert!(junit.contains(failure), "{junit}");
        let json: Value = serde_json::from_str(&render("check", &checks(), Format::Json)).unwrap();
        assert_eq!(json["passed"], false);
        assert_eq!(json["checks"][1]["passed"], true);
        assert_eq!(json["checks"][2]["findings"][0]["line"], 3);
    }
}

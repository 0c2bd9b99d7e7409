//! Every error of a scenario, one fixture each, with the text that users see.
//!
//! A fixture may begin with lines `# --set path=value`. Re-bless with `INSTA_UPDATE=always`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use balloonist::formats::compact::write_compact;
use balloonist::scenario::codes;
use balloonist::scenario::{Diagnostics, Document, Severity};
use balloonist::trace::Trace;
use balloonist::trace::reduce::reduce;
use balloonist::trace::reduction::Reduction;

const FOLDER: &str = "tests/bad_scenarios";

fn fixtures() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

fn diagnose(path: &Path) -> Diagnostics {
    let mut document = Document::open(path);
    let bytes = fs::read(path).unwrap_or_default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let Some(setting) = line.strip_prefix("# --set ") else { break };
        document.set(setting);
    }
    match document.check() {
        Err(diagnostics) => {
            assert!(diagnostics.iter().any(|found| found.severity == Severity::Error));
            *diagnostics
        }
        Ok(checked) => checked.warnings,
    }
}

#[test]
fn every_fault_of_a_list_is_reported() {
    let mut all = String::new();
    for path in fixtures() {
        let diagnostics = diagnose(&path);
        assert!(!diagnostics.is_empty(), "{} is valid", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        let _ = writeln!(all, "======== {name}\n{}", diagnostics.render(false));
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("bad_scenarios", all);
    });
}

/// Errors that cannot be written as a small text file.
fn made_faults() -> Vec<Diagnostics> {
    let mut made = vec![
        diagnose(Path::new("tests/bad_scenarios/nowhere.toml")),
        diagnose(Path::new("tests/bad_scenarios")),
    ];
    let large = vec![b' '; (8 << 20) + 1];
    let mut crowd = "[host]\nmemory = 100000\n[checkpoint]\nevery = 1\n".to_owned();
    for vm in 0..=65_536 {
        let _ = writeln!(crowd, "[[vm]]\nname = \"{vm}\"\ntrace = {{ pages = [1] }}");
    }
    for text in [large, crowd.into_bytes()] {
        made.push(*Document::from_toml("made.toml", &text).check().unwrap_err());
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("reduced");
    let reduction = Reduction { frames: 3, resolution: None };
    let reduced = reduce(&Trace::from_pages([1, 2, 1, 2, 1]), reduction).unwrap();
    write_compact(&reduced, &mut fs::File::create(&place).unwrap()).unwrap();
    let text = format!(
        "[host]\nmemory = 9\n[checkpoint]\nevery = 1\n[[vm]]\nname = 'a'\nmin = 2\n\
         trace.file = '{}'\n",
        place.display()
    );
    made.push(*Document::from_toml("made.toml", text.as_bytes()).check().unwrap_err());
    made
}

#[test]
fn errors_beyond_small_text_files_are_reported() {
    let told: Vec<String> = made_faults().iter().map(|found| found.render(false)).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("made_faults", told.join("\n"));
    });
}

/// Every code in the list is reported by some fixture, and every reported code is in the list.
#[test]
fn every_code_is_reported_by_a_fixture() {
    let mut reported = BTreeSet::new();
    for diagnostics in fixtures().iter().map(|path| diagnose(path)).chain(made_faults()) {
        reported.extend(diagnostics.iter().map(|found| found.code.id));
    }
    let missing: Vec<&str> =
        codes::ALL.iter().map(|code| code.id).filter(|id| !reported.contains(id)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn only_failures_to_read_are_failures_of_the_system() {
    assert!(diagnose(Path::new("tests/bad_scenarios/nowhere.toml")).is_io());
    assert!(diagnose(Path::new("tests/bad_scenarios")).is_io());
    for path in fixtures() {
        assert!(!diagnose(&path).is_io(), "{}", path.display());
    }
}

#[test]
fn colour_changes_no_letter() {
    let diagnostics = diagnose(Path::new("tests/bad_scenarios/unknown-keys.toml"));
    let coloured = diagnostics.render(true);
    assert!(coloured.contains("\x1b["));
    let mut plain = String::new();
    let mut parts = coloured.split("\x1b[");
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    assert_eq!(plain, diagnostics.render(false));
}

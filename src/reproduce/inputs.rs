//! The report's input files, which are compiled in.

use crate::scenario::{Document, Scenario};

const FILES: [(&str, &str); 3] = [
    ("test1.dat", include_str!("../../scenarios/report/test1.dat")),
    ("test2.dat", include_str!("../../scenarios/report/test2.dat")),
    ("test3.dat", include_str!("../../scenarios/report/test3.dat")),
];

/// The scenario of one of [`TESTS`](super::TESTS), with glibc's draws.
///
/// # Panics
/// If it is not one of them.
pub fn input(test: &str) -> Scenario {
    let at = super::TESTS.iter().position(|name| *name == test);
    let [test1, test2, test3] = scenarios();
    match at.expect("one of the report's files") {
        0 => test1,
        1 => test2,
        _ => test3,
    }
}

/// The scenarios of the files, in the order of [`TESTS`](super::TESTS), with glibc's draws.
pub(super) fn scenarios() -> [Scenario; 3] {
    FILES.map(|(name, text)| {
        let mut document = Document::from_dat(name, text.as_bytes());
        document.set("random=glibc");
        let checked = document.check();
        checked.unwrap_or_else(|errors| panic!("{}", errors.render(false))).scenario
    })
}

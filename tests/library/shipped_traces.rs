//! The traces of this repository are those that traces/README.md describes.

use std::path::Path;

use balloonist::formats::read_trace;

fn number(cell: &str) -> u64 {
    cell.replace(',', "").parse().unwrap()
}

#[test]
fn the_readme_of_the_traces_has_their_numbers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    // | file | what | accesses | distinct pages | … |
    let rows = readme.lines().filter(|line| line.contains(".balloonist | "));
    let mut bytes = 0;
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let file = folder.join(cells[1]);
        let trace = read_trace(&file, "auto").unwrap();
        let numbers = (trace.accesses(), trace.distinct_pages() as u64);
        assert_eq!(numbers, (number(cells[3]), number(cells[4])), "{row}");
        bytes += file.metadata().unwrap().len();
        count += 1;
    }
    assert_eq!(count, 12);
    assert!(bytes < 10_000_000, "{bytes}");
}

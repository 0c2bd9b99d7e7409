//! Tables and presets: each fixture compared with counts by a script over the same rows, and the
//! options of tables.

use std::path::{Path, PathBuf};

use balloonist::formats::{self, Loaded, ReadOptions, load, load_from, load_parts};
use balloonist::formats::{ReadError, ReadErrorKind};
use balloonist::trace::{AccessKind, Trace};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name)
}

fn with(change: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut options = ReadOptions::default();
    change(&mut options);
    options
}

fn named(format: &str) -> ReadOptions {
    with(|options| format.clone_into(&mut options.format))
}

fn loaded(name: &str, options: &ReadOptions) -> Loaded {
    load(&fixture(name), options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(text: &str, options: &ReadOptions) -> Result<Trace, ReadError> {
    load_from(text.as_bytes(), "x.csv", None, options).map(|loaded| loaded.trace)
}

fn pages(trace: &Trace) -> Vec<u64> {
    (0..trace.accesses()).map(|at| trace.numbers()[trace.page(at) as usize].0).collect()
}

fn kinds(trace: &Trace) -> String {
    (0..trace.accesses()).filter_map(|at| trace.kind(at)).map(AccessKind::letter).collect()
}

#[test]
fn presets_are_recognised_and_give_what_a_script_counted() {
    type Row = (&'static str, ReadOptions, &'static str, (u64, usize), Option<[u64; 4]>);
    let auto = ReadOptions::default;
    let table: Vec<Row> = vec![
        ("addresses-as-pages.txt", auto(), "addresses", (600, 10), None),
        ("os-course-hex.trace", auto(), "os-course", (400, 31), Some([0, 291, 109, 0])),
        ("msr.csv", auto(), "msr", (174, 174), Some([0, 24, 150, 0])),
        ("msr-heading.csv", auto(), "msr", (174, 174), Some([0, 24, 150, 0])),
        ("volumes.spc", auto(), "spc", (6, 6), Some([0, 3, 3, 0])),
        ("space-separated.blkparse", auto(), "fiu-blkparse", (4, 3), Some([0, 3, 1, 0])),
        ("requests.blkparse.txt", auto(), "blkparse", (5, 5), Some([0, 2, 3, 0])),
        ("alibaba.csv", auto(), "alibaba", (6, 4), Some([0, 3, 3, 0])),
        ("tencent.csv", auto(), "tencent", (5, 3), Some([0, 4, 1, 0])),
        ("systor.csv", auto(), "systor", (4, 3), Some([0, 3, 1, 0])),
        (
            "cloudphysics.csv",
            named("cloudphysics-csv"),
            "cloudphysics-csv",
            (4, 2),
            Some([0, 3, 1, 0]),
        ),
        ("twitter.csv", auto(), "twitter", (4, 3), Some([0, 2, 2, 0])),
        ("ibm.txt", auto(), "ibm-objects", (4, 2), Some([0, 2, 2, 0])),
        ("gem5-packets.txt", auto(), "gem5-packets", (4, 2), Some([0, 2, 2, 0])),
        ("gem5-ids.txt", auto(), "gem5-packets", (2, 2), Some([0, 1, 1, 0])),
        ("ramulator-cpu.trace", named("ramulator"), "ramulator", (4, 3), Some([0, 3, 1, 0])),
        ("ramulator-memory.trace", named("ramulator"), "ramulator", (3, 2), Some([0, 2, 1, 0])),
        ("ramulator-memory.trace", auto(), "addresses", (3, 2), Some([0, 2, 1, 0])),
        ("dramsim.trc", auto(), "dramsim", (4, 3), Some([2, 1, 1, 0])),
        ("vscsi1.vscsi", auto(), "cloudphysics-vscsi", (18, 17), Some([0, 16, 2, 0])),
        ("vscsi2.vscsi", auto(), "cloudphysics-vscsi", (20, 19), Some([0, 16, 4, 0])),
        ("cloudsuite.trace", auto(), "cloudsuite", (300, 13), Some([100, 100, 100, 0])),
        ("block-size-ignored.csv", auto(), "csv", (21, 19), None),
        ("string-keys.csv", auto(), "csv", (3, 2), None),
    ];
    for (name, options, format, expected, kinds) in table {
        let loaded = loaded(name, &options);
        assert_eq!(loaded.format.name, format, "{name}");
        let counts = (loaded.trace.accesses(), loaded.trace.distinct_pages());
        assert_eq!((name, counts), (name, expected));
        assert_eq!(loaded.trace.kind_counts(), kinds, "{name}");
        assert!(loaded.notes.iter().all(|note| !note.ends_with('.')), "{name}: {:?}", loaded.notes);
    }
    assert_eq!(loaded("msr.csv", &auto()).trace, loaded("msr-heading.csv", &auto()).trace,);
}

#[test]
fn a_readers_assumptions_are_reported() {
    for (name, expected) in [
        ("msr.csv", "sizes in units of 1 byte in column 6, a page being one of (host, disk)"),
        (
            "block-size-ignored.csv",
            "addresses in units of 512 bytes in column `lbn`, sizes in column `size`",
        ),
        ("string-keys.csv", "read as names, each a page whatever its size, in column `key`"),
        ("addresses-as-pages.txt", "read as hexadecimal addresses in units of 1 byte"),
        ("pointers.u64", "say `--unit 1`"),
        ("gem5-packets.txt", "1 of 3 rows have an unknown operation such as `u`"),
        ("plain.txt", "read as page numbers, because no unit is said; `--unit 1`"),
        ("requests.blkparse.txt", "requests with the action Q in sectors of 512 bytes"),
        ("requests.blkparse.txt", "2 discards and requests without sectors are left out"),
    ] {
        let loaded = loaded(name, &ReadOptions::default());
        assert!(loaded.notes.iter().any(|note| note.contains(expected)), "{:?}", loaded.notes);
    }
}

#[test]
fn eight_digit_numbers_are_ambiguous() {
    let decimal = "31348900 W\n31348901 R\n";
    for name in ["a.txt", "a.trace", ""] {
        let read = load_from(decimal.as_bytes(), name, None, &ReadOptions::default());
        let message = read.unwrap_err().message;
        assert!(message.contains("(text)") && message.contains("(os-course)"), "{message}");
    }
    assert_eq!(pages(&text(decimal, &named("os-course")).unwrap()), [0x31348, 0x31348]);
    assert_eq!(pages(&text(decimal, &named("text")).unwrap()), [31_348_900, 31_348_901]);
}

#[test]
fn a_list_on_one_line_is_a_trace_of_as_many_pages() {
    let trace = loaded("oneline.txt", &ReadOptions::default()).trace;
    assert_eq!(pages(&trace), [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]);
}

#[test]
fn fields_in_quotes_are_as_in_rfc_4180() {
    let keys = |text_: &str| {
        let options = with(|options| {
            options.format = "csv".to_owned();
            options.field = Some("key".to_owned());
        });
        text(text_, &options).map(|trace| pages(&trace))
    };
    assert_eq!(keys("key,size\n\"a,b\",1\na,1\n\"a,b\",2\n").unwrap(), [0, 1, 0]);
    assert_eq!(keys("key,size\n\"say \"\"x\"\"\",1\nsay x,1\n").unwrap(), [0, 1]);
    assert_eq!(keys("key,size\n\"two\nlines\",1\nx,1\n\"two\nlines\",1\n").unwrap(), [0, 1, 0]);
    assert_eq!(keys("key,size\n\"plain\",1\nplain,1\n").unwrap(), [0, 0]);
    assert_eq!(keys("key,size\n5\" disk,1\n6\" disk,1\n5\" disk,1\n").unwrap(), [0, 1, 0]);
    assert_eq!(keys("key,size\n\"open,1\n").unwrap_err().kind, ReadErrorKind::Damaged);
}

#[test]
fn any_layout_can_be_read() {
    let csv = |change: fn(&mut ReadOptions)| {
        with(|options| {
            options.format = "csv".to_owned();
            options.field = Some("2".to_owned());
            change(options);
        })
    };
    let read = |content: &str, change: fn(&mut ReadOptions)| {
        let trace = text(content, &csv(change)).unwrap_or_else(|e| panic!("{content}: {e}"));
        (pages(&trace), kinds(&trace))
    };
    let none = String::new;
    assert_eq!(read("a|5\nb|6\n", |o| o.separator = Some("|".to_owned())), (vec![5, 6], none()));
    assert_eq!(read("a  5\nb\t 6\n", |_| ()), (vec![5, 6], none()));
    assert_eq!(read("a;5\nb;6\n", |_| ()), (vec![5, 6], none()));
    assert_eq!(
        read("a,1000\nb,1fff\n", |o| {
            o.base = Some("16".to_owned());
            o.unit = Some(1);
        }),
        (vec![1, 1], none())
    );
    assert_eq!(read("a,7\nb,07\nc,x\n", |o| o.base = Some("text".to_owned())).0, [0, 1, 2]);
    assert_eq!(
        read("3,8,2\n3,16,1\n", |o| {
            o.unit = Some(512);
            o.size_field = Some("3".to_owned());
            o.size_unit = Some(4096);
        }),
        (vec![1, 2, 2], none())
    );
    assert_eq!(
        read("PUT,5\nGET,6\nX,7\n", |o| {
            o.op_field = Some("1".to_owned());
            o.writes = Some("put,post".to_owned());
            o.reads = Some("get".to_owned());
        }),
        (vec![5, 6, 7], "SLL".to_owned())
    );
    assert_eq!(read("% no\n5,6\n", |o| o.comment = Some("%".to_owned())), (vec![6], none()));
    assert_eq!(read("1,2\n3,4\n", |o| o.header = Some("yes".to_owned())), (vec![4], none()));
    let (numbers, _) = read("a,7\nb,7\na,7\n", |o| o.key = Some("1".to_owned()));
    assert_eq!((numbers[0], numbers[1] == 7, numbers[2]), (7, false, 7));
    let (numbers, _) = read("1,5,6\n1,7\n", |o| o.field = Some("2,3".to_owned()));
    assert_eq!(numbers, [5, 6, 7]);
    let no_words = text("z,5\n", &csv(|o| o.op_field = Some("1".to_owned()))).unwrap_err();
    assert!(no_words.message.contains("has no word for reads or writes"), "{no_words}");
    let bad = text("z,5\n", &csv(|o| o.separator = Some("||".to_owned()))).unwrap_err();
    assert!(bad.message.contains("expected comma, semicolon, tab, blanks"), "{bad}");
}

#[test]
fn several_fields_of_a_record_are_as_many_accesses() {
    let options = with(|options| {
        options.format = "struct".to_owned();
        options.layout = Some("<3H".to_owned());
        options.field = Some("1,3".to_owned());
    });
    let read = load_from(&b"\x07\0\x01\0\0\0\x08\0\x01\0\x09\0"[..], "", None, &options).unwrap();
    assert_eq!(pages(&read.trace), [7, 8, 9]);
}

#[test]
fn page_identities_are_exact_pairs() {
    // Page 2^48 of the first volume is not page 0 of the second.
    let rows = "0,281474976710656\n1,0\n0,0\n1,281474976710656\n0,281474976710656\n";
    let options = with(|options| {
        options.format = "csv".to_owned();
        options.field = Some("2".to_owned());
        options.key = Some("1".to_owned());
    });
    let trace = text(rows, &options).unwrap();
    assert_eq!((trace.accesses(), trace.distinct_pages()), (5, 4));
    // (1, 11) and (11, 1) are two.
    let two = with(|options| {
        options.format = "csv".to_owned();
        options.field = Some("3".to_owned());
        options.key = Some("1,2".to_owned());
    });
    assert_eq!(text("1,11,5\n11,1,5\n1,11,5\n", &two).unwrap().distinct_pages(), 2);
}

#[test]
fn one_file_is_as_many_vms_as_a_column_has_values() {
    let by_asu = with(|options| options.split = Some("asu".to_owned()));
    let parts = load_parts(&fixture("volumes.spc"), &by_asu).unwrap();
    let found: Vec<(&str, Vec<u64>)> =
        parts.iter().map(|part| (part.value.as_str(), pages(&part.loaded.trace))).collect();
    assert_eq!(found, [("0", vec![0, 2, 3]), ("19", vec![0]), ("20", vec![0]), ("22", vec![0])]);
    for part in &parts {
        let one = with(|options| {
            options.split = Some("asu".to_owned());
            options.part = Some(part.value.clone());
        });
        assert_eq!(loaded("volumes.spc", &one).trace, part.loaded.trace);
    }
    // Interleaved values, and a key beside the column: (host, disk) by host.
    let rows = "1,a,1\n2,b,1\n1,b,1\n2,b,2\n1,a,1\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rows).unwrap();
    let options = with(|options| {
        options.format = "csv".to_owned();
        options.field = Some("3".to_owned());
        options.key = Some("2,1".to_owned());
        options.split = Some("1".to_owned());
    });
    let parts = load_parts(file.path(), &options).unwrap();
    let counts: Vec<(u64, usize)> = parts
        .iter()
        .map(|part| (part.loaded.trace.accesses(), part.loaded.trace.distinct_pages()))
        .collect();
    assert_eq!(counts, [(3, 2), (2, 2)]);
    let error = load(&fixture("volumes.spc"), &by_asu).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::NoEffect("split"));
}

#[test]
fn formats_are_listed_once_and_with_their_source() {
    for (at, format) in formats::ALL.iter().enumerate() {
        assert!(
            formats::ALL[..at].iter().all(|other| other.name != format.name),
            "{}",
            format.name
        );
        assert!(!format.summary.ends_with('.') && !format.source.is_empty(), "{}", format.name);
    }
    let hint = load_from(&b"1\n2\n"[..], "x.lirs", None, &ReadOptions::default()).unwrap();
    assert_eq!(hint.format.name, "text");
}

#[test]
fn a_block_request_counts_once_whatever_actions_are_recorded() {
    let line =
        |action: &str, sector: u64| format!("8,0 1 1 0.5 697 {action} R {sector} + 8 [dd]\n");
    let read = |content: &str| {
        let read = load_from(content.as_bytes(), "", None, &ReadOptions::default());
        read.map(|loaded| (loaded.format.name, pages(&loaded.trace)))
    };
    let all = [line("Q", 8), line("D", 8), line("C", 8)].concat();
    assert_eq!(read(&all).unwrap(), ("blkparse", vec![1]));
    let completed = [line("C", 8), line("C", 16)].concat();
    assert_eq!(read(&completed).unwrap(), ("blkparse", vec![1, 2]));
    let error = read(&line("G", 8)).unwrap_err();
    assert!(error.message.contains("`blktrace -a queue`"), "{error}");
}

#[test]
fn sizes_in_sectors_are_known_by_their_headings() {
    for heading in ["sectors", "nsectors", "SIZE_SECTORS"] {
        let table = format!("lba,{heading},op\n8,16,R\n16,8,W\n");
        let auto = ReadOptions::default();
        let loaded = load_from(table.as_bytes(), "x.csv", None, &auto).unwrap();
        assert_eq!(pages(&loaded.trace), [1, 2, 2], "{heading}");
        let said = format!("sizes in units of 512 bytes in column `{heading}`");
        assert!(loaded.notes[0].contains(&said), "{:?}", loaded.notes);
        let bytes = with(|options| options.size_unit = Some(1));
        assert_eq!(pages(&text(&table, &bytes).unwrap()), [1, 2]);
    }
    let unknown = b"lba,nblocks,op\n8,16,R\n16,8,W\n";
    let loaded = load_from(&unknown[..], "x.csv", None, &ReadOptions::default()).unwrap();
    assert!(loaded.notes[0].contains("the column `nblocks` not used"), "{:?}", loaded.notes);
}

#[test]
fn a_broken_number_is_neither_a_heading_nor_a_name() {
    for (table, name, place) in [
        ("0,-5,4096,R,0.1\n0,8,4096,R,0.2\n", "x.spc", "1:3: found `-5`"),
        ("lba,size\n-5,4096\n8,4096\n", "x.csv", "2:1: found `-5`"),
        ("page\n-5\n8\n9\n", "x.csv", "2:1: found `-5`"),
        ("page\n5\n8\nNA\n9\n", "x.csv", "4:1: found `NA`"),
        ("page\n5\n-1\n", "x.csv", "3:1: found `-1`"),
    ] {
        let named = with(|options| options.field = Some("page".to_owned()));
        let options = if table.starts_with("page") { named } else { ReadOptions::default() };
        let error = load_from(table.as_bytes(), name, None, &options).unwrap_err();
        assert!(error.message.starts_with(place), "{error}");
    }
    let first = with(|options| {
        options.format = "csv".to_owned();
        options.field = Some("1".to_owned());
    });
    let error = text("-5\n8\n9\n", &first).unwrap_err();
    assert!(error.message.starts_with("1:1: found `-5`"), "{error}");
}

/// A table read without its preset says which columns would change the count.
#[test]
fn volumes_and_sizes_that_are_left_out_are_named() {
    let csv = |field: &str, change: fn(&mut ReadOptions)| {
        with(|options| {
            options.format = "csv".to_owned();
            options.field = Some(field.to_owned());
            options.unit = Some(512);
            change(options);
        })
    };
    let notes = |name: &str, options: &ReadOptions| loaded(name, options).notes.join("\n");
    let alone = notes("volumes.spc", &csv("2", |_| ()));
    assert!(alone.contains("equal addresses of different (asu) count as one page"), "{alone}");
    assert!(alone.contains("`--key 1` keeps them apart, `--key none` if they are one"), "{alone}");
    assert!(alone.contains("`--unit 512`, `--size-field 3` and `--size-unit 1` use them"));
    let said = csv("2", |options| {
        options.key = Some("1".to_owned());
        options.size_field = Some("none".to_owned());
    });
    let said = notes("volumes.spc", &said);
    assert!(!said.contains("count as one page") && !said.contains("not used"), "{said}");
    let remedied = csv("2", |options| {
        options.key = Some("1".to_owned());
        options.size_field = Some("3".to_owned());
    });
    let remedied = loaded("volumes.spc", &remedied).trace;
    let preset = loaded("volumes.spc", &ReadOptions::default()).trace;
    assert_eq!(pages(&remedied), pages(&preset));
    for (name, field, keys) in [("msr.csv", "5", "2,3"), ("space-separated.blkparse", "4", "7,8")] {
        let notes = notes(name, &csv(field, |_| ()));
        assert!(notes.contains(&format!("`--key {keys}` keeps them apart")), "{name}: {notes}");
    }
    // Another column than the preset's address is the user's own business.
    assert!(!notes("volumes.spc", &csv("3", |_| ())).contains("count as one page"));
}

#[test]
fn pages_of_several_processes_in_a_table_are_not_one() {
    let loaded = load_from(&b"pid,page\n1,5\n2,5\n1,5\n"[..], "x.csv", None, &named("auto"));
    let loaded = loaded.unwrap();
    assert_eq!((loaded.trace.accesses(), loaded.trace.distinct_pages()), (3, 2));
    assert!(loaded.notes[0].contains("a page being one of (`pid`)"), "{:?}", loaded.notes);
    for owner in ["vm", "tenant_id", "process", "inode"] {
        let table = format!("{owner},page\na,5\nb,5\n");
        assert_eq!(text(&table, &named("auto")).unwrap().distinct_pages(), 2, "{owner}");
    }
    let joined = with(|options| options.key = Some("none".to_owned()));
    assert_eq!(pages(&text("pid,page\n1,5\n2,5\n1,5\n", &joined).unwrap()), [5, 5, 5]);
}

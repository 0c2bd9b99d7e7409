//! Real files of recorders, compared with counts by a script over the same lines.

use std::path::{Path, PathBuf};

use balloonist::formats::{Loaded, ReadOptions, load, load_from};
use balloonist::formats::{ReadError, ReadErrorKind};
use balloonist::trace::Trace;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name)
}

fn read(name: &str, options: &ReadOptions) -> Result<Loaded, ReadError> {
    load(&fixture(name), options)
}

fn loaded(name: &str) -> Loaded {
    read(name, &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(text: &str) -> Result<Loaded, ReadError> {
    load_from(text.as_bytes(), "", None, &ReadOptions::default())
}

/// Accesses and distinct pages.
fn counts(trace: &Trace) -> (u64, usize) {
    (trace.accesses(), trace.distinct_pages())
}

#[test]
fn outputs_of_recorders_are_recognised_and_give_what_a_script_counted() {
    type Row = (&'static str, &'static str, (u64, usize), Option<[u64; 4]>);
    let table: &[Row] = &[
        ("superblocks.lackey.txt", "lackey", (23, 3), Some([16, 0, 7, 0])),
        ("prefetch.drmemtrace.txt", "drmemtrace", (6, 4), Some([3, 1, 2, 0])),
        ("damo-report-raw.txt", "damon", (2000, 2000), None),
        ("damon.data", "damon", (2000, 2000), None),
        ("page-fault-user.ftrace.txt", "perf-script", (23, 23), Some([2, 0, 21, 0])),
        ("page-fault-user.perf.txt", "perf-script", (30, 28), Some([4, 11, 15, 0])),
        ("kvm-page-fault.ftrace.txt", "perf-script", (3, 2), Some([0, 2, 1, 0])),
        ("perf-trace-F.txt", "perf-script", (10, 10), None),
        ("perf-with-addr.txt", "perf-script", (40, 37), None),
        ("six-programs.perf.txt", "perf-script", (4, 3), None),
        ("bcc.trace.txt", "perf-script", (2, 2), Some([1, 0, 1, 0])),
        ("user.execlog", "execlog", (6, 3), Some([3, 1, 2, 0])),
        ("machine.execlog", "execlog", (3, 2), Some([0, 2, 1, 0])),
    ];
    for (name, format, expected, kinds) in table {
        let loaded = loaded(name);
        assert_eq!(loaded.format.name, *format, "{name}");
        let (accesses, pages) = counts(&loaded.trace);
        let pages = if *format == "damon" { expected.1 } else { pages };
        assert_eq!((accesses, pages), *expected, "{name}");
        assert_eq!(loaded.trace.kind_counts(), *kinds, "{name}");
    }
}

#[test]
fn damo_writes_the_same_snapshots_in_either_form() {
    assert_eq!(loaded("damon.data").trace, loaded("damo-report-raw.txt").trace);
    assert_eq!(loaded("damon.data").compression.name(), "zlib");
    let old = std::fs::read_to_string(fixture("damon.txt")).unwrap();
    let of_trace_cmd = format!("cpus=8\n{}", old.replace("damon:damon_", "damon_"));
    assert_eq!(text(&of_trace_cmd).unwrap().trace, loaded("damon.txt").trace);
}

#[test]
fn words_that_look_like_zlib_are_words() {
    let words: Vec<u8> = [0x9c78_u32, 5, 0x9c78].into_iter().flat_map(u32::to_le_bytes).collect();
    let read = load_from(&words[..], "x.u32", None, &ReadOptions::default()).unwrap();
    assert_eq!((read.compression.name(), counts(&read.trace)), ("none", (3, 2)));
}

#[test]
fn instruction_addresses_are_not_data_addresses() {
    for name in ["perf-default-fields.txt", "cycles_no_addr.perf.txt"] {
        let error = read(name, &ReadOptions::default()).unwrap_err();
        assert!(error.message.contains("perf script -F comm,pid,tid,time,event,addr"), "{error}");
        assert!(error.message.contains("`perf record -d`"), "{error}");
    }
    for line in [
        "prog 1 1.5: page-faults:  7ff94674cb70 _start+0x0 (/usr/lib/ld.so)",
        "prog 1 1.5: page-faults:  7ff94674cb70 _start+0x0",
        "prog 1 1.5: page-faults:  7ff94674cb70 fade (/usr/lib/ld.so)",
        "prog 1 1.5: page-faults:  ffffffff821e8700",
        "prog 1 1.5: cpu/mem-loads/P:    43 55d010e10548",
        "prog 1 1.5: page-faults:",
    ] {
        let error = text(&format!("{line}\n")).unwrap_err();
        assert!(error.message.contains("`perf record -d`"), "{line}: {error}");
    }
    // With the data's address before the instruction's, symbols and files change nothing.
    for line in [
        "prog 1 1.5: page-faults:  55d010e10548 [unknown] (/bin/sort)  7ff94 _start+0x0 (/ld.so)",
        "prog 1 1.5: page-faults:  55d010e10548 7ff94674cb70 _start+0x0 (/usr/lib/ld.so)",
        "prog 1 [003] 1.5: 1 page-faults:  55d010e10548 ffffffff8175336a",
        "prog 1/2 cpu/mem-loads/P:  55d010e10548 5080021 |OP LOAD|LVL L1 hit| 43 7ff94674cb70",
        "prog 1 1.5: page-faults:  55d010e10548",
    ] {
        let trace = text(&format!("{line}\n")).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(trace.trace.numbers()[0].0, 0x55d0_10e1_0548 >> 12, "{line}");
    }
}

#[test]
fn samples_without_an_address_are_counted_and_not_read() {
    let lines =
        "a 1 1.5: cycles:  0 ffffffff8175336a\na 1 1.6: cycles:  55d010e10548 7ff94674cb70\n";
    let loaded = text(lines).unwrap();
    assert_eq!(counts(&loaded.trace), (1, 1));
    assert!(loaded.notes.iter().any(|note| note.starts_with("1 samples have no address")));
    let error = text("a 1 1.5: cycles:  0 ffffffff8175336a\n").unwrap_err();
    assert!(error.message.starts_with("the addresses of all 1 samples are 0"), "{error}");
}

#[test]
fn pages_of_several_processes_are_not_one() {
    let said = loaded("six-programs.perf.txt");
    assert!(said.notes.iter().any(|note| note.contains("(process, address)")), "{:?}", said.notes);
    let joined = ReadOptions { key: Some("none".to_owned()), ..ReadOptions::default() };
    assert_eq!(counts(&read("six-programs.perf.txt", &joined).unwrap().trace), (4, 2));
    let wrong = ReadOptions { key: Some("cpu".to_owned()), ..ReadOptions::default() };
    let error = read("six-programs.perf.txt", &wrong).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::NoEffect("key"));
}

/// The name of a processor's thread, `CPU 0/KVM`, begins like a heading of ftrace.
#[test]
fn page_faults_of_a_kvm_host_are_read_from_every_printer() {
    for (printer, line) in [
        ("ftrace", "       CPU 0/KVM-4145    [002] .....    86.581928: kvm_page_fault: vcpu 0 rip"),
        ("ftrace of 5.4", "CPU 0/KVM-4145  [002] d..2  86.581928: kvm_page_fault:"),
        ("trace-cmd", "       CPU 0/KVM-4145  [002] 86.581928: kvm_page_fault:       vcpu 0 rip"),
        ("perf", "       CPU 0/KVM  4145 [002]    86.581928: kvm:kvm_page_fault: vcpu 0 rip"),
        ("perf", "qemu-system-x86  4145/4150 [002]    86.581928: kvm:kvm_page_fault:"),
    ] {
        let behind = "0x7f08a4602116 address 0x0000000113600002 error_code 0x182";
        let behind = if line.ends_with("rip") { behind } else { &behind[15..] };
        let read = text(&format!("{line} {behind}\n")).unwrap_or_else(|e| panic!("{printer}: {e}"));
        assert_eq!(read.format.name, "perf-script", "{printer}");
        assert_eq!(read.trace.numbers()[0].0, 0x11_3600, "{printer}");
        assert_eq!(read.trace.kind_counts(), Some([0, 0, 1, 0]), "{printer}");
        assert!(read.notes.iter().any(|note| note.contains("guest-physical")), "{printer}");
    }
}

#[test]
fn older_damo_prints_regions_with_a_colon() {
    let raw = "base_time_absolute: 8 m 59.809 s\n\nmonitoring_start:                0 ns\n\
               monitoring_end:            104.599 ms\nmonitoring_duration:       104.599 ms\n\
               target_id: 18446623438842320000\nnr_regions: 2\n\
               563ebaa00000-563ebaa02000(   8.000 KiB):\t1\n\
               7f938d7e1000-7f938ddfc000(   6.105 MiB):\t0\n";
    let loaded = text(raw).unwrap();
    assert_eq!((loaded.format.name, counts(&loaded.trace)), ("damon", (1000, 2)));
}

#[test]
fn sizes_behind_the_addresses_of_pinatrace_count() {
    let loaded = text("0x7f001000: R 0x7ffffc  8 0x11\n0x7f001004: W 0x800ff8 8 0x22\n#eof\n");
    let loaded = loaded.unwrap();
    assert_eq!((loaded.format.name, counts(&loaded.trace)), ("pinatrace", (3, 2)));
    // Here the number before the colon is the address, and a size follows.
    let error = text("0x7fff1000: R 8\n0x7fff2000: W 8\n").unwrap_err();
    assert!(error.message.contains("format not recognised"), "{error}");
}

#[test]
fn archives_and_recordings_are_refused_by_name() {
    let mut tar = vec![0; 512];
    tar[..9].copy_from_slice(b"trace.txt");
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, name, expected) in [
        (&tar[..], "x.tar", "a tar archive, whose first file is `trace.txt`; unpack it"),
        (b"PERFILE2\0\0\0", "perf.data", "a recording of perf; print it: `perf script"),
        (b"\x17\x08\x44tracing6\0", "trace.dat", "trace-cmd report"),
        (b"gem5\x10\x0a\x04", "x", "decode_packet_trace.py"),
        (b"BZh91AY&SY", "x.bz2", "bunzip2"),
    ] {
        let error = load_from(bytes, name, None, &ReadOptions::default()).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
    }
}

#[test]
fn a_refusal_names_the_assumption_and_the_alternatives() {
    let error = load_from(&b"1\n2\nx,y\n"[..], "a.txt", None, &ReadOptions::default());
    let message = error.unwrap_err().message;
    assert!(message.contains("read as text, because its name has the extension .txt"), "{message}");
    let others = message.rsplit("it may be ").next().unwrap();
    assert_eq!(others.split(", ").count(), 3, "{message}");
    assert!(!others.contains("text"), "{message}");
}

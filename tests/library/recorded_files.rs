//! The times in files, by format, and the options that cannot be combined with them.

use balloonist::formats::compact::write_compact;
use balloonist::formats::{ReadError, ReadOptions, load_from};
use balloonist::scenario::Document;
use balloonist::simulate::simulate;
use balloonist::trace::Trace;
use balloonist::watch::NullWatcher;

fn read(name: &str, bytes: &[u8], options: &[(&str, &str)]) -> Result<Trace, ReadError> {
    let mut read = ReadOptions { time: Some("recorded".to_owned()), ..ReadOptions::default() };
    for (option, value) in options {
        if *option == "format" {
            (*value).clone_into(&mut read.format);
        }
        for (name, word) in read.words_mut() {
            if name == *option {
                *word = Some((*value).to_owned());
            }
        }
    }
    load_from(bytes, name, None, &read).map(|loaded| loaded.trace)
}

fn elapsed(trace: &Trace) -> Vec<u64> {
    let times = trace.times().expect("the trace has times");
    (0..trace.accesses()).map(|at| times.elapsed(at)).collect()
}

/// Name, content, options, and the expected times of the accesses in nanoseconds since the first
/// record.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [u64]);

const CASES: &[Case] = &[
    (
        "msr.csv",
        "128166372003061629,usr,0,Read,4096,4096,41286\n\
         128166372013061630,usr,0,Write,0,8192,1963\n",
        &[],
        &[0, 1_000_000_100, 1_000_000_100],
    ),
    (
        "financial.spc",
        "0,20941264,8192,W,0.551706\n0,20939840,4096,W,0.554041\n",
        &[],
        &[0, 0, 2_335_000],
    ),
    ("ali.csv", "419,W,0,4096,1577808000000025\n3,R,4096,4096,1577808000000030\n", &[], &[0, 5000]),
    ("tencent.csv", "1538323200,0,8,0,1283\n1538323203,8,8,1,1283\n", &[], &[0, 3_000_000_000]),
    (
        "hits.csv",
        "time_ms,page\n12,5\n12.5,6\n11,7\n",
        &[],
        // The last one is before the one above it.
        &[0, 500_000, 500_000],
    ),
    (
        "hits.csv",
        "when,page\n7,5\n9,6\n",
        &[("time_field", "when"), ("time_unit", "100 ns")],
        &[0, 200],
    ),
    (
        "sort.perf",
        "sort 27602  1573.023137:  page-faults:  55d010e10548 ffffffff8175336a\n\
         sort 27602  1573.023138:  page-faults:  55d010e11548 ffffffff8175336a\n",
        &[],
        &[0, 1000],
    ),
    (
        "faults.ftrace",
        "bash-12 [001] d...  55.000001: page_fault_user: address=0x7f01000 ip=0x1 error_code=0x6\n\
         bash-12 [001] d...  55.100001: page_fault_user: address=0x7f02000 ip=0x1 error_code=0x4\n",
        &[],
        &[0, 100_000_000],
    ),
    (
        "systor.csv",
        "Timestamp,Response,IOType,LUN,Offset,Size\n\
         1456786831.070311000,0.000154,R,0,4096,8192\n\
         1456786831.070412000,,W,1,4096,512\n",
        &[],
        &[0, 0, 101_000],
    ),
    (
        "fiu.blkparse",
        "329131958529 4892 syslogd 904265560 8 W 6 0 d41d8cd9\n\
         329132000000 2559 kjournald 904265568 16 R 6 0 aaaa0000\n",
        &[],
        &[0, 41_471, 41_471],
    ),
    (
        "requests.blkparse",
        "8,0 1 1 1.000000000 7 Q R 8 + 16 [dd]\n\
         8,0 1 2 1.000000600 7 D R 8 + 16 [dd]\n\
         8,0 1 3 1.000000900 7 Q W 8 + 8 [dd]\n",
        &[],
        &[0, 0, 900],
    ),
    (
        "twitter.csv",
        "0,yDq:1A,27,0,5,get,0\n1,q:8WTf,17,213,4,set,86400\n",
        &[],
        &[0, 1_000_000_000],
    ),
    (
        "ibm.txt",
        "1219008 REST.PUT.OBJECT 8d4fcda3d675bac9 1056\n\
         1221974 REST.HEAD.OBJECT 39d177fb735ac5df 528\n",
        &[],
        &[0, 2_966_000_000],
    ),
    (
        "cloudphysics.csv",
        "version,time,op,size,lbn\n1,5633898611441,28,8192,8\n1,5633898745783,2a,512,17\n",
        &[("format", "cloudphysics-csv")],
        &[0, 0, 134_342_000],
    ),
    (
        "live.perf",
        "     0.000 ( 0.000 ms): true/27819 minfault [rep_stos+0x40] => 0x55bd8d7d81e0 (?k)\n\
         10.429 ( 0.000 ms): true/27819 minfault [_start+0x0] => ld-linux.so.2@0x1ab70 (d.)\n",
        &[],
        &[0, 10_429_000],
    ),
    (
        "view.drmemtrace",
        "1 1: W0.T7 <marker: timestamp 13346223300000000>\n\
         2 1: W0.T7 ifetch 3 byte(s) @ 0x00007fc205a61940 48 89 e7\n\
         3 1: W0.T7 <marker: timestamp 13346223300000009>\n\
         4 1: W0.T7 read 8 byte(s) @ 0x00007fc205a62940 by PC 0x00007fc205a61940\n",
        &[],
        &[0, 9000],
    ),
];

#[test]
fn formats_give_accesses_the_times_of_their_records() {
    for &(name, content, options, expected) in CASES {
        let trace =
            read(name, content.as_bytes(), options).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(elapsed(&trace), expected, "{name}");
        // The compact form keeps them; a replay in steps ignores them.
        let mut compact = Vec::new();
        write_compact(&trace, &mut compact).unwrap();
        assert_eq!(read("x.balloonist", &compact, &[]).unwrap(), trace, "{name}");
        let steps = read("x.balloonist", &compact, &[("time", "steps")]).unwrap();
        assert_eq!((steps.times(), steps.run_pages()), (None, trace.run_pages()), "{name}");
    }
}

/// The accesses generated for a snapshot are made at its end.
#[test]
fn snapshots_of_damon_have_the_times_of_their_ends() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for name in ["damon.data", "damo-report-raw.txt"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let expected = [vec![0; 1000], vec![100_000_000; 1000]].concat();
        assert_eq!(elapsed(&read(name, &bytes, &[]).unwrap()), expected, "{name}");
    }
}

#[test]
fn binary_records_have_times_too() {
    let mut oracle = Vec::new();
    for (time, object) in [(5_u32, 9_u64), (7, 8), (7, 9)] {
        oracle.extend(time.to_le_bytes());
        oracle.extend(object.to_le_bytes());
        oracle.extend(1_u32.to_le_bytes());
        oracle.extend((-1_i64).to_le_bytes());
    }
    let trace = read("x.oracleGeneral", &oracle, &[("format", "oracle-general")]).unwrap();
    assert_eq!(elapsed(&trace), [0, 2_000_000_000, 2_000_000_000]);
    let packed = [("format", "struct"), ("layout", "<IQIq"), ("field", "2")];
    let mut with_time = packed.to_vec();
    with_time.extend([("time_field", "1"), ("time_unit", "us")]);
    assert_eq!(elapsed(&read("x.bin", &oracle, &with_time).unwrap()), [0, 2000, 2000]);
    let error = read("x.bin", &oracle, &packed).unwrap_err();
    assert!(error.message.contains("time_field and time_unit"), "{error}");
    let mut vscsi = Vec::new();
    for (block, time) in [(8_u64, 1_000_u64), (16, 1_007)] {
        vscsi.extend([0; 4]);
        vscsi.extend(4096_u32.to_le_bytes());
        vscsi.extend([0; 4]);
        vscsi.extend([0x28, 0, 0, 1]);
        vscsi.extend(block.to_le_bytes());
        vscsi.extend(time.to_le_bytes());
    }
    let trace = read("x.vscsi", &vscsi, &[("format", "cloudphysics-vscsi")]).unwrap();
    assert_eq!(elapsed(&trace), [0, 7000]);
}

#[test]
fn missing_times_are_refused_with_the_remedy() {
    for (name, content, options, expected) in [
        ("x.txt", "1\n2\n", &[][..], "the option time has no effect on the format text"),
        ("x.csv", "page,op\n1,r\n", &[], "name it (`--time-field`)"),
        ("x.csv", "time,page\n1,2\n", &[], "say it (`--time-unit`)"),
        ("x.csv", "time_s,page\nx,2\n", &[], "2:1: found `x,2`, expected a time"),
        ("x.csv", "time,page\n1,2\n", &[("time_unit", "m")], "the unit of time is `m`"),
        ("x.csv", "time,page\n1,2\n", &[("time", "fast")], "expected recorded or steps"),
        (
            "x.perf",
            "sort 27602 page-faults: 55d010e10548 ffffffff8175336a\n",
            &[],
            "the line has no time",
        ),
    ] {
        let error = read(name, content.as_bytes(), options).unwrap_err();
        assert!(error.message.contains(expected), "{name}: {error}");
    }
    let mut compact = Vec::new();
    write_compact(&Trace::from_pages([1, 2]), &mut compact).unwrap();
    let error = read("x.balloonist", &compact, &[]).unwrap_err();
    assert!(error.message.contains("has no times"), "{error}");
}

fn checked(folder: &std::path::Path, keys: &str) -> Document {
    std::fs::write(folder.join("a.csv"), "time_s,page\n100,1\n104,2\n119,1\n").unwrap();
    let toml = format!(
        "host.memory = 4\ncheckpoint.every = \"10 s\"\npolicy.kind = \"static\"\n[[vm]]\n\
         name = \"a\"\ntrace.file = \"a.csv\"\ntrace.time = \"recorded\"\n{keys}"
    );
    let shown = folder.join("s.toml");
    Document::from_toml(&shown.display().to_string(), toml.as_bytes())
}

#[test]
fn ten_seconds_are_ten_seconds_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    for (keys, end, checkpoints) in
        [("", 19_000_000_001, 1), ("trace.speed = 0.5", 38_000_000_001, 3)]
    {
        let checked = checked(folder.path(), keys).check();
        let scenario = checked.unwrap_or_else(|errors| panic!("{}", errors.render(false))).scenario;
        let outcome = simulate(&scenario, scenario.policy, &mut NullWatcher).unwrap();
        assert_eq!((outcome.end.0, outcome.checkpoints), (end, checkpoints), "{keys}");
    }
    // Each of the two faults delays the later accesses by a second.
    let mut document = checked(folder.path(), "");
    document.set("cost.fault=1 s");
    let scenario = document.check().unwrap().scenario;
    let outcome = simulate(&scenario, scenario.policy, &mut NullWatcher).unwrap();
    assert_eq!(outcome.end.0, 21_000_000_001);
}

#[test]
fn options_incompatible_with_recorded_time_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (keys, expected) in [
        ("period = 5", "`period` has no effect on recorded time"),
        ("trace.speed = 0", "a decimal number above 0"),
    ] {
        let errors = checked(folder.path(), keys).check().unwrap_err().render(false);
        assert!(errors.contains(expected), "{errors}");
    }
    let mut document = checked(folder.path(), "trace.speed = 2");
    document.set("vm.a.trace.time=steps");
    let errors = document.check().unwrap_err().render(false);
    assert!(errors.contains("`speed` has no effect"), "{errors}");
    let mut document = checked(folder.path(), "");
    document.set("policy.kind=global-lru");
    let errors = document.check().unwrap_err().render(false);
    assert!(errors.contains("replay it in steps"), "{errors}");
}

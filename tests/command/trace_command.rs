//! `trace` and its subcommands as users see them: input, output and exit codes.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use balloonist::formats::read_trace;
use balloonist::scenario::Document;
use balloonist::trace::Trace;

const ZIPF: &[&str] = &["trace", "generate", "zipf", "--set", "pages=50", "--set", "accesses=3000"];

fn balloonist(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(arguments).env_remove("NO_COLOR");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn output(arguments: &[&str]) -> Output {
    balloonist(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Runs a command that must succeed.
fn succeed(arguments: &[&str]) -> Output {
    let output = output(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    output
}

fn read(path: &Path) -> Trace {
    read_trace(path, "auto").unwrap()
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.txt");
    let out = out.to_str().unwrap();
    let wide = "tests/traces/wide.u64.xz";
    let plain = "tests/traces/plain.txt";
    let cases: [(i32, &[&str], &str); 16] = [
        (2, &["trace"], "Usage"),
        (2, &["trace", "info"], "<TRACE>"),
        (2, &["trace", "head", "tests/traces/plain.txt", "-n", "0"], "invalid value '0'"),
        (2, &["trace", "head", "tests/traces/plain.txt", "--page-size", "5000"], "power of two"),
        (
            2,
            &["trace", "info", plain, "--format", "json"],
            "use `--print json` for the output \
                                                            format",
        ),
        (2, &["trace", "info", plain, "--format", "lakcey"], "'lackey'"),
        (3, &["trace", "info", plain, "--format", "csv"], "no known heading"),
        (2, &["trace", "generate", "zpif", "-o", out], "'zipf'"),
        (2, &["trace", "convert", wide, "-o", "x.zst"], "written uncompressed"),
        (2, &["trace", "convert", wide, "-o", out, "--to", "u32"], "does not fit into 32 bits"),
        (3, &["trace", "generate", "zipf", "-o", out], "`accesses` is missing"),
        (3, &["trace", "info", "tests/bad_scenarios/traces/damaged.txt"], "3:3: found `three`"),
        (3, &["trace", "info", "tests/traces/three.dat"], "choose one from 0 to 2"),
        (3, &["trace", "head", "tests/traces/plain.txt", "--limit-bytes", "3"], "the limit"),
        (4, &["trace", "convert", "no/such/file", "-o", out], "no/such/file: the file does not"),
        (4, &["trace", "convert", wide, "-o", "no/such/folder/x"], "no such file or directory"),
    ];
    for (code, arguments, told) in cases {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(told), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of a failure");
}

#[test]
fn a_generated_trace_depends_on_its_seed_its_name_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |name: &str, more: &[&str]| {
        let place = folder.path().join(name);
        succeed(&[ZIPF, more, &["-o", place.to_str().unwrap()]].concat());
        fs::read(place).unwrap()
    };
    let first = generate("a.balloonist", &["--seed", "7"]);
    assert_eq!(first, generate("b.balloonist", &["--seed", "7", "--random", "glibc"]));
    assert_ne!(first, generate("c.balloonist", &["--seed", "8"]));
    assert_ne!(first, generate("d.balloonist", &["--seed", "7", "--vm", "web"]));
    assert_eq!(generate("e.txt", &[]), generate("f.txt", &["--seed", "1", "--vm", "zipf"]));
}

#[test]
fn a_generated_trace_is_what_a_scenarios_vm_draws() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("web.balloonist");
    let more = ["--seed", "5", "--vm", "web", "-o", place.to_str().unwrap()];
    succeed(&[ZIPF, &more].concat());
    let scenario = "seed = 5\nhost = { memory = 9 }\ncheckpoint = { every = 9 }\n\
                    [[vm]]\nname = 'web'\n\
                    workload = { kind = 'zipf', pages = 50, accesses = 3000 }\n";
    let scenario = Document::from_toml("a.toml", scenario.as_bytes()).check().unwrap().scenario;
    assert!(*scenario.vms[0].trace == read(&place));
}

#[test]
fn every_output_format_is_read_back_as_the_same_accesses() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let path = |name: &str| place(name).to_str().unwrap().to_owned();
    succeed(&[ZIPF, &["--set", "writes=0.3", "-o", &path("a.balloonist")]].concat());
    let original = read(&place("a.balloonist"));
    let convert = |from: &str, to: &str, more: &[&str]| {
        succeed(&[&["trace", "convert", &path(from), "-o", &path(to)], more].concat());
    };
    convert("a.balloonist", "b.txt", &[]);
    convert("b.txt", "c.balloonist", &["--format", "text"]);
    assert_eq!(read(&place("c.balloonist")).content_hash(), original.content_hash());
    for width in ["u32", "u64"] {
        let (pages, kinds) = (format!("w{width}.pages.{width}"), format!("w{width}.kinds.u8"));
        convert("a.balloonist", &pages, &[]);
        let plain = read(&place(&pages));
        assert_eq!((plain.has_kinds(), plain.accesses()), (false, 3000));
        convert("a.balloonist", &kinds, &["--to", "kinds"]);
        assert!(read(&place(&pages)) == original, "{width} with its kinds");
    }
    // The old file stays until the new one is complete.
    let refused = output(&[
        "trace",
        "convert",
        &path("a.balloonist"),
        "-o",
        &path("b.txt"),
        "--force",
        "--limit-accesses",
        "10",
        "--format",
        "text",
    ]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(read(&place("b.txt")) == original);
}

#[test]
fn a_trace_is_piped_through() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("a.txt");
    fs::write(&place, succeed(&[ZIPF, &["-o", "-"]].concat()).stdout).unwrap();
    let convert = ["trace", "convert", "-", "-o", "-", "--to", "balloonist"];
    let file = fs::File::open(&place).unwrap();
    let piped = balloonist(&convert).stdin(file).output().unwrap();
    assert_eq!(piped.status.code(), Some(0));
    assert!(text(&piped.stderr).starts_with("reading standard input as text (--trace-format"));
    let compact = folder.path().join("a.balloonist");
    fs::write(&compact, piped.stdout).unwrap();
    assert!(read(&compact) == read(&place));
}

#[test]
fn options_reach_the_reader() {
    let head = |arguments: &[&str]| {
        text(&succeed(&[&["trace", "head"], arguments].concat()).stdout).to_owned()
    };
    assert_eq!(head(&["tests/traces/three.dat", "--vm", "1", "-n", "2"]).lines().count(), 2);
    let csv = "tests/good_scenarios/traces/table.csv";
    let options = ["--column", "lba", "--op-field", "3", "--unit", "512", "--page-size", "8 KiB"];
    assert_eq!(head(&[&[csv], &options[..]].concat()), "1 L\n4 S\n4 L\n");
    let oracle = "tests/traces/three.oracleGeneral";
    let layout = ["--format", "struct", "--struct", "<IQIq", "--field", "2"];
    assert_eq!(head(&[&[oracle], &layout[..]].concat()), head(&[oracle]));
}

#[test]
fn options_reach_whatever_reads_bare_traces() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("addresses.csv");
    // Pages of 8 KiB: 1, 2, 1.
    fs::write(&place, "when,where,how\n1,8192,r\n2,16384,w\n3,8200,r\n").unwrap();
    let csv = place.to_str().unwrap();
    let options = ["--field", "where", "--op-field", "how", "--unit", "1", "--page-size", "8 KiB"];
    let frames = ["--frames", "2", "--every", "2"];
    let with = |command: &[&str], more: &[&str]| {
        text(&succeed(&[command, &[csv], more, &options].concat()).stdout).to_owned()
    };
    let curve = with(&["mrc", "--format", "csv", "--points", "1,2"], &[]);
    assert!(curve.contains("addresses.csv") && curve.lines().count() == 3, "{curve}");
    for command in [&["run", "--format", "json"][..], &["compare", "--format", "json"]] {
        let rows: serde_json::Value = serde_json::from_str(&with(command, &frames)).unwrap();
        assert_eq!(rows[0]["demand_faults"], 2, "{command:?}: {rows}");
    }
    assert!(with(&["walk"], &frames).contains("addresses"));
    let bare = output(&["run", csv, "--field", "where"]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(text(&bare.stderr).contains("--frames <FRAMES>"), "{}", text(&bare.stderr));
    // Without options it is still read as a trace, with a note on helpful options.
    let forgotten = output(&["run", csv]);
    assert!(text(&forgotten.stderr).contains("is a trace in the csv format; add --frames"));
    let unnamed = output(&[&["run", csv], &frames[..]].concat());
    assert!(text(&unnamed.stderr).contains("name one (`--field`"), "{}", text(&unnamed.stderr));
}

#[test]
fn a_sample_of_few_pages_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("many.u32");
    // 3,000 pages, each twice.
    let pages = (0..3000_u32).flat_map(|page| [page, page]).flat_map(u32::to_le_bytes);
    fs::write(&place, pages.collect::<Vec<u8>>()).unwrap();
    let trace = place.to_str().unwrap();
    let told = |sample: &str, more: &[&str]| {
        let command = ["mrc", trace, "--points", "10", "--sample", sample];
        text(&succeed(&[&command, more].concat()).stderr).to_owned()
    };
    let few = "the sample has fewer than 1,000 distinct pages, too few for an estimate, so the \
               curve is exact";
    assert!(told("300", &[]).contains(few), "{}", told("300", &[]));
    assert!(told("0.1", &[]).contains(few));
    assert_eq!(told("300", &["-q"]), "");
    let curve = |more: &[&str]| {
        let command = ["mrc", trace, "--points", "10,1000,3000", "--format", "csv"];
        text(&succeed(&[&command, more].concat()).stdout).to_owned()
    };
    assert_eq!(curve(&["--sample", "300"]), curve(&[]));
    // A larger sample is used, and says how sure it is.
    for enough in ["3000", "1.0", "2000"] {
        assert!(!told(enough, &[]).contains(few), "{enough}");
    }
    assert!(curve(&["--sample", "2000"]).contains("miss_ratio_low,miss_ratio_high"));
}

/// What a reader has to say of a file is told by whoever reads it, in a scenario or not.
#[test]
fn samples_are_reported_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("sampled.toml");
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/perf-script.txt");
    let trace = trace.to_str().unwrap();
    let document = format!(
        "host.memory = 8\ncheckpoint.every = 5\n[[vm]]\nname = 'a'\ntrace.file = '{trace}'\n"
    );
    fs::write(&scenario, document).unwrap();
    let scenario = scenario.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["trace", "info", trace],
        &["mrc", trace],
        &["run", scenario],
        &["compare", scenario],
        &["run", "--frames", "8", trace],
    ];
    for command in commands {
        let said = succeed(command);
        assert!(text(&said.stderr).contains("the samples of perf, not every"), "{command:?}");
    }
}

#[test]
fn head_reads_no_more_of_a_file_than_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("long.txt");
    fs::write(&place, ["5\n".repeat(500_000).as_str(), "nonsense\n"].concat()).unwrap();
    let head = succeed(&["trace", "head", place.to_str().unwrap()]);
    assert_eq!(text(&head.stdout), "5\n".repeat(20));
    let kinds = succeed(&["trace", "head", "tests/traces/six.pages.u32", "-n", "2"]);
    assert_eq!(text(&kinds.stdout), "7 I\n7 L\n");
    // Our own form is read as a whole.
    let packed = folder.path().join("packed.balloonist");
    let packed = packed.to_str().unwrap();
    succeed(&["trace", "convert", "tests/traces/six.pages.u32", "-o", packed]);
    let kinds = succeed(&["trace", "head", packed, "-n", "2"]);
    assert_eq!(text(&kinds.stdout), "7 I\n7 L\n");
}

#[test]
fn a_trace_is_not_converted_over_itself() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("mine.csv");
    fs::write(&place, "address\n4096\n8192\n").unwrap();
    let place = place.to_str().unwrap();
    let refused = output(&["trace", "convert", place, "--field", "address", "--out", place]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is read and would be replaced"));
    assert_eq!(fs::read_to_string(place).unwrap(), "address\n4096\n8192\n");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let arguments = ["trace", "generate", "scan", "--set", "accesses=2_000_000", "-o", "-", "-q"];
    let mut child =
        balloonist(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn seeds_of_a_sweep_are_runs_with_that_seed() {
    let scenario = "tests/good_scenarios/workloads.toml";
    let sweep = succeed(&["sweep", scenario, "--seeds", "3..5", "--format", "csv", "-q"]);
    // The run and its repetition stand before each row, the fingerprint behind.
    let row = |line: &str| line.split(',').skip(2).take(22).collect::<Vec<_>>().join(",");
    let sweep: Vec<String> = text(&sweep.stdout).lines().skip(1).map(row).collect();
    let mut runs = Vec::new();
    for seed in ["3", "4", "5"] {
        let run = succeed(&["run", scenario, "--seed", seed, "--format", "csv", "-q"]);
        runs.extend(text(&run.stdout).lines().skip(1).map(str::to_owned));
    }
    assert_eq!(sweep, runs);
    let counts = |row: &String| row.split(',').skip(5).collect::<Vec<_>>().join(",");
    assert_ne!(counts(&runs[0]), counts(&runs[1]), "each seed draws its own accesses");
}

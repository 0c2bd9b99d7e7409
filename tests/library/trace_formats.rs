//! Every trace format, with fixtures whose pages were written by hand or by another program; every
//! error with its place; hostile inputs.

use std::io::Read;
use std::path::{Path, PathBuf};

use balloonist::formats::write::{OUTPUTS, WriteError};
use balloonist::formats::{Loaded, ReadOptions, load, load_from};
use balloonist::formats::{ReadErrorKind, read_trace};
use balloonist::random::fnv1a;
use balloonist::trace::{AccessKind, Trace};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name)
}

fn with(change: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut options = ReadOptions::default();
    change(&mut options);
    options
}

fn pages(trace: &Trace) -> Vec<u64> {
    (0..trace.accesses()).map(|at| trace.numbers()[trace.page(at) as usize].0).collect()
}

fn kinds(trace: &Trace) -> String {
    (0..trace.accesses()).filter_map(|at| trace.kind(at)).map(AccessKind::letter).collect()
}

fn loaded(name: &str, options: &ReadOptions) -> Loaded {
    load(&fixture(name), options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read_bytes(
    bytes: &[u8],
    name: &str,
    options: &ReadOptions,
) -> Result<Trace, (ReadErrorKind, String)> {
    load_from(bytes, name, None, options)
        .map(|loaded| loaded.trace)
        .map_err(|error| (error.kind, error.message))
}

#[test]
fn every_fixture_is_recognised_and_gives_the_pages_written_by_hand() {
    let auto = ReadOptions::default;
    let field = |field: &str, op: &str| {
        with(|options| {
            options.field = Some(field.to_owned());
            options.op_field = Some(op.to_owned()).filter(|op| !op.is_empty());
        })
    };
    let struct_be = with(|options| {
        options.format = "struct".to_owned();
        options.layout = Some(">HIh".to_owned());
        options.field = Some("2".to_owned());
    });
    let unsized_ = with(|options| options.size_field = Some("none".to_owned()));
    let sized = with(|options| options.size_field = Some("size".to_owned()));
    let table: &[(&str, ReadOptions, &str, &[u64], &str)] = &[
        ("plain.txt", auto(), "text", &[9, 8, 16, 9, 9], ""),
        ("plain.txt.zst", auto(), "text", &[9, 8, 16, 9, 9], ""),
        ("kinds.txt", auto(), "text", &[9, 8, 16, 9], "LSLS"),
        ("six.pages.u32", auto(), "u32", &[7, 7, 8, 0xffff_ffff, 0, 7], "ILSMIL"),
        ("members.u32.gz", auto(), "u32", &[5, 6, 5], ""),
        ("wide.u64.xz", auto(), "u64", &[1, 1 << 63, u64::MAX, 1, 1], ""),
        ("one.dat", auto(), "dat", &[1, 2, 3, 1, 2], ""),
        (
            "three.dat",
            with(|options| options.vm = Some(1)),
            "dat",
            &[2, 4, 2, 9, 8, 7, 9, 8, 0, 3, 1, 5],
            "",
        ),
        ("lirs.trc", auto(), "lirs", &[1, 2, 2, 70_000, 1], ""),
        ("arc.lis", auto(), "arc", &[100, 101, 102, 0, 101, 102], ""),
        ("arc.lis", with(|options| options.unit = Some(512)), "arc", &[12, 0, 12], ""),
        ("dinero.din", auto(), "din", &[0x400, 1, 0x70f60, 0x400], "ILSI"),
        ("ucsd.txt", auto(), "ucsd", &[0x1ffff, 0x1ffff, 0x3ffff], "LSL"),
        ("pinatrace.out", auto(), "pinatrace", &[0x7_ffd1, 0x7_ffd2, 0x7_ffd1], "LSL"),
        (
            "drmemtrace.txt",
            auto(),
            "drmemtrace",
            &[0x7_fc20_5a61, 0x7_fc20_5a61, 0x7_fc20_5a62, 0x7_ffcd_9971, 1],
            "IIISL",
        ),
        ("lbn.csv", unsized_, "csv", &[1, 1, 5_366_593], ""),
        ("lbn.csv", auto(), "csv", &[1, 1, 2, 3, 5_366_593], ""),
        ("lbn.csv", sized, "csv", &[1, 1, 2, 3, 5_366_593], ""),
        ("lbn.csv", field("3", ""), "csv", &[0, 0, 1], ""),
        ("quoted.csv", field("page", "RW"), "csv", &[7, 8], "LS"),
        ("three.oracleGeneral", auto(), "oracle-general", &[42, 43, 42], ""),
        ("two.champsim", auto(), "champsim", &[0x401, 7, 8, 0x401, 9], "ILLIS"),
        ("be.bin", struct_be, "struct", &[3, 4, 3], ""),
    ];
    for (name, options, format, expected, letters) in table {
        let loaded = loaded(name, options);
        assert_eq!(loaded.format.name, *format, "{name}");
        assert_eq!(pages(&loaded.trace), *expected, "{name}");
        assert_eq!(kinds(&loaded.trace), *letters, "{name}");
    }
}

#[test]
fn every_option_is_refused_or_makes_a_difference() {
    const FIELDS: &str = "page_size unit field op_field size_field";
    type Change = fn(&mut ReadOptions);
    let changes: &[(&str, Change)] = &[
        ("page_size", |options| options.page_size = Some(256)),
        ("unit", |options| options.unit = Some(8192)),
        ("field", |options| options.field = Some("3".to_owned())),
        ("op_field", |options| options.op_field = Some("2".to_owned())),
        ("size_field", |options| options.size_field = Some("2".to_owned())),
        ("layout", |options| options.layout = Some("<3H".to_owned())),
        ("vm", |options| options.vm = Some(1)),
        ("seed", |options| options.seed = Some(2)),
    ];
    let be = with(|options| {
        options.format = "struct".to_owned();
        options.layout = Some(">HIh".to_owned());
    });
    let auto = ReadOptions::default;
    // Page numbers have no page size until a unit makes addresses of them, and no size either.
    let table: &[(&str, ReadOptions, &str)] = &[
        ("plain.txt", auto(), "unit"),
        ("kinds.txt", with(|options| options.unit = Some(512)), "page_size unit"),
        ("six.pages.u32", auto(), "unit"),
        ("wide.u64.xz", auto(), "unit"),
        ("members.u32.gz", with(|options| options.unit = Some(512)), "page_size unit"),
        ("one.dat", auto(), "vm"),
        ("lirs.trc", auto(), "unit"),
        ("arc.lis", auto(), "unit"),
        ("arc.lis", with(|options| options.unit = Some(512)), "page_size unit"),
        ("dinero.din", auto(), "page_size"),
        ("ucsd.txt", auto(), "page_size"),
        ("pinatrace.out", auto(), "page_size"),
        ("drmemtrace.txt", auto(), "page_size"),
        ("lackey.txt.gz", auto(), "page_size"),
        ("perf-script.txt", auto(), "page_size"),
        ("damon.txt", auto(), "page_size seed"),
        ("two.champsim", auto(), "page_size"),
        ("lbn.csv", auto(), FIELDS),
        ("quoted.csv", auto(), "unit field op_field"),
        ("three.oracleGeneral", auto(), "unit field op_field"),
        ("three.oracleGeneral", with(|options| options.unit = Some(97)), FIELDS),
        ("be.bin", be, "unit field op_field layout"),
    ];
    for (name, options, known) in table {
        let plain = loaded(name, options).trace;
        for (option, change) in changes {
            let mut changed = options.clone();
            change(&mut changed);
            let case = format!("{name} {option}");
            match load(&fixture(name), &changed) {
                Err(error) if error.kind == ReadErrorKind::NoEffect(option) => {
                    assert!(!known.split(' ').any(|known| known == *option), "{case}: {error}");
                }
                Err(error) => assert!(known.contains(option), "{case}: {error}"),
                Ok(read) => {
                    assert!(known.split(' ').any(|known| known == *option), "{case}");
                    let same = pages(&read.trace) == pages(&plain);
                    assert!(!same || kinds(&read.trace) != kinds(&plain), "{case}");
                }
            }
        }
    }
}

#[test]
fn addresses_in_text_and_in_raw_words_become_pages_by_their_unit() {
    let addresses = with(|options| options.unit = Some(1));
    let text = read_bytes(b"4096 R\n8191 W\n0x2000 R\n", "a.txt", &addresses).unwrap();
    assert_eq!((pages(&text), kinds(&text)), (vec![1, 1, 2], "LSL".to_owned()));
    let words: Vec<u8> = [4096_u64, 8191, 8192].into_iter().flat_map(u64::to_le_bytes).collect();
    assert_eq!(pages(&read_bytes(&words, "a.u64", &addresses).unwrap()), [1, 1, 2]);
    let halves: Vec<u8> = [4096_u32, 8191, 8192].into_iter().flat_map(u32::to_le_bytes).collect();
    assert_eq!(pages(&read_bytes(&halves, "a.u32", &addresses).unwrap()), [1, 1, 2]);
    let sectors = with(|options| options.unit = Some(512));
    let (kind, told) = read_bytes(&[255; 16], "a.u64", &sectors).unwrap_err();
    assert_eq!(
        (kind, told.as_str()),
        (
            ReadErrorKind::Damaged,
            "byte 0: the address is 2^64 or larger; read as u64, because its name has the \
             extension .u64; if it is none, name its format (`--trace-format`): it may be u32, \
             oracle-general, struct"
        )
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    for (text, name) in [("9\n8\n9\n", "a.txt"), ("page\n9\n8\n9\n", "a.csv")] {
        let marked = format!("\u{feff}{text}");
        let trace = read_bytes(marked.as_bytes(), name, &ReadOptions::default()).unwrap();
        assert_eq!(pages(&trace), [9, 8, 9], "{name}");
    }
}

/// Hash of the page numbers as little-endian words, which a Python script computed from the text.
fn plain_hash(trace: &Trace) -> u64 {
    fnv1a(&pages(trace).into_iter().flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
}

#[test]
fn real_samples_give_what_a_script_counted() {
    let lackey = loaded("lackey.txt.gz", &ReadOptions::default());
    assert_eq!((lackey.format.name, lackey.compression.name()), ("lackey", "gzip"));
    assert_eq!((lackey.trace.accesses(), lackey.trace.distinct_pages()), (4000, 13));
    assert_eq!(lackey.trace.kind_counts(), Some([3207, 603, 170, 20]));
    assert_eq!(plain_hash(&lackey.trace), 0xf372_4e3d_8dcc_0bad);
    let perf = loaded("perf-script.txt", &ReadOptions::default());
    assert_eq!((perf.format.name, perf.trace.accesses()), ("perf-script", 248));
    assert_eq!(perf.trace.distinct_pages(), 243);
    assert_eq!(plain_hash(&perf.trace), 0x475a_998a_0f63_dbef);
    assert!(perf.notes[0].starts_with("sampled input"), "{:?}", perf.notes);
}

#[test]
fn damon_samples_become_the_same_accesses_from_either_file() {
    let text = loaded("damon.txt", &ReadOptions::default());
    let json = loaded("damon.json", &ReadOptions::default());
    assert_eq!((text.format.name, json.format.name), ("damon", "damon"));
    assert_eq!(text.trace, json.trace);
    let (first, second) = (&pages(&text.trace)[..1000], &pages(&text.trace)[1000..]);
    let twos = first.iter().filter(|&&page| page == 2).count();
    assert!(first.iter().all(|page| [2, 3].contains(page)) && twos.abs_diff(500) < 80, "{twos}");
    assert_eq!(second, [100; 1000]);
    let other = loaded("damon.txt", &with(|options| options.seed = Some(2)));
    assert_ne!(other.trace, text.trace);
}

/// File name, content, format, and the error.
const ERRORS: &[(&str, &[u8], &str, ReadErrorKind, &str)] = {
    use ReadErrorKind::{Damaged, Empty, Format};
    &[
        ("", b"", "auto", Empty, "the trace has no access"),
        ("", b"# only\n", "text", Empty, "the trace has no access"),
        ("", b"1\n2x\n", "text", Damaged, "2:1: found `2x`, expected a page number"),
        ("", b"1\n -3\n", "text", Damaged, "2:2: found `-3`, expected a page"),
        ("", b"1 R\n2\n", "text", Damaged, "2:2: the line ends, expected R or W"),
        ("", b"1\n2 W\n", "text", Damaged, "2:3: found `W`, expected nothing"),
        ("", b"1 R R\n", "text", Damaged, "1:5: found `R`, expected the end"),
        ("", b"18446744073709551616\n", "auto", Format, "format not recognised"),
        (
            "",
            b"7\n18446744073709551616\n",
            "text",
            Damaged,
            "2:1: found `18446744073709551616`, expected a number below 2^64",
        ),
        ("", b"1\n\0\0\0\n", "text", Damaged, "2:1: found `\\x00\\x00\\x00`"),
        (
            "x.u32",
            b"\x01\0\0\0\x02\0",
            "auto",
            Damaged,
            "byte 4: record 1 has 2 bytes, expected 4; the file is cut short",
        ),
        ("x.bin", b"\x01\0\0\0\x02\0\0\0", "auto", Format, "name it (`--trace-format`"),
        ("", b"I  04,3\n L 1f,x\n", "auto", Format, "format not recognised"),
        ("", b"I  04,3\n L 1f,x\n", "lackey", Damaged, "2:7: found `x`"),
        ("", b"I  04,3\nhello\n", "lackey", Damaged, "2:1: found `hello`"),
        ("", b" L ffffffffffffffff,2\n", "auto", Damaged, "1:4: the access crosses"),
        ("", b" L 0,1000000000\n", "auto", Damaged, "1:4: the access touches more"),
        ("", b"2\n1 5\n1 6\n", "auto", Damaged, "1:1: the file has 2 VMs"),
        ("", b"1\n3 5 6\n", "dat", Damaged, "byte 8: the file ends 1 numbers before"),
        ("", b"1\n1 5\n7\n", "dat", Damaged, "3:1: found `7` behind the last"),
        ("", b"1\n1 -5\n", "dat", Damaged, "2:3: found `-`, expected a dec"),
        ("", b"1 0 0 0\n", "auto", Format, "fits the formats arc, din; name"),
        ("", b"1 0 0 0\n", "arc", Damaged, "1:3: found `0`, expected a count"),
        ("", b"9 0\n", "din", Damaged, "1:1: found `9`, expected a label"),
        ("", b"a,b\n1,2\n", "csv", Damaged, "1:1: no known heading, expected one of `a`, `b`"),
        ("", b"a,page\n1\n", "csv", Damaged, "2:2: the line ends, expected at"),
        ("", b"a,page\n1,z\n", "csv", Damaged, "2:3: found `z`, expected a num"),
        ("", b"page,a\nz,1\n", "csv", Damaged, "2:1: found `z`, expected a num"),
        ("", b"\x1f\x8b\x08garbage", "auto", Damaged, "byte 0 of the decompressed"),
        ("", b"[{\"snapshots\": 3}]", "damon", Damaged, "record 0: there is no"),
        ("", b"[1,\n2", "damon", Damaged, "2:1: the JSON is wrong"),
        ("", b"1\n", "words", Format, "unknown trace format `words`, expected auto or"),
        ("", b"abcd", "struct", Format, "needs the option layout"),
    ]
};

#[test]
fn errors_name_place_finding_and_expectation() {
    for (name, bytes, format, kind, expected) in ERRORS {
        let options = with(|options| (*format).clone_into(&mut options.format));
        let content = bytes.escape_ascii();
        match read_bytes(bytes, name, &options) {
            Ok(trace) => panic!("{content}: read as {:?}", pages(&trace)),
            Err((found, message)) => {
                assert!(message.contains(expected), "{content}: {message}");
                assert_eq!(found, *kind, "{content}: {message}");
                assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
            }
        }
    }
    let missing = read_trace(Path::new("no/such/file"), "auto").unwrap_err();
    assert_eq!(missing.kind, ReadErrorKind::Missing);
    let folder = read_trace(&fixture(""), "auto").unwrap_err();
    assert_eq!(folder.kind, ReadErrorKind::Unreadable);
}

#[test]
fn kinds_beside_a_trace_must_fit_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pages.u32");
    std::fs::write(&path, [1, 0, 0, 0, 2, 0, 0, 0]).unwrap();
    for (letters, expected) in [
        ("I", "the kinds in x.kinds.u8: there are only 1 kinds, expected 2"),
        ("ISL", "there are more kinds, expected 2"),
        ("IX", "byte 1: found `X`, expected I, L, S or M"),
    ] {
        std::fs::write(folder.path().join("x.kinds.u8"), letters).unwrap();
        let error = read_trace(&path, "auto").unwrap_err();
        assert!(error.message.contains(expected), "{}", error.message);
    }
}

fn gzip(bytes: impl Read) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    let mut compressed = Vec::new();
    encoder.read_to_end(&mut compressed).unwrap();
    compressed
}

#[test]
fn decompression_bombs_and_endless_input_stop_at_the_limits() {
    let small = with(|options| options.bytes_max = 1 << 20);
    let text = with(|options| options.format = "text".to_owned());
    let bomb = gzip(std::io::repeat(b'\n').take(64 << 20));
    assert!(bomb.len() < 1 << 20);
    let (kind, message) = read_bytes(&bomb, "x.u32", &small).unwrap_err();
    assert_eq!(kind, ReadErrorKind::TooLarge, "{message}");
    assert!(message.starts_with("byte 1048576:"), "{message}");
    let (kind, message) =
        read_bytes(&gzip(std::io::repeat(b'7').take(64 << 20)), "", &text).unwrap_err();
    assert_eq!(kind, ReadErrorKind::Format, "{message}");
    assert!(message.starts_with("line 1: the line is longer"), "{message}");
    let few = with(|options| options.accesses_max = 3);
    let (kind, message) = read_bytes(b"1\n1\n1\n1\n1\n", "", &few).unwrap_err();
    assert_eq!(kind, ReadErrorKind::TooLarge, "{message}");
    assert_eq!(read_bytes(b"1\n1\n2\n", "", &few).unwrap().accesses(), 3);
    let many = with(|options| {
        options.format = "arc".to_owned();
        options.accesses_max = 100_000;
    });
    let (kind, message) =
        read_bytes("0 65536 0 0\n".repeat(1000).as_bytes(), "", &many).unwrap_err();
    assert_eq!(kind, ReadErrorKind::TooLarge, "{message}");
}

#[test]
fn cut_and_lengthened_streams_are_refused() {
    let plain: Vec<u8> = (0..5000_u32).flat_map(|at| (at * at % 977).to_le_bytes()).collect();
    let mut xz = Vec::new();
    liblzma::read::XzEncoder::new(&plain[..], 1).read_to_end(&mut xz).unwrap();
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    for (name, stream) in [("gzip", gzip(&plain[..])), ("xz", xz), ("zstd", zstd)] {
        let options = ReadOptions::default();
        assert_eq!(read_bytes(&stream, "x.u32", &options).unwrap().accesses(), 5000, "{name}");
        for cut in [7, stream.len() / 2, stream.len() - 1] {
            let (kind, message) = read_bytes(&stream[..cut], "x.u32", &options).unwrap_err();
            assert_eq!(kind, ReadErrorKind::Damaged, "{name} cut to {cut}: {message}");
            assert!(message.contains(name), "{message}");
        }
        let longer = [&stream[..], b"garbage behind the end"].concat();
        let (kind, message) = read_bytes(&longer, "x.u32", &options).unwrap_err();
        assert_eq!(kind, ReadErrorKind::Damaged, "{name} with a tail: {message}");
    }
}

fn written(trace: &Trace, output: &str, path: &Path) -> Result<(), WriteError> {
    let output = OUTPUTS.iter().find(|kind| kind.name == output).expect("an output format");
    (output.write)(trace, &mut std::fs::File::create(path)?)
}

#[test]
fn converted_traces_are_equal() {
    use balloonist::formats::info::TraceInfo;
    let folder = tempfile::tempdir().unwrap();
    let original = loaded("lackey.txt.gz", &ReadOptions::default());
    for (output, name, with_kinds) in [
        ("balloonist", "x.trace", true),
        ("kinds", "x.kinds.u8", true),
        ("u32", "x.pages.u32", true),
        ("u64", "y.u64", false),
    ] {
        let path = folder.path().join(name);
        written(&original.trace, output, &path).unwrap();
        if output == "kinds" {
            continue;
        }
        let again = load(&path, &ReadOptions::default()).unwrap();
        assert_eq!(again.format.name, output);
        assert_eq!(pages(&again.trace), pages(&original.trace), "{output}");
        let same = again.trace.content_hash() == TraceInfo::of(&original).content_hash;
        assert_eq!(same, with_kinds, "{output}");
    }
    let path = folder.path().join("x.txt");
    written(&original.trace, "text", &path).unwrap();
    let text = load(&path, &ReadOptions::default()).unwrap();
    assert_eq!(text.trace.kind_counts(), Some([0, 3810, 190, 0]));
    let info = TraceInfo::of(&original);
    assert_eq!((info.accesses, info.distinct_pages, info.format), (4000, 13, "lackey"));
    let wide = Trace::from_pages([1 << 32]);
    let error = written(&wide, "u32", &path).unwrap_err();
    assert!(error.to_string().contains("write the trace as u64"), "{error}");
}

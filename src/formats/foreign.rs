//! Files that are no traces but are given as such: refused by name, with what makes a trace of
//! them.

use super::kind::Head;
/// The offset of its mark, the mark, what the file is, and what to do.
type Foreign = (usize, &'static [u8], &'static str, &'static str);

const ALL: &[Foreign] = &[
    (257, b"ustar", "a tar archive", "unpack it (`tar -xf`) and give the file in it"),
    (0, b"PK\x03\x04", "a zip archive", "unpack it (`unzip`) and give the file in it"),
    (0, b"BZh", "compressed by bzip2", "decompress it: `bunzip2 -c FILE | balloonist … -`"),
    (0, b"\x04\x22\x4d\x18", "compressed by lz4", "decompress it: `lz4 -dc FILE | balloonist … -`"),
    (0, b"\x89LZO\0", "compressed by lzop", "decompress it: `lzop -dc FILE | balloonist … -`"),
    (
        0,
        b"PERFILE2",
        "a recording of perf",
        "print it: `perf script -i FILE -F comm,pid,tid,time,event,addr`",
    ),
    (0, b"\x17\x08\x44tracing", "a recording of trace-cmd", "print it: `trace-cmd report FILE`"),
    (0, b"\x07\x41\x61\x65", "a binary recording of blktrace", "print it: `blkparse -i FILE`"),
    (0, b"\x7fELF", "a program", "record a trace of it first; see the guides"),
    (0, b"SQLite format 3\0", "an SQLite database", "export the table as csv"),
    (0, b"PAR1", "a Parquet table", "export it as csv"),
];

/// The first bytes of a gem5 packet trace.
const GEM5: &[u8] = b"gem5";

/// Why a file that begins like this is no trace, if it is known.
pub(super) fn why(head: &Head<'_>) -> Option<String> {
    if head.bytes.starts_with(GEM5) && memchr::memchr(b'\n', head.bytes) != Some(GEM5.len()) {
        let what = "the file is a binary packet trace of gem5, which is not read; print it: \
                    `util/decode_packet_trace.py FILE OUT`, and read OUT as gem5-packets";
        return Some(what.to_owned());
    }
    let is_it = |&&(at, mark, ..): &&Foreign| {
        head.bytes.get(at..).is_some_and(|bytes| bytes.starts_with(mark))
    };
    let (at, _, what, remedy) = ALL.iter().find(is_it)?;
    let first = if *at > 0 {
        let name = head.bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        format!(", whose first file is `{}`", name[..name.len().min(100)].escape_ascii())
    } else {
        String::new()
    };
    Some(format!("the file is {what}{first}; {remedy}"))
}

//! Compressed traces: gzip, xz, zstd and zlib, recognised by their first bytes and streamed.
//!
//! A zlib stream (what `damo record` writes) has but two bytes of mark, which raw words may begin
//! with too: it is one if its first kilobytes can be decompressed. The other three may consist of
//! several members; what follows the last must be the end of the file. A stream that ends early or
//! is followed by something else is an error. Memory is bounded whatever the stream's header asks
//! for.

use std::io::{self, BufReader, Read};

use super::codecs::{ZstdFrames, xz_reader, zstd_reader};
use super::error::ReadError;

/// How a trace file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// xz (the .xz file format, version 1.2).
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
    /// zlib (RFC 1950).
    Zlib,
}

impl Compression {
    /// Every compression with its name, the bytes that it begins with, and its file extension.
    pub(crate) const ALL: &[(Self, &'static str, &'static [u8], &'static str)] = &[
        (Self::Gzip, "gzip", b"\x1f\x8b", "gz"),
        (Self::Xz, "xz", b"\xfd7zXZ\0", "xz"),
        (Self::Zstd, "zstd", b"\x28\xb5\x2f\xfd", "zst"),
    ];

    /// The most memory that the window of a compressed stream may take, in bytes: what xz -9 and
    /// zstd --ultra -22 need.
    pub(crate) const WINDOW_MAX: u64 = 1 << 27;

    /// The compression of a file that begins with these bytes.
    pub(crate) fn recognise(head: &[u8]) -> Self {
        let found = Self::ALL.iter().find(|(_, _, magic, _)| head.starts_with(magic));
        let rest = if is_zlib(head) { Self::Zlib } else { Self::None };
        found.map_or(rest, |(compression, ..)| *compression)
    }

    /// Its name; "none" for a plain file.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(compression, ..)| *compression == self);
        let rest = if self == Self::Zlib { "zlib" } else { "none" };
        found.map_or(rest, |(_, name, ..)| name)
    }
}

/// The decompressed bytes of `file`, and how they were compressed.
///
/// # Errors
/// The first bytes cannot be read.
pub fn decompress<'a>(
    file: impl Read + 'a,
) -> Result<(Box<dyn Read + 'a>, Compression), ReadError> {
    // A reader may give its first bytes one by one.
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut head = vec![0; HEAD];
    let mut got = 0;
    while got < head.len() {
        match file.read(&mut head[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::from_stream(&error, got as u64)),
        }
    }
    let compression = Compression::recognise(&head[..got]);
    let whole = BufReader::new(io::Cursor::new(head).take(got as u64)).chain(file);
    let failed = |error: io::Error| ReadError::from_stream(&error, 0);
    let reader: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(Named(flate2::bufread::MultiGzDecoder::new(whole), "gzip")),
        Compression::Xz => {
            let memory = Compression::WINDOW_MAX + (1 << 20);
            Box::new(Named(xz_reader(whole, memory).map_err(failed)?, "xz"))
        }
        Compression::Zlib => Box::new(Named(flate2::bufread::ZlibDecoder::new(whole), "zlib")),
        Compression::Zstd => {
            let log = Compression::WINDOW_MAX.trailing_zeros();
            let frames = zstd_reader(whole, log, ZstdFrames::All).map_err(failed)?;
            Box::new(Named(frames, "zstd"))
        }
    };
    Ok((reader, compression))
}

/// The bytes by which a compression is recognised.
const HEAD: usize = 4096;

/// Whether a zlib stream begins like this: its header is right and what follows can be inflated.
fn is_zlib(head: &[u8]) -> bool {
    let &[method, flags, ..] = head else { return false };
    let header = u16::from_be_bytes([method, flags]);
    if method & 15 != 8 || method >> 4 > 7 || flags & 32 != 0 || header % 31 != 0 {
        return false;
    }
    let mut out = vec![0; 1 << 16];
    let mut stream = flate2::Decompress::new(true);
    let inflated = stream.decompress(head, &mut out, flate2::FlushDecompress::None);
    inflated.is_ok() && stream.total_out() > 0
}

/// A decompressor whose errors name it, to distinguish them from errors of the disk.
struct Named<R>(R, &'static str);

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let of_the_disk =
                error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted;
            if of_the_disk {
                return error;
            }
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "ends before its end mark".to_owned(),
                _ => format!("is damaged or followed by something else ({error})"),
            };
            io::Error::new(io::ErrorKind::InvalidData, format!("the {} stream {why}", self.1))
        })
    }
}

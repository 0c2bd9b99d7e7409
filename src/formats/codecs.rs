//! The compressions that need C code, each with its own feature: xz and Zstandard.
//!
//! A build without one of them reads and writes everything else, and says of a file that needs it
//! which feature is missing.

use std::io::{self, BufRead, Read, Write};

/// What an xz file of one or several streams decompresses to, in at most `memory` bytes.
#[cfg(feature = "xz")]
pub(super) fn xz_reader<'a>(
    from: impl BufRead + 'a,
    memory: u64,
) -> io::Result<Box<dyn Read + 'a>> {
    use liblzma::stream::{CONCATENATED, Stream};
    let stream = Stream::new_stream_decoder(memory, CONCATENATED)?;
    Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(from, stream)))
}

/// An error: this build has no xz.
#[cfg(not(feature = "xz"))]
pub(super) fn xz_reader<'a>(_: impl BufRead + 'a, _: u64) -> io::Result<Box<dyn Read + 'a>> {
    Err(lacks("xz"))
}

/// How many frames a Zstandard reader reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ZstdFrames {
    /// One; what follows it is left in the reader.
    One,
    /// All up to the end.
    All,
}

/// What Zstandard frames decompress to, with a window of at most 2 to the power `window_log` bytes.
#[cfg(feature = "zstd")]
pub(super) fn zstd_reader<'a>(
    from: impl BufRead + 'a,
    window_log: u32,
    frames: ZstdFrames,
) -> io::Result<Box<dyn Read + 'a>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(from)?;
    decoder.window_log_max(window_log)?;
    Ok(match frames {
        ZstdFrames::One => Box::new(decoder.single_frame()),
        ZstdFrames::All => Box::new(decoder),
    })
}

/// An error: this build has no Zstandard.
#[cfg(not(feature = "zstd"))]
pub(super) fn zstd_reader<'a>(
    _: impl BufRead + 'a,
    _: u32,
    _: ZstdFrames,
) -> io::Result<Box<dyn Read + 'a>> {
    Err(lacks("zstd"))
}

/// Appends to `out` a Zstandard frame of what `write` writes.
#[cfg(feature = "zstd")]
pub(super) fn write_zstd_frame(
    out: &mut Vec<u8>,
    [level, window_log]: [u32; 2],
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut encoder = zstd::stream::write::Encoder::new(out, level.cast_signed())?;
    encoder.window_log(window_log)?;
    let mut buffered = io::BufWriter::with_capacity(1 << 16, encoder);
    write(&mut buffered)?;
    buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
    Ok(())
}

/// An error: this build has no Zstandard.
#[cfg(not(feature = "zstd"))]
pub(super) fn write_zstd_frame(
    _: &mut Vec<u8>,
    _: [u32; 2],
    _: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    Err(lacks("zstd"))
}

#[cfg(not(all(feature = "xz", feature = "zstd")))]
fn lacks(feature: &str) -> io::Error {
    let remedy = format!(
        "it needs {feature}, which this build lacks; build balloonist with the feature \
         `{feature}`"
    );
    io::Error::new(io::ErrorKind::Unsupported, remedy)
}

//! LEB128: a number as bytes of seven bits, the lowest first; the highest bit says that more follow
//! (DWARF 5, section 7.6).

/// Reads a number from a source of bytes; `None` if it has more than 64 bits.
///
/// # Errors
/// The first error of the source.
#[inline]
pub(super) fn read<E>(mut byte: impl FnMut() -> Result<u8, E>) -> Result<Option<u64>, E> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte()?;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            break;
        }
        value |= part << shift;
        if byte < 0x80 {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

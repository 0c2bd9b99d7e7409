//! How records become accesses: addresses and blocks → pages, words → kinds.

use std::ops::RangeInclusive;

use super::error::{ReadError, ReadErrorKind};
use super::input::{Input, Line};
use super::options::ReadOptions;
use crate::trace::{AccessKind, TraceBuilder};
use crate::units::Page;

/// What is assumed of numbers where nothing says what they count.
pub const PAGE_NUMBERS: &str =
    "read as page numbers, because no unit is said; `--unit 1` if they are addresses";

/// That, unless the user has named the format or the unit.
pub(super) fn page_numbers(options: &ReadOptions) -> Vec<String> {
    let is_assumed = options.format == "auto" && options.unit.is_none();
    is_assumed.then(|| PAGE_NUMBERS.to_owned()).into_iter().collect()
}

/// Calls `read` for each line until the builder is full.
#[inline]
pub(super) fn each_line(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    mut read: impl FnMut(Line<'_>, &mut TraceBuilder) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    while let Some(line) = input.line()? {
        read(line, builder)?;
        if builder.overflowed() {
            break;
        }
    }
    Ok(())
}

/// The most pages that one record may touch: a size above is a sign of another format.
pub(super) const PAGES_PER_RECORD_MAX: u64 = 1 << 16;

/// Addresses → pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    shift: u32,
}

impl Pages {
    pub(super) fn of(options: &ReadOptions) -> Result<Self, ReadError> {
        Self::of_size(options.page_size.or(options.host_page_size).unwrap_or(4096))
    }

    pub(super) fn of_size(size: u64) -> Result<Self, ReadError> {
        if !size.is_power_of_two() {
            return Err(ReadError::format(format!(
                "the page size is {size} bytes, expected a power of two such as 4096"
            )));
        }
        Ok(Self { shift: size.trailing_zeros() })
    }

    pub(super) fn page(self, address: u64) -> u64 {
        address >> self.shift
    }

    /// The pages that `size` bytes from `address` on touch; 0 bytes touch the page of the address.
    #[inline]
    pub(super) fn range(
        self,
        address: u64,
        size: u64,
    ) -> Result<RangeInclusive<u64>, &'static str> {
        let last = address
            .checked_add(size.saturating_sub(1))
            .ok_or("the access crosses the end of the 64-bit address space")?;
        let (first, last) = (self.page(address), self.page(last));
        if last - first >= PAGES_PER_RECORD_MAX {
            return Err("the access touches more than 65536 pages, expected a plausible size");
        }
        Ok(first..=last)
    }

    /// The pages that lie in these bytes as wholes, if any do; with one byte or none the page of
    /// the address.
    pub(super) fn inside(self, address: u64, size: u64) -> Option<RangeInclusive<u64>> {
        if size <= 1 {
            return Some(self.page(address)..=self.page(address));
        }
        let end = self.page(address.saturating_add(size));
        let first = self.page(address) + u64::from(self.page(address) << self.shift < address);
        (first < end).then(|| first..=end - 1)
    }

    /// Adds an access for each page that `size` bytes from `address` on touch; 0 bytes touch the
    /// page of the address. `Err` says what is wrong with the record.
    #[inline]
    pub(super) fn touch(
        self,
        builder: &mut TraceBuilder,
        address: u64,
        size: u64,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        let (first, last) = self.range(address, size)?.into_inner();
        push(builder, first, kind);
        if first < last {
            (first + 1..=last).for_each(|page| push(builder, page, kind));
        }
        Ok(())
    }
}

#[inline]
fn push(builder: &mut TraceBuilder, page: u64, kind: Option<AccessKind>) {
    match kind {
        Some(kind) => builder.push_kind(Page(page), kind),
        None => builder.push(Page(page)),
    }
}

/// Values that count in a unit of bytes, or are page numbers if there is none → pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) unit: Option<u64>,
    pub(super) pages: Pages,
}

impl Scale {
    /// The unit of the options, else that of the format.
    pub(super) fn of(options: &ReadOptions, unit: Option<u64>) -> Result<Self, ReadError> {
        let unit = options.unit.or(unit);
        let without_unit = |option, what: &str| {
            let expected = "expected the bytes that a value counts in; set the option unit, 1 for \
                            addresses or 512 for sectors";
            Err(ReadError::new(ReadErrorKind::NoEffect(option), format!("{what}, {expected}")))
        };
        match unit {
            Some(0) => without_unit("unit", "the unit is 0 bytes"),
            None if options.size_field.is_some() => {
                without_unit("size_field", "page numbers have no size")
            }
            None if options.page_size.is_some() => {
                without_unit("page_size", "the page size has no effect on page numbers")
            }
            _ => Ok(Self { unit, pages: Pages::of(options)? }),
        }
    }

    /// The pages that `size` bytes, 1 unless given, from `value` on touch.
    #[inline]
    pub(super) fn range(
        self,
        value: u64,
        size: Option<u64>,
    ) -> Result<RangeInclusive<u64>, &'static str> {
        let Some(unit) = self.unit else { return Ok(value..=value) };
        self.pages.range(Self::address(value, unit)?, size.unwrap_or(1))
    }

    /// The pages that `size` bytes from `value` on hold as wholes, if any; without a size the page
    /// of the value.
    pub(super) fn inside(
        self,
        value: u64,
        size: Option<u64>,
    ) -> Result<Option<RangeInclusive<u64>>, &'static str> {
        let Some(unit) = self.unit else { return Ok(Some(value..=value)) };
        Ok(self.pages.inside(Self::address(value, unit)?, size.unwrap_or(1)))
    }

    fn address(value: u64, unit: u64) -> Result<u64, &'static str> {
        value.checked_mul(unit).ok_or("the address is 2^64 or larger")
    }

    /// Adds an access for each page that `size` bytes, 1 unless given, from `value` on touch.
    #[inline]
    pub(super) fn touch(
        self,
        builder: &mut TraceBuilder,
        value: u64,
        size: Option<u64>,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        let Some(unit) = self.unit else {
            push(builder, value, kind);
            return Ok(());
        };
        self.pages.touch(builder, Self::address(value, unit)?, size.unwrap_or(1), kind)
    }

    /// Adds an access for each page that `count` values from `first` on touch.
    pub(super) fn touch_blocks(
        self,
        builder: &mut TraceBuilder,
        first: u64,
        count: u64,
    ) -> Result<(), &'static str> {
        if let Some(unit) = self.unit {
            let too_large = "the address is 2^64 or larger";
            let address = first.checked_mul(unit).ok_or(too_large)?;
            let size = count.checked_mul(unit).ok_or(too_large)?;
            return self.pages.touch(builder, address, size, None);
        }
        let end = first.checked_add(count).ok_or("the last block is 2^64 or larger")?;
        (first..end).for_each(|page| builder.push(Page(page)));
        Ok(())
    }
}

/// Whether the word of a table says that the guest frees the page.
pub(super) fn frees(word: &[u8]) -> bool {
    [&b"free"[..], b"munmap"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// How the word of a table says that an access touches its page. Hexadecimal numbers are SCSI's
/// READ and WRITE of 10, 12 and 16 bytes.
pub(super) fn operation(word: &[u8]) -> Option<AccessKind> {
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    if is(&["r", "read", "l", "load", "0", "28", "a8", "88"]) {
        Some(AccessKind::Load)
    } else if is(&["w", "write", "s", "store", "1", "2a", "aa", "8a"]) {
        Some(AccessKind::Store)
    } else if is(&["i", "ifetch", "fetch", "p_fetch", "2"]) {
        Some(AccessKind::Fetch)
    } else if is(&["m", "modify"]) {
        Some(AccessKind::Modify)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessKind, operation};

    #[test]
    fn tables_say_read_and_write_in_scsi_commands_too() {
        for (read, write) in [("28", "2a"), ("A8", "aa"), ("88", "8A")] {
            assert_eq!(operation(read.as_bytes()), Some(AccessKind::Load));
            assert_eq!(operation(write.as_bytes()), Some(AccessKind::Store));
        }
    }
}

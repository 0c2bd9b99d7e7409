//! Whose page a record touches: which VM of a split file, and which address space.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use super::error::{ReadError, ReadErrorKind};
use super::kind::Source;
use super::pages::{Pages, Scale};
use crate::trace::{AccessKind, TraceBuilder};

use super::parts::Parts;
use super::spaces::Spaces;
use crate::units::Page;

/// The owner of the record that is being read.
pub(super) struct Owner<'a> {
    spaces: Spaces,
    space: u32,
    /// Whether the value that VMs are split by belongs to the page where they are not.
    value_is_key: bool,
    has_key: bool,
    parts: Option<&'a RefCell<Parts>>,
    /// The one value that is wanted.
    part: Option<&'a [u8]>,
    is_left_out: bool,
    left_out: u64,
    tuple: Vec<u8>,
}

impl<'a> Owner<'a> {
    /// Owners of a format with one field, `name`, that distinguishes VMs. It is part of a page's
    /// identity unless the option `key` is `none`.
    pub(super) fn of(source: &Source<'a>, name: &'static str) -> Result<Self, ReadError> {
        let options = source.options;
        let known = |option: &'static str, said: &Option<String>, none: bool| {
            let Some(said) = said else { return Ok(()) };
            if said == name || (none && said == "none") {
                return Ok(());
            }
            let or_none = if none { " or none" } else { "" };
            let what = format!("there is no field `{said}`, expected {name}{or_none}");
            Err(ReadError::new(ReadErrorKind::NoEffect(option), what))
        };
        known("key", &options.key, true)?;
        known("split", &options.split, false)?;
        let has_key = options.key.as_deref() != Some("none");
        Ok(Self::new(source, has_key, true))
    }

    pub(super) fn new(source: &Source<'a>, has_key: bool, value_is_key: bool) -> Self {
        let options = source.options;
        let splits = options.split.is_some() && options.part.is_none();
        Self {
            spaces: Spaces::default(),
            space: 0,
            value_is_key: value_is_key && options.split.is_none(),
            has_key,
            parts: splits.then_some(source.parts),
            part: options.part.as_deref().map(str::as_bytes),
            is_left_out: false,
            left_out: 0,
            tuple: Vec::new(),
        }
    }

    /// How many address spaces there are.
    pub(super) fn spaces(&self) -> usize {
        self.spaces.len()
    }

    /// The owner of what follows: the value that VMs are split by, and what else belongs to a page.
    #[inline]
    pub(super) fn set(
        &mut self,
        builder: &mut TraceBuilder,
        value: &[u8],
        rest: &[&[u8]],
    ) -> Result<(), &'static str> {
        if let Some(part) = self.part {
            self.is_left_out = part != value;
        }
        if let Some(parts) = self.parts {
            parts.borrow_mut().turn(builder, value)?;
        }
        if !self.has_key || (!self.value_is_key && rest.is_empty()) {
            return Ok(());
        }
        // One name separates itself.
        if let ([one], false) = (rest, self.value_is_key) {
            self.space = self.spaces.space(one)?;
            return Ok(());
        }
        if rest.is_empty() && self.is_tuple_of(value) {
            return Ok(());
        }
        self.tuple.clear();
        let value = self.value_is_key.then_some(value);
        for part in value.iter().chain(rest) {
            self.tuple.extend_from_slice(part);
            // Lengths separate the names of one tuple.
            self.tuple.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        self.space = self.spaces.space(&self.tuple)?;
        Ok(())
    }

    /// Whether the previous record's tuple consists of just this value.
    #[inline]
    fn is_tuple_of(&self, value: &[u8]) -> bool {
        let parts = self.tuple.split_last_chunk();
        parts.is_some_and(|(name, length)| {
            name == value && *length == (value.len() as u32).to_le_bytes()
        })
    }

    /// Like [`Pages::touch`], of the owner's pages.
    #[inline]
    pub(super) fn touch(
        &mut self,
        pages: Pages,
        builder: &mut TraceBuilder,
        address: u64,
        size: u64,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        for page in pages.range(address, size)? {
            self.touch_page(builder, page, kind);
        }
        Ok(())
    }

    /// Like [`Scale::touch`], of the owner's pages.
    #[inline]
    pub(super) fn touch_value(
        &mut self,
        scale: Scale,
        builder: &mut TraceBuilder,
        value: u64,
        size: Option<u64>,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        let (first, last) = scale.range(value, size)?.into_inner();
        self.touch_page(builder, first, kind);
        if first < last {
            (first + 1..=last).for_each(|page| self.touch_page(builder, page, kind));
        }
        Ok(())
    }

    /// The guest frees pages of the owner's. Returns how many of them were in use.
    pub(super) fn free(
        &mut self,
        builder: &mut TraceBuilder,
        pages: RangeInclusive<u64>,
    ) -> Result<u64, &'static str> {
        if self.is_left_out {
            return Ok(0);
        }
        if self.spaces.len() == 0 {
            return Ok(builder.free_range(pages));
        }
        let (first, last) = pages.into_inner();
        let [from, to] = [first, last].map(|page| self.spaces.page(self.space, page));
        if to.wrapping_sub(from) != last - first {
            return Err("pages from 2^48 on are freed, expected smaller numbers");
        }
        Ok(builder.free_range(from..=to))
    }

    /// The guest frees the page of a value, or all whole pages within `size` bytes from it.
    pub(super) fn free_value(
        &mut self,
        scale: Scale,
        builder: &mut TraceBuilder,
        value: u64,
        size: Option<u64>,
    ) -> Result<u64, &'static str> {
        let inside = scale.inside(value, size)?;
        inside.map_or(Ok(0), |pages| self.free(builder, pages))
    }

    /// Adds an access to a page of the owner's.
    #[inline]
    pub(super) fn touch_page(
        &mut self,
        builder: &mut TraceBuilder,
        page: u64,
        kind: Option<AccessKind>,
    ) {
        if self.is_left_out {
            self.left_out += 1;
            return;
        }
        // One address space has its pages' own numbers, as wide as they are.
        let number = if self.spaces.len() == 0 { page } else { self.spaces.page(self.space, page) };
        match kind {
            Some(kind) => builder.push_kind(Page(number), kind),
            None => builder.push(Page(number)),
        }
    }
}

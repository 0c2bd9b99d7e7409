//! `balloonist`: our own compact form; see [`compact`](crate::trace::compact).

use super::FormatKind;
use crate::trace::compact;

pub(super) const KIND: FormatKind = FormatKind {
    name: "balloonist",
    summary: "our own compact, checksummed form, with kinds or without",
    source: "our own",
    extensions: &["balloonist"],
    options: &[],
    looks_like: |head| compact::looks_like(head.bytes).into(),
    read: |input, builder, source| {
        builder.adopt(compact::read(input, source.options)?);
        Ok(Vec::new())
    },
};

//! The layouts of the presets. Columns are numbered from 1.

use crate::formats::cells::Separator;
use crate::formats::clock::{MS, NS, S, US};
use crate::formats::layout::{Base, Layout};
use crate::trace::AccessKind;

pub(super) const COMMA: Separator = Separator::Byte(b',');

pub(super) const OS_COURSE_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address", "op"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    op: Some(2),
    ..Layout::UNKNOWN
};

pub(super) const ADDRESSES_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    ..Layout::UNKNOWN
};

pub(super) const MSR_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "host", "disk", "op", "offset", "size", "response"],
    fields: &[(5, None)],
    unit: Some(1),
    size: Some(6),
    op: Some(4),
    keys: &[2, 3],
    time: Some((1, Some(100 * NS))),
    ..Layout::UNKNOWN
};

pub(super) const SPC_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["asu", "lba", "size", "op", "time"],
    fields: &[(2, None)],
    unit: Some(512),
    size: Some(3),
    op: Some(4),
    keys: &[1],
    time: Some((5, Some(S))),
    ..Layout::UNKNOWN
};

pub(super) const ALIBABA_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["device", "op", "offset", "length", "time"],
    fields: &[(3, None)],
    unit: Some(1),
    size: Some(4),
    op: Some(2),
    keys: &[1],
    time: Some((5, Some(US))),
    ..Layout::UNKNOWN
};

pub(super) const TENCENT_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "offset", "size", "op", "volume"],
    fields: &[(2, None)],
    unit: Some(512),
    size: Some(3),
    size_unit: 512,
    op: Some(4),
    keys: &[5],
    time: Some((1, Some(S))),
    ..Layout::UNKNOWN
};

pub(super) const SYSTOR_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "response", "op", "lun", "offset", "size"],
    fields: &[(5, None)],
    unit: Some(1),
    size: Some(6),
    op: Some(3),
    keys: &[4],
    time: Some((1, Some(S))),
    ..Layout::UNKNOWN
};

pub(super) const CLOUDPHYSICS_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["version", "time", "op", "size", "lbn"],
    fields: &[(5, None)],
    unit: Some(512),
    size: Some(4),
    op: Some(3),
    time: Some((2, Some(US))),
    ..Layout::UNKNOWN
};

pub(super) const TWITTER_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["time", "key", "key_size", "value_size", "client", "op", "ttl"],
    fields: &[(2, None)],
    base: Base::Text,
    op: Some(6),
    reads: &["get", "gets"],
    writes: &["set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr"],
    time: Some((1, Some(S))),
    ..Layout::UNKNOWN
};

pub(super) const FIU_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["time", "pid", "process", "lba", "size", "op", "major", "minor", "hash"],
    fields: &[(4, None)],
    unit: Some(512),
    size: Some(5),
    size_unit: 512,
    op: Some(6),
    keys: &[7, 8],
    time: Some((1, Some(NS))),
    ..Layout::UNKNOWN
};

pub(super) const IBM_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["time", "op", "object", "size"],
    fields: &[(3, None)],
    base: Base::Text,
    op: Some(2),
    reads: &["REST.GET.OBJECT", "REST.HEAD.OBJECT"],
    writes: &["REST.PUT.OBJECT", "REST.COPY.OBJECT", "REST.DELETE.OBJECT"],
    time: Some((1, Some(MS))),
    ..Layout::UNKNOWN
};

pub(super) const GEM5_LAYOUT: Layout = Layout {
    separator: COMMA,
    columns: &["op", "address", "size"],
    fields: &[(2, None)],
    unit: Some(1),
    size: Some(3),
    op: Some(1),
    ..Layout::UNKNOWN
};

pub(super) const GEM5_IDS_LAYOUT: Layout = Layout {
    columns: &["packet", "op", "address", "size"],
    fields: &[(3, None)],
    size: Some(4),
    op: Some(2),
    ..GEM5_LAYOUT
};

pub(super) const RAMULATOR_CPU_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["instructions", "read", "write"],
    fields: &[(2, Some(AccessKind::Load)), (3, Some(AccessKind::Store))],
    unit: Some(1),
    ..Layout::UNKNOWN
};

pub(super) const DRAMSIM_LAYOUT: Layout = Layout {
    separator: Separator::Blanks,
    columns: &["address", "op", "cycle"],
    fields: &[(1, None)],
    base: Base::Hexadecimal,
    unit: Some(1),
    op: Some(2),
    reads: &["READ", "P_MEM_RD", "P_LOCK_RD", "P_IO_RD", "BOFF", "P_INT_ACK"],
    writes: &["WRITE", "P_MEM_WR", "P_LOCK_WR", "P_IO_WR"],
    time: Some((3, None)),
    ..Layout::UNKNOWN
};

//! How a trace is to be read: the options of all formats, and which format takes which.

use crate::trace::{Room, TraceBuilder};

/// How to read a trace. An option that says nothing about a trace's format is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadOptions {
    /// The format's name; "auto" recognises it.
    pub format: String,
    /// Bytes of a page, a power of two: an address becomes the page address / `page_size`. `None`:
    /// the host's, else what the trace says, else 4096.
    pub page_size: Option<u64>,
    /// Bytes of the host's pages. Formats whose values are pages already pass over it.
    pub host_page_size: Option<u64>,
    /// Bytes that a value counts in, for the formats whose values are not clearly bytes: 1 for
    /// addresses, 512 for disk sectors. `None`: the format's own, and if it has none, the values
    /// are page numbers.
    pub unit: Option<u64>,
    /// The field that holds the page or the address: a csv column's name or number from 1, or the
    /// number from 1 of a member of `layout`.
    pub field: Option<String>,
    /// The field, like `field`, that says whether an access reads or writes.
    pub op_field: Option<String>,
    /// The field, like `field`, that says how many bytes an access covers.
    pub size_field: Option<String>,
    /// The layout of a `struct` record, such as `<IQIq`.
    pub layout: Option<String>,
    /// What separates the fields of a table: comma, semicolon, tab, blanks or a character.
    /// `None`: what its first line shows.
    pub separator: Option<String>,
    /// How the field is written: 10, 16 (without 0x too) or text (names of any kind). `None`: as
    /// its first values show.
    pub base: Option<String>,
    /// Bytes that a size counts in.
    pub size_unit: Option<u64>,
    /// The words of the operations that read, with commas between them.
    pub reads: Option<String>,
    /// The words of the operations that write.
    pub writes: Option<String>,
    /// What a line that is a comment begins with.
    pub comment: Option<String>,
    /// Whether the first line is a heading: yes or no. `None`: as it looks.
    pub header: Option<String>,
    /// The fields, like `field` and with commas between them, that belong to a page's identity
    /// beside its number: a volume, a process. "none": none, whatever the format has.
    pub key: Option<String>,
    /// The field, like `field`, each of whose values is a VM of its own.
    pub split: Option<String>,
    /// The one value of `split` whose accesses are read.
    pub part: Option<String>,
    /// The VM of a `dat` file, from 0.
    pub vm: Option<u64>,
    /// The seed of the accesses that are made from samples. `None`: that of the run.
    pub seed: Option<u64>,
    /// The seed of the run. Formats that draw nothing pass over it.
    pub run_seed: u64,
    /// The most decompressed bytes.
    pub bytes_max: u64,
    /// The most accesses.
    pub accesses_max: u64,
    /// The most bytes that the trace may take in memory.
    pub memory_max: u64,
    /// How many times the bytes of its file that may be, where it is much; see [`Room`].
    pub growth_max: u64,
}

impl ReadOptions {
    /// The default limit on decompressed bytes: 16 GiB.
    pub const BYTES_MAX: u64 = 16 << 30;

    /// The default limit on accesses. No trace may have more runs than this.
    pub const ACCESSES_MAX: u64 = TraceBuilder::RUNS_MAX as u64;

    /// The options that are numbers, by the names that scenarios give them.
    pub fn numbers(&self) -> [(&'static str, Option<u64>); 5] {
        [
            ("page_size", self.page_size),
            ("unit", self.unit),
            ("vm", self.vm),
            ("seed", self.seed),
            ("size_unit", self.size_unit),
        ]
    }

    /// The options that are words, by the names that scenarios give them.
    pub fn words(&self) -> [(&'static str, Option<&str>); 13] {
        [
            ("field", self.field.as_deref()),
            ("op_field", self.op_field.as_deref()),
            ("size_field", self.size_field.as_deref()),
            ("layout", self.layout.as_deref()),
            ("separator", self.separator.as_deref()),
            ("base", self.base.as_deref()),
            ("reads", self.reads.as_deref()),
            ("writes", self.writes.as_deref()),
            ("comment", self.comment.as_deref()),
            ("header", self.header.as_deref()),
            ("key", self.key.as_deref()),
            ("split", self.split.as_deref()),
            ("part", self.part.as_deref()),
        ]
    }

    /// The seed of what a format draws.
    pub(super) fn drawing_seed(&self) -> u64 {
        self.seed.unwrap_or(self.run_seed)
    }

    /// The names, as scenarios write them, of the options that are said and that not every format
    /// takes.
    pub(super) fn said(&self) -> impl Iterator<Item = &'static str> {
        let numbers = self.numbers().map(|(name, number)| (name, number.is_some()));
        let words = self.words().map(|(name, word)| (name, word.is_some()));
        let said = numbers.into_iter().chain(words).filter(|(name, _)| *name != "part");
        said.filter(|&(_, is_said)| is_said).map(|(name, _)| name)
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: "auto".to_owned(),
            page_size: None,
            host_page_size: None,
            unit: None,
            field: None,
            op_field: None,
            size_field: None,
            layout: None,
            separator: None,
            base: None,
            size_unit: None,
            reads: None,
            writes: None,
            comment: None,
            header: None,
            key: None,
            split: None,
            part: None,
            vm: None,
            seed: None,
            run_seed: 1,
            bytes_max: Self::BYTES_MAX,
            accesses_max: Self::ACCESSES_MAX,
            memory_max: u64::MAX,
            growth_max: Room::GROWTH,
        }
    }
}

/// The options of formats whose values are addresses.
pub(super) const ADDRESSES: &[&str] = &["page_size"];

/// The options of formats whose values are page numbers unless a unit says otherwise.
pub(super) const VALUES: &[&str] = &["page_size", "unit"];

/// The options of formats with several fields a record.
pub(super) const FIELDS: &[&str] = &["page_size", "unit", "field", "op_field", "size_field"];

/// The options of tables of text. Those of a table whose columns are known follow the first; those
/// of one whose pages are names, the first six.
pub(super) const TABLE: &[&str] = &[
    "field",
    "page_size",
    "unit",
    "size_field",
    "base",
    "size_unit",
    "op_field",
    "separator",
    "reads",
    "writes",
    "comment",
    "header",
    "key",
    "split",
];

/// The options of a table whose field is known.
pub(super) const PRESET: &[&str] = TABLE.split_at(1).1;

/// Likewise, if its pages are names.
pub(super) const PRESET_NAMES: &[&str] = TABLE.split_at(6).1;

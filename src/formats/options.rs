//! How a trace is to be read: the options of all formats, and which format takes which.

use super::error::ReadError;
use crate::trace::{Room, TraceBuilder};

/// Options of one type with the names that scenarios give them, to read and to set.
macro_rules! listed {
    ($get:ident, $set:ident, $type:ty, $count:literal: $($name:ident),*) => {
        /// The options of this type, by the names that scenarios give them.
        pub(crate) fn $get(&self) -> [(&'static str, Option<&$type>); $count] {
            [$((stringify!($name), self.$name.as_ref())),*]
        }

        /// Likewise, to be set.
        pub fn $set(&mut self) -> [(&'static str, &mut Option<$type>); $count] {
            [$((stringify!($name), &mut self.$name)),*]
        }
    };
}

/// How to read a trace. An option that says nothing about a trace's format is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadOptions {
    /// The format's name; "auto" recognises it.
    pub format: String,
    /// Bytes of a page, a power of two: an address becomes the page address / `page_size`. `None`:
    /// the host's, or the trace's, or 4096.
    pub page_size: Option<u64>,
    /// Bytes of the host's pages. Ignored by formats whose values are pages.
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
    /// The words of the operations with which the guest frees pages.
    pub frees: Option<String>,
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
    /// When accesses are made: `recorded` where the trace says, or in `steps`. `None`: in steps.
    pub time: Option<String>,
    /// The field, like `field`, that holds the time.
    pub time_field: Option<String>,
    /// What a time counts in: ns, us, ms, s, or a duration such as `100 ns`.
    pub time_unit: Option<String>,
    /// The speed-up of recorded time, a decimal number; readers ignore it.
    pub speed: Option<String>,
    /// The VM of a `dat` file, from 0.
    pub vm: Option<u64>,
    /// The seed of the accesses that are made from samples. `None`: that of the run.
    pub seed: Option<u64>,
    /// The seed of the run; ignored by formats without random draws.
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
    pub(crate) const BYTES_MAX: u64 = 16 << 30;

    /// The default limit on accesses. No trace may have more runs than this.
    pub const ACCESSES_MAX: u64 = TraceBuilder::RUNS_MAX as u64;

    listed!(numbers, numbers_mut, u64, 5: page_size, unit, vm, seed, size_unit);

    listed!(words, words_mut, String, 18: field, op_field, size_field, layout, separator, base,
            reads, writes, frees, comment, header, key, split, part, time, time_field, time_unit,
            speed);

    /// The options that name a field, by its heading or by its number.
    pub(crate) const FIELDS: &[&str] =
        &["field", "op_field", "size_field", "key", "split", "time_field"];

    /// Whether recorded times are wanted.
    ///
    /// # Errors
    /// The word is neither `recorded` nor `steps`.
    pub(crate) fn wants_times(&self) -> Result<bool, ReadError> {
        match self.time.as_deref() {
            None | Some("steps") => Ok(false),
            Some("recorded") => Ok(true),
            Some(other) => Err(ReadError::format(format!(
                "the time is `{}`, expected recorded or steps",
                other.escape_debug()
            ))),
        }
    }

    /// The seed of what a format draws.
    pub(super) fn drawing_seed(&self) -> u64 {
        self.seed.unwrap_or(self.run_seed)
    }

    /// The names, as scenarios write them, of the options that are said and that not every format
    /// takes.
    pub(super) fn said(&self) -> impl Iterator<Item = &'static str> {
        let numbers = self.numbers().map(|(name, number)| (name, number.is_some()));
        let words = self.words().map(|(name, word)| {
            // Any trace can be replayed in steps; the part and the speed go with other options.
            let is_plain = name == "time" && word.is_some_and(|word| word == "steps");
            (name, word.is_some() && !is_plain && name != "part" && name != "speed")
        });
        let said = numbers.into_iter().chain(words);
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
            frees: None,
            comment: None,
            header: None,
            key: None,
            split: None,
            part: None,
            time: None,
            time_field: None,
            time_unit: None,
            speed: None,
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
    "frees",
    "comment",
    "header",
    "key",
    "split",
    "time",
    "time_field",
    "time_unit",
];

/// The options of a table whose lines are records with named members: no separator, comment or
/// heading.
pub(super) const TABLE_OF_RECORDS: &[&str] = &[
    "field",
    "page_size",
    "unit",
    "size_field",
    "base",
    "size_unit",
    "op_field",
    "reads",
    "writes",
    "frees",
    "key",
    "split",
    "time",
    "time_field",
    "time_unit",
];

/// The options of a table whose field is known.
pub(super) const PRESET: &[&str] = TABLE.split_at(1).1;

/// Likewise, if its pages are names.
pub(super) const PRESET_NAMES: &[&str] = TABLE.split_at(6).1;

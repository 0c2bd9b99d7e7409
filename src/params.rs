//! The parameters of policies, replacement algorithms and workloads.
//!
//! Each declares its parameters as a constant list of [`Param`]s. Scenario keys, checks, defaults,
//! `list` and the documentation are derived from that list.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::units::{self, Decimal};

/// One parameter: its name, its meaning, its domain and its default.
#[derive(Clone, Debug)]
pub struct Param {
    /// The key in scenario files.
    pub name: &'static str,
    /// What it does, with its unit and where the default comes from; no full stop.
    pub doc: &'static str,
    /// The values it may have.
    pub domain: Domain,
    /// The default, inside the domain. A number of frames may be given in bytes.
    pub default: Value,
}

impl Param {
    /// The default on a host with pages of `page_size` bytes; a size in bytes is rounded up to
    /// whole frames.
    pub(crate) fn default_on(&self, page_size: u64) -> Value {
        match self.default {
            Value::Bytes(bytes) => Value::Integer(bytes.div_ceil(page_size)),
            ref other => other.clone(),
        }
    }
}

/// The values that a parameter may have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Domain {
    /// A whole number from `min` to `max`.
    Integer {
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// A number of frames, at least `min`: a bare integer, or a size.
    Frames {
        /// The smallest value, in frames.
        min: u64,
    },
    /// A length of time: a bare integer of ticks, or a duration.
    Ticks {
        /// The smallest value, in ticks.
        min: u64,
    },
    /// A decimal number from `min` to `max`, read exactly from its text.
    Decimal {
        /// The smallest value.
        min: Decimal,
        /// The largest value.
        max: Decimal,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of texts, such as the words of a command line.
    Texts,
    /// A file or a list of files, by paths relative to the scenario's folder. They are read and
    /// checked with the scenario.
    Files {
        /// Parses the text of the parameter's nth file, counted from 0. The result is kept beside
        /// the text, so that many runs parse a file once.
        parse: Parse,
        /// Whether a file may be missing.
        may_be_missing: bool,
    },
}

/// What is wrong with the text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The place in the text, in bytes.
    pub place: Range<usize>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// The remedy, without a full stop.
    pub remedy: String,
}

/// What reads a file of text.
pub type Parse = fn(&str, usize) -> Result<Arc<dyn Any + Send + Sync>, Fault>;

/// A file that a parameter names.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Its path in the scenario.
    pub path: String,
    /// Its content; `None` if it is missing and may be missing.
    pub text: Option<Arc<str>>,
    /// What the parameter's `parse` has made of the text.
    parsed: Option<Arc<dyn Any + Send + Sync>>,
}

impl TextFile {
    /// The file of `param` at this place in its list.
    ///
    /// # Errors
    /// What is wrong with the text.
    ///
    /// # Panics
    /// If the parameter names no files.
    pub fn read(
        param: &Param,
        at: usize,
        path: String,
        text: Option<Arc<str>>,
    ) -> Result<Self, Fault> {
        let Domain::Files { parse, .. } = param.domain else {
            panic!("`{}` names no files", param.name);
        };
        let parsed = text.as_deref().map(|text| parse(text, at)).transpose()?;
        Ok(Self { path, text, parsed })
    }

    /// What the parameter's `parse` has made of the text, which must be a `T`; nothing of a file
    /// that is missing.
    pub(crate) fn parsed<T: Any>(&self) -> Option<&T> {
        let parsed = self.parsed.as_deref()?;
        Some(parsed.downcast_ref().expect("a parameter's files are read in one way"))
    }
}

/// What was made of a text follows from the text.
impl PartialEq for TextFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.text) == (&other.path, &other.text)
    }
}

impl Eq for TextFile {}

/// The value of a parameter, of its domain's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number, possibly of frames or ticks.
    Integer(u64),
    /// A size in bytes, for published defaults. [`Settings`] convert it to frames.
    Bytes(u64),
    /// An exact decimal number.
    Decimal(Decimal),
    /// One of the words of the domain.
    Choice(&'static str),
    /// A text.
    Text(Cow<'static, str>),
    /// Texts.
    Texts(Vec<String>),
    /// Files.
    Files(Vec<TextFile>),
}

/// The default page size in bytes.
pub(crate) const PAGE_SIZE: u64 = 4096;

impl fmt::Display for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max: u64::MAX } => write!(out, "an integer from {min}"),
            Self::Integer { min, max } => write!(out, "an integer from {min} to {max}"),
            Self::Frames { min } => write!(out, "frames or a size, from {min}"),
            Self::Ticks { min } => write!(out, "ticks or a duration, from {min}"),
            Self::Decimal { min, max } => write!(out, "a decimal number from {min} to {max}"),
            Self::Choice(words) => write!(out, "{}", words.join(" | ")),
            Self::Text => write!(out, "a text"),
            Self::Texts => write!(out, "a list of texts"),
            Self::Files { .. } => write!(out, "a file or a list of files"),
        }
    }
}

impl fmt::Display for Value {
    /// As in a scenario file, without the quotes around words and texts.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(out),
            Self::Bytes(bytes) => units::show_size(*bytes).fmt(out),
            Self::Decimal(number) => number.fmt(out),
            Self::Choice(word) => word.fmt(out),
            Self::Text(text) => text.fmt(out),
            Self::Texts(texts) => write!(out, "[{}]", texts.join(", ")),
            Self::Files(files) => {
                let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
                write!(out, "[{}]", paths.join(", "))
            }
        }
    }
}

/// The checked values of all parameters of a list, in the list's order, and the host's page size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    page_size: u64,
    values: Vec<(&'static str, Value)>,
}

impl Settings {
    /// All defaults on a host with pages of 4 KiB.
    pub fn defaults(params: &[Param]) -> Self {
        Self::defaults_on(params, PAGE_SIZE)
    }

    /// All defaults on a host with pages of `page_size` bytes.
    pub(crate) fn defaults_on(params: &[Param], page_size: u64) -> Self {
        let value = |param: &Param| (param.name, param.default_on(page_size));
        Self { page_size, values: params.iter().map(value).collect() }
    }

    /// The host's page size in bytes.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// Names and values, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// Sets a parameter. The caller has checked the value against the parameter's domain.
    ///
    /// # Panics
    /// If the list has no such parameter.
    pub fn set(&mut self, name: &str, value: Value) {
        let slot = self.values.iter_mut().find(|(param, _)| *param == name);
        slot.unwrap_or_else(|| panic!("no parameter is called {name}")).1 = value;
    }

    /// The value of an integer, frames or ticks parameter.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn integer(&self, name: &str) -> u64 {
        match self.get(name) {
            Value::Integer(value) => *value,
            other => panic!("parameter {name} is not an integer but {other:?}"),
        }
    }

    /// The value of a decimal parameter.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn decimal(&self, name: &str) -> Decimal {
        match self.get(name) {
            Value::Decimal(value) => *value,
            other => panic!("parameter {name} is not a decimal but {other:?}"),
        }
    }

    /// The value of a choice parameter.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Value::Choice(value) => value,
            other => panic!("parameter {name} is not a choice but {other:?}"),
        }
    }

    /// The value of a text parameter.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Value::Text(value) => value,
            other => panic!("parameter {name} is not a text but {other:?}"),
        }
    }

    /// The value of a parameter that lists texts.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn texts(&self, name: &str) -> &[String] {
        match self.get(name) {
            Value::Texts(texts) => texts,
            other => panic!("parameter {name} is not a list of texts but {other:?}"),
        }
    }

    /// The files of a parameter that names files.
    ///
    /// # Panics
    /// If the list has no such parameter of that kind.
    pub fn files(&self, name: &str) -> &[TextFile] {
        match self.get(name) {
            Value::Files(files) => files,
            other => panic!("parameter {name} is not files but {other:?}"),
        }
    }

    fn get(&self, name: &str) -> &Value {
        let found = self.values.iter().find(|(param, _)| *param == name);
        &found.unwrap_or_else(|| panic!("no parameter is called {name}")).1
    }
}

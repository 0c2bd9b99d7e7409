//! Reading sources into a document: files, what they extend, and lists of trace files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codes;
use super::diagnostic::{Diagnostic, clip};
use super::document::{Document, Literal, Node, Origin, SourceText, State, Table, overlay, table};
use super::{dat, toml};
use crate::formats::ReadOptions;

/// The most bytes of a scenario file.
const BYTES_MAX: usize = 8 << 20;

impl Document {
    /// Reads the scenario file at `path`: TOML, or a .dat file of the report. The extension
    /// decides, or if it is neither, the content. `-` is standard input.
    pub fn open(path: &Path) -> Self {
        let shown = path.display().to_string();
        let bytes = if shown == "-" {
            read_all(io::stdin(), BYTES_MAX as u64)
        } else {
            read_file(path, BYTES_MAX as u64)
        };
        match bytes {
            Ok(bytes) => {
                let mut document = Self::read(path, &bytes, is_dat(path, &bytes));
                document.files.insert(0, path.to_owned());
                document
            }
            Err(error) => {
                let mut document = Self::beside(path);
                let origin =
                    Origin::whole(document.add_source(SourceText::file(shown, String::new())));
                let message = format!("the scenario cannot be read: {}", reason(&error));
                let remedy = "check the path";
                let problem = Diagnostic::error(codes::UNREADABLE, origin, message, remedy);
                document.problem(State::Nothing, problem);
                document
            }
        }
    }

    /// Reads a TOML scenario under the name `shown`; relative paths in it refer to that folder.
    pub fn from_toml(shown: &str, bytes: &[u8]) -> Self {
        Self::read(Path::new(shown), bytes, false)
    }

    /// Reads a scenario in the report's .dat format under the name `shown`.
    pub fn from_dat(shown: &str, bytes: &[u8]) -> Self {
        Self::read(Path::new(shown), bytes, true)
    }

    fn read(path: &Path, bytes: &[u8], is_dat: bool) -> Self {
        let mut document = Self::beside(path);
        document.root = document.read_chain(path, bytes, is_dat);
        document
    }

    /// A VM in lockstep for each trace file, read with these options, on a host of `frames` (a
    /// number, a size, or a share of the traces' distinct pages such as `25%`), with a checkpoint
    /// every `every` ticks. The host's page size is that of the options. If they split the files,
    /// each becomes a VM per value of the column, or the `largest` of these.
    pub fn from_traces(
        paths: &[PathBuf],
        options: &ReadOptions,
        frames: &str,
        every: &str,
        largest: Option<u64>,
    ) -> Self {
        let mut document = Self::empty(PathBuf::new(), "traces");
        let splits = options.split.clone();
        let options = &ReadOptions { split: None, ..options.clone() };
        let mut vms = Vec::new();
        let mut names = BTreeMap::new();
        for path in paths {
            let shown = path.display().to_string();
            let source = document.add_source(SourceText::file(shown, String::new()));
            let node = |value| Node { origin: Origin::whole(source), value };
            let Some(text) = path.to_str() else {
                let message = "the path of the trace is not UTF-8";
                let remedy = "rename the file";
                let origin = Origin::whole(source);
                let problem = Diagnostic::error(codes::NOT_UTF8, origin, message, remedy);
                document.problem(State::Partial, problem);
                continue;
            };
            let name = node(Literal::String(unique_vm_name(text, &mut names)));
            // With one file, its VMs are named by the values alone.
            let name = Some(("name", name)).filter(|_| splits.is_none() || paths.len() > 1);
            let split = splits.clone().map(|column| ("split", node(Literal::String(column))));
            let largest = largest.filter(|_| splits.is_some());
            let largest = largest.map(|most| ("largest", node(Literal::Integer(most.into()))));
            let file = node(Literal::String(text.to_owned()));
            let keys = trace_keys(options).map(|(key, value)| (key, node(value)));
            let trace = node(Literal::Table(table(std::iter::once(("file", file)).chain(keys))));
            let keys = [Some(("trace", trace)), name, split, largest];
            vms.push(node(Literal::Table(table(keys.into_iter().flatten()))));
        }
        document.of_flags(frames, every, options.page_size, vms)
    }

    /// One VM that accesses the pages of a reference string, numbers with blanks or commas between
    /// them, on a host of `frames` (a number, or a share of the distinct pages), with a checkpoint
    /// every `every` ticks, or only one when the last page has been accessed.
    pub fn from_pages(pages: &str, frames: &str, every: Option<&str>) -> Self {
        let mut document = Self::empty(PathBuf::new(), "pages");
        let text = SourceText::file("--pages".to_owned(), pages.to_owned());
        let source = document.add_source(text);
        let node = |at, value| Node { origin: Origin::at(source, at), value };
        let is_between = |letter: char| letter.is_whitespace() || letter == ',';
        let words: Vec<Node> = pages
            .split(is_between)
            .filter(|word| !word.is_empty())
            .map(|word| {
                let start = word.as_ptr() as usize - pages.as_ptr() as usize;
                let value = match word.parse() {
                    Ok(page) => Literal::Integer(page),
                    Err(_) => Literal::String(word.to_owned()),
                };
                node(start..start + word.len(), value)
            })
            .collect();
        let whole = 0..pages.len();
        let at_the_end = words.len().max(1).to_string();
        let pages = node(whole.clone(), Literal::Array(words));
        let trace = node(whole.clone(), Literal::Table(table([("pages", pages)])));
        let name = node(whole.clone(), Literal::String("pages".to_owned()));
        let vm = node(whole, Literal::Table(table([("name", name), ("trace", trace)])));
        document.of_flags(frames, every.unwrap_or(&at_the_end), None, vec![vm])
    }

    /// Completes a document without a scenario file.
    fn of_flags(
        mut self,
        frames: &str,
        every: &str,
        page_size: Option<u64>,
        vms: Vec<Node>,
    ) -> Self {
        let mut flag = |flag: &str, text: &str| {
            let source = self.add_source(SourceText::file(flag.to_owned(), text.to_owned()));
            let origin = Origin::at(source, 0..text.len());
            toml::read_value(text, source, 0)
                .unwrap_or(Node { origin, value: Literal::String(text.to_owned()) })
        };
        let memory = flag("--frames", frames);
        let every = flag("--every", every);
        let node = |origin, value| Node { origin, value };
        let origin = memory.origin;
        let page_size = page_size.map(|bytes| node(origin, Literal::Integer(bytes.into())));
        let page_size = page_size.map(|bytes| ("page_size", bytes));
        let host = table(std::iter::once(("memory", memory)).chain(page_size));
        let host = node(origin, Literal::Table(host));
        let checkpoint = node(every.origin, Literal::Table(table([("every", every)])));
        let vms = node(host.origin, Literal::Array(vms));
        self.root = table([("host", host), ("checkpoint", checkpoint), ("vm", vms)]);
        self
    }

    /// A document whose root is a workload of this kind, for [`workload`](Self::workload).
    pub(super) fn of_workload(kind: &str) -> Self {
        let mut document = Self::empty(PathBuf::new(), "workload");
        let shown = format!("the workload {kind}");
        let source = document.add_source(SourceText::file(shown, String::new()));
        let value = Literal::String(kind.to_owned());
        document.root = table([("kind", Node { origin: Origin::whole(source), value })]);
        document
    }

    /// An empty document for a source named `shown`.
    fn beside(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let stem = path.file_stem().filter(|stem| *stem != "-");
        Self::empty(folder, &stem.map_or("stdin".into(), |stem| stem.to_string_lossy()))
    }

    /// Reads a file and the chain of files that it extends, and overlays them.
    fn read_chain(&mut self, path: &Path, bytes: &[u8], is_dat: bool) -> Table {
        let mut file = Layer { path: path.to_owned(), folder: PathBuf::new(), is_dat };
        let mut bytes = Cow::Borrowed(bytes);
        let mut visited = vec![identity(path)];
        let mut tables = Vec::new();
        loop {
            let mut table = self.read_layer(&file, &bytes);
            let base = table.remove("extends");
            tables.push(table);
            let Some(base) = base else { break };
            match self.open_base(&base.node, &file, &mut visited) {
                Ok((below, read)) => {
                    self.files.push(below.path.clone());
                    (file, bytes) = (below, Cow::Owned(read));
                }
                Err(problem) => {
                    self.problem(State::Partial, problem);
                    break;
                }
            }
        }
        let lowest = tables.pop().unwrap_or_default();
        tables.into_iter().rev().fold(lowest, |mut below, above| {
            overlay(&mut below, above);
            below
        })
    }

    fn read_layer(&mut self, file: &Layer, bytes: &[u8]) -> Table {
        let mut source = SourceText::file(file.path.display().to_string(), String::new());
        source.folder = file.folder.to_string_lossy().into_owned();
        let fault = if bytes.len() > BYTES_MAX {
            let message = "the scenario is larger than 8 MiB";
            Some((codes::TOO_LARGE, None, message, "put long page lists into trace files"))
        } else {
            // The text before the first invalid byte is kept, so that its line can be shown.
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            source = source.with_text(valid.strip_prefix('\u{feff}').unwrap_or(valid).to_owned());
            let end = source.text.len();
            (valid.len() < bytes.len()).then_some({
                let message = "a byte that is not UTF-8 follows";
                (codes::NOT_UTF8, Some(end..end), message, "write the file as UTF-8")
            })
        };
        let source = self.add_source(source);
        if let Some((code, span, message, remedy)) = fault {
            let origin = span.map_or(Origin::whole(source), |span| Origin::at(source, span));
            self.problem(State::Nothing, Diagnostic::error(code, origin, message, remedy));
            return Table::new();
        }
        let text = Arc::clone(&self.sources[source]);
        let problem = |state, problem| self.problem(state, problem);
        if file.is_dat {
            dat::read(&text.text, source, problem)
        } else {
            toml::read(&text.text, source, problem)
        }
    }

    /// Opens the file that `base`, the value of `extends` in `file`, names.
    fn open_base(
        &self,
        base: &Node,
        file: &Layer,
        visited: &mut Vec<PathBuf>,
    ) -> Result<(Layer, Vec<u8>), Diagnostic> {
        let fault = |code, message: String, remedy: &str| {
            Err(Diagnostic::error(code, base.origin, message, remedy))
        };
        let Some(name) = base.text() else {
            let message = format!("`extends` is {}, not a path", base.kind());
            return fault(codes::WRONG_TYPE, message, "write the path of a scenario in quotes");
        };
        let below = file.folder.join(name);
        let path = self.folder.join(&below);
        if visited.contains(&identity(&path)) {
            let message = format!("`{}` is extended in a circle", clip(name));
            return fault(codes::EXTENDS_CIRCLE, message, "this file is already part of the chain");
        }
        visited.push(identity(&path));
        match read_file(&path, BYTES_MAX as u64) {
            Ok(bytes) => {
                let folder = below.parent().map(Path::to_owned).unwrap_or_default();
                let is_dat = is_dat(&path, &bytes);
                Ok((Layer { path, folder, is_dat }, bytes))
            }
            Err(error) => {
                let message = format!("`{}` cannot be read: {}", clip(name), reason(&error));
                fault(codes::BASE_UNREADABLE, message, "the path is relative to this file")
            }
        }
    }
}

/// One file of a chain of `extends`.
struct Layer {
    path: PathBuf,
    /// Its folder, relative to the folder of the first file.
    folder: PathBuf,
    is_dat: bool,
}

/// Equal for two paths that lead to the same file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Reads a file of at most `most` bytes, or one byte more.
pub(super) fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    read_all(File::open(path)?, most)
}

/// Reads one byte more than is allowed, so that an endless file ends and is found too large.
fn read_all(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The reason, in our words for errors that systems word differently.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// By extension, or by content: a .dat file begins with numbers only, which TOML never does.
fn is_dat(path: &Path, bytes: &[u8]) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("dat") => true,
        Some("toml") => false,
        _ => {
            let start = &bytes[..bytes.len().min(512)];
            let number = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
            start.iter().any(u8::is_ascii_digit) && start.iter().all(number)
        }
    }
}

/// The keys of a VM's `trace` that correspond to the options.
fn trace_keys(options: &ReadOptions) -> impl Iterator<Item = (&'static str, Literal)> + use<> {
    let defaults = ReadOptions::default();
    let unless = |number: u64, default: u64| Some(number).filter(|&number| number != default);
    // With bare traces the page size is the host's.
    let numbers = options.numbers().map(|(name, number)| (name, number.copied()));
    let numbers = numbers.into_iter().filter(|(name, _)| *name != "page_size");
    let limits = [
        ("limit_bytes", unless(options.bytes_max, defaults.bytes_max)),
        ("limit_accesses", unless(options.accesses_max, defaults.accesses_max)),
    ];
    let numbers = numbers.chain(limits);
    let numbers = numbers.map(|(key, number)| (key, number.map(|n| Literal::Integer(n.into()))));
    let words = options.words().into_iter();
    let words = words.map(|(key, word)| (key, word.map(|word| Literal::String(word.to_owned()))));
    let format = ("format", Some(Literal::String(options.format.clone())));
    let keys: Vec<_> = std::iter::once(format).chain(numbers).chain(words).collect();
    keys.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// A VM name made from the first letters of a text.
pub(super) fn vm_name(text: &str, most: usize) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = text.chars().take(most).map(letter).collect();
    // `all` is the row of sums; a name begins with a letter or a digit.
    let is_name = name != "all" && !name.starts_with('-') && !name.is_empty();
    if is_name { name } else { format!("vm-{name}") }
}

/// A VM name made from a trace file's name up to its first dot, with a number appended if it is
/// taken.
fn unique_vm_name(path: &str, taken: &mut BTreeMap<String, u32>) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or("vm");
    let name = vm_name(stem, 48);
    let mut unique = name.clone();
    while let Some(count) = taken.get_mut(&unique) {
        *count += 1;
        unique = format!("{name}-{count}");
    }
    taken.insert(unique.clone(), 1);
    unique
}

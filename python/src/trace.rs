//! Traces: read from files, made of arrays or drawn by workloads.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use balloonist::formats::write::{OUTPUTS, OutputKind, WriteError};
use balloonist::formats::{self, Loaded, ReadOptions};
use balloonist::random::{Generator, Stream};
use balloonist::scenario::Document;
use balloonist::trace::reduce::reduce;
use balloonist::trace::reduction::Reduction;
use balloonist::trace::reuse_times::reuse_times;
use balloonist::trace::{self, AccessKind, TraceBuilder};
use balloonist::units::parse_size;
use numpy::{PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};

use crate::errors::{TraceError, of_read, of_scenario};
use crate::values::toml;
use crate::wait::wait;

/// The page accesses of one VM, in order. Immutable.
///
/// `pages` are page numbers from 0 on: a NumPy array of integers, a list, or a reference string as
/// textbooks write it, with blanks or commas between the numbers. Arrays of 32 or 64 bits are read
/// in place. `writes`, if given, is an array or a list of bool of the same length that says which
/// accesses write.
///
/// >>> from balloonist import Trace
/// >>> trace = Trace("7 0 1 2 0 3 0 4 2 3 0 3 2")
/// >>> len(trace), trace.distinct_pages
/// (13, 6)
/// >>> trace.pages[:4].tolist()
/// [7, 0, 1, 2]
/// >>> Trace([1, -2])
/// Traceback (most recent call last):
/// ...
/// ValueError: pages[1] is -2, expected page numbers from 0 on
#[pyclass(frozen, module = "balloonist", from_py_object)]
#[derive(Clone)]
pub struct Trace {
    pub trace: Arc<trace::Trace>,
    /// How it was read, if it was.
    reading: Option<Arc<Reading>>,
}

struct Reading {
    format: &'static str,
    compression: &'static str,
    bytes: u64,
    notes: Vec<String>,
}

impl From<trace::Trace> for Trace {
    fn from(trace: trace::Trace) -> Self {
        Self { trace: Arc::new(trace), reading: None }
    }
}

impl From<Loaded> for Trace {
    fn from(loaded: Loaded) -> Self {
        let reading = Reading {
            format: loaded.format.name,
            compression: loaded.compression.name(),
            bytes: loaded.bytes,
            notes: loaded.notes,
        };
        Self { trace: Arc::new(loaded.trace), reading: Some(Arc::new(reading)) }
    }
}

#[pymethods]
impl Trace {
    #[new]
    #[pyo3(signature = (pages, *, writes=None))]
    fn new(pages: &Bound<'_, PyAny>, writes: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut builder = TraceBuilder::default();
        match pages.cast::<PyString>() {
            Ok(text) => builder.extend_u64(&reference_string(&text.to_cow()?)?),
            Err(_) => extend(&mut builder, pages)?,
        }
        if builder.overflowed() {
            return Err(PyValueError::new_err("the trace has 2**32 runs or more"));
        }
        if builder.accesses() == 0 {
            return Err(PyValueError::new_err("the trace has no access, expected at least one"));
        }
        if let Some(writes) = writes {
            let writes = flags(writes)?;
            let writes = writes.as_array();
            if writes.len() as u64 != builder.accesses() {
                let (found, expected) = (writes.len(), builder.accesses());
                let text = format!("writes has {found} elements, expected {expected}, as pages");
                return Err(PyValueError::new_err(text));
            }
            let kind = |&is: &bool| if is { AccessKind::Store } else { AccessKind::Load };
            builder.extend_kinds(&writes.iter().map(kind).collect::<Vec<_>>());
        }
        Ok(builder.finish().into())
    }

    /// Draws the accesses of a workload, such as `Trace.workload("zipf", pages=4000,
    /// accesses=1_000_000)`. `balloonist.workloads()` lists the kinds and their parameters. `vm` is
    /// the name of the VM of a scenario that would make the same accesses.
    ///
    /// >>> from balloonist import Trace
    /// >>> Trace.workload("loop", pages=3, accesses=7).pages.tolist()
    /// [0, 1, 2, 0, 1, 2, 0]
    #[staticmethod]
    #[pyo3(signature = (kind, *, seed=1, vm=None, **parameters))]
    fn workload(
        py: Python<'_>,
        kind: String,
        seed: u64,
        vm: Option<String>,
        parameters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut settings = Vec::new();
        for (name, value) in parameters.into_iter().flatten() {
            let written = value.cast::<PyString>().map(|text| Ok(text.to_string()));
            settings.push(format!("{name}={}", written.unwrap_or_else(|_| toml(&value))?));
        }
        let spec = Document::workload(&kind, &settings).map_err(|found| of_scenario(&found))?;
        let purpose = format!("vm/{}/workload", vm.as_ref().unwrap_or(&kind));
        let mut stream = Stream::new(Generator::ChaCha8, seed, 0, &purpose);
        wait(py, None, move |_| spec.generate(&mut stream)).map(Self::from)
    }

    /// The number of accesses: int.
    #[getter]
    fn accesses(&self) -> u64 {
        self.trace.accesses()
    }

    /// The number of distinct pages: int.
    #[getter]
    fn distinct_pages(&self) -> usize {
        self.trace.distinct_pages()
    }

    /// The page number of each access: array of uint64, shape (accesses,).
    #[getter]
    fn pages<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        let numbers = self.trace.numbers();
        self.by_access(py, |_, page| numbers[page as usize].0)
    }

    /// Which accesses write: array of bool, shape (accesses,); None if the trace does not know.
    #[getter]
    fn writes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<bool>>> {
        self.trace.has_kinds().then(|| {
            let all = 0..self.trace.accesses();
            let writes = all.map(|at| self.trace.kind(at).is_some_and(AccessKind::writes));
            PyArray1::from_iter(py, writes)
        })
    }

    /// What there is to say about the trace: dict with accesses, runs (of accesses to one page),
    /// distinct_pages, page_min, page_max, content_hash; if it was read from a file also format,
    /// compression, bytes (decompressed) and notes.
    ///
    /// >>> from balloonist import Trace
    /// >>> info = Trace([5, 5, 9]).info()
    /// >>> info["accesses"], info["runs"], info["page_max"]
    /// (3, 2, 9)
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let numbers = self.trace.numbers().iter().map(|page| page.0);
        let info = PyDict::new(py);
        info.set_item("accesses", self.trace.accesses())?;
        info.set_item("runs", self.trace.run_pages().len())?;
        info.set_item("distinct_pages", self.trace.distinct_pages())?;
        info.set_item("page_min", numbers.clone().min())?;
        info.set_item("page_max", numbers.max())?;
        let trace = Arc::clone(&self.trace);
        let hash = wait(py, None, move |_| trace.content_hash())?;
        info.set_item("content_hash", hash.to_string())?;
        if let Some(reading) = &self.reading {
            info.set_item("format", reading.format)?;
            info.set_item("compression", reading.compression)?;
            info.set_item("bytes", reading.bytes)?;
            info.set_item("notes", &reading.notes)?;
        }
        Ok(info)
    }

    /// This trace without the references that make no difference to LRU with `frames` frames or
    /// more (at least 2). Positions stay: a dropped reference repeats the page before it. With
    /// `resolution`, each page's first reference in every block of that many accesses stays too.
    #[pyo3(signature = (frames, *, resolution=None))]
    fn reduce(&self, py: Python<'_>, frames: u64, resolution: Option<u64>) -> PyResult<Self> {
        if frames < 2 || resolution == Some(0) {
            return Err(PyValueError::new_err("expected frames from 2 on and a resolution from 1"));
        }
        let trace = Arc::clone(&self.trace);
        let reduced = wait(py, None, move |_| reduce(&trace, Reduction { frames, resolution }))?;
        reduced.map(Self::from).map_err(TraceError::new_err)
    }

    /// The LRU stack distance of each access: array of uint32, shape (accesses,). It is the fewest
    /// frames with which LRU hits; `balloonist.COLD`, the largest value, at a page's first use.
    ///
    /// >>> from balloonist import COLD, Trace
    /// >>> distances = Trace([1, 2, 2, 1]).distances()
    /// >>> distances.tolist() == [COLD, COLD, 1, 2]
    /// True
    fn distances<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let trace = Arc::clone(&self.trace);
        wait(py, None, move |_| {
            let _ = trace.distances(); // They are kept.
        })?;
        let distances = self.trace.distances();
        Ok(self.by_access(py, |run, _| run.map_or(1, |run| distances[run])))
    }

    /// The reuse time of each access: array of uint64, shape (accesses,): how many accesses ago its
    /// page was used last; `balloonist.NEVER`, the largest value, at a page's first use.
    ///
    /// >>> from balloonist import NEVER, Trace
    /// >>> Trace([5, 6, 6, 5]).reuse_times().tolist() == [NEVER, NEVER, 1, 3]
    /// True
    fn reuse_times<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u64>>> {
        let trace = Arc::clone(&self.trace);
        let times = wait(py, None, move |_| reuse_times(&trace))?;
        Ok(PyArray1::from_vec(py, times))
    }

    /// Writes the trace to a file, which appears only when complete. The format is `format`, one of
    /// balloonist, text, csv, jsonl, u32, u64 and kinds, or else what the extension says: .txt,
    /// .u32, .u64, and balloonist's own compact form for all others.
    #[pyo3(signature = (path, *, format=None))]
    fn save(&self, py: Python<'_>, path: PathBuf, format: Option<&str>) -> PyResult<()> {
        let kind = match format {
            None => OutputKind::of_file(&path).map_err(TraceError::new_err)?,
            Some(name) => OUTPUTS.iter().find(|kind| kind.name == name).ok_or_else(|| {
                let known: Vec<&str> = OUTPUTS.iter().map(|kind| kind.name).collect();
                let known = known.join(", ");
                PyValueError::new_err(format!("format is `{name}`, expected one of {known}"))
            })?,
        };
        kind.holds(&self.trace).map_err(TraceError::new_err)?;
        let trace = Arc::clone(&self.trace);
        wait(py, None, move |_| write(kind, &trace, &path))?.map_err(|error| match error {
            WriteError::Io(error) => error.into(),
            unfit @ WriteError::Unfit(_) => TraceError::new_err(unfit.to_string()),
        })
    }

    fn __len__(&self) -> usize {
        self.trace.accesses() as usize
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.trace == other.trace
    }

    fn __repr__(&self) -> String {
        let (accesses, pages) = (self.trace.accesses(), self.trace.distinct_pages());
        format!("<Trace of {accesses} accesses to {pages} pages>")
    }
}

impl Trace {
    /// The trace of a VM.
    pub fn shared(trace: &Arc<trace::Trace>) -> Self {
        Self { trace: Arc::clone(trace), reading: None }
    }

    /// An array with what `value` says of each access: the run that it begins, if it begins one,
    /// and its page.
    fn by_access<'py, T: numpy::Element + Copy>(
        &self,
        py: Python<'py>,
        value: impl Fn(Option<usize>, u32) -> T,
    ) -> Bound<'py, PyArray1<T>> {
        let mut values = Vec::with_capacity(self.trace.accesses() as usize);
        for (at, run) in self.trace.runs(0, self.trace.accesses()).enumerate() {
            values.push(value(Some(at), run.page));
            values.extend((1..run.accesses).map(|_| value(None, run.page)));
        }
        PyArray1::from_vec(py, values)
    }
}

/// The trace of a value that stands for one: a Trace, a path, or what `Trace` takes.
pub fn of_value(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Trace> {
    if let Ok(trace) = value.extract::<Trace>() {
        return Ok(trace);
    }
    let is_array = value.is_instance_of::<PyString>() || !value.hasattr("__fspath__")?;
    if is_array { Trace::new(value, None) } else { read_one(py, value.extract()?, None) }
}

/// Reads a trace file, compressed or not.
///
/// `format` is a name of `balloonist.formats()`; "auto" recognises it. The further options are
/// those of `trace` in scenario files, such as `page_size="16 KiB"`, `unit=512`, `field="offset"`,
/// `header=False`, `writes=["W", "WS"]`, `limit_accesses=1_000_000`; and `memory_limit`, for traces
/// that take much more memory than their file. With `split`, the name of a column, the result is a
/// dict of a Trace for each of its values.
///
/// >>> import balloonist, pathlib, tempfile
/// >>> path = pathlib.Path(tempfile.mkdtemp()) / "five.txt"
/// >>> _ = path.write_text("9 8 9 nine".replace(" ", chr(10)))
/// >>> balloonist.read(path, format="text")  # doctest: +ELLIPSIS
/// Traceback (most recent call last):
/// ...
/// balloonist.TraceError: ...five.txt: 4:1: found `nine`, expected a page number such as 123...
#[pyfunction]
#[pyo3(signature = (path, *, format="auto", **options))]
pub fn read<'py>(
    py: Python<'py>,
    path: PathBuf,
    format: &str,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut read = ReadOptions { format: format.to_owned(), ..ReadOptions::default() };
    for (name, value) in options.into_iter().flatten() {
        set(&mut read, &name.extract::<String>()?, &value)?;
    }
    if read.split.is_none() || read.part.is_some() {
        return Ok(read_one(py, path, Some(read))?.into_pyobject(py)?.into_any());
    }
    let shown = path.display().to_string();
    let parts = wait(py, None, move |_| formats::load_parts(&path, &read))?;
    let traces = PyDict::new(py);
    for part in parts.map_err(|error| of_read(&shown, &error))? {
        traces.set_item(part.value, Trace::from(part.loaded))?;
    }
    Ok(traces.into_any())
}

fn read_one(py: Python<'_>, path: PathBuf, options: Option<ReadOptions>) -> PyResult<Trace> {
    let shown = path.display().to_string();
    let options = options.unwrap_or_default();
    let loaded = wait(py, None, move |_| formats::load(&path, &options))?;
    loaded.map(Trace::from).map_err(|error| of_read(&shown, &error))
}

/// The names of the limits.
const LIMITS: [&str; 3] = ["limit_bytes", "limit_accesses", "memory_limit"];

/// Sets an option of readers by its name in scenarios; None leaves the default.
fn set(options: &mut ReadOptions, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let numbers = options.numbers_mut().map(|(known, _)| known);
    let words = options.words_mut().map(|(known, _)| known);
    let known = [&words[..], &numbers[..], &LIMITS[..]].concat();
    if !known.contains(&name) {
        let known = known.join(", ");
        let text = format!("read() has no option `{name}`, expected one of {known}");
        return Err(PyTypeError::new_err(text));
    }
    if value.is_none() {
        return Ok(());
    }
    match name {
        "limit_bytes" => options.bytes_max = number(name, value)?,
        "limit_accesses" => options.accesses_max = number(name, value)?,
        "memory_limit" => {
            (options.memory_max, options.growth_max) = (number(name, value)?, u64::MAX);
        }
        _ => {}
    }
    for (_, option) in options.numbers_mut().into_iter().filter(|(known, _)| *known == name) {
        *option = Some(number(name, value)?);
    }
    for (_, option) in options.words_mut().into_iter().filter(|(known, _)| *known == name) {
        *option = Some(word(value)?);
    }
    Ok(())
}

/// A number, which may be written as a size.
fn number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(text) = value.cast::<PyString>() {
        let size = parse_size(&text.to_cow()?);
        return size.map_err(|error| PyValueError::new_err(format!("{name}: {error}")));
    }
    value.extract().map_err(|_| {
        let shown = value.repr().map(|text| text.to_string()).unwrap_or_default();
        let expected = "a whole number from 0 on, or a size such as \"16 KiB\"";
        PyTypeError::new_err(format!("{name} is {shown}, expected {expected}"))
    })
}

/// A word. True and False are yes and no, a list has commas, and a field may be a number.
fn word(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(is) = value.extract::<bool>() {
        return Ok(if is { "yes" } else { "no" }.to_owned());
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let words = value.try_iter()?.map(|item| word(&item?));
        return Ok(words.collect::<PyResult<Vec<_>>>()?.join(","));
    }
    value.str()?.extract()
}

/// Writes a trace to a file that appears only when complete.
fn write(kind: &OutputKind, trace: &trace::Trace, path: &Path) -> Result<(), WriteError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let mut out = BufWriter::new(&mut file);
    (kind.write)(trace, &mut out)?;
    out.flush()?;
    drop(out);
    file.persist(path).map(drop).map_err(|error| WriteError::Io(error.error))
}

/// The numbers of a reference string.
fn reference_string(text: &str) -> PyResult<Vec<u64>> {
    let is_between = |letter: char| letter.is_whitespace() || letter == ',';
    let words = text.split(is_between).filter(|word| !word.is_empty());
    let page = |word: &str| {
        word.parse().map_err(|_| {
            PyValueError::new_err(format!(
                "found `{word}`, expected page numbers with blanks or commas between them; to read \
                 a file, use balloonist.read"
            ))
        })
    };
    words.map(page).collect()
}

/// An array of bool, or what NumPy makes one of.
fn flags<'py>(writes: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, bool>> {
    let array = writes.py().import("numpy")?.call_method1("asarray", (writes,))?;
    array.extract().map_err(|_| {
        PyTypeError::new_err("writes is no list of True and False, expected one for each page")
    })
}

/// Adds the pages of an array or of what NumPy makes one of.
fn extend(builder: &mut TraceBuilder, pages: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = pages.py();
    if let Ok(array) = pages.extract::<PyReadonlyArray1<'_, u64>>()
        && let Ok(pages) = array.as_slice()
    {
        py.detach(|| builder.extend_u64(pages));
        return Ok(());
    }
    if let Ok(array) = pages.extract::<PyReadonlyArray1<'_, u32>>()
        && let Ok(pages) = array.as_slice()
    {
        py.detach(|| builder.extend_u32(pages));
        return Ok(());
    }
    if let Ok(array) = pages.extract::<PyReadonlyArray1<'_, i64>>()
        && let Ok(pages) = array.as_slice()
    {
        return py.detach(|| extend_signed(builder, pages));
    }
    if let Ok(items) = pages.cast::<PyIterator>() {
        return extend(builder, &py.get_type::<PyList>().call1((items,))?);
    }
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("asarray", (pages,))?;
    let untyped = array.cast::<numpy::PyUntypedArray>()?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    let is_empty = untyped.len() == 0;
    if untyped.ndim() == 0 {
        return Err(PyTypeError::new_err(format!(
            "pages is of the type {}, expected an array or list of integers, or a reference string",
            pages.get_type().name()?,
        )));
    }
    if untyped.ndim() != 1 || (!["i", "u"].contains(&kind.as_str()) && !is_empty) {
        return Err(PyTypeError::new_err(format!(
            "pages has the shape {:?} and the type {}, expected one dimension of integers",
            untyped.shape(),
            array.getattr("dtype")?,
        )));
    }
    let wide = if kind == "u" { "uint64" } else { "int64" };
    let array = array.call_method1("astype", (wide,))?;
    let array = numpy.call_method1("ascontiguousarray", (array,))?;
    extend(builder, &array)
}

fn extend_signed(builder: &mut TraceBuilder, pages: &[i64]) -> PyResult<()> {
    const AT_ONCE: usize = 1 << 14;
    let mut words = Vec::with_capacity(AT_ONCE);
    for (part, pages) in pages.chunks(AT_ONCE).enumerate() {
        if let Some(at) = pages.iter().position(|&page| page < 0) {
            return Err(PyValueError::new_err(format!(
                "pages[{}] is {}, expected page numbers from 0 on",
                part * AT_ONCE + at,
                pages[at]
            )));
        }
        words.clear();
        words.extend(pages.iter().map(|&page| page as u64));
        builder.extend_u64(&words);
    }
    Ok(())
}

//! Miss-ratio curves.

use std::sync::Arc;

use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::render::chart::Figure;
use balloonist::render::mrc as rendered;
use balloonist::replace::{self, ReplacementKind};
use balloonist::store::mrc as stored;
use balloonist::trace::points::{self, Point};
use balloonist::trace::{self, curve};
use balloonist::units::Frames;
use numpy::PyArray1;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};
use rayon::prelude::*;

use crate::html;
use crate::nest::Level;
use crate::raised;
use crate::replacement::Chosen;
use crate::tables::Table;
use crate::wait::{Task, wait};

/// The demand faults of a trace at several numbers of frames.
///
/// Draws itself in notebooks; `table` goes to pandas and others.
#[pyclass(frozen, module = "balloonist")]
pub struct Curve(stored::Curve);

#[pymethods]
impl Curve {
    /// The numbers of frames: array of uint64, shape (points,).
    #[getter]
    fn frames<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        PyArray1::from_iter(py, self.0.points.iter().map(|(frames, _)| frames.0))
    }

    /// The demand faults with these numbers of frames: array of uint64, shape (points,).
    #[getter]
    fn demand_faults<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        PyArray1::from_iter(py, self.0.points.iter().map(|(_, faults)| *faults))
    }

    /// The demand faults as shares of all accesses: array of float64, shape (points,).
    #[getter]
    fn miss_ratio<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let ratio = |faults: u64| faults as f64 / self.0.accesses as f64;
        PyArray1::from_iter(py, self.0.points.iter().map(|(_, faults)| ratio(*faults)))
    }

    /// The number of accesses: int.
    #[getter]
    fn accesses(&self) -> u64 {
        self.0.accesses
    }

    /// The curve as a Table.
    #[getter]
    fn table(&self) -> Table {
        Table(stored::table(std::slice::from_ref(&self.0)))
    }

    /// The curve as a picture: SVG, str.
    fn figure(&self) -> String {
        self.drawn().to_svg()
    }

    fn __repr__(&self) -> String {
        let of = self.0.replacement.unwrap_or("lru");
        format!("<Curve of {} under {of} at {} points>", self.0.trace, self.0.points.len())
    }

    fn _repr_html_(&self) -> String {
        let remarks = rendered::remarks(std::slice::from_ref(&self.0)).join("\n");
        html::figure(&self.drawn()) + &html::paragraphs(&remarks)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.table().__arrow_c_stream__(py, requested_schema)
    }
}

impl Curve {
    fn drawn(&self) -> Figure {
        rendered::figure(std::slice::from_ref(&self.0))
    }
}

/// The demand faults of a VM that replays `trace` at each number of frames.
///
/// `replacement` is an algorithm's name, by default "lru", or a class. LRU's curve is exact and
/// comes from one pass; other algorithms are simulated once for each number of frames, with default
/// parameters, those of the list on all processors. `points` are the numbers of frames: an int, a
/// list of int, or a text such as "1..64, 128..4096*2, 10%, all". By default LRU has every number
/// from 1 to the distinct pages, others the powers of two and that number. `seed` and `name`, the
/// VM's name, key the draws of algorithms that draw.
///
/// >>> import balloonist
/// >>> belady = balloonist.Trace("1 2 3 4 1 2 5 1 2 3 4 5")
/// >>> balloonist.mrc(belady, replacement="fifo", points=[3, 4]).demand_faults.tolist()
/// [9, 10]
#[pyfunction]
#[pyo3(signature = (trace, *, replacement=None, points=None, seed=1, name="trace"))]
pub fn mrc<'py>(
    py: Python<'py>,
    trace: &Bound<'py, PyAny>,
    replacement: Option<&Bound<'py, PyAny>>,
    points: Option<&Bound<'py, PyAny>>,
    seed: u64,
    name: &str,
) -> PyResult<Curve> {
    let trace = crate::trace::of_value(py, trace)?.trace;
    let lru = Chosen { kind: &replace::ALL[0], is_own: false };
    let chosen = replacement.map_or(Ok(lru), Chosen::read)?;
    let points = points.map(read_points).transpose()?;
    let (points, name) = (points.as_deref(), name.to_owned());
    let sizes = sizes(chosen.kind, &trace, points);
    let made = move |task: &Task| of(chosen, &trace, sizes, (seed, name), task);
    // Python code runs on this thread, where it hears Ctrl-C.
    let curve = if chosen.is_own {
        let _level = Level::deeper()?;
        py.detach(|| made(&Task::default()))
    } else {
        wait(py, None, made)?
    };
    if let Some(error) = raised::take() {
        return Err(error);
    }
    curve.map(Curve).ok_or_else(|| PyKeyboardInterrupt::new_err(()))
}

/// Numbers of frames, as callers give them.
fn read_points(given: &Bound<'_, PyAny>) -> PyResult<Vec<Point>> {
    let words: Vec<String> = if let Ok(text) = given.cast::<PyString>() {
        text.to_cow()?.split(',').map(str::to_owned).collect()
    } else if let Ok(number) = given.extract::<u64>() {
        vec![number.to_string()]
    } else if let Ok(numbers) = given.extract::<Vec<u64>>() {
        numbers.iter().map(u64::to_string).collect()
    } else {
        let expected = "numbers of frames, or a text such as \"1..64, 10%, all\"";
        let text = format!("points is {}, expected {expected}", given.repr()?);
        return Err(PyTypeError::new_err(text));
    };
    points::read(&words).map_err(|wrong| PyValueError::new_err(format!("points: {wrong}")))
}

/// The numbers of frames: those asked for, or the default; of a reduced trace those for which it is
/// exact.
fn sizes(kind: &ReplacementKind, trace: &trace::Trace, points: Option<&[Point]>) -> Vec<Frames> {
    let pages = trace.distinct_pages() as u64;
    let least = trace.reduction().map_or(0, |reduction| reduction.frames);
    let mut sizes = match points {
        Some(points) => points::of(points, pages),
        None if kind.is_lru() => (1..=pages).map(Frames).collect(),
        None => points::powers_and_all(pages),
    };
    sizes.retain(|frames| frames.0 >= least);
    sizes
}

/// The curve; nothing if nobody waits for it any more, or the algorithm has raised.
fn of(
    Chosen { kind, is_own }: Chosen,
    trace: &Arc<trace::Trace>,
    sizes: Vec<Frames>,
    (seed, name): (u64, String),
    task: &Task,
) -> Option<stored::Curve> {
    let points = if kind.is_lru() {
        stored::Curve::points_of(&curve::lru_faults(trace, trace.accesses()), &sizes)
    } else {
        let purpose = format!("vm/{name}/replacement");
        let draw = || Stream::new(Generator::ChaCha8, seed, 0, &purpose);
        let settings = Settings::defaults(kind.params);
        let point = |&frames: &Frames| {
            let replayed = || replace::replay(kind.build, &settings, trace, 0, frames, &draw);
            let goes_on = !task.is_stopped() && !raised::waits();
            goes_on.then(|| (frames, replayed().demand_faults))
        };
        if is_own {
            sizes.iter().map(point).collect::<Option<_>>()?
        } else {
            sizes.par_iter().map(point).collect::<Option<_>>()?
        }
    };
    let replacement = (!kind.is_lru()).then_some(kind.name);
    let accesses = trace.accesses();
    Some(stored::Curve { trace: name, accesses, replacement, points, interval: Vec::new() })
}

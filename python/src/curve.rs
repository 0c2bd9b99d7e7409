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
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use rayon::prelude::*;

use crate::html;
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
/// LRU's curve is exact and comes from one pass; other algorithms are simulated once for each
/// number of frames, with default parameters, on all processors. `points` are the numbers of
/// frames: a list of int, or a text such as "1..64, 128..4096*2, 10%, all". By default LRU has
/// every number from 1 to the distinct pages, others the powers of two and that number. `seed` and
/// `name`, the VM's name, key the draws of algorithms that draw.
///
/// >>> import balloonist
/// >>> belady = balloonist.Trace("1 2 3 4 1 2 5 1 2 3 4 5")
/// >>> balloonist.mrc(belady, replacement="fifo", points=[3, 4]).demand_faults.tolist()
/// [9, 10]
#[pyfunction]
#[pyo3(signature = (trace, *, replacement="lru", points=None, seed=1, name="trace"))]
pub fn mrc<'py>(
    py: Python<'py>,
    trace: &Bound<'py, PyAny>,
    replacement: &str,
    points: Option<Points>,
    seed: u64,
    name: &str,
) -> PyResult<Curve> {
    let trace = crate::trace::of_value(py, trace)?.trace;
    let kind = kind(replacement)?;
    let points = points.map(Points::read).transpose()?;
    let name = name.to_owned();
    let curve = wait(py, None, move |task| of(kind, &trace, points.as_deref(), seed, name, task))?;
    curve.map(Curve).ok_or_else(|| PyKeyboardInterrupt::new_err(()))
}

/// The algorithm of this name.
pub fn kind(name: &str) -> PyResult<&'static ReplacementKind> {
    replace::ALL.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<&str> = replace::ALL.iter().map(|kind| kind.name).collect();
        let known = known.join(", ");
        PyValueError::new_err(format!("replacement is `{name}`, expected one of {known}"))
    })
}

/// Numbers of frames, as callers give them.
#[derive(FromPyObject)]
pub enum Points {
    Text(String),
    Numbers(Vec<u64>),
}

impl Points {
    fn read(self) -> PyResult<Vec<Point>> {
        let words: Vec<String> = match self {
            Self::Text(text) => text.split(',').map(str::to_owned).collect(),
            Self::Numbers(numbers) => numbers.iter().map(u64::to_string).collect(),
        };
        points::read(&words).map_err(|wrong| PyValueError::new_err(format!("points: {wrong}")))
    }
}

/// The curve; nothing if nobody waits for it any more.
fn of(
    kind: &'static ReplacementKind,
    trace: &Arc<trace::Trace>,
    points: Option<&[Point]>,
    seed: u64,
    name: String,
    task: &Task,
) -> Option<stored::Curve> {
    let pages = trace.distinct_pages() as u64;
    let least = trace.reduction().map_or(0, |reduction| reduction.frames);
    let mut sizes = match points {
        Some(points) => points::of(points, pages),
        None if kind.is_lru() => (1..=pages).map(Frames).collect(),
        None => points::powers_and_all(pages),
    };
    sizes.retain(|frames| frames.0 >= least);
    let points = if kind.is_lru() {
        stored::Curve::points_of(&curve::lru_faults(trace, trace.accesses()), &sizes)
    } else {
        let purpose = format!("vm/{name}/replacement");
        let draw = || Stream::new(Generator::ChaCha8, seed, 0, &purpose);
        let settings = Settings::defaults(kind.params);
        let point = |&frames: &Frames| {
            let replayed = || replace::replay(kind.build, &settings, trace, 0, frames, &draw);
            (!task.is_stopped()).then(|| (frames, replayed().demand_faults))
        };
        sizes.par_iter().map(point).collect::<Option<_>>()?
    };
    let replacement = (!kind.is_lru()).then_some(kind.name);
    let accesses = trace.accesses();
    Some(stored::Curve { trace: name, accesses, replacement, points, interval: Vec::new() })
}

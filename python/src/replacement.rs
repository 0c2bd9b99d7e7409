//! Replacement algorithms: those of the list, and classes in Python.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use balloonist::replace::{self, Accesses, Algorithm, Guest, List, Paged, ReplacementKind, Touch};
use balloonist::trace::{PageId, Trace};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::policy::{own_name, whole};
use crate::raised;

/// An algorithm as callers name it.
#[derive(Clone, Copy)]
pub struct Chosen {
    pub kind: &'static ReplacementKind,
    /// Whether it runs Python code.
    pub is_own: bool,
}

impl Chosen {
    /// Reads a name, or a class with methods `access` and `evict`.
    pub fn read(algorithm: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(name) = algorithm.cast::<PyString>() {
            return Ok(Self { kind: named(&name.to_cow()?)?, is_own: false });
        }
        match algorithm.cast::<PyType>() {
            Ok(class) if class.hasattr("access")? && class.hasattr("evict")? => {
                Ok(Self { kind: own(class)?, is_own: true })
            }
            _ => Err(PyTypeError::new_err(format!(
                "replacement is {}, expected the name of an algorithm, or a class with methods \
                 access(self, page, hit) and evict(self, page)",
                algorithm.repr()?
            ))),
        }
    }
}

fn named(name: &str) -> PyResult<&'static ReplacementKind> {
    replace::ALL.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<&str> = replace::ALL.iter().map(|kind| kind.name).collect();
        let known = known.join(", ");
        PyValueError::new_err(format!("replacement is `{name}`, expected one of {known}"))
    })
}

/// The classes that have run, each with its kind: a kind lives as long as the program.
static KINDS: Mutex<Vec<(Py<PyType>, &'static ReplacementKind)>> = Mutex::new(Vec::new());

/// The kind of a class.
fn own(class: &Bound<'_, PyType>) -> PyResult<&'static ReplacementKind> {
    let name = own_name(class, class)?;
    if replace::ALL.iter().any(|kind| kind.name == name) {
        let text = format!("an algorithm of the list is called `{name}`; give yours another name");
        return Err(PyValueError::new_err(text));
    }
    let mut kinds = KINDS.lock().expect("no thread panics while it holds the kinds");
    if let Some((_, kind)) = kinds.iter().find(|(known, _)| known.is(class)) {
        return Ok(kind);
    }
    let made = class.clone().unbind();
    let kind = ReplacementKind::own(name, move |_, guest| {
        let object = Python::attach(|py| Object::new(made.bind(py), guest));
        let object = object.map_err(raised::keep).ok();
        Paged::boxed(guest, InPython::new(object, guest))
    });
    kinds.push((class.clone().unbind(), kind));
    Ok(kind)
}

/// The methods of an object of such a class.
struct Object {
    access: Py<PyAny>,
    evict: Py<PyAny>,
    resize: Option<Py<PyAny>>,
    free: Option<Py<PyAny>>,
}

impl Object {
    fn new(class: &Bound<'_, PyType>, guest: &Guest<'_>) -> PyResult<Self> {
        let object = class.call1((guest.frames.0,))?;
        let method = |name| object.getattr_opt(name).map(|method| method.map(Bound::unbind));
        let free = method("free")?;
        if free.is_none() && guest.trace.frees().is_some() {
            return Err(PyTypeError::new_err(format!(
                "the guest frees pages, but {} has no method free(self, page)",
                class.name()?
            )));
        }
        Ok(Self {
            access: object.getattr("access")?.unbind(),
            evict: object.getattr("evict")?.unbind(),
            resize: method("resize")?,
            free,
        })
    }
}

/// An algorithm in Python at work in one VM. It only says which page goes: which pages are
/// resident is known here, so that a wrong answer is found at once.
struct InPython {
    /// Nothing once it has raised: then any page goes, until the run is left.
    object: Option<Object>,
    trace: Arc<Trace>,
    frames: u64,
    /// The resident pages, by their numbers.
    resident: BTreeMap<u64, PageId>,
}

impl InPython {
    fn new(object: Option<Object>, guest: &Guest<'_>) -> Self {
        let trace = Arc::clone(guest.trace);
        Self { object, trace, frames: guest.frames.0, resident: BTreeMap::new() }
    }

    fn number(&self, page: PageId) -> u64 {
        self.trace.numbers()[page as usize].0
    }

    /// Does something with the object, if it has not raised.
    fn ask<T>(&mut self, ask: impl FnOnce(Python<'_>, &Object) -> PyResult<T>) -> Option<T> {
        let object = self.object.as_ref()?;
        match Python::attach(|py| ask(py, object)) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.object = None;
                raised::keep(error);
                None
            }
        }
    }

    fn tell(&mut self, page: u64, hit: bool) {
        let _ = self.ask(|py, object| object.access.bind(py).call1((page, hit)).map(drop));
    }

    /// Evicts the page that the object names, for the page of the number `comes` if one comes.
    fn evict(&mut self, comes: Option<u64>) -> PageId {
        let resident = std::mem::take(&mut self.resident);
        let named = self.ask(|py, object| {
            let page = object.evict.bind(py).call1((comes,))?;
            let number = whole(&page).ok();
            let known = number.filter(|number| resident.contains_key(number));
            known.ok_or_else(|| wrong(&page, &resident))
        });
        self.resident = resident;
        let gone = match named {
            Some(number) => self.resident.remove(&number),
            None => self.resident.pop_first().map(|(_, page)| page),
        };
        gone.expect("a page is resident")
    }
}

/// The error for a page that cannot be evicted.
fn wrong(page: &Bound<'_, PyAny>, resident: &BTreeMap<u64, PageId>) -> PyErr {
    const SHOWN: usize = 8;
    let shown: Vec<String> = resident.keys().take(SHOWN).map(u64::to_string).collect();
    let more = if resident.len() > SHOWN { ", …" } else { "" };
    let page = page.repr().map(|text| text.to_string()).unwrap_or_default();
    PyValueError::new_err(format!(
        "evict() returned {page}, expected one of the {} resident pages: {}{more}",
        resident.len(),
        shown.join(", ")
    ))
}

impl Accesses for InPython {
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let number = self.number(page);
        if self.resident.contains_key(&number) {
            self.tell(number, true);
            return Touch::Hit;
        }
        let is_full = self.resident.len() as u64 >= self.frames;
        let touch =
            if is_full { Touch::Replacement(self.evict(Some(number))) } else { Touch::Fill };
        self.resident.insert(number, page);
        self.tell(number, false);
        touch
    }

    fn again(&mut self, page: PageId, _: u64, times: u64) {
        let number = self.number(page);
        for _ in 0..times {
            if self.object.is_none() {
                break;
            }
            self.tell(number, true);
        }
    }

    fn free(&mut self, page: PageId) -> bool {
        let number = self.number(page);
        let was_resident = self.resident.remove(&number).is_some();
        let _ = self.ask(|py, object| match &object.free {
            Some(free) => free.bind(py).call1((number,)).map(drop),
            None => Ok(()),
        });
        was_resident
    }
}

impl Algorithm for InPython {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        let _ = self.ask(|py, object| match &object.resize {
            Some(resize) => resize.bind(py).call1((frames,)).map(drop),
            None => Ok(()),
        });
        while self.resident.len() as u64 > frames {
            evicted(self.evict(None));
        }
    }

    fn resident(&self) -> u64 {
        self.resident.len() as u64
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.resident.values().copied())]
    }

    fn audit(&self) {
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}

//! Results as tables, which other libraries take through the Arrow C interface without copies.

use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchOptions,
    StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use balloonist::number::Millionths;
use balloonist::table::{self, Cell};
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyIterator};

use crate::html;

/// A table of results: named columns, and rows.
///
/// pandas, polars, pyarrow and DuckDB take it as it is, through the Arrow C interface:
/// `pandas.DataFrame.from_arrow(rows)`, `polars.DataFrame(rows)`, `pyarrow.table(rows)`,
/// `duckdb.sql("select * from rows")`. Counts are 64-bit integers, ratios doubles, and what is
/// unknown is null.
///
/// >>> import balloonist
/// >>> rows = balloonist.mrc(balloonist.Trace("1 2 3 1 2 3")).table
/// >>> rows.columns
/// ['trace', 'frames', 'demand_faults', 'miss_ratio']
/// >>> len(rows), rows[2]
/// (3, {'trace': 'trace', 'frames': 3, 'demand_faults': 3, 'miss_ratio': 0.5})
/// >>> rows["demand_faults"]
/// [6, 6, 3]
#[pyclass(frozen, module = "balloonist")]
pub struct Table(pub table::Table);

#[pymethods]
impl Table {
    /// The names of the columns: list of str.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.0.columns().to_vec()
    }

    /// The table as comma-separated values, with the bytes that the command prints: str.
    fn csv(&self) -> String {
        self.0.to_csv()
    }

    /// The table as a JSON array of objects, with the bytes that the command prints: str.
    fn json(&self) -> String {
        self.0.to_json()
    }

    /// The rows: list of dict, a key a column.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        (0..self.0.rows().len()).map(|at| self.row(py, at)).collect()
    }

    fn __len__(&self) -> usize {
        self.0.rows().len()
    }

    /// The rows in turn.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.rows(py)?.into_pyobject(py)?.try_iter()
    }

    /// A row by its number, as a dict, or a column by its name, as a list.
    fn __getitem__<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Bound<'py, PyAny>> {
        match key {
            Key::Row(at) => {
                let rows = self.0.rows().len() as i64;
                let place = if at < 0 { at + rows } else { at };
                if !(0..rows).contains(&place) {
                    return Err(PyIndexError::new_err(format!("there are {rows} rows")));
                }
                Ok(self.row(py, place as usize)?.into_any())
            }
            Key::Column(name) => {
                let at = self.0.columns().iter().position(|column| *column == name);
                let at = at.ok_or_else(|| PyKeyError::new_err(name))?;
                let cells = self.0.rows().iter().map(|row| value(py, &row[at]));
                Ok(cells.collect::<PyResult<Vec<_>>>()?.into_pyobject(py)?)
            }
        }
    }

    fn __repr__(&self) -> String {
        self.0.to_text(false, 100)
    }

    fn _repr_html_(&self) -> String {
        html::table(&self.0)
    }

    /// The Arrow C stream of the table, for libraries that read Arrow data.
    #[pyo3(signature = (requested_schema=None))]
    pub fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A consumer casts what it gets; the interface allows to ignore what it would like.
        let _ = requested_schema;
        let batch = self.batch();
        let schema = batch.schema();
        let batches = RecordBatchIterator::new([Ok(batch)], schema);
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// What picks a part of a table.
#[derive(FromPyObject)]
enum Key {
    Row(i64),
    Column(String),
}

impl Table {
    fn row<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyDict>> {
        let row = PyDict::new(py);
        for (column, cell) in self.0.columns().iter().zip(&self.0.rows()[at]) {
            row.set_item(column, value(py, cell)?)?;
        }
        Ok(row)
    }

    fn batch(&self) -> RecordBatch {
        let rows = self.0.rows();
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (at, name) in self.0.columns().iter().enumerate() {
            let (kind, array) = array(rows.iter().map(|row| &row[at]));
            fields.push(Field::new(name, kind, true));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, arrays, &options)
            .expect("all columns have a cell for each row")
    }
}

/// A column: text if a cell is text, else doubles if one is a ratio or none is filled, else
/// integers.
fn array<'t>(cells: impl Iterator<Item = &'t Cell> + Clone) -> (DataType, ArrayRef) {
    let is_filled = |cell: &&Cell| **cell != Cell::Empty;
    if cells.clone().any(|cell| matches!(cell, Cell::Text(_))) {
        let text = cells.map(|cell| Some(cell.plain()).filter(|_| is_filled(&cell)));
        return (DataType::Utf8, Arc::new(text.collect::<StringArray>()));
    }
    let mut filled = cells.clone().filter(is_filled).peekable();
    if filled.peek().is_some()
        && filled.all(|cell| matches!(cell, Cell::Integer(_) | Cell::Time(_)))
    {
        let count = |cell: &Cell| match cell {
            Cell::Integer(count) | Cell::Time(count) => i64::try_from(*count).ok(),
            _ => None,
        };
        return (DataType::Int64, Arc::new(cells.map(count).collect::<Int64Array>()));
    }
    (DataType::Float64, Arc::new(cells.map(double).collect::<Float64Array>()))
}

/// A number as a double; the nearest one to a ratio's six decimals.
fn double(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Text(_) | Cell::Empty => None,
        Cell::Integer(number) | Cell::Time(number) => Some(*number as f64),
        Cell::Ratio(ratio) => Some(ratio.0 as f64 / Millionths::ONE as f64),
        Cell::Signed(ratio) => Some(ratio.0 as f64 / Millionths::ONE as f64),
    }
}

fn value<'py>(py: Python<'py>, cell: &Cell) -> PyResult<Bound<'py, PyAny>> {
    Ok(match cell {
        Cell::Text(text) => text.into_pyobject(py)?.into_any(),
        Cell::Integer(number) | Cell::Time(number) => number.into_pyobject(py)?.into_any(),
        _ => double(cell).into_pyobject(py)?,
    })
}

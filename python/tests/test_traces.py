"""Traces and curves, against arithmetic in Python and the numbers of textbooks."""

import random

import numpy as np
import pytest

import balloonist
from balloonist import COLD, NEVER, Trace


def drawn(seed, length=400, pages=40):
    draw = random.Random(seed)
    return [draw.randrange(pages) for _ in range(length)]


@pytest.mark.parametrize("dtype", ["u8", "i8", "u4", "i4", "u2", "i2", "u1", "i1"])
def test_arrays_of_any_width_give_the_same_trace(dtype):
    pages = drawn(1)
    trace = Trace(np.array(pages, dtype=dtype))
    assert trace == Trace(pages)
    assert trace.pages.dtype == np.uint64
    assert trace.pages.tolist() == pages


def test_what_numpy_makes_an_array_of_is_a_trace():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    pages = [3, 1, 2, 1]
    same = [iter(pages), (page for page in pages), tuple(pages), range(1, 4), pandas.Series(pages),
            polars.Series(pages), pyarrow.array(pages), np.array(pages, dtype=">u8"), memoryview(bytes(pages))]
    for given in same:
        expected = [1, 2, 3] if isinstance(given, range) else pages
        assert Trace(given).pages.tolist() == expected, given


def test_strided_and_large_arrays():
    pages = np.arange(10, dtype=np.uint64)[::3]
    assert Trace(pages).pages.tolist() == [0, 3, 6, 9]
    top = 2**64 - 1
    assert Trace(np.array([top], dtype=np.uint64)).pages.tolist() == [top]


def test_reference_strings_are_read_as_people_write_them():
    assert Trace("7 0, 1,2\n3").pages.tolist() == [7, 0, 1, 2, 3]
    with pytest.raises(ValueError, match="found `seven`, expected page numbers"):
        Trace("7 seven")


@pytest.mark.parametrize(
    ("pages", "error", "text"),
    [
        ([], ValueError, "no access"),
        ("", ValueError, "no access"),
        ([1.5], TypeError, "float64"),
        ([[1, 2]], TypeError, r"shape \[1, 2\]"),
        (["a"], TypeError, "expected one dimension of integers"),
        ([3, -1], ValueError, r"pages\[1\] is -1"),
        (np.array([1, -7], dtype=np.int8), ValueError, r"pages\[1\] is -7"),
        (None, TypeError, "pages is of the type NoneType, expected an array or list of integers"),
        ({1, 2}, TypeError, "pages is of the type set"),
        ({1: 2}, TypeError, "pages is of the type dict"),
        (7, TypeError, "pages is of the type int"),
        ([2**64], TypeError, "object"),
    ],
)
def test_what_is_no_trace_is_refused(pages, error, text):
    with pytest.raises(error, match=text):
        Trace(pages)


def test_writes_are_kept():
    trace = Trace([1, 1, 2], writes=np.array([True, False, True]))
    assert trace.writes.tolist() == [True, False, True]
    assert Trace([1]).writes is None
    assert Trace([1, 1, 2], writes=[True, False, True]) == trace
    for bad in ([1, 0, 1], "yes", [None] * 3, [[True]]):
        with pytest.raises(TypeError, match="writes is no list of True and False"):
            Trace([1, 1, 2], writes=bad)
    with pytest.raises(ValueError, match="writes has 1 elements, expected 2"):
        Trace([1, 2], writes=np.array([True]))


@pytest.mark.parametrize("seed", range(5))
def test_distances_and_reuse_times_are_those_of_the_definition(seed):
    pages = drawn(seed)
    stack, last, distances, times = [], {}, [], []
    for at, page in enumerate(pages):
        distances.append(stack.index(page) + 1 if page in stack else COLD)
        times.append(at - last[page] if page in last else NEVER)
        if page in stack:
            stack.remove(page)
        stack.insert(0, page)
        last[page] = at
    trace = Trace(pages)
    assert trace.distances().dtype == np.uint32
    assert trace.distances().tolist() == distances
    assert trace.reuse_times().dtype == np.uint64
    assert trace.reuse_times().tolist() == times
    curve = balloonist.mrc(trace)
    for frames, faults in zip(curve.frames, curve.demand_faults):
        assert faults == sum(distance > frames for distance in distances)


def test_curves_of_the_textbooks():
    # L. A. Belady, R. A. Nelson, G. S. Shedler, CACM 12(6), 1969: FIFO's anomaly.
    string = "1 2 3 4 1 2 5 1 2 3 4 5"
    assert balloonist.mrc(string, replacement="fifo", points="3,4").demand_faults.tolist() == [9, 10]
    # A. Silberschatz, P. B. Galvin, G. Gagne, Operating System Concepts: 15, 12 and 9 faults.
    string = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
    faults = {kind: balloonist.mrc(string, replacement=kind, points=[3]) for kind in ("fifo", "lru", "min")}
    assert {kind: int(curve.demand_faults[0]) for kind, curve in faults.items()} == {
        "fifo": 15,
        "lru": 12,
        "min": 9,
    }
    with pytest.raises(ValueError, match="replacement is `lur`, expected one of lru, random"):
        balloonist.mrc(string, replacement="lur")
    with pytest.raises(ValueError, match="points: found `0`"):
        balloonist.mrc(string, points=[0])
    for points in (3, [3], (3,), range(3, 4), np.array([3]), "3"):
        assert balloonist.mrc(string, points=points).frames.tolist() == [3]
    for points in (-1, 2.5, [1.5], {}, object()):
        with pytest.raises(TypeError, match="points is .*, expected numbers of frames, or a text"):
            balloonist.mrc(string, points=points)


@pytest.mark.parametrize("name", ["a.txt", "a.u32", "a.u64", "a.trace"])
def test_saved_traces_are_read_back(tmp_path, name):
    trace = Trace(drawn(3))
    trace.save(tmp_path / name)
    again = balloonist.read(tmp_path / name)
    assert again == trace
    assert again.info()["content_hash"] == trace.info()["content_hash"]
    assert again.info()["bytes"] > 0


def test_reduced_traces(tmp_path):
    trace = Trace([1, 2, 1, 2, 1, 3, 4])
    reduced = trace.reduce(2)
    assert reduced.pages.tolist() == [1, 2, 2, 2, 1, 3, 4]
    with pytest.raises(balloonist.TraceError, match="already reduced"):
        reduced.reduce(2)
    with pytest.raises(balloonist.TraceError, match="cannot record that the trace is reduced"):
        reduced.save(tmp_path / "a.txt")
    with pytest.raises(balloonist.TraceError, match="uncompressed"):
        trace.save(tmp_path / "a.txt.gz")
    with pytest.raises(ValueError, match="format is `txt`, expected one of balloonist, text"):
        trace.save(tmp_path / "a", format="txt")


def test_reading_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        balloonist.read(tmp_path / "missing")
    with pytest.raises(TypeError, match=r"read\(\) has no option `pagesize`"):
        balloonist.read(tmp_path / "missing", pagesize=4096)
    (tmp_path / "a.txt").write_text("1\nx\n")
    with pytest.raises(balloonist.TraceError, match="2:1: found `x`"):
        balloonist.read(tmp_path / "a.txt", format="text")


def test_split_files_are_dicts(tmp_path):
    (tmp_path / "a.csv").write_text("vm,page\nweb,1\ndb,7\nweb,2\n")
    parts = balloonist.read(tmp_path / "a.csv", format="csv", field="page", split="vm")
    assert {name: trace.pages.tolist() for name, trace in parts.items()} == {"web": [1, 2], "db": [7]}


def test_workloads_are_those_of_scenarios():
    one = Trace.workload("zipf", pages=100, accesses=1000, seed=3, vm="web")
    assert one == Trace.workload("zipf", pages=100, accesses=1000, seed=3, vm="web")
    assert one != Trace.workload("zipf", pages=100, accesses=1000, seed=4, vm="web")
    with pytest.raises(balloonist.ScenarioError, match="did you mean `pages`"):
        Trace.workload("zipf", pagse=100, accesses=1000)


def test_tables_go_to_other_libraries():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow, duckdb = pytest.importorskip("pyarrow"), pytest.importorskip("duckdb")
    curve = balloonist.mrc("1 2 3 1 2 3")
    table = table_of_curve = curve.table
    expected = [
        {"trace": "trace", "frames": frames, "demand_faults": faults, "miss_ratio": ratio}
        for frames, faults, ratio in [(1, 6, 1.0), (2, 6, 1.0), (3, 3, 0.5)]
    ]
    assert table.rows() == expected
    assert pyarrow.table(table).to_pylist() == expected
    assert polars.DataFrame(table).to_dicts() == expected
    assert pandas.DataFrame.from_arrow(table).to_dict("records") == expected
    assert pandas.DataFrame(table).to_dict("records") == list(table) == expected
    assert pyarrow.table(curve).num_rows == polars.DataFrame(curve).height == 3
    found = duckdb.sql("select sum(demand_faults) from table_of_curve").fetchall()
    assert found == [(15,)]
    assert table.csv().splitlines()[1] == "trace,1,6,1.000000"
    assert "<table>" in table._repr_html_()
    assert "data:image/svg+xml," in curve._repr_html_()
    assert curve.figure().startswith("<svg ")
    with pytest.raises(KeyError):
        table["nothing"]
    with pytest.raises(IndexError):
        table[3]
    assert table[-1] == expected[-1]

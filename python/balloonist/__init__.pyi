"""Types of the package. Every docstring is in the package itself: `help(balloonist.Trace)`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "COLD",
    "NEVER",
    "Comparison",
    "Counts",
    "Curve",
    "Error",
    "PolicyError",
    "Run",
    "Scenario",
    "ScenarioError",
    "Sweep",
    "Table",
    "Trace",
    "TraceError",
    "View",
    "VmView",
    "first_difference",
    "formats",
    "mrc",
    "observers",
    "policies",
    "read",
    "replacements",
    "workloads",
]

__version__: str
COLD: int
NEVER: int

_Path: TypeAlias = str | PathLike[str]
_Trace: TypeAlias = Trace | ArrayLike | PathLike[str]
_Value: TypeAlias = str | int | float | bool | Sequence[Any] | Mapping[str, Any]
_Progress: TypeAlias = bool | Callable[[int, int], object] | None

class _Policy(Protocol):
    def plan(self, view: View) -> dict[str, int]: ...

class _Replacement(Protocol):
    def __init__(self, frames: int) -> None: ...
    def access(self, page: int, hit: bool) -> object: ...
    def evict(self, page: int | None) -> int: ...

_AnyPolicy: TypeAlias = str | _Policy | type[_Policy]
_AnyReplacement: TypeAlias = str | type[_Replacement]

class Error(Exception): ...
class TraceError(Error): ...
class ScenarioError(Error): ...
class PolicyError(Error): ...

@final
class Table:
    @property
    def columns(self) -> list[str]: ...
    def csv(self) -> str: ...
    def json(self) -> str: ...
    def rows(self) -> list[dict[str, str | int | float | None]]: ...
    def __iter__(self) -> Iterator[dict[str, str | int | float | None]]: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: int, /) -> dict[str, str | int | float | None]: ...
    @overload
    def __getitem__(self, key: str, /) -> list[Any]: ...
    def _repr_html_(self) -> str: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class Trace:
    def __new__(
        cls, pages: ArrayLike | Iterator[int], *, writes: ArrayLike | None = None
    ) -> Trace: ...
    @staticmethod
    def workload(
        kind: str, *, seed: int = 1, vm: str | None = None, **parameters: object
    ) -> Trace: ...
    @property
    def accesses(self) -> int: ...
    @property
    def distinct_pages(self) -> int: ...
    @property
    def pages(self) -> NDArray[np.uint64]: ...
    @property
    def writes(self) -> NDArray[np.bool_] | None: ...
    def info(self) -> dict[str, Any]: ...
    def reduce(self, frames: int, *, resolution: int | None = None) -> Trace: ...
    def distances(self) -> NDArray[np.uint32]: ...
    def reuse_times(self) -> NDArray[np.uint64]: ...
    def save(self, path: _Path, *, format: str | None = None) -> None: ...
    def __len__(self) -> int: ...

@final
class Curve:
    @property
    def frames(self) -> NDArray[np.uint64]: ...
    @property
    def demand_faults(self) -> NDArray[np.uint64]: ...
    @property
    def miss_ratio(self) -> NDArray[np.float64]: ...
    @property
    def accesses(self) -> int: ...
    @property
    def table(self) -> Table: ...
    def figure(self) -> str: ...
    def _repr_html_(self) -> str: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class Counts:
    accesses: int
    hits: int
    demand_faults: int
    cold_faults: int
    capacity_faults: int
    replacement_misses: int
    fills: int
    found: int
    store_reads: int
    host_faults: int
    write_backs: int

@final
class VmView:
    name: str
    min: int
    max: int
    shares: int
    allocation: int
    target: int
    resident: int
    interval: Counts
    total: Counts
    curve: NDArray[np.float64] | None
    distinct: int | None
    active: int | None
    shadow_hits: int | None

@final
class View:
    tick: int
    host: int
    vms: tuple[VmView, ...]
    def __len__(self) -> int: ...
    def __getitem__(self, name: str, /) -> VmView: ...

class _Results:
    @property
    def failed(self) -> list[str]: ...
    @property
    def verdict(self) -> str: ...
    @property
    def figures(self) -> list[str]: ...
    def figure(self, name: str) -> str: ...
    def report(self, path: _Path) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Run(_Results):
    @property
    def policy(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def demand_faults(self) -> int: ...
    @property
    def miss_ratio(self) -> float: ...
    @property
    def vms(self) -> Table: ...
    @property
    def outcomes(self) -> Table: ...
    @property
    def series(self) -> Table: ...
    @property
    def curves(self) -> Table: ...

@final
class Comparison(_Results):
    @property
    def table(self) -> Table: ...
    @property
    def vms(self) -> Table: ...
    @property
    def outcomes(self) -> Table: ...
    @property
    def fingerprints(self) -> dict[str, str]: ...

@final
class Sweep(_Results):
    @property
    def runs(self) -> Table: ...
    @property
    def points(self) -> Table: ...
    def pivot(
        self,
        metric: str = "demand_faults",
        *,
        rows: Sequence[str] = ...,
        columns: str | None = None,
    ) -> Table: ...
    def __len__(self) -> int: ...

@final
class Scenario:
    @staticmethod
    def open(path: _Path) -> Scenario: ...
    @staticmethod
    def from_toml(text: str, *, folder: _Path | None = None, name: str = "scenario") -> Scenario: ...
    @staticmethod
    def from_traces(
        traces: Mapping[str, _Trace],
        *,
        memory: int | str,
        every: int | str | None = None,
        replacement: str | None = None,
        settings: Mapping[str, _Value] | None = None,
    ) -> Scenario: ...
    def set(self, *settings: str | Mapping[str, _Value]) -> Scenario: ...
    @property
    def name(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def memory(self) -> int: ...
    @property
    def vms(self) -> list[str]: ...
    @property
    def text(self) -> str: ...
    def trace(self, vm: str) -> Trace: ...
    def run(
        self,
        policy: _AnyPolicy | None = None,
        *,
        replacement: _AnyReplacement | None = None,
        series: bool = False,
    ) -> Run: ...
    def compare(
        self,
        policies: Iterable[_AnyPolicy] | Literal["all"] | None = None,
        *,
        replacements: Sequence[_AnyReplacement] | None = None,
        baseline: str | None = None,
        opt_given: bool = False,
        opt_lru: bool = False,
        progress: _Progress = None,
    ) -> Comparison: ...
    def first_difference(
        self,
        mine: _AnyReplacement,
        reference: _AnyReplacement,
        *,
        policy: _AnyPolicy | None = None,
    ) -> str | None: ...
    def bounds(self) -> Table: ...
    def sweep(
        self,
        axes: Mapping[str, str | Sequence[_Value | type[_Replacement]]] | None = None,
        *,
        policies: Sequence[str | type[_Policy]] | Literal["all"] | None = None,
        seeds: tuple[int, int] | None = None,
        repeat: int | None = None,
        baseline: Mapping[str, _Value | type[_Policy] | type[_Replacement]] | None = None,
        jobs: int | None = None,
        progress: _Progress = None,
    ) -> Sweep: ...

def read(path: _Path, *, format: str = "auto", **options: object) -> Any: ...
def mrc(
    trace: _Trace,
    *,
    replacement: _AnyReplacement | None = None,
    points: str | int | Sequence[int] | None = None,
    seed: int = 1,
    name: str = "trace",
) -> Curve: ...
def first_difference(
    mine: _AnyReplacement, reference: _AnyReplacement, trace: _Trace, *, frames: int
) -> str | None: ...
def policies() -> Table: ...
def replacements() -> Table: ...
def observers() -> Table: ...
def workloads() -> Table: ...
def formats() -> Table: ...

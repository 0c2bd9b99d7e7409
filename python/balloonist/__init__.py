"""Page traces, miss-ratio curves, and simulations of memory balancing between virtual machines.

Everything is exact and deterministic: the numbers are those of the command ``balloonist``.
"""

from ._native import (
    COLD,
    NEVER,
    Curve,
    Error,
    PolicyError,
    ScenarioError,
    Table,
    Trace,
    TraceError,
    mrc,
    read,
)

__all__ = [
    "COLD",
    "NEVER",
    "Curve",
    "Error",
    "PolicyError",
    "ScenarioError",
    "Table",
    "Trace",
    "TraceError",
    "mrc",
    "read",
]

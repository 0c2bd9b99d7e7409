"""Page traces, miss-ratio curves, and simulations of memory balancing between virtual machines.

Everything is exact and deterministic: the numbers are those of the command ``balloonist``.
"""

from ._native import (
    COLD,
    NEVER,
    Comparison,
    Counts,
    Curve,
    Error,
    PolicyError,
    Run,
    Scenario,
    ScenarioError,
    Sweep,
    Table,
    Trace,
    TraceError,
    View,
    VmView,
    first_difference,
    formats,
    mrc,
    observers,
    policies,
    read,
    replacements,
    workloads,
)
from ._native import VERSION as __version__

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

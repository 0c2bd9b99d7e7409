"""Measures what Python costs: a policy in Python against one of the list, an array against a file.

usage: python speed.py [ACCESSES]
"""

import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

sys.path.pop(0)  # The installed package, not the sources beside this file.
import balloonist  # noqa: E402
from balloonist import Scenario, Trace  # noqa: E402


def median(work, times=7):
    """The median time of several, in seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


class Still:
    def plan(self, view):
        return {vm.name: vm.target for vm in view.vms}


def main():
    accesses = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    vms = {name: Trace.workload("zipf", pages=200, accesses=100_000, vm=name) for name in "abcd"}
    scenario = Scenario.from_traces(vms, memory=300, every=10)
    ours, mine = median(lambda: scenario.run("static")), median(lambda: scenario.run(Still))
    print(f"10,000 checkpoints of 4 VMs: {ours:.3f} s by static, {mine:.3f} s by a class")

    pages = Trace.workload("zipf", pages=100_000, accesses=accesses).pages
    folder = pathlib.Path(tempfile.mkdtemp())
    for name, kind in (("u64", np.uint64), ("u32", np.uint32), ("u64", np.int64)):
        array = pages.astype(kind)
        path = folder / f"a.{name}"
        array.tofile(path)
        file, memory = median(lambda: balloonist.read(path)), median(lambda: Trace(array))
        print(f"{accesses:,} accesses, {kind.__name__}: {file:.3f} s from a raw file, "
              f"{memory:.3f} s from an array: {memory / file:.2f} times")


main()

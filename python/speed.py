"""Measures what Python costs: a policy in Python against one of the list, an array against a file.

usage: python speed.py [ACCESSES]
"""

import pathlib
import sys
import tempfile
import time

import numpy as np

import balloonist
from balloonist import Scenario, Trace


def best(work, times=5):
    """The shortest time of several, in seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


class Still:
    def plan(self, view):
        return {vm.name: vm.target for vm in view.vms}


def main():
    accesses = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    vms = {name: Trace.workload("zipf", pages=200, accesses=100_000, vm=name) for name in "abcd"}
    scenario = Scenario.from_traces(vms, memory=300, every=10)
    ours, mine = best(lambda: scenario.run("static")), best(lambda: scenario.run(Still))
    print(f"10,000 checkpoints of 4 VMs: {ours:.3f} s by static, {mine:.3f} s by a class")

    pages = Trace.workload("zipf", pages=100_000, accesses=accesses).pages
    folder = pathlib.Path(tempfile.mkdtemp())
    for name, kind in (("u64", np.uint64), ("u32", np.uint32), ("u64", np.int64)):
        array = pages.astype(kind)
        path = folder / f"a.{name}"
        array.tofile(path)
        file, memory = best(lambda: balloonist.read(path)), best(lambda: Trace(array))
        print(f"{accesses:,} accesses, {kind.__name__}: {file:.3f} s from a raw file, "
              f"{memory:.3f} s from an array: {memory / file:.2f} times")


main()

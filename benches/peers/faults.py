"""Compares misses on traces with libCacheSim's. Arguments: a folder for scratch files, the traces."""

import csv
import subprocess
import sys
from pathlib import Path

import libcachesim
import numpy

folder, traces = sys.argv[1], sys.argv[2:]

# Its classes by our names. Not here: s3-fifo, lirs and car, where it departs from the papers; the
# heads of their files say how.
ALGORITHMS = {
    "lru": libcachesim.LRU,
    "fifo": libcachesim.FIFO,
    "clock": libcachesim.Clock,
    "sieve": libcachesim.Sieve,
    "2q": libcachesim.TwoQ,
    "arc": libcachesim.ARC,
    "lfu": libcachesim.LFU,
    "min": libcachesim.Belady,
}

# Frames for each hundred of a trace's pages.
PER_CENT = [0.5, 2, 5, 10, 25, 50]
FRAMES_MIN = 10


def balloonist(*arguments):
    command = ["target/release/balloonist", "--quiet", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_requests(pages):
    """The peer's own binary form: time, object, size, next access."""
    record = [("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")]
    requests = numpy.zeros(len(pages), dtype=record)
    requests["time"] = numpy.arange(len(pages))
    requests["object"], requests["size"], requests["next"] = pages + 1, 1, -1
    # Sorted by page and then by time, each access stands before the next to its page.
    order = numpy.argsort(pages, kind="stable")
    again = pages[order[:-1]] == pages[order[1:]]
    requests["next"][order[:-1][again]] = order[1:][again]
    requests.tofile(f"{folder}/requests")


def theirs(algorithm, frames, accesses):
    kind = libcachesim.TraceType.ORACLE_GENERAL_TRACE
    reader = libcachesim.TraceReader(f"{folder}/requests", kind)
    miss_ratio, _ = algorithm(cache_size=frames).process_trace(reader)
    return round(miss_ratio * accesses)


compared = differ = 0
for trace in traces:
    balloonist("trace", "convert", trace, "--to", "u64", "-o", f"{folder}/pages.u64")
    numbers = numpy.fromfile(f"{folder}/pages.u64", dtype="<u8")
    distinct, pages = numpy.unique(numbers, return_inverse=True)
    write_requests(pages)
    sizes = sorted({max(FRAMES_MIN, int(len(distinct) * part / 100)) for part in PER_CENT})
    points = ",".join(map(str, sizes))
    curves = balloonist("mrc", trace, "--replacement", ",".join(ALGORITHMS), "--points", points,
                        "--format", "csv")
    for point in csv.DictReader(curves.splitlines()):
        name, frames, ours = point["replacement"], int(point["frames"]), int(point["demand_faults"])
        misses = theirs(ALGORITHMS[name], frames, len(pages))
        compared += 1
        if ours != misses:
            differ += 1
            print(f"{Path(trace).name} {name} {frames:,} frames: {ours:,} here, {misses:,} there")
    print(f"{Path(trace).name}: {len(pages):,} accesses, {len(distinct):,} pages, "
          f"{len(sizes)} sizes")
print(f"{differ} of {compared} counts differ")
sys.exit(differ > 0)

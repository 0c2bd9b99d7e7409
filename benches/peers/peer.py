"""Times libCacheSim and balloonist on zipf.u32 in a folder, and prints the ratios."""

import subprocess
import sys
import time

import libcachesim
import numpy

folder, frames = sys.argv[1], int(sys.argv[2])
pages = numpy.fromfile(f"{folder}/zipf.u32", dtype="<u4")

# The peer's own binary form: time, object, size, next access.
record = [("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")]
requests = numpy.zeros(len(pages), dtype=record)
requests["object"], requests["size"], requests["next"] = pages, 1, -1
requests.tofile(f"{folder}/zipf.oracleGeneral")

reader = libcachesim.TraceReader(
    f"{folder}/zipf.oracleGeneral", libcachesim.TraceType.ORACLE_GENERAL_TRACE
)
cache = libcachesim.LRU(cache_size=frames)
began = time.perf_counter()
miss_ratio, _ = cache.process_trace(reader)
peer = time.perf_counter() - began


def timed(command):
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


binary = "target/release/balloonist"
whole = [binary, "run", f"{folder}/zipf.u32", "--frames", str(frames), "--no-cache"]
first_answer = min(timed(whole) for _ in range(2))
lines = subprocess.run(
    ["target/release/examples/speed", f"{folder}/zipf.u32", str(frames)],
    check=True, capture_output=True, text=True,
).stdout.splitlines()
seconds = {line.split()[0]: float(line.split()[1]) for line in lines[:-1]}
faults = int(lines[-1].split()[-1])
if faults != round(miss_ratio * len(pages)):
    sys.exit(f"the two disagree: {faults} faults here, a miss ratio of {miss_ratio} there")

print(f"{len(pages):,} accesses, {len(numpy.unique(pages)):,} pages, {frames:,} frames, "
      f"{faults:,} faults by both")
print(f"{'':<38}{'seconds':>9}{'M/s':>9}{'ratio':>9}")
rows = [
    ("libCacheSim LRU, one size", peer, peer),
    ("first answer: file to table, no cache", first_answer, peer),
    ("explicit LRU list", seconds["list"], peer),
    ("replay over ready distances", seconds["replay"], peer),
    ("exact distances of all accesses", seconds["distances"], peer),
]
for name, took, base in rows:
    print(f"{name:<38}{took:>9.4f}{len(pages) / took / 1e6:>9.1f}{base / took:>9.1f}")
print(f"replay at {seconds['sum'] / seconds['replay']:.2f} of the speed of summing the same array")

"""Times libCacheSim and balloonist on zipf.u32 in a folder, and prints the ratios."""

import subprocess
import sys
import time

import libcachesim
import numpy

folder, frames = sys.argv[1], int(sys.argv[2])
pages = numpy.fromfile(f"{folder}/zipf.u32", dtype="<u4")

# Its classes by our names, and the ratio that we want. Where both follow the paper to the letter
# the faults are the same; each departs in details elsewhere, so they are set side by side.
ALGORITHMS = {
    "fifo": (libcachesim.FIFO, 8),
    "clock": (libcachesim.Clock, 8),
    "sieve": (libcachesim.Sieve, 8),
    "arc": (libcachesim.ARC, 6),
    "s3-fifo": (libcachesim.S3FIFO, 6),
    "2q": (libcachesim.TwoQ, 6),
    "lirs": (libcachesim.LIRS, 15),
}

# The peer's own binary form: time, object, size, next access.
record = [("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")]
requests = numpy.zeros(len(pages), dtype=record)
requests["object"], requests["size"], requests["next"] = pages, 1, -1
requests.tofile(f"{folder}/zipf.oracleGeneral")


def peer(algorithm):
    """Its seconds, those that it had a processor, and its misses."""
    reader = libcachesim.TraceReader(
        f"{folder}/zipf.oracleGeneral", libcachesim.TraceType.ORACLE_GENERAL_TRACE
    )
    cache = algorithm(cache_size=frames)
    began, had = time.perf_counter(), time.process_time()
    miss_ratio, _ = cache.process_trace(reader)
    took, processor = time.perf_counter() - began, time.process_time() - had
    return took, processor, round(miss_ratio * len(pages))


def timed(command):
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def speed(*replacements):
    """Of each phase the seconds, those that it had a processor, and the demand faults, if any."""
    command = ["target/release/examples/speed", f"{folder}/zipf.u32", str(frames), *replacements]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line.split() for line in run.stdout.splitlines()]
    faults = {line[0]: int(line[11]) if len(line) > 11 else None for line in lines}
    seconds = {line[0]: float(line[1]) for line in lines}
    return seconds, {line[0]: float(line[6]) for line in lines}, faults


lru_took, _, lru_faults = peer(libcachesim.LRU)
binary = "target/release/balloonist"
whole = [binary, "run", f"{folder}/zipf.u32", "--frames", str(frames), "--no-cache"]
first_answer = min(timed(whole) for _ in range(2))
seconds, _, faults = speed()
if faults["replay"] != lru_faults:
    sys.exit(f"the two disagree: {faults['replay']} faults of LRU here, {lru_faults} there")

print(f"{len(pages):,} accesses, {len(numpy.unique(pages)):,} pages, {frames:,} frames, "
      f"{lru_faults:,} faults by both")
print(f"{'':<38}{'seconds':>9}{'M/s':>9}{'ratio':>9}")
rows = [
    ("libCacheSim LRU, one size", lru_took),
    ("first answer: file to table, no cache", first_answer),
    ("LRU with every victim", seconds["victims"]),
    ("replay over ready distances", seconds["replay"]),
    ("exact distances of all accesses", seconds["distances"]),
]
for name, took in rows:
    print(f"{name:<38}{took:>9.4f}{len(pages) / took / 1e6:>9.1f}{lru_took / took:>9.1f}")
print(f"replay at {seconds['sum'] / seconds['replay']:.2f} of the speed of summing the same array")

# The ratio by the processor's time is the one that other load on the machine changes least.
print(f"\n{'':<9}{'ours s':>9}{'theirs s':>9}{'ratio':>9}{'by CPU':>9}{'goal':>6}"
      f"{'our faults':>13}{'their faults':>13}{'differ %':>9}")
seconds, processor, faults = speed(*ALGORITHMS)
for name, (algorithm, goal) in ALGORITHMS.items():
    took, had, theirs = peer(algorithm)
    differ = 100 * (faults[name] - theirs) / theirs
    print(f"{name:<9}{seconds[name]:>9.4f}{took:>9.4f}{took / seconds[name]:>9.1f}"
          f"{had / processor[name]:>9.1f}{goal:>6}"
          f"{faults[name]:>13,}{theirs:>13,}{differ:>9.2f}")

"""The tables of docs/validation.md: what was measured beside what is predicted for the same accesses."""

import csv
import os
import re
import statistics
import subprocess
from collections import defaultdict

BALLOONIST = os.environ.get("BALLOONIST", "balloonist")


def output(*command):
    """The rows of a command's table."""
    command = [BALLOONIST, *map(str, command), "--format", "csv", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(csv.DictReader(done.stdout.splitlines()))


def measured(file, part):
    """What a part measured: by kernel and workload, by limit in pages, the repeats' rows."""
    cases = defaultdict(lambda: defaultdict(list))
    with open(file, newline="") as rows:
        for row in csv.DictReader(rows):
            if row["part"] == part:
                cases[row["kernel"], row["workload"]][int(row["limit_pages"])].append(row)
    return cases


def frames_of(rows):
    """What a limit leaves for the pages of a trace."""
    limit = int(rows[0]["limit_pages"])
    return limit - round(statistics.median(int(row["other_pages"]) for row in rows))


def predictions(trace, frames):
    """The major faults by replacement algorithm and frames: the first use of a page is none."""
    points = ",".join([*map(str, sorted(frames)), "100%"])
    rows = output("mrc", trace, "--replacement", "all", "--points", points)
    distinct = min(int(row["demand_faults"]) for row in rows)
    return {
        (row["replacement"], int(row["frames"])): int(row["demand_faults"]) - distinct
        for row in rows
        if int(row["frames"]) in frames
    }


def error(predicted, runs):
    """How far a prediction is from the median of the repeats, in percent of it."""
    median = statistics.median(runs)
    return (predicted - median) * 100 / median


def table(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def one_case(sizes, predicted):
    """The table of one workload under one kernel, and the errors by algorithm."""
    limits = sorted(sizes)
    faults = {limit: [int(row["major_faults"]) for row in sizes[limit]] for limit in limits}
    frames = {limit: frames_of(sizes[limit]) for limit in limits}
    errors = defaultdict(list)
    lines = []
    for name in dict.fromkeys(name for name, _ in predicted):
        cells = []
        for limit in limits:
            prediction = predicted[name, frames[limit]]
            if max(faults[limit]) == 0:
                cells.append(f"{prediction:,}")
            else:
                by = error(prediction, faults[limit])
                errors[name].append(by)
                cells.append(f"{by:+.1f} %")
        lines.append([name, *cells])
    rows = [["**limit − others = frames**", *(f"{frames[limit]:,}" for limit in limits)]]
    repeats = max(len(runs) for runs in faults.values())
    measured = "**measured**" if repeats == 1 else f"**measured**, median of {repeats}"
    rows.append([measured, *(f"{statistics.median(faults[n]):,.0f}" for n in limits)])
    if any(len(set(faults[limit])) > 1 for limit in limits):
        spread = [f"{min(faults[n]):,} – {max(faults[n]):,}" for n in limits]
        rows.append(["least – most", *spread])
    heading = ["limit, pages", *(f"{limit:,}" for limit in limits)]
    return table(heading, rows + lines), errors


def part_tables(file, part, folder, names):
    """The summary of a part and its tables, as two texts."""
    cases = measured(file, part)
    known = {}
    for workload in dict.fromkeys(workload for _, workload in cases):
        frames = {frames_of(rows) for (_, of), sizes in cases.items() if of == workload
                  for rows in sizes.values()}
        known[workload] = predictions(folder / f"{workload}.balloonist", frames)
    all_errors, texts = defaultdict(list), []
    kernels = [kernel for kernel in names if any(of == kernel for of, _ in cases)]
    for kernel, workload in sorted(cases, key=lambda case: (case[1], kernels.index(case[0]))):
        text, errors = one_case(cases[kernel, workload], known[workload])
        texts.append(f"**{workload}, {names[kernel]}**\n\n{text}")
        for name, values in errors.items():
            all_errors[name, kernel] += values
    rows = []
    for name in dict.fromkeys(name for name, _ in all_errors):
        row = [name]
        for kernel in kernels:
            sizes = [abs(value) for value in all_errors[name, kernel]]
            row += [f"{statistics.mean(sizes):.1f} %", f"{max(sizes):.1f} %"]
        rows.append(row)
    rows.sort(key=lambda row: float(row[1].split()[0]))
    heading = ["algorithm"]
    for kernel in kernels:
        heading += [f"{names[kernel]}: mean error", "worst"]
    return table(heading, rows), "\n\n".join(texts)


def write(page, tables):
    """Replaces each table between its marks in a page."""
    text = page.read_text()
    for name, table in tables.items():
        mark = f"<!-- {name} -->"
        whole = re.compile(f"{re.escape(mark)}.*?<!-- end -->", re.DOTALL)
        assert whole.search(text), f"{page} has no place for {name}"
        text = whole.sub(lambda _: f"{mark}\n\n{table}\n\n<!-- end -->", text)
    page.write_text(text)

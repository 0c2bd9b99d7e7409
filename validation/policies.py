"""Two guests on one host whose balloons are moved by a rule, and balloonist's run of the same."""

import csv
import statistics

from machine import HERE, Machine, record
from page import measured, output, table
from rules import RULES, Guest

MEASURED = HERE / "policies.csv"
COLUMNS = ["mix", "policy", "interval", "guest", "size", "major_faults", "resident"]

# An interval has so many of the program's accesses.
INTERVAL = 10_000
GUESTS = {"A": "zipf:0:8192:200000:1", "B": "zipf:0:4096:200000:2", "C": "zipf:0:2048:200000:3"}
MIXES = [("A", "B"), ("A", "C")]
START, LEAST = 4096, 1536


def kept_by_kernel(file):
    """The pages of a guest's memory that its kernel keeps, as measured under the balloon."""
    sizes = measured(file, "balloon")["two-list", "short"]
    rows = [row for rows in sizes.values() for row in rows]
    return round(statistics.median(int(row["other_pages"]) for row in rows))


def prepare(folder):
    """Writes the guests' jobs, records what they do, and writes the scenario of it."""
    vms = {}
    for name, phases in GUESTS.items():
        words = ["-p", str(INTERVAL), phases]
        (folder / f"{name}.sh").write_text(f"exec /job/files/touch {' '.join(words)}\n")
        trace, marks = folder / f"{name}.balloonist", folder / f"{name}.marks"
        record(folder / "touch", words, trace, "--marks", marks)
        with open(marks, newline="") as file:
            pauses = [int(row["access"]) for row in csv.DictReader(file)]
        # Intervals are equal but for some accesses. The first is shorter by what the program does
        # before its first access.
        every = round((pauses[-1] - pauses[0]) / (len(pauses) - 1))
        vms[name] = trace.name, every, every - pauses[0]
    for mix in MIXES:
        (folder / f"{'-'.join(mix)}.toml").write_text(scenario({name: vms[name] for name in mix}))


def scenario(vms):
    """The scenario of guests, of each its trace, its accesses in an interval, and how much later it
    starts so that its first interval ends with the others'."""
    every = min(every for _, every, _ in vms.values())
    early = min(late for _, _, late in vms.values())
    text = f"""name = "two-guests"
[host]
memory = {START * len(vms)}
split = "initial"
[checkpoint]
every = {every}
[policy.proportional]
count = "demand_faults"
guarantee = {LEAST}
rounding = "largest-remainder"
[policy.mom-balloon]
samples = 1
sample_every = {every}
[defaults.vm]
replacement = "linux-two-list"
initial = {START}
min = {LEAST}
"""
    for name, (trace, _, late) in vms.items():
        text += f'[[vm]]\nname = "{name}"\ntrace = {{ file = "{trace}" }}\nstart = {late - early}\n'
    return text


def live(folder, files, kept, mix, policy):
    """Runs the guests under a rule: the rows of each interval."""
    total = START + kept
    host = START * len(mix)
    machines, states = {}, {}
    try:
        for name in mix:
            job = "prepare\nswap_on_disk\nkernel two-list\nsync\necho 3 > /proc/sys/vm/drop_caches\n"
            job += f"echo READY\nread go\nexec sh /job/files/{name}.sh\n"
            machine = Machine(folder, 160, job, files, swap=256)
            machines[name] = machine, machine.lines()
            until(machines[name], "READY")
            machine.balloon(total)
            states[name] = Guest(START)
            machine.ask("stop")
        interval, running = 0, set(mix)
        while running:
            interval += 1
            # Each guest makes the interval's accesses while the other one stands still.
            for name in sorted(running):
                machine, lines = machines[name]
                machine.ask("cont")
                machine.answer()
                word, majors, minors, resident = until((machine, lines), "PAUSE", "END")
                machine.ask("stop")
                if word == "END":
                    running.remove(name)
                states[name].faults = int(majors) + int(minors)
                states[name].used = int(resident)
                counts = states[name].size, int(majors), int(resident)
                yield "-".join(mix), policy, interval, name, *counts
            if running:
                order(machines, states, RULES[policy](host, list(states.values()), LEAST), kept)
    finally:
        for machine, _ in machines.values():
            machine.close()


def order(machines, states, sizes, kept):
    """Moves the balloons: first those that take, then those that give."""
    changes = [(size - states[name].size, name, size) for name, size in zip(states, sizes)]
    for change, name, size in sorted(changes):
        if change:
            machine, _ = machines[name]
            machine.ask("cont")
            machine.balloon(size + kept)
            machine.ask("stop")
            states[name].size = size


def until(guest, *words):
    """The words of the guest's next line that begins with one of these."""
    for line in guest[1]:
        found = line.split()
        if found and found[0] in words:
            return found
        print(line)
    raise RuntimeError(f"the guest ended before {words[0]}")


def run(folder, files, file):
    kept = kept_by_kernel(file)
    with open(MEASURED, "w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(COLUMNS)
        for mix in MIXES:
            for policy in RULES:
                rows.writerows(live(folder, files, kept, mix, policy))
                out.flush()


def predicted(folder, mix, policy):
    """The major faults of each guest in balloonist's run: the first use of a page is none."""
    rows = output("run", folder / f"{mix}.toml", "--policy", policy, "--table", "vms")
    return {row["vm"]: int(row["capacity_faults"]) for row in rows if row["vm"] != "all"}


def tables(folder):
    """The table of the policies."""
    with open(MEASURED, newline="") as file:
        found = list(csv.DictReader(file))
    rows = []
    for mix in map("-".join, MIXES):
        for policy in RULES:
            last = {row["guest"]: int(row["major_faults"]) for row in found
                    if (row["mix"], row["policy"]) == (mix, policy)}
            predictions = predicted(folder, mix, policy)
            both = sum(last.values()), sum(predictions.values())
            cells = []
            for real, simulated in [*((last[name], predictions[name]) for name in last), both]:
                error = f"{(simulated - real) * 100 / real:+.1f} %" if real else ""
                cells.append(f"{real:,} · {simulated:,} {error}")
            rows.append([mix, policy, *cells])
    heading = ["guests", "policy", "the first: measured · predicted", "the second", "both"]
    return {"policies": table(heading, rows)}

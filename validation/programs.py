"""Programs of Debian's packages or of the user's own, run in a control group of the guest."""

import functools
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from machine import BALLOONIST, HERE, Machine
from page import output


@dataclass(frozen=True)
class Program:
    """A command, without a shell's signs, that runs in a folder with `files` and `input`, its standard
    input, in a guest with these of Debian's packages. `limits` are the group's, in pages; without them
    they are shares of the pages that the program uses."""

    name: str
    command: str
    packages: tuple = ()
    input: Path = None
    files: tuple = ()
    limits: tuple = ()


SQLITE = Program("sqlite", "sqlite3 :memory:", ("sqlite3",), HERE / "sqlite.sql",
                 limits=(944, 976, 1024, 1152, 1280, 1408))
SHARES = [60, 70, 80, 90, 100]


@functools.cache
def prepare(folder, program):
    """Makes the guest, and records the program as it runs there, on the guest's libraries: only what it
    writes, because all files lie in the guest's own memory, which no limit of a group is about.
    Returns how many pages it uses."""
    guest = folder / program.name
    if not (guest / "root.cpio").exists():
        subprocess.run([HERE.parent / "record/guest/build", guest, *program.packages], check=True)
    beside = guest / "files"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for file in filter(None, [*program.files, program.input]):
        shutil.copy(file, beside)
    standard = program.input.name if program.input else "/dev/null"
    name, *words = shlex.split(program.command)
    place = name if "/" in name else found(guest / "root", name)
    # By its path, as busybox has programs of the same names.
    there = name if "/" in name else f"/{place.relative_to(guest / 'root')}"
    job = f"cd /job/files\nexec {shlex.join([there, *words])} < {shlex.quote(standard)} > /dev/null\n"
    (beside / f"{program.name}.sh").write_text(job)
    trace = folder / f"{program.name}.balloonist"
    trace.unlink(missing_ok=True)
    command = [BALLOONIST, "record", "--no-fetches", "--written", "-o", trace, "--", place, *words]
    # QEMU looks for the program's libraries and files there first.
    environment = {**os.environ, "QEMU_LD_PREFIX": str(guest / "root"), "LC_ALL": "C"}
    with open(beside / standard, "rb") as file:
        subprocess.run(command, cwd=beside, stdin=file, stdout=subprocess.DEVNULL,
                       env=environment, check=True)
    row, = output("mrc", trace, "--points", "100%")
    return int(row["frames"])


def found(root, name):
    """Where a program of the guest lies on this machine."""
    for folder in ["usr/bin", "usr/sbin"]:
        place = root / folder / name
        while place.is_symlink():
            # A link from the guest's / on is one from there on.
            place = root / str(place.parent.relative_to(root) / place.readlink()).lstrip("/")
        if place.exists():
            return place
    sys.exit(f"{name}: no package brings it; name one with --package, or a file as ./{name}")


def limits(folder, program):
    pages = prepare(folder, program)
    return program.limits or [share * pages // 100 for share in SHARES]


def measure(folder, program, order):
    """What the guest says that runs the program once for each kernel and limit."""
    guest, pages = folder / program.name, prepare(folder, program)
    steps = [f"kernel {kernel}\nin_group {program.name} {limit}\n" for kernel, limit in order]
    mib = pages // 256 + 64
    job = f"prepare\nswap_on_ram {mib}\n" + "".join(steps)
    files = [HERE / "guest.sh", *guest.glob("files/*"), *guest.glob("modules/*.ko")]
    with Machine(guest, 256 + 2 * mib, job, files) as machine:
        yield from machine.lines()

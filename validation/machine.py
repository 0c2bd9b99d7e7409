"""A guest of record/guest/ in QEMU, which is not recorded: it is booted, heard, and its memory changed
through QMP. And the recording of what runs there."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BALLOONIST = os.environ.get("BALLOONIST", "balloonist")
MIB = 1 << 20
# The clock counts instructions, so that a job does the same each time, however busy the host is.
COUNTED = ["-icount", "shift=3,sleep=off", "-rtc", "base=2020-01-01,clock=vm"]


def record(touch, words, trace, *options):
    """Records all loads and stores of the program with these words, unless the trace is newer."""
    if trace.exists() and trace.stat().st_mtime > (HERE / "touch.c").stat().st_mtime:
        return
    trace.unlink(missing_ok=True)
    command = [BALLOONIST, "record", "--no-fetches", "--whole", "-o", trace, *options, "--", touch]
    subprocess.run(
        command + words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


class Machine:
    """A guest of so many MiB that runs `job`, a shell script, with `files` beside it. `swap` is the
    size of its disk in MiB, if it has one, and then it has a balloon too."""

    def __init__(self, folder, memory, job, files, swap=None):
        self.work = Path(tempfile.mkdtemp(prefix="validation-"))
        (self.work / "job").write_text(f". /job/files/guest.sh\n{job}")
        beside = self.work / "job.files"
        beside.mkdir()
        for file in files:
            shutil.copy(file, beside)
        with open(self.work / "initrd", "wb") as initrd:
            command = [HERE.parent / "record/guest/initrd", folder, self.work / "job"]
            subprocess.run(command, stdout=initrd, check=True)
        append = (
            "console=ttyS0 quiet panic=-1 rootfstype=ramfs nokaslr mitigations=off "
            "transparent_hugepage=never cryptomgr.notests"
        )
        command = ["qemu-system-x86_64", "-m", f"{memory}M", "-nodefaults"]
        command += ["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        command += ["-kernel", f"{folder}/vmlinuz", "-initrd", self.work / "initrd"]
        command += ["-append", append, "-qmp", f"unix:{self.work}/qmp,server=on,wait=off"]
        command += COUNTED
        if swap:
            # The host's memory stands for the disk.
            self.disk = tempfile.NamedTemporaryFile(dir="/dev/shm")
            self.disk.truncate(swap * MIB)
            command += ["-drive", f"file={self.disk.name},if=none,id=swap,format=raw,cache=unsafe"]
            command += ["-device", "virtio-blk-pci,drive=swap"]
            command += ["-device", "virtio-balloon-pci,id=balloon"]
        self.monitor = None
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace"
        )

    def lines(self):
        """What the guest says, line by line, until it ends."""
        for line in self.process.stdout:
            line = line.strip()
            if "Kernel panic" in line or "Out of memory" in line:
                raise RuntimeError(line)
            yield line
        if self.process.wait():
            raise RuntimeError("QEMU failed")

    def answer(self):
        """Sends the line that the guest waits for."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ask(self, command, **arguments):
        """What QEMU answers to a command of its monitor."""
        if self.monitor is None:
            self.monitor = socket.socket(socket.AF_UNIX)
            self.monitor.connect(f"{self.work}/qmp")
            self.replies = self.monitor.makefile()
            self.replies.readline()
            self.ask("qmp_capabilities")
        line = json.dumps({"execute": command, "arguments": arguments})
        self.monitor.sendall(line.encode() + b"\n")
        for line in self.replies:
            reply = json.loads(line)
            if "error" in reply:
                raise RuntimeError(reply["error"]["desc"])
            if "return" in reply:
                return reply["return"]
        raise RuntimeError("QEMU has ended")

    def balloon(self, pages):
        """Gives the guest so many pages, and waits until its driver has done it."""
        self.ask("balloon", value=pages << 12)
        end = time.monotonic() + 120
        while self.ask("query-balloon")["actual"] != pages << 12:
            if time.monotonic() > end:
                raise RuntimeError(f"the balloon does not come to {pages} pages")
            time.sleep(0.05)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.work)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

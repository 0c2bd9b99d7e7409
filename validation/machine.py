"""A guest of record/guest/ in QEMU, which is not recorded: it is booted and heard."""

import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The clock counts instructions, so that a job does the same each time, however busy the host is.
COUNTED = ["-icount", "shift=3,sleep=off", "-rtc", "base=2020-01-01,clock=vm"]


class Machine:
    """A guest of so many MiB that runs `job`, a shell script, with `files` beside it."""

    def __init__(self, folder, memory, job, files):
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
        command += ["-append", append, *COUNTED]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
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

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.work)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

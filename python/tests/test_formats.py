"""Files of every format are read as the command reads them, with the options of each."""

import csv
import gzip
import io
import json
import os
import pathlib
import struct
import subprocess

import pytest

import balloonist

COMMAND = os.environ.get("BALLOONIST")
SAMPLES = pathlib.Path(__file__).parents[2] / "tests" / "traces"
FLAGS = {"page_size": "--page-size", "split": "--vm", "part": "--vm"}


def command(*words):
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)


def flags(options):
    """Options of `read` as the command takes them."""
    words = []
    for name, value in options.items():
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        text = ",".join(map(str, text)) if isinstance(text, list) else str(text)
        words += [FLAGS.get(name, "--" + name.replace("_", "-")), text]
    return words


def same(path, **options):
    """Both read the same trace, or both refuse the file with the same sentence."""
    told = command("trace", "info", path, "--print", "json", "--no-cache", *flags(options))
    try:
        info = balloonist.read(path, **options).info()
    except balloonist.Error as error:
        assert told.returncode, path
        assert str(error).splitlines()[0].removeprefix(f"{path}: ") in told.stderr
        return False
    assert told.returncode == 0, told.stderr
    [theirs] = json.loads(told.stdout)
    theirs["content_hash"] = theirs["hash"]
    for name in ("accesses", "runs", "distinct_pages", "page_min", "page_max", "content_hash", "format",
                 "compression", "bytes"):
        assert info[name] == theirs[name], name
    return True


@pytest.mark.skipif(not COMMAND, reason="BALLOONIST names no program")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_samples_are_read_as_the_command_reads_them(path):
    same(path)


def written(folder):
    """Files that no other test has, with the options that they need."""
    pages = [(37 * at * at + 11 * at) % 251 for at in range(2000)]
    table = "time;vol;kind;addr;len\n" + "".join(
        f"{at};{page % 3};{'WS' if page % 5 == 0 else 'R'};{page * 4096:x};{page % 9000}\n"
        for at, page in enumerate(pages)
    )
    objects = [{"op": "get" if page % 2 else "put", "page": page} for page in pages]
    files = {
        "a.txt": "\n".join(map(str, pages)),
        "b.txt": "\n".join(f"{page} {'W' if page % 3 == 0 else 'R'}" for page in pages),
        "hex.addresses": "\n".join(f"{page * 4096:#x} R" for page in pages),
        "c.csv": table,
        "d.jsonl": "\n".join(json.dumps(one) for one in objects),
        "e.lis": "\n".join(f"{page} {1 + page % 4} 0 {at}" for at, page in enumerate(pages)),
        "f.trc": "\n".join(map(str, pages)),
        "g.din": "\n".join(f"{page % 3} {page * 4096:x}" for page in pages),
        "h.spc": "\n".join(f"{page % 2},{page * 8},4096,{'rw'[page % 2]},0.{at:06}"
                           for at, page in enumerate(pages)),
        "i.dat": "2\n" + "".join(f"{len(part)} {' '.join(map(str, part))}\n"
                                 for part in (pages[:700], pages[700:])),
        "j.u32": struct.pack(f"<{len(pages)}I", *pages),
        "k.u64": struct.pack(f"<{len(pages)}Q", *(2**40 + page for page in pages)),
        "l.bin": b"".join(struct.pack("<IQH", at, page * 512, 512) for at, page in enumerate(pages)),
        "m.txt.gz": gzip.compress("\n".join(map(str, pages)).encode()),
    }
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    read = dict(format="csv", field="addr", base=16, unit=1, separator="semicolon")
    return [
        ("a.txt", {}),
        ("a.txt", {"unit": 512, "page_size": 4096}),
        ("b.txt", {"format": "text"}),
        ("hex.addresses", {"format": "addresses", "page_size": 8192}),
        ("c.csv", read),
        ("c.csv", read | {"size_field": "len", "page_size": "16 KiB"}),
        ("c.csv", read | {"key": "vol", "op_field": "kind", "writes": ["WS", "W"], "reads": "R"}),
        ("c.csv", read | {"field": 4, "header": True, "time": "recorded", "time_field": 1,
                          "time_unit": "us"}),
        ("c.csv", read | {"limit_accesses": 100}),
        ("c.csv", read | {"limit_bytes": "1 KiB"}),
        ("d.jsonl", {"format": "jsonl", "field": "page", "op_field": "op", "reads": "get",
                     "writes": "put"}),
        ("e.lis", {"format": "arc"}),
        ("f.trc", {"format": "lirs"}),
        ("g.din", {"format": "din", "page_size": 4096}),
        ("h.spc", {"format": "spc"}),
        ("i.dat", {"vm": 1}),
        ("j.u32", {}),
        ("k.u64", {}),
        ("l.bin", {"format": "struct", "layout": "<IQH", "field": 2, "unit": 1, "size_field": 3}),
        ("m.txt.gz", {"format": "text"}),
    ]


@pytest.mark.skipif(not COMMAND, reason="BALLOONIST names no program")
def test_new_files_with_options_are_read_as_the_command_reads_them(tmp_path):
    results = [same(tmp_path / name, **options) for name, options in written(tmp_path)]
    assert results.count(False) == 2, "only those beyond a limit are refused"


@pytest.mark.skipif(not COMMAND, reason="BALLOONIST names no program")
@pytest.mark.parametrize("kind", balloonist.replacements()["name"])
def test_curves_of_new_files_have_the_commands_numbers(tmp_path, kind):
    written(tmp_path)
    told = command("mrc", tmp_path / "a.txt", "--replacement", kind, "--points", "3,17,90",
                   "--format", "csv")
    assert told.returncode == 0, told.stderr
    theirs = [int(row["demand_faults"]) for row in csv.DictReader(io.StringIO(told.stdout))]
    curve = balloonist.mrc(tmp_path / "a.txt", replacement=kind, points=[3, 17, 90], name="a")
    assert curve.demand_faults.tolist() == theirs


def test_options_say_what_they_expect(tmp_path):
    (tmp_path / "a.txt").write_text("1\n2\n")
    read = balloonist.read
    assert len(read(tmp_path / "a.txt", unit=None)) == 2
    with pytest.raises(TypeError, match="page_size is 1.5, expected a whole number from 0 on, or a"):
        read(tmp_path / "a.txt", page_size=1.5)
    with pytest.raises(ValueError, match="page_size: "):
        read(tmp_path / "a.txt", page_size="many")
    with pytest.raises(balloonist.TraceError, match="limit of 1 accesses|more than 1 accesses"):
        read(tmp_path / "a.txt", limit_accesses=1)

"""Scenarios: their numbers and bytes are those of the command."""

import csv
import io
import json
import os
import re
import subprocess

import numpy as np
import pytest

import balloonist
from balloonist import Scenario, Trace

COMMAND = os.environ.get("BALLOONIST")
needs_command = pytest.mark.skipif(not COMMAND, reason="BALLOONIST names no program")



def same_pages(ours, theirs):
    """A page of the command begins with the command, and one made here has none."""
    shown, rest = re.subn(r'<pre class="command">.*</pre>\n', "", theirs.read_text())[::-1]
    assert shown == 1
    assert ours.read_text() == rest


TEXT = """
name = "four"
seed = 7
compare = ["static", "last-n", "proportional", "mrc-dp", "lru-min"]
host.memory = 60
checkpoint.every = 500
policy.kind = "proportional"
[[vm]]
name = "db"
min = 2
workload = { kind = "zipf", pages = 200, alpha = 0.8, accesses = 6000 }
[[vm]]
name = "web"
workload = { kind = "working-set", accesses = 6000 }
[[vm]]
name = "loop"
workload = { kind = "loop", pages = 25, accesses = 6000 }
[[vm]]
name = "tiny"
trace.pages = [9, 8, 7, 6, 9]
"""


def command(*words, cwd=None):
    run = subprocess.run([COMMAND, *words], capture_output=True, text=True, cwd=cwd, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "four.toml"
    path.write_text(TEXT)
    return path


@needs_command
@pytest.mark.parametrize("policy", ["static", "last-n", "mrc-dp", "qmemman", "global-lru"])
def test_a_run_has_the_commands_bytes(written, tmp_path, policy):
    run = Scenario.open(written).run(policy, series=True)
    flags = [written, "--policy", policy]
    assert run.vms.csv() == command("run", *flags, "--format", "csv")
    assert run.vms.json() == command("run", *flags, "--format", "json")
    assert run.outcomes.csv() == command("run", *flags, "--table", "outcomes", "--format", "csv")
    command("run", *flags, "--out", tmp_path / "out")
    assert run.series.csv() == (tmp_path / "out" / "series.csv").read_text()
    assert run.curves.csv() == (tmp_path / "out" / "curves.csv").read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert run.fingerprint == manifest["runs"][0]["fingerprint"]
    assert run.verdict == manifest["verdict"]
    command("report", tmp_path / "out", "-o", tmp_path / "theirs.html")
    run.report(tmp_path / "ours.html")
    same_pages(tmp_path / "ours.html", tmp_path / "theirs.html")


@needs_command
def test_a_comparison_has_the_commands_bytes(written, tmp_path):
    scenario = Scenario.open(written)
    compared = scenario.compare(opt_given=True)
    assert compared.table.csv() == command("compare", written, "--opt-given", "--format", "csv")
    both = scenario.compare(["static", "last-n"], replacements=["lru", "clock"], baseline="last-n")
    flags = ["--policies", "static,last-n", "--replacements", "lru,clock", "--baseline", "last-n"]
    assert both.table.csv() == command("compare", written, *flags, "--format", "csv")
    page = tmp_path / "theirs.html"
    command("compare", written, *flags, "--report", page)
    both.report(tmp_path / "ours.html")
    same_pages(tmp_path / "ours.html", page)
    assert len(set(both.fingerprints.values())) == 4
    assert scenario.bounds()["name"] == ["cold", "min", "best-static", "global-lru"]


@needs_command
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_sweep_has_the_commands_bytes(written, tmp_path, jobs):
    axes = {"host.memory": "40..160*2", "vm.loop.min": [1, 4]}
    sweep = Scenario.open(written).sweep(
        axes, policies=["static", "last-n"], repeat=3, jobs=jobs,
        baseline={"policy.kind": "static"}, progress=False,
    )
    flags = ["--policies", "static,last-n", "--axis", "host.memory=40..160*2"]
    flags += ["--axis", "vm.loop.min=1,4", "--repeat", "3", "--baseline", "policy.kind=static"]
    command("sweep", written, *flags, "--out", tmp_path / "out")
    assert sweep.runs.csv() == (tmp_path / "out" / "runs.csv").read_text()
    assert sweep.points.csv() == (tmp_path / "out" / "sweep.csv").read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert sweep.verdict == manifest["verdict"]
    pivot = ["--rows", "host.memory,vm.loop.min", "--format", "csv"]
    assert sweep.pivot(rows=["host.memory", "vm.loop.min"]).csv() == command("sweep", written, *flags, *pivot)
    assert len(sweep) == manifest["runs"] == 36
    command("report", tmp_path / "out", "-o", tmp_path / "theirs.html")
    sweep.report(tmp_path / "ours.html")
    same_pages(tmp_path / "ours.html", tmp_path / "theirs.html")


@needs_command
def test_sweeps_without_axes_vary_the_seed(written):
    sweep = Scenario.open(written).sweep(seeds=(3, 5))
    assert sweep.runs.csv() == command("sweep", written, "--seeds", "3..5", "--format", "csv")


@needs_command
@pytest.mark.parametrize("replacement", ["lru", "fifo", "random", "arc"])
def test_curves_have_the_commands_numbers(tmp_path, replacement):
    trace = Trace.workload("zipf", pages=300, accesses=5000)
    path = tmp_path / "hold.trace"
    trace.save(path)
    flags = ["--points", "1..20,50%", "--replacement", replacement, "--format", "csv"]
    theirs = list(csv.DictReader(io.StringIO(command("mrc", path, *flags))))
    ours = balloonist.mrc(path, replacement=replacement, points="1..20,50%", name="hold")
    assert ours.demand_faults.tolist() == [int(row["demand_faults"]) for row in theirs]
    assert ours.frames.tolist() == [int(row["frames"]) for row in theirs]


@needs_command
def test_traces_in_memory_are_as_good_as_files(tmp_path):
    traces = {name: Trace.workload("zipf", pages=90, accesses=4000, vm=name) for name in "ab"}
    for name, trace in traces.items():
        trace.save(tmp_path / f"{name}.trace")
    ours = Scenario.from_traces(traces, memory=50, every=100).run("last-n")
    flags = ["--frames", "50", "--every", "100", "--policy", "last-n", "--format", "csv"]
    assert ours.vms.csv() == command("run", "a.trace", "b.trace", *flags, cwd=tmp_path)


def test_what_traces_may_be(tmp_path):
    Trace([1, 2, 3]).save(tmp_path / "a.txt")
    traces = {"file": tmp_path / "a.txt", "array": np.array([4, 5]), "text": "6 7 8 9", "list": [1]}
    scenario = Scenario.from_traces(traces, memory="50%", settings={"seed": 3})
    assert scenario.vms == ["file", "array", "text", "list"]
    assert scenario.memory == 5
    assert scenario.trace("text").pages.tolist() == [6, 7, 8, 9]
    assert "\nseed = 3\n" in scenario.text
    with pytest.raises(KeyError):
        scenario.trace("none")


def test_values_are_set_by_paths(written):
    scenario = Scenario.open(written)
    small = scenario.set("host.memory=40", {"vm.db.min": np.int64(5), "policy.kind": "static"})
    assert (small.memory, small.policy, scenario.memory) == (40, "static", 60)
    assert small.run().vms["frames_min"][0] >= 5
    with pytest.raises(balloonist.ScenarioError, match="unknown key"):
        scenario.set({"host.memroy": 40})
    with pytest.raises(TypeError, match="a value is None"):
        scenario.set({"host.memory": None})


def test_all_errors_are_told_at_once():
    with pytest.raises(balloonist.ScenarioError) as raised:
        Scenario.from_toml(TEXT.replace("seed", "sede").replace("min = 2", "min = -2"))
    assert "did you mean `seed`?" in str(raised.value)
    assert "scenario.toml:10:" in str(raised.value)
    with pytest.raises(balloonist.ScenarioError, match="cannot be read"):
        Scenario.open("/nowhere.toml")


def test_what_cannot_run_says_why(written):
    scenario = Scenario.open(written)
    with pytest.raises(ValueError, match="no policy is called `last-m`, did you mean `last-n`?"):
        scenario.run("last-m")
    with pytest.raises(balloonist.ScenarioError, match="exec has no program"):
        scenario.run("exec")
    with pytest.raises(ValueError, match="no series was recorded"):
        scenario.run().series
    with pytest.raises(ValueError, match="baseline `none` is not among"):
        scenario.compare(["static"], baseline="none")
    with pytest.raises(ValueError, match="policies is empty"):
        scenario.compare([])
    with pytest.raises(ValueError, match="expected the first and the last"):
        scenario.sweep(seeds=(5, 3))
    with pytest.raises(TypeError, match="seeds is 5, expected a pair"):
        scenario.sweep(seeds=5)
    with pytest.raises(ValueError, match="seeds and repeat both say"):
        scenario.sweep(seeds=(1, 2), repeat=3)
    with pytest.raises(TypeError, match="axis host.memory is 40, expected a list of values"):
        scenario.sweep({"host.memory": 40})
    with pytest.raises(TypeError, match="a setting is 40, expected a text such as"):
        scenario.set("host.memory", 40)
    with pytest.raises(FileNotFoundError, match="no-folder/page.html"):
        scenario.run().report("no-folder/page.html")
    with pytest.raises(TypeError, match="expected an algorithm's name; run, compare"):
        Scenario.from_traces({"a": [1]}, memory=1, replacement=list)
    with pytest.raises(balloonist.ScenarioError, match="at point vm.db.min=100"):
        scenario.sweep({"vm.db.min": [1, 100]})


def test_numbers_of_numpy_are_numbers(written):
    scenario = Scenario.open(written)
    set_by_numpy = scenario.set({"vm.db.workload.alpha": np.float64(0.8), "host.memory": np.int32(60)})
    assert set_by_numpy.run().fingerprint == scenario.run().fingerprint
    sweep = scenario.sweep({"vm.db.workload.alpha": np.linspace(0.5, 1.0, 3), "host.memory": np.arange(60, 62)})
    assert float(sweep.runs["param_vm_db_workload_alpha"][0]) == 0.5 and len(sweep) == 6
    one = Trace.workload("zipf", pages=np.int64(50), alpha=np.float64(0.8), accesses=100)
    assert one == Trace.workload("zipf", pages="50", alpha="0.8", accesses=100)


def test_expectations_are_judged(written):
    text = TEXT + '[[expect]]\nmetric = "demand_faults"\nvm = "loop"\nat_most = 25\n'
    scenario = Scenario.from_toml(text)
    failed = scenario.set("host.memory=8").run().failed
    assert len(failed) == 1 and "at most 25" in failed[0]
    assert scenario.set("host.memory=4000").run().failed == []


def test_people_see_tables_and_figures(written):
    compared = Scenario.open(written).compare(["static", "mrc-dp"])
    assert "static" in repr(compared)
    assert {"regret", "vms"} <= set(compared.figures)
    assert compared.figure("vms").startswith("<svg ")
    with pytest.raises(KeyError, match="expected one of"):
        compared.figure("none")
    html = compared._repr_html_()
    assert html.count("<img ") == len(compared.figures)
    run = Scenario.open(written).run()
    assert run.figures and run._repr_html_().count("<img ") == len(run.figures)
    sweep = Scenario.open(written).sweep({"host.memory": [40, 80]}, policies=["static", "last-n"])
    assert sweep.figures and sweep._repr_html_().count("<img ") == len(sweep.figures)


def test_progress_is_told(written):
    told = []
    scenario = Scenario.open(written)
    scenario.sweep({"host.memory": [40, 50, 60]}, progress=lambda done, all: told.append((done, all)))
    assert told[-1] == (3, 3) and told == sorted(told)
    told.clear()
    scenario.compare(["static", "last-n"], progress=lambda done, all: told.append((done, all)))
    assert told[-1] == (2, 2)

    class Halt(Exception):
        pass

    def halt(done, all):
        raise Halt

    with pytest.raises(Halt):
        scenario.sweep({"host.memory": [40, 50]}, repeat=2000, progress=halt)


def test_the_bar_is_quiet_off_terminals(written, capfd):
    Scenario.open(written).sweep({"host.memory": [40, 50]}, repeat=2)
    assert capfd.readouterr() == ("", "")


def test_the_bar_shows_steps(monkeypatch, capsys):
    from balloonist import _progress

    monkeypatch.setattr(_progress, "_in_notebook", lambda: True)
    clock = iter([0.0, 2.0, 2.05, 4.0])
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    bar = _progress.Bar(4)
    for done in (2, 3, 4):
        bar(done, 4)
    shown = capsys.readouterr().err
    assert shown.count("\r") == 2
    assert "2/4 about 2 s left" in shown and shown.endswith("\n")

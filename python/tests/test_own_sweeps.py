"""Classes in sweeps: they equal the rules and algorithms of the lists that they follow."""

import pytest

import balloonist
from balloonist import Scenario
from classes import Fifo, Still

TEXT = """
name = "two"
host.memory = 40
checkpoint.every = 50
[[vm]]
name = "a"
workload = { kind = "zipf", pages = 60, accesses = 600 }
[[vm]]
name = "b"
workload = { kind = "working-set", accesses = 600 }
"""


def scenario():
    return Scenario.from_toml(TEXT)


def renamed(text, **names):
    for name, other in names.items():
        text = text.replace(f",{name},", f",{other},")
    return text


@pytest.mark.parametrize("jobs", [1, 3])
def test_classes_have_the_runs_of_what_they_follow(jobs):
    axes = {"host.memory": [20, 40], "defaults.vm.replacement": ["lru", Fifo]}
    mine = scenario().sweep(axes, policies=["proportional", Still], repeat=3, jobs=jobs)
    axes["defaults.vm.replacement"] = ["lru", "fifo"]
    ours = scenario().sweep(axes, policies=["proportional", "static"], repeat=3)
    assert renamed(mine.runs.csv(), Still="static", Fifo="fifo") == ours.runs.csv()
    assert renamed(mine.points.csv(), Still="static", Fifo="fifo") == ours.points.csv()
    assert mine.verdict == ours.verdict.replace("static", "Still").replace("fifo", "Fifo")
    assert len(mine) == 24


def test_each_run_is_the_run_of_its_point():
    sweep = scenario().sweep({"host.memory": [20, 40]}, policies=[Still], seeds=(3, 4))
    rows = [row for row in sweep.runs.rows() if row["vm"] == "all"]
    for row in rows:
        point = scenario().set({"host.memory": row["param_host_memory"], "seed": row["seed"]})
        assert point.run(Still).fingerprint == row["fingerprint"]
    assert [row["seed"] for row in rows] == [3, 3, 4, 4]


def test_a_class_can_be_the_baseline_and_have_a_name():
    named = type("Mine", (Still,), {"name": "my rule, the second"})
    sweep = scenario().sweep(policies=["last-n", named], repeat=4, baseline={"policy.kind": named})
    differences = sweep.points["difference"]
    assert differences[sweep.points["param_policy_kind"].index("my rule, the second")] == 0
    assert sweep.pivot(rows=[]).columns == ["last-n", "my rule, the second"]
    assert sweep._repr_html_() and sweep.figures


def test_progress_counts_both_kinds(tmp_path):
    told = []
    sweep = scenario().sweep(
        {"host.memory": [20, 40]},
        policies=["static", Still],
        progress=lambda done, all: told.append((done, all)),
    )
    assert told[-1] == (4, 4) and told == sorted(told)
    sweep.report(tmp_path / "page.html")
    assert "Still" in (tmp_path / "page.html").read_text()


def test_objects_start_anew_in_each_run():
    made = []

    class Counting(Still):
        def __init__(self):
            made.append(self)

    scenario().sweep({"host.memory": [20, 40]}, policies=[Counting], repeat=5)
    assert len(made) == 10


def test_exceptions_keep_their_traceback():
    class Bad(Still):
        def plan(self, view):
            if view.host == 40:
                raise ZeroDivisionError("at 40")
            return {}

    with pytest.raises(ZeroDivisionError, match="at 40"):
        scenario().sweep({"host.memory": [20, 40]}, policies=["static", Bad])
    bad = type("Bad", (Fifo,), {"evict": lambda self, page: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        scenario().sweep({"defaults.vm.replacement": [bad]})
    assert len(scenario().sweep({"host.memory": [20]}, policies=[Still])) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"policies": [Still()]}, TypeError, "policy `Still` is an object, expected its class"),
        ({"policies": [type("Sees", (Still,), {"observes": ["whole"]})]}, ValueError, "the future"),
        ({"policies": [Still, type("Still", (Still,), {})]}, ValueError, "two classes are called"),
        ({"policies": [type("static", (Still,), {})]}, ValueError, "is called `static`"),
        ({"policies": [Still, "none"]}, balloonist.ScenarioError, "cannot be `none`"),
        ({"policies": []}, balloonist.ScenarioError, "has no value"),
        ({"policies": "static"}, ValueError, "expected a list or \"all\""),
        ({"axes": {"defaults.vm.replacement": [Still]}}, TypeError, "replacement is"),
        ({"axes": {"host.memory": [Fifo]}}, balloonist.ScenarioError, "host.memory"),
        ({"axes": {"host.memory": [20]}, "jobs": 0}, ValueError, "jobs is 0, expected 1 to 1024"),
    ],
)
def test_what_cannot_be_swept_is_refused(arguments, error, text):
    with pytest.raises(error) as raised:
        scenario().sweep(**arguments)
    assert text in str(raised.value)

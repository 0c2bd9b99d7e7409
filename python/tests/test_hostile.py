"""Hostile policies and algorithms end in a clear exception or do no harm: no hang, no crash, no wrong
number. Ctrl-C is in test_own_code.py."""

import decimal
import fractions
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import balloonist
from balloonist import Scenario, Trace
from classes import Lru, Still


def scenario():
    traces = {"db": Trace.workload("zipf", pages=80, accesses=1000, vm="db"), "web": [1, 2, 3] * 300}
    return Scenario.from_traces(traces, memory=40, every=50)


UNHARMED = scenario().run("static").fingerprint


class Index:
    """Stands for a number, or says that it does."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number()


class Liar(str):
    """Says that it equals everything."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash(str(self))


async def later():
    return {}


@pytest.mark.parametrize(
    "reply",
    [
        float("nan"), float("inf"), True, "db", b"db", 0, (), {"db"}, object(), np.zeros(2), Still,
        {"db": float("nan")}, {"db": float("inf")}, {"db": -0.0}, {"db": 20.0}, {"db": True},
        {"db": False}, {"db": None}, {"db": [20]}, {"db": 2**64}, {"db": -(2**63)}, {"db": 10**400},
        {"db": np.float64(20)}, {"db": np.int64(-1)}, {"db": np.array([20])}, {"db": np.True_},
        {"db": decimal.Decimal(20)}, {"db": fractions.Fraction(20)}, {"db": Index(lambda: 1 / 0)},
        {"db": Index(lambda: -1)}, {"db": Index(lambda: 2**80)}, {"db": "twenty"},
        {b"db": 20}, {None: 20}, {0: 20}, {"DB": 20}, {"": 20}, {Liar("x"): 20}, {("db",): 20},
        {"db": 2**63, "web": 2**63}, {"db": 0}, {"db": 41},
    ],
    ids=lambda reply: repr(reply)[:30],
)
def test_nonsense_from_plan_is_refused(reply):
    bad = type("Bad", (), {"plan": lambda self, view: reply})
    with pytest.raises((TypeError, ValueError, balloonist.PolicyError)) as raised:
        scenario().run(bad)
    assert "plan" in str(raised.value) and "expected" in str(raised.value)
    assert scenario().run(Still).fingerprint == UNHARMED


@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_coroutine_is_no_plan():
    with pytest.raises(TypeError, match="returned <coroutine .*expected a dict"):
        scenario().run(type("Bad", (), {"plan": lambda self, view: later()}))


def test_what_stands_for_a_number_is_one():
    fair = type("Fair", (), {"plan": lambda self, view: {Liar("db"): np.int8(20), "web": Index(lambda: 20)}})
    equal = type("Equal", (), {"plan": lambda self, view: {"db": 20, "web": 20}})
    assert scenario().run(fair).fingerprint == scenario().run(equal).fingerprint


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, MemoryError])
def test_any_exception_comes_out(error):
    def fails(*_):
        raise error("this one")

    with pytest.raises(error, match="this one"):
        scenario().run(type("Bad", (), {"plan": fails}))
    with pytest.raises(error, match="this one"):
        scenario().compare(["static"], replacements=[type("Bad", (Lru,), {"evict": fails})])
    with pytest.raises(error, match="this one"):
        scenario().sweep(policies=[type("Bad", (), {"plan": fails})], repeat=2)


def test_an_exception_that_cannot_be_shown_comes_out():
    class Unspeakable(Exception):
        def __str__(self):
            raise ValueError

        __repr__ = __str__

    class Bad:
        def plan(self, view):
            raise Unspeakable

    with pytest.raises(Unspeakable):
        scenario().run(Bad)
    shy = type("Shy", (), {"__repr__": lambda self: 1 / 0})
    with pytest.raises((TypeError, ZeroDivisionError)):
        scenario().run(type("Bad", (), {"plan": lambda self, view: {"db": shy()}}))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_exceptions_at_the_end_of_objects_do_no_harm():
    class Grudge(Still):
        def __del__(self):
            raise ValueError("in __del__")

    class Grudges(Lru):
        __del__ = Grudge.__del__

    assert scenario().run(Grudge).fingerprint == UNHARMED
    assert scenario().run(replacement=Grudges).fingerprint == UNHARMED


def test_views_do_not_change_and_change_nothing():
    kept = []

    class Keeps:
        observes = ["curve"]

        def plan(self, view):
            for vm in view.vms:
                kept.append((vm, (vm.allocation, vm.interval.accesses), vm.curve.copy()))
                vm.curve[:] = -1 if view.tick % 100 else float("nan")
            for name in ("tick", "host", "vms", "extra"):
                with pytest.raises(AttributeError):
                    setattr(view, name, 0)
            with pytest.raises(AttributeError):
                view.vms[0].interval.accesses = 0
            return {}

    class Looks:
        observes = ["curve"]
        seen = []

        def plan(self, view):
            self.seen.extend(vm.curve.copy() for vm in view.vms)
            return {}

    assert scenario().run(Keeps).fingerprint == scenario().run(Looks).fingerprint
    assert len(kept) == len(Looks.seen) > 20
    for (vm, said, curve), ours in zip(kept, Looks.seen):
        assert (vm.allocation, vm.interval.accesses) == said
        assert (curve == ours).all()


def test_runs_within_runs_are_runs():
    inner = []

    class Nests:
        def plan(self, view):
            if view.tick == 100:
                inner.append(scenario().run("last-n").fingerprint)
                inner.append(scenario().run(replacement=Lru).fingerprint)
                inner.append(len(scenario().sweep(policies=[Still], repeat=2)))
                with pytest.raises(ZeroDivisionError):
                    scenario().run(type("Bad", (), {"plan": lambda self, view: 1 / 0}))
            return {}

    assert scenario().run(Nests).fingerprint == UNHARMED
    assert inner == [scenario().run("last-n").fingerprint, UNHARMED, 2]


ENDLESS = """
import balloonist
from balloonist import Scenario, Trace

scenario = Scenario.from_traces({"a": [1, 2, 3] * 100, "b": [4, 5] * 150}, memory=4, every=10)

class Deeper:
    def plan(self, view):
        return self.plan(view)

class Nests:
    def plan(self, view):
        return scenario.run(Nests)

class Evicts:
    def __init__(self, frames):
        pass
    def access(self, page, hit):
        pass
    def evict(self, page):
        return balloonist.mrc([1, 2, 3], replacement=Evicts, points=[1])

def work():
    try:
        {work}
    except RecursionError:
        print("too deep", flush=True)

import threading
work()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.parametrize(
    "work",
    [
        "scenario.run(Deeper)",
        "scenario.run(Nests)",
        "scenario.sweep(policies=[Nests])",
        "scenario.run(replacement=Evicts)",
        "balloonist.mrc([1, 2, 3], replacement=Evicts, points=[1])",
    ],
)
def test_endless_recursion_is_an_exception(work):
    text = textwrap.dedent(ENDLESS).replace("{work}", work)
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stdout) == (0, "too deep\ntoo deep\n"), run.stderr[-2000:]


@pytest.mark.parametrize(
    "reply",
    [float("nan"), True, "1", b"1", 1.0, -1, 2**64, 10**400, None, [1], np.float64(1), Index(lambda: 1 / 0)],
    ids=lambda reply: repr(reply)[:30],
)
def test_nonsense_from_evict_is_refused(reply):
    bad = type("Bad", (Lru,), {"evict": lambda self, page: reply})
    with pytest.raises(ValueError, match="evict.. returned .*, expected one of the"):
        balloonist.mrc([1, 2, 3], replacement=bad, points=[2])
    with pytest.raises(ValueError, match="evict.. returned .*, expected one of the"):
        scenario().run(replacement=bad)


def test_threads_do_not_mix():
    found = {}

    class Slow(Still):
        def plan(self, view):
            threading.Event().wait(0.001)
            return {}

    def work(at):
        bad = type(f"Bad{at}", (), {"plan": lambda self, view: [][at]})
        try:
            scenario().run(bad if at % 2 else Slow)
            found[at] = scenario().run(Slow, replacement=Lru).fingerprint
        except IndexError:
            found[at] = "raised"

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(8)] == [UNHARMED, "raised"] * 4


def test_a_thread_of_a_policy_may_outlive_it():
    seen, go = [], threading.Event()

    class Starts(Still):
        def plan(self, view):
            if view.tick == 50:
                self.thread = threading.Thread(target=lambda: (go.wait(60), seen.append(view["db"].name)))
                self.thread.start()
            return {}

    policy = Starts()
    assert scenario().run(policy).fingerprint == UNHARMED
    go.set()
    policy.thread.join()
    assert seen == ["db"]


@pytest.mark.parametrize("name", [7, "", " ", "two\nlines", None, ["x"]])
def test_a_name_is_a_text(name):
    with pytest.raises(TypeError, match="the name of .* is .*, expected a str in one line"):
        scenario().run(type("Bad", (Still,), {"name": name}))
    with pytest.raises(TypeError, match="the name of .* is .*, expected a str in one line"):
        scenario().run(replacement=type("Bad", (Lru,), {"name": name}))


@pytest.mark.parametrize("name", ["all", "static ", "a,b", 'q"q', "<b>", "ä/ö", "=1+1", "x" * 500])
def test_any_text_is_a_name(name, tmp_path):
    named = type("Named", (Still,), {"name": name})
    compared = scenario().compare(["static", named])
    assert compared.table["name"][1] == name
    compared.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<b></td>" not in page and compared._repr_html_()
    sweep = scenario().sweep(policies=["static", named], repeat=2)
    assert sweep.runs["policy"][-1] == name and sweep._repr_html_()


@pytest.mark.parametrize(
    ("observes", "error"),
    [("curve", (TypeError, ValueError)), ([7], TypeError), (7, TypeError), (["curve", "curves"], ValueError)],
)
def test_observers_are_names(observes, error):
    with pytest.raises(error):
        scenario().run(type("Bad", (Still,), {"observes": observes}))


def test_counts_are_those_of_the_tables_with_tiers_and_host_paging():
    counts = ("accesses", "hits", "demand_faults", "cold_faults", "capacity_faults", "fills",
              "replacement_misses")
    vms = """
name = "two"
host.memory = 60
checkpoint.every = 100
{more}
[[vm]]
name = "a"
min = 10
{size}
workload = {{ kind = "zipf", pages = 80, accesses = 3000, writes = 0.3 }}
[[vm]]
name = "b"
min = 10
{size}
workload = {{ kind = "loop", pages = 50, accesses = 3000 }}
"""
    paging = "actuator = { kind = \"paging\" }"
    tier = "[[tier]]\nkind = \"exclusive\"\nname = \"far\"\ncapacity = 20"
    for more, size, further in (
        (paging, "size = 70", ("host_faults",)),
        (tier, "", ("store_reads",)),
    ):
        last = {}

        class Watch:
            def plan(self, view):
                moves = view.tick // 100 % 2 * 10
                last.update({vm.name: vm for vm in view.vms})
                return {"a": 20 + moves, "b": 30 - moves}

        run = Scenario.from_toml(vms.format(more=more, size=size)).run(Watch)
        for row in run.vms.rows()[:-1]:
            total = last[row["vm"]].total
            for name in (*counts, *further):
                assert getattr(total, name) == row[name], name
            assert total.hits + total.demand_faults + total.host_faults == total.accesses == 3000
        row = run.vms.rows()[-1]
        assert row[further[0]] > 0

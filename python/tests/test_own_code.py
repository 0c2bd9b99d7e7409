"""Policies and algorithms in Python: they equal ours, and hostile ones end in clear exceptions."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback

import pytest

import balloonist
from balloonist import Scenario, Trace
from classes import Fifo, Lru


def scenario(every=50, **settings):
    traces = {
        "db": Trace.workload("zipf", pages=80, accesses=3000, vm="db"),
        "web": Trace.workload("working-set", accesses=3000, vm="web"),
        "loop": Trace.workload("loop", pages=12, accesses=3000),
    }
    return Scenario.from_traces(traces, memory=40, every=every, settings=settings)


class Still:
    """The rule `static`."""

    def plan(self, view):
        return {vm.name: vm.target for vm in view.vms}


class ZhouGreedy:
    """Frames one by one to the VM whose curve falls most."""

    observes = ["curve"]

    def plan(self, view):
        frames = {vm.name: vm.min for vm in view.vms}
        for _ in range(view.host - sum(frames.values())):
            def gain(vm):
                have = min(frames[vm.name], len(vm.curve) - 1)
                return vm.curve[have] - vm.curve[min(have + 1, len(vm.curve) - 1)]
            best = max((vm for vm in view.vms if frames[vm.name] < vm.max), key=gain)
            frames[best.name] += 1
        return frames


def test_a_policy_in_python_is_the_rule_that_it_follows():
    ours = scenario().run("static")
    mine = scenario().run(Still)
    assert (mine.policy, mine.demand_faults) == ("Still", ours.demand_faults)
    assert mine.fingerprint == ours.fingerprint


def test_views_have_what_a_hypervisor_knows():
    seen = []

    class Watch:
        observes = ["window"]

        def plan(self, view):
            seen.append(view)
            return {}

    run = scenario(every=100).run(Watch, series=True)
    assert [view.tick for view in seen] == list(range(100, 3001, 100))
    rows = run.series.rows()
    shown = [(view.tick, vm.name, vm.allocation, vm.resident, vm.target, vm.interval.accesses,
              vm.interval.demand_faults, vm.interval.replacement_misses)
             for view in seen for vm in view.vms]
    assert shown == [tuple(row.values()) for row in rows]
    last = seen[-1]["loop"]
    assert last.total.accesses == 3000 and last.total.cold_faults == 12
    assert last.total.hits + last.total.demand_faults == 3000
    assert last.distinct == 12 and last.curve is None and last.active is None
    assert len(seen[0]) == 3 and seen[0].host == 40
    with pytest.raises(KeyError):
        seen[0]["none"]


def test_observers_show_curves():
    first = {}

    class Watch:
        observes = ["curve", "active", "shadow"]

        def plan(self, view):
            for vm in view.vms:
                first.setdefault(vm.name, vm)
            return {}

    scenario(every=250).run(Watch)
    for name, vm in first.items():
        # No earlier interval has faded yet.
        expected = balloonist.mrc(scenario().trace(name).pages[:250])
        for frames, faults in zip(expected.frames.tolist(), expected.demand_faults.tolist()):
            assert vm.curve[min(frames, len(vm.curve) - 1)] == faults
        assert vm.active >= 0 and vm.shadow_hits >= 0 and vm.distinct is None

    class Future:
        observes = ["whole"]

        def plan(self, view):
            return {}

    compared = scenario().compare([Future, "static"])
    assert compared.table["role"][:2] == ["yardstick", "policy"]


def test_classes_start_anew_and_objects_go_on():
    class Counting:
        def __init__(self):
            self.asked = 0

        def plan(self, view):
            self.asked += 1
            return {}

    one = Counting()
    scenario(every=1000).run(one)
    scenario(every=1000).run(one)
    assert one.asked == 6
    scenario(every=1000).run(Counting)


def test_own_policies_are_compared_with_all_others():
    compared = scenario(every=250).compare(["static", ZhouGreedy, "mrc-dp"], baseline="ZhouGreedy")
    assert compared.table["name"][:3] == ["static", "ZhouGreedy", "mrc-dp"]
    assert compared.table["relative_to_baseline"][1] == 1.0
    run = scenario(every=250).run(ZhouGreedy)
    assert compared.fingerprints["ZhouGreedy"] == run.fingerprint
    assert compared._repr_html_()


class Boom(Exception):
    pass


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (None, TypeError, "plan() returned None, expected a dict"),
        ([1, 2], TypeError, "plan() returned [1, 2], expected a dict"),
        ({"none": 3}, ValueError, "a target for 'none', expected VMs that are present: db, web"),
        ({7: 3}, ValueError, "a target for 7"),
        ({"db": 1.5}, TypeError, "returned 1.5 for VM `db`, expected a whole number"),
        ({"db": "9"}, TypeError, "returned '9' for VM `db`"),
        ({"db": -1}, TypeError, "returned -1 for VM `db`"),
        ({"db": 2**70}, TypeError, "for VM `db`, expected a whole number"),
        ({"db": 0}, balloonist.PolicyError, "policy Bad at tick 50: the plan gives VM `db` 0 frames"),
        ({"db": 40}, balloonist.PolicyError, "the plan gives 66 frames in all, expected at most"),
    ],
)
def test_nonsense_is_refused(reply, error, text):
    class Bad:
        def plan(self, view):
            return reply

    with pytest.raises(error) as raised:
        scenario().run(Bad)
    assert text in str(raised.value)


def test_exceptions_keep_their_traceback():
    class Bad:
        def plan(self, view):
            if view.tick == 150:
                raise Boom("at 150")
            return {}

    with pytest.raises(Boom, match="at 150") as raised:
        scenario().run(Bad)
    assert 'raise Boom("at 150")' in "".join(traceback.format_tb(raised.tb))
    with pytest.raises(Boom):
        scenario().compare(["static", Bad])
    # What was raised does not wait for the next run.
    assert scenario().run(Still).demand_faults


def test_views_are_copies():
    kept = []

    class Hostile:
        def plan(self, view):
            kept.append(view)
            with pytest.raises(AttributeError):
                view.vms[0].allocation = 99
            with pytest.raises(AttributeError):
                view.host = 99
            with pytest.raises(TypeError):
                view.vms[0] = None
            return {}

    run = scenario().run(Hostile)
    assert run.fingerprint == scenario().run("static").fingerprint
    assert len({view.tick for view in kept}) == len(kept) == 60


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (7, "policy is 7, expected the name of a policy, or a class"),
        (object, "expected the name of a policy"),
        (type("static", (Still,), {}), "a policy of the list is called `static`"),
        (type("A", (Still,), {"observes": ["curves"]}), "observes `curves`, expected some of curve"),
    ],
)
def test_what_is_no_policy_is_refused(bad, text):
    with pytest.raises((TypeError, ValueError)) as raised:
        scenario().run(bad)
    assert text in str(raised.value)


class SecondChance(Fifo):
    """CLOCK, as a queue whose pages go to the end if they were used."""

    def __init__(self, frames):
        super().__init__(frames)
        self.used = set()

    def access(self, page, hit):
        super().access(page, hit)
        if hit:
            self.used.add(page)

    def evict(self, page):
        while self.queue[0] in self.used:
            spared = self.queue.pop(0)
            self.used.remove(spared)
            self.queue.append(spared)
        return self.queue.pop(0)


PAIRS = [(Lru, "lru"), (Fifo, "fifo"), (SecondChance, "clock")]


@pytest.mark.parametrize(("mine", "ours"), PAIRS)
def test_algorithms_in_python_equal_ours_on_all_small_traces(mine, ours):
    for length in range(1, 6):
        for pages in itertools.product(range(4), repeat=length):
            trace = Trace(list(pages))
            points = [1, 2, 3]
            expected = balloonist.mrc(trace, replacement=ours, points=points)
            found = balloonist.mrc(trace, replacement=mine, points=points)
            assert found.demand_faults.tolist() == expected.demand_faults.tolist(), pages


@pytest.mark.parametrize(("mine", "ours"), PAIRS)
def test_algorithms_in_python_equal_ours_under_policies(mine, ours):
    for policy in ("static", "last-n", "proportional"):
        found = scenario().run(policy, replacement=mine)
        expected = scenario().run(policy, replacement=ours)
        assert found.fingerprint == expected.fingerprint, policy
    both = scenario().compare(["static", "last-n"], replacements=[ours, mine])
    faults = both.table["demand_faults"]
    assert faults[0] == faults[1] and faults[2] == faults[3]


def test_algorithms_are_told_of_resizes():
    sizes = []

    class Told(Lru):
        def __init__(self, frames):
            super().__init__(frames)
            sizes.append(frames)

        def resize(self, frames):
            sizes.append(frames)

    scenario().run("last-n", replacement=Told)
    assert len(sizes) > 3 and min(sizes) >= 1


@pytest.mark.parametrize(
    ("methods", "error", "text"),
    [
        ({"evict": lambda self, page: None}, ValueError, "evict() returned None, expected one of the"),
        ({"evict": lambda self, page: -1}, ValueError, "evict() returned -1"),
        ({"evict": lambda self, page: 10**9}, ValueError, "resident pages: "),
        ({"evict": lambda self, page: 1 / 0}, ZeroDivisionError, "division"),
        ({"access": lambda self, page, hit: 1 / 0}, ZeroDivisionError, "division"),
        ({"access": lambda self: None}, TypeError, "positional"),
        ({"resize": lambda self, frames: 1 / 0}, ZeroDivisionError, "division"),
        ({"__init__": lambda self: None}, TypeError, "positional"),
    ],
)
def test_hostile_algorithms_end_in_exceptions(methods, error, text):
    bad = type("Bad", (Lru,), methods)
    with pytest.raises(error) as raised:
        scenario().run("last-n", replacement=bad)
    assert text in str(raised.value)
    if "resize" not in methods:
        with pytest.raises(error):
            balloonist.mrc(Trace(list(range(9))), replacement=bad, points=[2, 3])
    assert scenario().run("last-n", replacement=Lru).demand_faults


@pytest.mark.parametrize("bad", [7, Lru(3), object, type("lru", (Lru,), {})])
def test_what_is_no_algorithm_is_refused(bad):
    with pytest.raises((TypeError, ValueError), match="replacement is|is called `lru`"):
        balloonist.mrc("1 2 3", replacement=bad)


def test_the_first_difference_of_runs_is_found():
    for policy in ("static", "last-n", "proportional", Still):
        for mine, ours in PAIRS:
            assert scenario().first_difference(mine, ours, policy=policy) is None

    class Late(Fifo):
        """FIFO until it shrinks for the first time; then the newest page goes."""

        def evict(self, page):
            return self.queue.pop() if page is None else super().evict(page)

    said = scenario().first_difference(Late, "fifo", policy="last-n")
    assert "it shrinks: Late evicts page" in said and ", fifo evicts page" in said
    tick = int(said.split()[1].rstrip(","))
    # It is at a checkpoint, and before it the runs are the same.
    assert tick % 50 == 0
    assert scenario().first_difference(Late, "fifo", policy="static") is None


def test_the_first_difference_is_found():
    trace = Trace([1, 2, 3, 1, 4, 1, 2])
    said = balloonist.first_difference(Fifo, "lru", trace, frames=3)
    assert said == "access 4, page 4: Fifo evicts page 1, lru evicts page 2"
    assert balloonist.first_difference(Lru, "lru", trace, frames=3) is None
    # The second fault of one is a hit of the other.
    said = balloonist.first_difference("min", "fifo", [1, 2, 3, 1], frames=2)
    assert said == "access 2, page 3: min evicts page 2, fifo evicts page 1"
    with pytest.raises(ZeroDivisionError):
        bad = type("Bad", (Lru,), {"evict": lambda self, page: 1 / 0})
        balloonist.first_difference(bad, "lru", trace, frames=2)
    with pytest.raises(ValueError, match="frames is 0"):
        balloonist.first_difference(Lru, "lru", trace, frames=0)


INTERRUPTED = """
import balloonist, sys
from balloonist import Scenario, Trace
traces = {"a": Trace.workload("zipf", pages=500, accesses=100_000)}
scenario = Scenario.from_traces(traces, memory=64, every=100)

class Loops:
    def plan(self, view):
        print("ready", flush=True)
        while True:
            pass

class Stuck:
    def __init__(self, frames):
        pass
    def access(self, page, hit):
        print("ready", flush=True)
        while True:
            pass
    def evict(self, page):
        pass

def told(done, all):
    print("ready", flush=True)

try:
    {work}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    "work",
    [
        "scenario.run(Loops)",
        "scenario.compare(['static', Loops])",
        "scenario.run(replacement=Stuck)",
        "scenario.sweep(policies=['static', Loops], repeat=2, progress=False)",
        "scenario.sweep({'defaults.vm.replacement': [Stuck]}, progress=False)",
        "scenario.first_difference(Stuck, 'lru')",
        "balloonist.first_difference('lru', Stuck, traces['a'], frames=3)",
        "balloonist.mrc(traces['a'], replacement=Stuck, points=[3])",
        "scenario.sweep({'host.memory': [64, 128]}, repeat=100_000, progress=told)",
    ],
)
def test_control_c_ends_everything(work):
    text = textwrap.dedent(INTERRUPTED).replace("{work}", work)
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 3 and out.endswith("interrupted\n")


def test_other_threads_run_meanwhile():
    """A sweep does not hold Python's lock, however fast it is: longer ones give more turns."""
    turns = 0
    over = threading.Event()

    def work(repeat):
        scenario().sweep({"host.memory": [30, 40, 50]}, repeat=repeat, progress=False)
        over.set()

    for repeat in (100, 1000, 10_000):
        over.clear()
        turns = 0
        thread = threading.Thread(target=work, args=(repeat,))
        thread.start()
        while not over.is_set():
            turns += 1
            time.sleep(0.001)
        thread.join()
        if turns > 20:
            break
    assert turns > 20


def test_a_policy_in_python_equals_the_rule_of_the_list():
    """At thousands of checkpoints; python/speed.py measures what it costs."""
    many = scenario().set("checkpoint.every=1")
    assert many.run(Still).fingerprint == many.run("static").fingerprint

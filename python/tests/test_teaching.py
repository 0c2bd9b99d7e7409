"""The exercises fail as they are handed out, and pass with the answers."""

import pathlib

import pytest

from balloonist import Scenario

EXERCISES = pathlib.Path(__file__).parents[2] / "docs" / "exercises"


ALGORITHMS = ["fifo", "lru", "clock", "nru", "arc"]
SHARED = {"algorithms", "still"}


def names():
    return sorted(path.stem for path in EXERCISES.iterdir() if path.stem not in SHARED)


@pytest.mark.parametrize("name", names())
def test_exercises_are_to_be_solved(name):
    assert Scenario.open(EXERCISES / f"{name}.toml").compare(progress=False).failed


def test_all_exercises_are_there():
    assert names() == sorted(["predict", "anomaly", "beat", "refute", *ALGORITHMS])
    page = EXERCISES.with_name("teaching.md").read_text()
    assert all(f"{name}.toml" in page for name in names())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithms_pass_their_own_exercise_alone(name):
    exercise = Scenario.open(EXERCISES / f"{name}.toml")
    for other in [*ALGORITHMS, "random", "min"]:
        assert (not exercise.run(replacement=other).failed) == (other == name), other

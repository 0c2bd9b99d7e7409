"""The exercises fail as they are handed out, and pass with the answers."""

import pathlib

import pytest

from balloonist import Scenario

EXERCISES = pathlib.Path(__file__).parents[2] / "docs" / "exercises"


@pytest.mark.parametrize("name", ["predict", "anomaly", "beat", "refute"])
def test_exercises_are_to_be_solved(name):
    assert Scenario.open(EXERCISES / f"{name}.toml").compare(progress=False).failed
    assert len(list(EXERCISES.iterdir())) == 4

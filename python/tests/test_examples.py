"""Runs the examples of the docstrings."""

import doctest
import pathlib
import re

import pytest

import balloonist


def documented():
    """Every public object with its name, methods and properties of classes included."""
    yield "balloonist", balloonist
    for name in balloonist.__all__:
        value = getattr(balloonist, name)
        yield name, value
        if isinstance(value, type):
            for part, inner in vars(value).items():
                if not part.startswith("_"):
                    yield f"{name}.{part}", inner


@pytest.mark.parametrize(("name", "value"), list(documented()), ids=lambda value: str(value)[:40])
def test_docstrings(name, value):
    if isinstance(value, (int, str, float)):
        return
    text = value.__doc__
    assert text, f"{name} has no docstring"
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    result = doctest.DocTestRunner(verbose=False).run(example)
    assert result.failed == 0


ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "python" / "README.md", *sorted((ROOT / "docs" / "python").glob("*.md")), *sorted((ROOT / "docs").glob("teaching*"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages(path, tmp_path, monkeypatch):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    text = "".join(re.findall(r"```pycon\n(.*?)```", path.read_text(), re.DOTALL))
    example = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0

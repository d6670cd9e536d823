"""Every line of Python in the README and the documentation runs, and prints what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def code_of(page):
    if not page.exists():
        pytest.skip(f"no {page.name} beside the tests")
    return "\n".join(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )


def run(page):
    """The page's code from top to bottom; the names that it leaves."""
    names = {"__name__": page.stem}
    exec(compile(code_of(page), str(page), "exec"), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_runs_and_prints_what_is_said(page, capsys, tmp_path, monkeypatch):
    """Of ``print(...)  # result`` the results must come, in order."""
    for extra in ("sklearn", "matplotlib"):
        if extra in code_of(page) or page.stem == "pictures":
            pytest.importorskip(extra)
    monkeypatch.chdir(tmp_path)
    run(page)
    printed = capsys.readouterr().out
    for said in re.findall(r"^ *print\(.*\)  # (.*)$", code_of(page), re.MULTILINE):
        assert said in printed, f"{page.name} says {said!r}, what is printed next is\n{printed}"
        printed = printed.split(said, 1)[1]


def test_the_readme_says_enough():
    names = run(PAGES[0])
    slope = 1 - np.tanh(0.5) ** 2
    np.testing.assert_allclose(names["first"].data, [slope])
    np.testing.assert_allclose(names["second"].data, [-2 * np.tanh(0.5) * slope])
    assert len(re.findall("```python", PAGES[0].read_text())) >= 6

"""The two examples of searching for good settings."""

import pytest


def test_grid_search(capsys):
    pytest.importorskip("sklearn")
    from tatami.examples import grid_search

    assert grid_search.main(epochs=8) > 0.9
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7 and lines[0].startswith("hidden (4,)  lr 0.001")


def test_optuna_search(capsys):
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn")
    from tatami.examples import optuna_search

    assert optuna_search.main(trials=6, epochs=4) > 0.9
    assert "6 trials, " in capsys.readouterr().out

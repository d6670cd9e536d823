"""The examples in docstrings run and give what they say."""

import doctest
import pkgutil
from importlib import import_module

import numpy
import pytest

import tatami
from tatami import Tensor, nn, optim
from tatami import functional as F

COMMON = {
    "np": numpy,
    "numpy": numpy,
    "tatami": tatami,
    "nn": nn,
    "optim": optim,
    "F": F,
    "Tensor": Tensor,
}
OPTIONAL = ("sklearn", "skimage", "matplotlib", "optuna")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def ones(*shape):
    return numpy.ones(shape, numpy.float32)


# What an example takes for given, by the name of its function.
GIVEN = {
    "checkpoint": {"x": Tensor(ones(2, 3)), "weight": Tensor(ones(4, 3))},
    "compile": {"model": nn.Linear(3, 2)},
    "gru": {"x": ones(3, 2, 4), "w_ih": ones(15, 4), "w_hh": ones(15, 5), "grad_y": ones(3, 2, 5)},
    "l1_penalty": {"model": nn.Linear(3, 2), "x": Tensor(ones(4, 3)), "y": ones(4, 2)},
    "lstm": {
        "x": ones(35, 20, 100),
        "w_ih": ones(800, 100),
        "w_hh": ones(800, 200),
        "b_ih": ones(800),
        "b_hh": ones(800),
    },
    "rnn": {"x": ones(3, 3, 4), "w_ih": ones(5, 4), "w_hh": ones(5, 5)},
}


def docstrings():
    """Every docstring of the package that has an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(tatami.__path__, "tatami."):
        if found.name.endswith("__main__") or found.name.startswith("tatami.lib"):
            continue
        try:
            module = import_module(found.name)
        except ImportError as error:
            if error.name in OPTIONAL:
                continue
            raise
        yield from (test for test in finder.find(module, found.name) if test.examples)


@pytest.mark.parametrize("test", list(docstrings()), ids=lambda test: test.name)
def test_examples_give_what_they_say(test):
    test.globs = {**COMMON, **test.globs, **GIVEN.get(test.name.rsplit(".", 1)[-1], {})}
    report = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    assert not report, "".join(report)

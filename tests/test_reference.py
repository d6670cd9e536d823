"""The reference itself, once: its gradients against differences, its random numbers, examples."""

import numpy as np
import pytest

import reference
from derivatives import check_adjoint, check_differences
from reference.random import philox
from rules import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_gradients_agree_with_differences(rule):
    check_differences(rule, reference)


@pytest.mark.parametrize("rule", [r for r in RULES if r.linear], ids=lambda rule: rule.name)
def test_adjoints(rule):
    check_adjoint(rule, reference)


def test_every_gradient_function_is_in_a_rule():
    gradients = {name for name in dir(reference) if name.endswith("_grad")}
    assert gradients <= {name for rule in RULES for name in rule.uses}


def test_philox_known_answer():
    """The first known answer that the authors publish: counter 0, key 0, ten rounds."""
    assert [hex(word) for word in philox(0, 1)[0]] == [
        "0x6627e8d5",
        "0xe169c58d",
        "0xbc57ac4c",
        "0x9b00dbd8",
    ]


def test_worked_examples():
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    w = np.array([[1.0, 1, 1], [2, 0, 1], [-1, -1, 0]]).reshape(1, 1, 3, 3)
    y = reference.conv2d(x, w, np.array([3.0]))
    assert y.reshape(2, 2).tolist() == [[7, 11], [23, 27]]
    x = np.array([[1.0, 2], [3, 4]]).reshape(1, 1, 2, 2)
    w = np.array([[1.0, -1], [2, 1]])[::-1, ::-1].reshape(1, 1, 2, 2)
    y = reference.conv_transpose2d(x, w, stride=2)
    assert y[0, 0].tolist() == [[1, 2, 2, 4], [-1, 1, -2, 2], [3, 6, 4, 8], [-3, 3, -4, 4]]

"""Gradients of the library, judged by differences and by the adjoint identity."""

import numpy as np
import pytest

from derivatives import check_adjoint, check_differences
from rules import RULES
from tatami import kernels as K


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_gradients_agree_with_differences(rule, isa):
    for seed in (0, 1):
        check_differences(rule, K, seed)


@pytest.mark.parametrize("rule", [r for r in RULES if r.linear], ids=lambda rule: rule.name)
def test_adjoints(rule, isa):
    for dtype in (np.float32, np.float64):
        for seed in (0, 1):
            check_adjoint(rule, K, dtype, seed)


def test_every_gradient_function_is_in_a_rule():
    gradients = {name for name in K.__all__ if name.endswith("_grad")}
    assert gradients <= {name for rule in RULES for name in rule.uses}

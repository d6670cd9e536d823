"""Every differentiable function against differences and against what PyTorch gets for it."""

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

from tatami import Tensor, check_grads, grad
from tatami import functional as F
from tatami import kernels as K

STORED = Path(__file__).parent / "stored"
sys.path.insert(0, str(STORED))
from functional_cases import CASES, arguments, weights  # noqa: E402

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])

# The row of padding_idx acts on the result, but by definition has no gradient.
SMOOTH = [case for case in CASES if case[0] != "embedding padded"]


@pytest.fixture(scope="module")
def expected():
    return np.load(STORED / "functional.npz")


def flat(tensors):
    return np.concatenate([np.ravel(t.data) for t in tensors])


@every_case
def test_values_and_two_derivatives_agree_with_pytorch(case, expected):
    xs = [Tensor(x, requires_grad=True) for x in arguments(case)]
    y = case[1](F, *xs)
    ys = y if isinstance(y, tuple) else (y,)
    vs = [Tensor(np.asarray(v), requires_grad=True) for v in weights(case, ys)]
    alone = grad(ys, xs, vs, retain_graph=True)
    first = grad(ys, xs, vs, create_graph=True)
    us = weights(case, first)
    second = grad(first, [*xs, *vs], us, allow_unused=True) if any_recorded(first) else None
    zeros = [Tensor(np.zeros_like(x.data)) for x in [*xs, *vs]]
    second = [z if g is None else g for g, z in zip(second, zeros)]
    for by_kernel in (alone, first):
        found = flat([*ys, *by_kernel, *second])
        np.testing.assert_allclose(found, expected[case[0]], rtol=1e-9, atol=1e-11)


def any_recorded(tensors):
    return any(t.requires_grad for t in tensors)


@pytest.mark.parametrize("case", SMOOTH, ids=lambda case: case[0])
def test_derivatives_agree_with_differences(case):
    check_grads(lambda *xs: case[1](F, *xs), arguments(case), order=2)


@every_case
def test_arrays_give_the_same_values_without_a_tape(case):
    xs = arguments(case)
    y, recorded = case[1](F, *xs), case[1](F, *[Tensor(x, requires_grad=True) for x in xs])
    for array, tensor in zip(*(v if isinstance(v, tuple) else (v,) for v in (y, recorded))):
        assert type(array) is np.ndarray
        np.testing.assert_allclose(array, tensor.data, rtol=1e-13, atol=1e-15)


def test_every_kernel_has_its_differentiable_function():
    names = [n for n in K.__all__ if not n.endswith(("_grad", "_step"))]
    names = [n for n in names if n not in K.recurrent.__all__]
    for name in names:
        own, kernel = (list(inspect.signature(getattr(m, name)).parameters) for m in (F, K))
        kernel = [p for p in kernel if p not in ("out", "return_cache")]
        assert [p for p in own if p in kernel] == kernel, name
        assert name in F.__all__, name


def test_every_name_is_in_a_case():
    covered = {case[0].split()[0] for case in CASES}
    mine = {"activation", "attention", "conv", "embedding", "loss", "norm", "pool", "recurrent"}
    mine |= {"similarity", "softmax", "upsample"}
    modules = {f"tatami.functional.{name}" for name in mine}
    public = {n for n in F.__all__ if getattr(F, n).__module__ in modules}
    assert public - covered == {n for n in public if n.endswith("_grad")}


def test_the_stored_numbers_are_what_pytorch_says():
    pytest.importorskip("torch")
    from make_functional import every_result

    stored = np.load(STORED / "functional.npz")
    for name, numbers in every_result().items():
        np.testing.assert_allclose(stored[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)

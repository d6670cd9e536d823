"""Every layer against what PyTorch's of the same name gets: state, values, two derivatives."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tatami import Tensor, grad, nn

STORED = Path(__file__).parent / "stored"
sys.path.insert(0, str(STORED))
from functional_cases import weights  # noqa: E402
from layer_cases import CASES, inputs, state  # noqa: E402


@pytest.fixture(scope="module")
def expected():
    return np.load(STORED / "layers.npz")


@pytest.fixture(scope="module")
def shapes(expected):
    return {name: dict(pairs) for name, pairs in json.loads(str(expected["shapes"])).items()}


def flat(value):
    """Outputs in one tuple."""
    if isinstance(value, tuple):
        return tuple(t for v in value for t in flat(v))
    return () if value is None else (value,)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_layers_agree_with_pytorch(case, expected, shapes):
    name, make, call, *_ = case
    layer = make(nn).double()
    own = {n: list(a.shape) for n, a in layer.state_dict().items()}
    assert list(own.items()) == list(shapes[name].items()), "names and shapes in this order"
    layer.load_state_dict(state(case, shapes[name]))
    xs = [Tensor(x, requires_grad=wanted) for x, wanted in inputs(case)]
    ys = flat(call(layer, *(x if x.requires_grad else x.data for x in xs)))
    wanted = [*(x for x in xs if x.requires_grad), *layer.parameters()]
    vs = [Tensor(np.asarray(v)) for v in weights(case, ys)]
    alone = grad(ys, wanted, vs, retain_graph=True)
    first = grad(ys, wanted, vs, create_graph=True)
    second = [None] * len(wanted)
    if any(g.requires_grad for g in first):
        us = [Tensor(np.asarray(u)) for u in weights(case, first)]
        pairs = [(g, u) for g, u in zip(first, us) if g.requires_grad]
        firsts, us = zip(*pairs)
        second = grad(firsts, wanted, us, allow_unused=True)
    second = [Tensor(np.zeros_like(w.data)) if g is None else g for g, w in zip(second, wanted)]
    for by_kernel in (alone, first):
        tensors = [*ys, *by_kernel, *second, *layer.buffers()]
        numbers = np.concatenate([np.ravel(t.data) for t in tensors])
        np.testing.assert_allclose(numbers, expected[name], rtol=1e-8, atol=1e-10)


def test_every_layer_is_in_a_case():
    covered = {case[0].split()[0] for case in CASES}
    kinds = {n: getattr(nn, n) for n in nn.__all__}
    layers = {n for n, k in kinds.items() if isinstance(k, type) and issubclass(k, nn.Module)}
    elsewhere = {"Module", "Sequential", "ModuleList", "Dense", "GaussianNoise", "HingeLoss"}
    assert layers - covered == elsewhere


def test_the_stored_numbers_are_what_pytorch_says(expected, shapes):
    pytest.importorskip("torch")
    from make_layers import every_result

    for name, (found, numbers) in every_result().items():
        assert {n: list(s) for n, s in found.items()} == shapes[name]
        np.testing.assert_allclose(expected[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)

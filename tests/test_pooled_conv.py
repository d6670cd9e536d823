"""Convolution, max pooling and ReLU as one: the bits of the three, where it is chosen."""

import numpy as np
import pytest

import tatami
from sources import Source
from support import assert_same_bits
from tatami import Tensor, _core, nn
from tatami import functional as F
from tatami.functional import pooled_conv
from tatami.functional.pooled_conv import pooled_conv2d

# x, weight, (stride, padding, dilation, groups): even and odd results, whole and broken vectors of
# images, where every gradient is worth it
SHAPES = (
    ((128, 6, 14, 14), (16, 6, 5, 5), (1, 0, 1, 1)),
    ((45, 6, 13, 11), (16, 6, 5, 5), (1, 0, 1, 1)),
    ((64, 4, 8, 9), (7, 4, 3, 3), (1, 1, 1, 1)),
    ((48, 5, 12, 12), (9, 5, 3, 5), (1, ((2, 1), (0, 3)), 1, 1)),
    ((32, 8, 13, 13), (8, 8, 3, 3), (1, 2, 2, 1)),
)
# of the first layer of a network, whose x asks for no gradient
FIRST = (
    ((128, 1, 28, 28), (6, 1, 5, 5), (1, 2, 1, 1)),
    ((45, 3, 17, 18), (12, 3, 5, 5), (2, 2, 1, 1)),
)


@pytest.fixture
def chosen(monkeypatch):
    """How often the fused operation was called."""
    calls = []
    fused = pooled_conv._pooled
    monkeypatch.setattr(pooled_conv, "_pooled", lambda *a, **k: calls.append(1) or fused(*a, **k))
    return calls


def arrays(x_shape, w_shape, dtype, whole=False):
    source = Source(0, whole=whole)
    x, weight, bias = source(*x_shape), source(*w_shape), source(w_shape[0])
    return [a.astype(dtype) for a in (x, weight, bias)]


def results(function, x, weight, bias, *, by_input=True):
    """y and all gradients of a weighted sum of it."""
    tensors = [Tensor(a, requires_grad=a is not x or by_input) for a in (x, weight)]
    tensors.append(None if bias is None else Tensor(bias, requires_grad=True))
    y = function(*tensors)
    y.backward(np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype))
    grads = [t.grad.data for t in tensors if t is not None and t.requires_grad]
    return [y.data, *grads]


def one_by_one(geometry, rectified):
    def function(x, weight, bias):
        y = F.max_pool2d(F.conv2d(x, weight, bias, *geometry), 2)
        return F.relu(y) if rectified else y

    return function


def fused(geometry, rectified):
    return lambda *args: pooled_conv2d(*args, *geometry, rectified=rectified)


def check(geometry, x, weight, bias, rectified, **how):
    wanted = results(one_by_one(geometry, rectified), x, weight, bias, **how)
    got = results(fused(geometry, rectified), x, weight, bias, **how)
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert_same_bits(a, b, f"result {k} of {x.shape}, {weight.shape}, {geometry}")
    with tatami.no_grad():
        y = fused(geometry, rectified)(x, weight, bias)
    assert_same_bits(y, one_by_one(geometry, rectified)(x, weight, bias))


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_as_one_by_one(dtype, rectified, isa, chosen):
    for shapes, by_input in ((SHAPES, True), (FIRST, False)):
        for x_shape, w_shape, geometry in shapes:
            for whole in (False, True):  # whole numbers: equal maxima, zeros
                x, weight, bias = arrays(x_shape, w_shape, dtype, whole)
                check(geometry, x, weight, bias, rectified, by_input=by_input)
            check(geometry, x, weight, None, rectified, by_input=by_input)
            if dtype == np.float32:  # of doubles some cost less otherwise where vectors are short
                assert len(chosen) == 6
            chosen.clear()


def test_any_number_of_threads(isa, chosen):
    x_shape, w_shape, geometry = SHAPES[1]
    args = arrays(x_shape, w_shape, np.float32)
    tatami.set_num_threads(1)
    wanted = results(fused(geometry, True), *args)
    for threads in (2, 3, 5):
        tatami.set_num_threads(threads)
        for a, b in zip(results(fused(geometry, True), *args), wanted, strict=True):
            assert_same_bits(a, b, f"{threads} threads")
    assert chosen


def test_nan_and_infinity_are_maxima_like_others(isa, chosen):
    x_shape, w_shape, geometry = SHAPES[0]
    x, weight, bias = arrays(x_shape, w_shape, np.float32)
    x.reshape(-1)[::1009] = np.nan
    x.reshape(-1)[5::2003] = np.inf
    check(geometry, x, weight, bias, True)
    bias[2] = -np.inf
    check(geometry, x, weight, bias, True)
    assert chosen


def test_views_are_read_as_they_are(chosen):
    x_shape, w_shape, geometry = SHAPES[0]
    x, weight, bias = arrays(x_shape, w_shape, np.float32)
    x = np.repeat(x, 2, axis=3)[::-1, :, :, ::2]
    weight = np.asfortranarray(weight)
    check(geometry, x, weight, bias[::-1], True)
    assert chosen


def test_where_it_is_not_worth_it_the_layers_go_one_by_one(chosen):
    for x_shape, w_shape, geometry in (
        ((2, 3, 12, 12), (4, 3, 3, 3), (1, 1, 1, 1)),  # few images
        ((32, 4, 12, 12), (8, 2, 3, 3), (1, 1, 1, 2)),  # groups
        ((32, 4, 12, 12), (8, 4, 1, 1), (1, 0, 1, 1)),  # a plain product
        ((0, 4, 12, 12), (8, 4, 3, 3), (1, 0, 1, 1)),  # none
    ):
        check(geometry, *arrays(x_shape, w_shape, np.float32), True)
    assert not chosen


def test_second_derivatives_go_by_the_composition(chosen):
    x_shape, w_shape, geometry = SHAPES[3]
    x, weight, bias = arrays(x_shape, w_shape, np.float64)

    def second(function):
        tensors = [Tensor(a, requires_grad=True) for a in (x, weight, bias)]
        y = function(*tensors)
        first = tatami.grad(F.sum(y * y), tensors, create_graph=True)
        total = F.sum(first[0] * first[0]) + F.sum(first[1] * first[1])
        return [g.data for g in tatami.grad(total, tensors)]

    for a, b in zip(second(fused(geometry, True)), second(one_by_one(geometry, True)), strict=True):
        assert_same_bits(a, b)
    assert chosen


def test_a_change_in_place_is_noticed():
    x_shape, w_shape, geometry = SHAPES[2]
    x, weight, bias = (Tensor(a, True) for a in arrays(x_shape, w_shape, np.float32))
    y = pooled_conv2d(x, weight, bias, *geometry)
    weight.data[...] = 0
    weight.bump()
    with pytest.raises(RuntimeError, match="changed in place"):
        F.sum(y).backward()


def test_errors_name_what_is_wrong():
    x, weight, bias = arrays(*SHAPES[0][:2], np.float32)
    with pytest.raises(ValueError, match=r"conv2d: bias has shape \(7,\)"):
        pooled_conv2d(x, weight, bias[:7], 1, 0, 1, 1)
    with pytest.raises(TypeError, match="float64"):
        pooled_conv2d(x, weight.astype(np.float64), None, 1, 0, 1, 1)
    with pytest.raises(ValueError, match="max_pool2d"):
        pooled_conv2d(x[..., :5, :5], weight, bias, 1, 0, 1, 1)
    y, choice = _core.pooled_conv2d(x, weight, bias, 1, 0, 1, 1, True, True)
    with pytest.raises(ValueError, match="choice has shape"):
        _core.pooled_conv2d_weight_grad(y, choice[1:], x, weight.shape, 1, 0, 1, 1)
    with pytest.raises(ValueError, match="grad_y has shape"):
        _core.pooled_conv2d_input_grad(y[1:], choice, weight, x.shape, 1, 0, 1, 1)


def lenet(relu):
    convolutions = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
    pools = nn.MaxPool2d(2), nn.MaxPool2d((2, 2) if relu is None else 2, 2)
    layers = []
    for conv, pool in zip(convolutions, pools, strict=True):
        layers += [conv, *([] if relu is None else [relu()]), pool]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(400, 10))


def test_sequential_uses_it(chosen):
    x = Source(0)(64, 1, 28, 28).astype(np.float32)
    for relu, calls in ((nn.ReLU, 2), (None, 2), (nn.Tanh, 0)):
        tatami.manual_seed(0)
        model = lenet(relu)
        y = x
        for layer in model:
            y = layer(y if isinstance(y, Tensor) else Tensor(y))
        assert not chosen
        assert_same_bits(model(Tensor(x)).data, y.data)
        assert len(chosen) == calls
        chosen.clear()


def test_sequential_shows_every_layer_to_who_watches(chosen):
    model = lenet(nn.ReLU)
    seen = []
    for layer in model[:3]:
        forward = layer.forward
        layer.forward = lambda x, forward=forward: seen.append(x.shape) or forward(x)
    model(Tensor(np.zeros((64, 1, 28, 28), np.float32)))
    assert seen == [(64, 1, 28, 28), (64, 6, 28, 28), (64, 6, 28, 28)]
    assert len(chosen) == 1

"""Layers against hand-computed values, their names, state and initial values; optimizers."""

import math

import numpy as np
import pytest

import tatami
from tatami import Tensor, check_grads, nn, optim
from tatami import functional as F


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 10, bias=False),
    )


def test_linear_by_hand():
    layer = nn.Linear(3, 2)
    layer.load_state_dict({"weight": [[1, 2, 3], [0, -1, 1]], "bias": [0.5, 0]})
    y = layer(Tensor(np.float32([[1, 1, 1], [1, 0, -1]])))
    np.testing.assert_array_equal(y.data, [[6.5, 0], [-1.5, -1]])


def test_convolution_and_pooling_by_hand():
    layer = nn.Conv2d(1, 1, 3)
    layer.load_state_dict({"weight": [[[[1, 1, 1], [2, 0, 1], [-1, -1, 0]]]], "bias": [3]})
    x = Tensor(np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4))
    np.testing.assert_array_equal(layer(x).data[0, 0], [[7, 11], [23, 27]])
    np.testing.assert_array_equal(nn.MaxPool2d(2)(x).data[0, 0], [[6, 8], [14, 16]])
    np.testing.assert_array_equal(nn.AvgPool2d(2)(x).data[0, 0], [[3.5, 5.5], [11.5, 13.5]])
    np.testing.assert_array_equal(nn.MaxPool2d(2, stride=1)(x).data[0, 0, 0], [6, 7, 8])


def test_batch_norm_by_hand():
    layer = nn.BatchNorm2d(1, eps=0.0)
    x = Tensor(np.float32([1, 3, 5, 7]).reshape(2, 1, 1, 2))  # mean 4, variance 5, unbiased 20/3
    expected = (np.float32([1, 3, 5, 7]) - 4) / math.sqrt(5)
    np.testing.assert_allclose(layer(x).data.ravel(), expected, rtol=1e-6)
    np.testing.assert_allclose(layer.running_mean.data, [0.4], rtol=1e-6)
    np.testing.assert_allclose(layer.running_var.data, [0.9 + 2 / 3], rtol=1e-6)
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    expected = (np.float32([1, 3, 5, 7]) - 0.4) / math.sqrt(0.9 + 2 / 3)
    np.testing.assert_allclose(layer(x).data.ravel(), expected, rtol=1e-6)
    assert layer.num_batches_tracked.item() == 1


def test_batch_norm_averages_and_momentum():
    plain = nn.BatchNorm2d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        plain(Tensor(np.full((2, 1, 1, 1), value, np.float32)))
    np.testing.assert_allclose(plain.running_mean.data, [3.0], rtol=1e-6)
    untracked = nn.BatchNorm2d(1, affine=False, track_running_stats=False).eval()
    assert untracked.state_dict() == {}
    y = untracked(Tensor(np.float32([1, 3]).reshape(2, 1, 1, 1)))
    np.testing.assert_allclose(y.data.ravel(), [-1, 1], atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_derivatives(training):
    mean, var = normal(3), np.abs(normal(3, seed=1))

    def f(x, weight, bias):
        return F.batch_norm(x, mean.copy(), var.copy(), weight, bias, training)

    check_grads(f, [normal(4, 3, 2, 2), normal(3, seed=2), normal(3, seed=3)], order=2)
    # arguments that depend on each other: nothing is counted twice
    check_grads(lambda x: f(x, x.sum((0, 2, 3)), None), [normal(4, 3, 2, 2)], order=2)


def test_unflatten_takes_flatten_back():
    x = normal(2, 3, 4, 5)
    np.testing.assert_array_equal(nn.Unflatten(1, (3, 4, 5))(nn.Flatten()(Tensor(x))).data, x)
    np.testing.assert_array_equal(nn.Unflatten(-1, (5, 1))(Tensor(x)).data, x[..., None])
    with pytest.raises(ValueError, match="reshape"):
        nn.Unflatten(1, (2, 2))(Tensor(x))
    for dim in (4, -5):  # not counted from the front again
        with pytest.raises(IndexError, match="Unflatten: axis"):
            nn.Unflatten(dim, (5, 1))(Tensor(x))


def test_dropout_scales_and_follows_the_seed():
    layer = nn.Dropout(0.25)
    x = Tensor(np.ones((100, 100), np.float32))
    tatami.manual_seed(3)
    first, second = layer(x).data, layer(x).data
    tatami.manual_seed(3)
    np.testing.assert_array_equal(layer(x).data, first)
    assert (first != second).any()
    np.testing.assert_allclose(np.unique(first), [0, 4 / 3], rtol=1e-6)
    assert 0.72 < np.count_nonzero(first) / first.size < 0.78
    assert layer.eval()(x) is x
    check_grads(lambda x: F.dropout(x, 0.4, seed=7), [normal(5, 4)], order=2)
    with pytest.raises(ValueError, match="p must lie between 0 and 1"):
        nn.Dropout(1.5)


def test_activation_layers():
    x = Tensor(np.float32([-2, 0, 2]))
    sigmoid = 1 / (1 + np.exp(-x.data))
    for layer, expected in [
        (nn.ReLU(), [0, 0, 2]),
        (nn.LeakyReLU(0.1), [-0.2, 0, 2]),
        (nn.Sigmoid(), sigmoid),
        (nn.Tanh(), np.tanh(x.data)),
        (nn.Softmax(), np.exp(x.data) / np.exp(x.data).sum()),
    ]:
        np.testing.assert_allclose(layer(x).data, expected, rtol=1e-6)


def test_state_dict_has_the_familiar_names():
    state = lenet().state_dict()
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked", "6.weight",
    ]  # fmt: skip
    assert state["0.weight"].shape == (4, 1, 3, 3)
    assert state["1.num_batches_tracked"].dtype == np.int64


def test_state_dict_round_trip_and_independence():
    one, two = lenet(), lenet()
    x = Tensor(normal(5, 1, 8, 8).astype(np.float32))
    one(x)  # moves the running statistics
    state = one.state_dict()
    two.load_state_dict(state)
    np.testing.assert_array_equal(one.eval()(x).data, two.eval()(x).data)
    state["0.weight"][:] = 0
    assert one[0].weight.data.any() and two[0].weight.data.any()


def test_state_dict_that_does_not_fit_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = model.state_dict()
    wrong = {**before, "0.weight": np.zeros((3, 2)), "1.bias": np.zeros(2)}
    with pytest.raises(ValueError, match=r"1.bias has shape \(2,\).*module's has shape \(1,\)"):
        model.load_state_dict(wrong)
    np.testing.assert_array_equal(model[0].weight.data, before["0.weight"])
    with pytest.raises(ValueError, match=r"missing \['0.weight'\], unknown \['weight'\]"):
        model.load_state_dict({"weight": 0, **{k: before[k] for k in list(before)[1:]}})


def test_modules_and_parameters_are_found():
    model = lenet()
    assert len(model) == 7 and [name for name, _ in model.named_children()][2] == "2"
    assert [name for name, _ in model.named_parameters()] == [
        "0.weight", "0.bias", "1.weight", "1.bias", "6.weight",
    ]  # fmt: skip
    assert len(model.named_buffers()) == 3 and len(model.modules()) == 8
    model.eval()
    assert not any(module.training for module in model.modules())
    shared = nn.Linear(2, 2)
    assert len(nn.Sequential(shared, shared).parameters()) == 2
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU())) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3)\n  (1): ReLU()\n)"
    )


def test_a_module_of_ones_own():
    class Residual(nn.Module):
        def __init__(self, size):
            self.inner = nn.Linear(size, size)
            self.scale = nn.Parameter(np.ones(1, np.float32))

        def forward(self, x):
            return x + self.scale * F.relu(self.inner(x))

    model = Residual(4)
    assert list(model.state_dict()) == ["scale", "inner.weight", "inner.bias"]
    model(Tensor(np.ones((2, 4), np.float32))).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    assert model.double()(Tensor(np.ones((2, 4)))).dtype == np.float64


def test_initial_values_are_seeded_and_bounded():
    tatami.manual_seed(0)
    one = nn.Conv2d(8, 32, 3).state_dict()
    tatami.manual_seed(0)
    two = nn.Conv2d(8, 32, 3).state_dict()
    bound = 1 / math.sqrt(8 * 9)  # what kaiming_uniform with a = sqrt(5) comes to
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
        assert np.abs(values).max() <= bound and np.abs(values).max() > 0.9 * bound
    assert abs(one["weight"].std() / (bound / math.sqrt(3)) - 1) < 0.05


def test_convolution_channels_must_divide():
    with pytest.raises(ValueError, match="3 and 4 channels do not divide into 2 groups"):
        nn.Conv2d(3, 4, 3, groups=2)


def quadratic(make, steps=3):
    """Steps down 0.5 * p^2 from p = (1, -2): the way of p."""
    p = nn.Parameter(np.array([1.0, -2.0]))
    optimizer = make([p])
    for _ in range(steps):
        optimizer.zero_grad()
        (p * p * 0.5).sum().backward()
        optimizer.step()
    return p.data


def test_sgd_by_hand():
    start = np.array([1.0, -2.0])
    np.testing.assert_allclose(quadratic(lambda ps: optim.SGD(ps, lr=0.1)), start * 0.9**3)
    p, v = start, np.zeros(2)
    for _ in range(3):
        v = 0.9 * v + 1.01 * p
        p = p - 0.1 * (1.01 * p + 0.9 * v)
    found = quadratic(
        lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
    )
    np.testing.assert_allclose(found, p)
    with pytest.raises(ValueError, match="nesterov needs momentum"):
        optim.SGD([nn.Parameter(np.ones(1))], nesterov=True)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_by_hand(decoupled, amsgrad):
    p, m, v, top = np.array([1.0, -2.0]), 0, 0, 0
    for step in (1, 2, 3):
        g = p if decoupled else 1.1 * p
        p = p * (1 - 0.05 * 0.1) if decoupled else p
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        top = np.maximum(top, v) if amsgrad else v
        root = np.sqrt(top / (1 - 0.99**step)) + 1e-8
        p = p - 0.05 * m / (1 - 0.9**step) / root
    kind = optim.AdamW if decoupled else optim.Adam
    settings = {"lr": 0.05, "betas": (0.9, 0.99), "weight_decay": 0.1, "amsgrad": amsgrad}
    np.testing.assert_allclose(quadratic(lambda ps: kind(ps, **settings)), p)

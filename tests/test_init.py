"""Initial values: their distributions, and their names as layers' arguments."""

import math

import numpy as np
import pytest

import tatami
from tatami import nn
from tatami.nn import init


@pytest.fixture(autouse=True)
def seed():
    tatami.manual_seed(0)


def weight(*shape):
    return nn.Parameter(np.full(shape, np.nan, np.float32))


BIG = (200, 40, 3, 3)  # 360 inputs and 1800 outputs of a unit


@pytest.mark.parametrize(
    ("fill", "mean", "std", "bound"),
    [
        (init.zeros_, 0, 0, 0),
        (init.ones_, 1, 0, 1),
        (lambda w: init.constant_(w, -3), -3, 0, 3),
        (lambda w: init.uniform_(w), 0.5, 1 / math.sqrt(12), 1),
        (lambda w: init.uniform_(w, -2, 1), -0.5, 3 / math.sqrt(12), 2),
        (lambda w: init.normal_(w), 0, 1, 6),
        (lambda w: init.normal_(w, 2, 0.1), 2, 0.1, 2.6),
        (lambda w: init.trunc_normal_(w), 0, 0.8796, 2),
        (lambda w: init.trunc_normal_(w, 1, 2, 0, 2), 1, 0.5685, 2),
        (init.xavier_uniform_, 0, math.sqrt(2 / 2160), math.sqrt(6 / 2160)),
        (lambda w: init.xavier_normal_(w, 2), 0, 2 * math.sqrt(2 / 2160), 1),
        (init.kaiming_uniform_, 0, math.sqrt(2 / 360), math.sqrt(6 / 360)),
        (lambda w: init.kaiming_uniform_(w, 1), 0, math.sqrt(1 / 360), math.sqrt(3 / 360)),
        (lambda w: init.kaiming_normal_(w, mode="fan_out"), 0, math.sqrt(2 / 1800), 1),
        (lambda w: init.kaiming_normal_(w, nonlinearity="tanh"), 0, 5 / 3 / math.sqrt(360), 1),
    ],
)
def test_distributions(fill, mean, std, bound):
    w = weight(*BIG)
    assert fill(w) is w
    values = w.data.astype(np.float64)
    assert abs(values.mean() - mean) <= 5 * std / math.sqrt(values.size) + 1e-7
    assert abs(values.std() - std) <= 0.02 * std
    assert np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (8, 3, 2, 2), (3, 8, 2)])
def test_orthogonal(shape):
    w = init.orthogonal_(weight(*shape), gain=2).data.reshape(shape[0], -1).astype(np.float64)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_identity_and_gains():
    np.testing.assert_array_equal(init.eye_(weight(2, 3)).data, np.eye(2, 3))
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 1) == 1
    assert init.calculate_gain("tanh") == 5 / 3


def test_wrong_arguments_are_errors():
    with pytest.raises(ValueError, match="at least 2 axes"):
        init.xavier_uniform_(weight(3))
    with pytest.raises(ValueError, match="fan_in"):
        init.kaiming_normal_(weight(3, 3), mode="in")
    with pytest.raises(ValueError, match="unknown nonlinearity 'rely'"):
        init.calculate_gain("rely")
    with pytest.raises(ValueError, match="less than 1%"):
        init.trunc_normal_(weight(3), a=8, b=9)
    with pytest.raises(ValueError, match=r"unknown initial values 'he'; one of zeros"):
        nn.Linear(None, 3, weight_init="he")


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("zeros", 0),
        ("uniform", 0.1 / math.sqrt(12)),
        ("normal", 0.05),
        ("truncated_normal", 0.05 * 0.8796),
        ("glorot_uniform", math.sqrt(2 / 500)),
        ("xavier_normal", math.sqrt(2 / 500)),
        ("he_normal", math.sqrt(2 / 400)),
        ("kaiming_uniform", math.sqrt(2 / 400)),
        ("orthogonal", 1 / math.sqrt(400)),
        (lambda w: init.normal_(w, std=0.3), 0.3),
    ],
)
def test_by_name_as_arguments(name, std):
    for layer in (
        nn.Linear(400, 100, weight_init=name, bias_init="ones"),
        nn.Conv1d(400, 100, 1, weight_init=name, bias_init="ones"),
        nn.Conv2d(400, 100, (1, 1), weight_init=name, bias_init="ones"),
        nn.ConvTranspose2d(100, 400, 1, weight_init=name, bias_init="ones"),
        nn.Dense(100, kernel_initializer=name, bias_initializer="ones", in_features=400),
    ):
        assert abs(layer.weight.data.std() - std) <= 0.05 * std
        assert (layer.bias.data == 1).all()


def test_recurrent_layers_and_embeddings_by_name():
    layer = nn.GRU(5, 30, 2, weight_init="zeros", recurrent_init="orthogonal", bias_init="ones")
    for k in (0, 1):
        assert not getattr(layer, f"weight_ih_l{k}").data.any()
        w = getattr(layer, f"weight_hh_l{k}").data.astype(np.float64)
        np.testing.assert_allclose(w.T @ w, np.eye(30), atol=1e-5)
        assert (getattr(layer, f"bias_hh_l{k}").data == 1).all()
    bounds = [np.abs(p.data).max() for p in nn.LSTM(5, 16, bidirectional=True).parameters()]
    assert min(bounds) > 0.2 and max(bounds) <= 0.25
    table = nn.Embedding(1000, 8, padding_idx=-1).weight.data
    assert abs(table[:-1].std() - 1) < 0.05 and not table[-1].any()
    assert (nn.Embedding(3, 2, weight_init="ones").weight.data == 1).all()


def test_attention_starts_as_in_pytorch():
    layer = nn.MultiheadAttention(64, 4)
    assert abs(layer.in_proj_weight.data.std() / math.sqrt(2 / 256) - 1) < 0.05
    assert not layer.in_proj_bias.data.any() and not layer.out_proj.bias.data.any()
    assert np.abs(layer.out_proj.weight.data).max() <= 1 / 8


def test_the_same_seed_gives_the_same_network():
    states = []
    for _ in range(2):
        tatami.manual_seed(7)
        model = nn.Sequential(nn.Conv2d(None, 3, 3), nn.Flatten(), nn.Linear(None, 2))
        states.append(model.build((1, 2, 5, 5)).state_dict())
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name])

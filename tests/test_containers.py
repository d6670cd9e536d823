"""Containers, what modules have in common, penalties and noise."""

import copy
import pickle

import numpy as np
import pytest

import tatami
from tatami import Tensor, nn, training
from tatami import functional as F


def ones(*shape, requires_grad=False):
    return Tensor(np.ones(shape, np.float32), requires_grad)


def test_sequential_by_adding():
    model = nn.Sequential()
    assert model.add(nn.Linear(2, 3)) is model
    model.append(nn.ReLU())
    model.add(nn.Linear(3, 1))
    assert len(model) == 3 and [type(m).__name__ for m in model] == ["Linear", "ReLU", "Linear"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert model[-1] is model.children()[2] and model(ones(4, 2)).shape == (4, 1)
    head = model[:2]
    assert isinstance(head, nn.Sequential) and head[0] is model[0] and len(head) == 2
    with pytest.raises(TypeError, match=r"Sequential: .* is not a module"):
        model.add(F.relu)


def test_sequential_from_a_list_or_with_names():
    layers = [nn.Linear(2, 3), nn.Tanh()]
    assert nn.Sequential(layers)(ones(1, 2)).shape == (1, 3)
    named = nn.Sequential({"first": layers[0], "bend": layers[1]})
    assert list(named.state_dict()) == ["first.weight", "first.bias"] and named[1] is layers[1]
    assert named.first is layers[0]
    for name in ("forward", "training", "a.b", "", 0):
        with pytest.raises(ValueError, match="cannot have the name"):
            nn.Sequential({name: layers[0]})


def test_a_relu_is_computed_after_the_pooling_that_follows():
    """Same bits as in the order written, gradients too; whoever watches sees that order."""
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 8), np.float32)
    x[0, 0, 3, 3], x[1, 1] = np.nan, -1

    def results(*layers):
        t = Tensor(x, requires_grad=True)
        y = layers[0](t) if len(layers) == 1 else layers[1](layers[0](t))
        (y * y).sum().backward()
        return y.data, t.grad.data

    for how in ({}, {"kernel_size": 3, "stride": 1, "padding": 1}):
        pool = nn.MaxPool2d(**{"kernel_size": 2, **how})
        model = nn.Sequential(nn.ReLU(), pool)
        for got, wanted in zip(results(model), results(nn.ReLU(), pool), strict=True):
            np.testing.assert_array_equal(got, wanted)
    shapes = [row.shape for row in nn.summary(model[:1].add(nn.MaxPool2d(2)), x.shape).rows]
    assert shapes == [(2, 3, 4, 4), (2, 3, 9, 8), (2, 3, 4, 4)]
    y, indices = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2, return_indices=True))(Tensor(x))
    assert y.shape == indices.shape


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(-0.5)])
def test_an_activation_is_computed_by_the_batch_norm_before_it(activation):
    """Same bits as one after the other, gradients too; whoever watches sees both."""
    x = np.random.default_rng(0).standard_normal((3, 4, 7, 5), np.float32)

    def results(train, *layers):
        norm = nn.BatchNorm2d().train(train)
        t = Tensor(x, requires_grad=True)
        y = layers[0](norm(t)) if layers else nn.Sequential(norm, activation)(t)
        (y * y).sum().backward()
        return y, t.grad, norm.weight.grad, norm.bias.grad, norm.running_var

    for train in (True, False):
        for got, wanted in zip(results(train), results(train, activation), strict=True):
            np.testing.assert_array_equal(got.data, wanted.data)
    model = nn.Sequential(nn.BatchNorm2d(4), activation, nn.MaxPool2d(2))
    shapes = [row.shape for row in nn.summary(model, x.shape).rows]
    assert shapes == [(3, 4, 3, 2), (3, 4, 7, 5), (3, 4, 7, 5), (3, 4, 3, 2)]


CONVOLUTIONS = [
    (nn.Conv1d, (4, 5, 3), {"padding": 1}),
    (nn.Conv2d, (4, 5, 3), {"stride": 2, "padding": 1, "bias": False}),
    (nn.Conv2d, (4, 5, 3), {"padding": 1, "padding_mode": "reflect"}),
    (nn.ConvTranspose1d, (4, 3, 4), {"stride": 2, "output_padding": 1}),
    (nn.ConvTranspose2d, (4, 3, 4), {"stride": 2, "padding": 1}),
    (nn.DepthwiseConv2d, (4, 3), {"multiplier": 2}),
]


@pytest.mark.parametrize("kind, sizes, how", CONVOLUTIONS)
def test_relu_is_computed_by_the_convolution_before_it(kind, sizes, how):
    """Same bits as one after the other, first and second gradients too."""
    shape = (3, 4, 9) if kind in (nn.Conv1d, nn.ConvTranspose1d) else (3, 4, 9, 7)
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    x[0, 0, 0] = np.nan

    def results(joined, wanted):
        tatami.manual_seed(0)
        conv = kind(*sizes, **how)
        t = Tensor(x, requires_grad=wanted)
        y = nn.Sequential(conv, nn.ReLU())(t) if joined else F.relu(conv(t))
        to = [*([t] if wanted else []), *conv.parameters()]
        slopes = tatami.grad((y * y).sum(), to, create_graph=True)
        again = tatami.grad(sum((s * s).sum() for s in slopes), to, allow_unused=True)
        with tatami.no_grad():
            plain = nn.Sequential(conv, nn.ReLU())(t)
        return [y, plain, *slopes, *again]

    for wanted in (True, False):
        for got, ref in zip(results(True, wanted), results(False, wanted), strict=True):
            np.testing.assert_array_equal(got.data, ref.data)


def test_who_watches_sees_both_the_convolution_and_relu():
    model = nn.Sequential(nn.Conv2d(4, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    shapes = [row.shape for row in nn.summary(model, (3, 4, 8, 8)).rows]
    assert shapes == [(3, 2, 3, 3), (3, 2, 6, 6), (3, 2, 6, 6), (3, 2, 3, 3)]


def test_module_list():
    class Stack(nn.Module):
        def __init__(self, depth):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(depth))

        def forward(self, x):
            for layer in self.layers:
                x = F.relu(layer(x))
            return x

    model = Stack(3)
    assert len(model.layers) == 3 and list(model.state_dict())[-1] == "layers.2.bias"
    assert model.layers[1:][0] is model.layers[1] and model(ones(2, 3)).shape == (2, 3)
    assert repr(model).startswith("Stack(\n  (layers): ModuleList(\n    (0): Linear(in_features=3")
    with pytest.raises(NotImplementedError, match="call the modules in it"):
        model.layers(ones(2, 3))


def test_apply_and_requires_grad():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2)))
    seen = []
    assert model.apply(seen.append) is model
    assert seen == [model[0], model[1][0], model[1], model]
    model[0].requires_grad_(False)
    model(ones(1, 2)).sum().backward()
    assert [p.grad is not None for p in model.parameters()] == [False, False, True, True]


def test_loading_in_part():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    state = {"0.weight": np.ones((3, 2)), "head.weight": np.ones(1)}
    found = model.load_state_dict(state, strict=False)
    assert found.missing_keys == ["0.bias", "1.weight", "1.bias"]
    assert found.unexpected_keys == ["head.weight"]
    assert (model[0].weight.data == 1).all()
    with pytest.raises(TypeError, match=r"0\.bias is complex128 but the module's is float32"):
        model.load_state_dict({"0.bias": np.ones(3, complex)}, strict=False)


def test_a_shared_tensor_has_all_its_names():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    assert list(model.state_dict()) == ["0.weight", "1.weight"] and len(model.parameters()) == 1
    model.load_state_dict({"1.weight": np.eye(2)})  # one of the names is enough
    np.testing.assert_array_equal(model[0].weight.data, np.eye(2))


def test_modules_are_copied_and_pickled():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.3)).eval()
    x = ones(1, 1, 4, 4)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(x).data, model(x).data)
        twin[0].weight.data[...] = 0
        assert model[0].weight.data.any() and repr(twin) == repr(model)
    tied = nn.Sequential(model[0], model[0])
    assert len(copy.deepcopy(tied).parameters()) == 2
    with pytest.raises(RuntimeError, match="only a leaf can be copied"):
        copy.deepcopy(model(x))


def test_changes_in_place_are_noticed():
    layer = nn.Linear(3, 3)
    for change in (
        lambda: layer.load_state_dict(layer.state_dict()),
        lambda: nn.init.zeros_(layer.weight),
    ):
        y = layer(ones(2, 3, requires_grad=True)).sum()
        change()
        with pytest.raises(RuntimeError, match="linear"):
            y.backward()


def test_training_methods_are_the_functions_of_training(monkeypatch):
    model = nn.Linear(1, 1)
    for name in ("compile", "fit", "evaluate", "predict"):
        monkeypatch.setattr(training, name, lambda *a, **k: (a, k), raising=False)
        assert getattr(model, name)(1, two=2) == ((model, 1), {"two": 2})


def test_penalties():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].load_state_dict({"weight": [[1, -2], [0, 3]], "bias": [5, 5]})
    assert nn.l1_penalty(model, 0.5).item() == 3
    assert nn.l2_penalty(model, 0.5).item() == 7
    assert nn.l2_penalty([model[0].bias], 2).item() == 100
    nn.l1_penalty(model, 0.5).backward()
    np.testing.assert_array_equal(model[0].weight.grad.data, [[0.5, -0.5], [0, 0.5]])
    assert model[0].bias.grad is None
    nn.Module.zero_grad(model)
    nn.l2_penalty(model, 0.5).backward()
    np.testing.assert_array_equal(model[0].weight.grad.data, [[1, -2], [0, 3]])
    with pytest.raises(ValueError, match="no weights to count"):
        nn.l1_penalty(nn.ReLU(), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_while_training_only(dtype):
    tatami.manual_seed(0)
    layer, x = nn.GaussianNoise(0.5), Tensor(np.full((200, 200), 3, dtype))
    y = layer(x)
    assert y.dtype == dtype
    assert abs(y.data.mean() - 3) < 0.01 and abs(y.data.std() - 0.5) < 0.01
    assert (layer(x).data != y.data).any() and layer.eval()(x) is x
    with pytest.raises(ValueError, match="std must be >= 0"):
        nn.GaussianNoise(-1)


def test_random_slopes():
    tatami.manual_seed(0)
    layer, x = nn.RReLU(0.1, 0.3), -ones(100, 100)
    slopes = -layer(x).data
    assert 0.1 <= slopes.min() < 0.105 and 0.295 < slopes.max() <= 0.3
    np.testing.assert_allclose(layer.eval()(x).data, -0.2, rtol=1e-6)


def test_dropout_between_recurrent_layers_and_on_attention():
    tatami.manual_seed(0)
    x = ones(5, 2, 4)
    for layer in (nn.LSTM(4, 8, 2, dropout=0.5), nn.MultiheadAttention(4, 2, dropout=0.5)):
        call = layer if isinstance(layer, nn.LSTM) else lambda x, layer=layer: layer(x, x, x)
        assert (call(x)[0].data != call(x)[0].data).any()
        layer.eval()
        np.testing.assert_array_equal(call(x)[0].data, call(x)[0].data)
    single = nn.GRU(4, 8, dropout=0.5)
    np.testing.assert_array_equal(single(x)[0].data, single(x)[0].data)


def test_attention_masks_agree_with_each_other():
    tatami.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = Tensor(np.random.default_rng(0).standard_normal((3, 5, 8), np.float32))
    later = np.triu(np.ones((5, 5), bool), 1)
    y, weights = layer(x, attn_mask=later)
    assert weights.shape == (3, 5, 5) and not weights.data[:, later].any()
    np.testing.assert_allclose(weights.data.sum(-1), 1, rtol=1e-5)
    for how in (
        {"is_causal": True},
        {"is_causal": True, "need_weights": False},
        {"attn_mask": np.where(later, -np.inf, 0).astype(np.float32), "need_weights": False},
        {"attn_mask": np.broadcast_to(later, (6, 5, 5))},
    ):
        np.testing.assert_allclose(layer(x, **how)[0].data, y.data, rtol=1e-5, atol=1e-6)


def test_recurrent_shapes_are_checked():
    layer = nn.LSTM(3, 4, 2, batch_first=True)
    with pytest.raises(
        ValueError, match=r"LSTM: x must have 3 axes .* size 3, got shape \(2, 5, 4"
    ):
        layer(ones(2, 5, 4))
    with pytest.raises(ValueError, match=r"initial state has shape \(2, 1, 4\).*\(2, 2, 4\)"):
        layer(ones(2, 5, 3), (ones(2, 1, 4), ones(2, 1, 4)))
    with pytest.raises(ValueError, match="num_layers must be at least 1"):
        nn.GRU(3, 4, 0)


def test_recurrent_layers_in_a_sequential():
    tatami.manual_seed(0)
    x = Tensor(np.random.default_rng(0).standard_normal((3, 5, 4), np.float32))
    how = {"batch_first": True, "bidirectional": True}
    model = nn.Sequential(
        nn.LSTM(None, 6, **how, return_sequences=True),
        nn.GRU(None, 2, 2, **how, return_sequences=False),
        nn.Dense(1),
    )
    assert model(x).shape == (3, 1)
    y, _ = _as_pytorch(model[0])(x)
    np.testing.assert_array_equal(model[0](x).data, y.data)
    y, h = _as_pytorch(model[1])(model[0](x))
    last = np.concatenate([h.data[2], h.data[3]], -1)
    np.testing.assert_array_equal(model[1](model[0](x)).data, last)
    np.testing.assert_array_equal(last[:, :2], y.data[:, -1, :2])
    np.testing.assert_array_equal(last[:, 2:], y.data[:, 0, 2:])


def _as_pytorch(layer):
    layer = copy.deepcopy(layer)
    layer.return_sequences = None
    return layer


def test_the_first_form_of_the_gru():
    tatami.manual_seed(0)
    x = Tensor(np.random.default_rng(0).standard_normal((4, 2, 3), np.float32))
    after = nn.GRU(3, 5)
    before = nn.GRU(3, 5, reset_after=False)
    before.load_state_dict(after.state_dict())
    assert np.abs(before(x)[0].data - after(x)[0].data).max() > 1e-3


def test_upsampling_to_a_size():
    assert nn.Upsample((4, 6))(ones(1, 1, 2, 3)).shape == (1, 1, 4, 6)
    with pytest.raises(ValueError, match=r"size \(5, 6\) is no multiple of x's"):
        nn.Upsample((5, 6))(ones(1, 1, 2, 3))
    with pytest.raises(ValueError, match="give one of size and scale_factor"):
        nn.Upsample()

"""Input sizes that are left out and found at the first call."""

import numpy as np
import pytest

import tatami
from tatami import Tensor, nn, optim


def zeros(*shape):
    return Tensor(np.zeros(shape, np.float32))


LAYERS = [
    (lambda: nn.Linear(None, 4), (2, 3), nn.Linear(3, 4)),
    (lambda: nn.Linear(out_features=4), (2, 5, 3), nn.Linear(3, 4)),
    (lambda: nn.Dense(4), (2, 3), nn.Linear(3, 4)),
    (lambda: nn.Conv1d(None, 4, 3), (2, 3, 8), nn.Conv1d(3, 4, 3)),
    (lambda: nn.Conv2d(None, 9, 3, groups=3, bias=False), (2, 6, 5, 5),
     nn.Conv2d(6, 9, 3, groups=3, bias=False)),
    (lambda: nn.Conv2d(out_channels=4, kernel_size=(3, 1)), (2, 3, 5, 5), nn.Conv2d(3, 4, (3, 1))),
    (lambda: nn.DepthwiseConv2d(kernel_size=3, multiplier=2), (2, 3, 5, 5),
     nn.Conv2d(3, 6, 3, groups=3)),
    (lambda: nn.ConvTranspose1d(None, 4, 3), (2, 3, 5), nn.ConvTranspose1d(3, 4, 3)),
    (lambda: nn.ConvTranspose2d(None, 4, 3), (2, 3, 5, 5), nn.ConvTranspose2d(3, 4, 3)),
    (lambda: nn.BatchNorm1d(), (2, 3), nn.BatchNorm1d(3)),
    (lambda: nn.BatchNorm2d(), (2, 3, 4, 4), nn.BatchNorm2d(3)),
    (lambda: nn.InstanceNorm2d(affine=True), (2, 3, 4, 4), nn.InstanceNorm2d(3, affine=True)),
    (lambda: nn.GroupNorm(3), (2, 6, 4), nn.GroupNorm(3, 6)),
    (lambda: nn.LayerNorm(), (2, 3, 4), nn.LayerNorm(4)),
    (lambda: nn.RMSNorm(), (2, 3, 4), nn.RMSNorm((4,))),
    (lambda: nn.RNN(None, 5), (4, 2, 3), nn.RNN(3, 5)),
    (lambda: nn.LSTM(hidden_size=5, num_layers=2), (4, 2, 3), nn.LSTM(3, 5, 2)),
    (lambda: nn.GRU(None, 5, bidirectional=True), (4, 2, 3), nn.GRU(3, 5, bidirectional=True)),
    (lambda: nn.RNNCell(None, 5), (2, 3), nn.RNNCell(3, 5)),
    (lambda: nn.LSTMCell(hidden_size=5), (2, 3), nn.LSTMCell(3, 5)),
    (lambda: nn.GRUCell(None, 5), (2, 3), nn.GRUCell(3, 5)),
    (lambda: nn.MultiheadAttention(None, 2), (3, 2, 4), nn.MultiheadAttention(4, 2)),
]  # fmt: skip


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: type(case[2]).__name__)
def test_sizes_are_found_at_the_first_call(case):
    make, shape, given = case
    layer = make()
    assert not layer.built and "None" in repr(layer)
    layer(zeros(*shape))
    assert layer.built and "None" not in repr(layer).replace("momentum=None", "")
    shapes = {name: a.shape for name, a in layer.state_dict().items()}
    assert shapes == {name: a.shape for name, a in given.state_dict().items()}
    weights = layer.state_dict()
    layer(zeros(*shape))
    for name, p in layer.named_parameters():
        np.testing.assert_array_equal(p.data, weights[name])


def test_parameters_are_there_from_the_first_call_on():
    model = nn.Sequential(nn.Conv2d(None, 4, 3), nn.Flatten(), nn.Linear(None, 2))
    with pytest.raises(RuntimeError, match=r"Conv2d 0 has no parameters yet.*build\(input_shape"):
        optim.SGD(model.parameters())
    with pytest.raises(RuntimeError, match="no parameters yet"):
        model.state_dict()
    model.train()
    assert model.build((None, 1, 5, 5)) is model and model.training
    assert [p.shape for p in model.parameters()] == [(4, 1, 3, 3), (4,), (2, 36), (2,)]
    assert repr(model[2]) == "Linear(in_features=36, out_features=2)"


def test_build_by_an_example_leaves_statistics_alone():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.BatchNorm1d(), nn.Linear(None, 2))
    model[1].eval()
    model.build(np.array([[0, 1], [3, 4]]))
    assert model[2].num_batches_tracked.item() == 0
    assert [m.training for m in model] == [True, False, True, True]
    assert model.build(Tensor(np.array([[1, 2]])))(np.array([[1, 2]])).shape == (1, 2)


def test_sizes_that_no_input_can_tell_are_required():
    for make, name in [
        (lambda: nn.Linear(64), "out_features"),
        (lambda: nn.Conv2d(32, 3), "kernel_size"),
        (lambda: nn.LSTM(64), "hidden_size"),
        (lambda: nn.GRUCell(64), "hidden_size"),
        (lambda: nn.MultiheadAttention(64), "num_heads"),
    ]:
        with pytest.raises(TypeError, match=f"{name} is missing; to leave the input size out"):
            make()


def test_inputs_that_do_not_fit_are_errors_and_build_nothing():
    for layer, shape, message in [
        (nn.Conv2d(None, 4, 3), (3, 5, 5), r"Conv2d: x must have 4 axes, got shape \(3, 5, 5\)"),
        (nn.BatchNorm1d(), (3,), r"BatchNorm1d: x has too few axes, got shape \(3,\)"),
        (nn.Linear(None, 2), (), r"Linear: x has too few axes, got shape \(\)"),
        (nn.Conv2d(None, 4, 3, groups=2), (1, 3, 5, 5), "3 and 4 channels do not divide into 2"),
        (nn.GroupNorm(2), (1, 3), "3 channels do not divide into 2 groups"),
        (nn.MultiheadAttention(None, 3), (1, 2, 4), "embed_dim 4 does not divide into 3 heads"),
    ]:
        for _ in range(2):
            with pytest.raises(ValueError, match=message):
                layer(zeros(*shape))
            assert not layer.built


def test_training_a_model_whose_sizes_were_found():
    tatami.manual_seed(0)
    x = np.random.default_rng(0).standard_normal((64, 3), np.float32)
    model = nn.Sequential(nn.Dense(16, "tanh"), nn.Dense(1)).build(x[:1])
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    loss = nn.MSELoss()
    target = x[:, :1] * x[:, 1:2]
    for _ in range(150):
        optimizer.zero_grad()
        value = loss(model(Tensor(x)), target)
        value.backward()
        optimizer.step()
    assert value.item() < 0.05 * (target**2).mean()

"""Captured steps on a GPU, by the emulator and the stand-in of fake_cupy: one graph, equal bits."""

from functools import partial

import numpy as np
import pytest

import fake_cupy as cp
import tatami
from captured import (
    adding,
    assert_differences_are_refused,
    assert_new_arrays_are_refused,
    assert_same,
    assert_state_is_refused,
    captured_calls,
    host,
    replays,
    training,
)
from captured import classes as classes_of
from support import assert_same_bits
from tatami import Tensor, nn, optim
from tatami import functional as F
from test_cupy import emulated

pytestmark = emulated


def float32(*shape, seed=0):
    return cp.asarray(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


classes = partial(classes_of, put=cp.asarray)


def assert_one_graph(build, batches):
    """The same bits with and without, and one recording."""
    assert replays(assert_same(build, batches)) == 1


def mlp():
    layers = nn.Linear(7, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 4)
    return nn.Sequential(*layers).to("cuda")


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.NAdam, optim.RMSprop])
def test_every_optimizer_takes_the_same_steps(make):
    def build():
        model = mlp()
        return training(model, make(model.parameters()), clip=0.1)

    assert_one_graph(build, classes(4, 5, (7,)))


def test_lenet_with_batch_norm_averages_and_a_schedule():
    def build():
        model = nn.Sequential(
            nn.Conv2d(1, 3, 5, padding=2), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3),
        )  # fmt: skip
        model.to("cuda")
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
        ema = optim.EMA(model, 0.9)
        model.averages = nn.Buffer(ema.averages[0])

        def after():
            schedule.step()
            ema.update()

        return training(model, optimizer, after=after)

    assert_one_graph(build, classes(3, 4, (1, 12, 12)))


def test_lstm():
    class Model(nn.Module):
        def __init__(self):
            self.embedding = nn.Embedding(11, 6)
            self.lstm = nn.LSTM(6, 5)
            self.out = nn.Linear(5, 11)

        def forward(self, text):
            return F.reshape(self.out(self.lstm(self.embedding(text))[0]), (-1, 11))

    def build():
        model = Model().to("cuda")
        return training(model, optim.Adam(model.parameters()), clip=0.1)

    rng = np.random.default_rng(0)
    texts = [cp.asarray(rng.integers(0, 11, (4, 3))) for _ in range(6)]
    assert_one_graph(build, [(text, text.ravel()) for text in texts])


def test_a_replay_is_one_launch(monkeypatch):
    model = mlp()
    _, step = training(model, optim.Adam(model.parameters()), clip=1.0)
    step = tatami.jit(step)
    batches = classes(4, 5, (7,))
    for batch in batches[:3]:
        step(*batch)
    called = []
    monkeypatch.setattr(nn.Linear, "forward", lambda *_: called.append(1))
    ((recording, _),) = next(iter(step.variants.values())).trusted
    assert recording.length == 4  # a seed, its mask, the clipping, the optimizer's step
    step(*batches[3])
    assert not called


def test_gradients_add_up_over_calls():
    runs = []
    for captured in (False, True):
        tatami.manual_seed(1)
        model = nn.Linear(3, 2).to("cuda")
        add = adding(model, F.mse_loss)
        add = tatami.jit(add) if captured else add
        found = []
        for k in range(9):
            add(Tensor(float32(4, 3, seed=k)), Tensor(float32(4, 2, seed=k + 50)))
            found += [p.grad.numpy() for p in model.parameters()]
            if k % 3 == 2:
                model.zero_grad()
        runs.append(found)
    for a, b in zip(*runs, strict=True):
        assert_same_bits(b, a)


def test_shapes_and_modes_have_graphs_of_their_own_on_common_memory():
    runs = []
    for captured in (False, True):
        tatami.manual_seed(1)
        model = mlp()
        optimizer = optim.Adam(model.parameters())
        add = adding(model, F.cross_entropy)
        add, found = tatami.jit(add) if captured else add, []
        for k in range(24):
            model.train(k % 8 < 6)
            (batch,) = classes(4, (4, 0, 6)[k % 3], (7,), steps=1)
            found += host(add(*batch)) + [p.grad.numpy() for p in model.parameters()]
            if k % 3 == 2:
                optimizer.step()
                optimizer.zero_grad()
        runs.append(found)
    for a, b in zip(*runs, strict=True):
        assert_same_bits(b, a)


def test_what_cupy_computes_is_captured_too():
    weight = float32(4, 6, seed=9)
    factor = cp.asarray(np.float32(2))

    def step(x):
        y = F.exp(Tensor(weight * factor) * x)[1:3] + 1
        z = F.concatenate([y, F.pad(y, (1, 0, 0, 0))[:, 1:]], axis=0)
        return F.relu(F.transpose(z, (1, 0))), F.logsumexp(z), cp.argmax(x.data, axis=1)

    quick = tatami.jit(step)
    for k in range(6):
        x = Tensor(float32(4, 6, seed=k))
        factor[...] = k
        for a, b in zip(host(step(x)), host(quick(x)), strict=True):
            assert_same_bits(b, a)


def test_results_are_copies_and_inputs_may_have_any_layout():
    model = nn.Linear(4, 3).to("cuda")
    predict = tatami.jit(lambda x: model(x))
    kept = []
    for k in range(6):
        x = float32(4, 10, seed=k).T[::2]
        model.bias.data[...] = k
        kept.append((predict(x), model(Tensor(x)).detach().numpy()))
    assert not any(y.requires_grad for y, _ in kept[1:])
    for y, wanted in kept:
        assert_same_bits(y.detach().numpy(), wanted)


# Refusals


class Other:
    """An array of another library's."""

    __cuda_array_interface__ = property(lambda self: float32(3).__cuda_array_interface__)


@pytest.mark.parametrize(
    "read",
    [
        float,
        bool,
        repr,
        lambda x: x.numpy(),
        lambda x: x.data.tolist(),
        lambda x: cp.cuda.get_current_stream().synchronize(),
        lambda x: x.data[x.data > 0],
        lambda x: x + cp.asarray(np.ones(1, np.float32)),
    ],
)
def test_reading_a_value_is_refused(read):
    with pytest.raises(RuntimeError, match=r"brings a value to Python \(after sum\)"):
        captured_calls(lambda x: read(F.sum(x, 0)), Tensor(float32(3, 1)))
    assert tatami._core.recording() is None
    assert float(F.sum(Tensor(float32(3)))) == pytest.approx(float(float32(3).sum()))


def test_work_of_the_host_is_refused():
    noisy = nn.GaussianNoise(0.1)
    with pytest.raises(RuntimeError, match="standard_normal computes on the host"):
        captured_calls(lambda x: noisy(x), Tensor(float32(3)))
    model = nn.Linear(3, 2).to("cuda")
    model(Tensor(float32(1, 3))).sum().backward()
    with pytest.raises(RuntimeError, match="brings a value to Python"):
        captured_calls(
            lambda x: nn.utils.clip_grad_norm_(model.parameters(), 1.0, np.inf), float32(3)
        )


def test_arrays_on_two_devices_are_refused():
    with pytest.raises(TypeError, match="some arguments are arrays of NumPy and others"):
        captured_calls(lambda x, y: F.relu(x), float32(3), np.ones(3))
    weight = Tensor(float32(3))
    with pytest.raises(TypeError, match="gets x on a GPU, but the step's arguments are not there"):
        captured_calls(lambda x: F.relu(weight), np.ones(3, np.float32))
    with pytest.raises(TypeError, match=r"an argument is a Other; cupy\.asarray makes"):
        captured_calls(lambda x: F.relu(x), Other())
    numbers = Tensor(np.ones(3, np.float32))
    with pytest.raises(TypeError, match="gets x of NumPy, but the step's arguments are on a GPU"):
        captured_calls(lambda x: F.relu(numbers), float32(3))


def test_what_differs_from_call_to_call_is_refused():
    assert_differences_are_refused(float32(9))
    count = iter(range(99))
    with pytest.raises(RuntimeError, match="differ at getitem"):
        captured_calls(lambda x: F.exp(x[next(count) :][:3]), Tensor(float32(9)))


def test_state_that_a_call_leaves_for_the_next_is_refused():
    assert_state_is_refused(float32(3))


def test_live_parts_with_other_work_are_refused():
    class Twice(optim.SGD):
        twice = False

        def update(self, *args, **settings):
            for _ in range(1 + self.twice):
                super().update(*args, **settings)

    model = nn.Linear(3, 2).to("cuda")
    optimizer = Twice(model.parameters())
    step = tatami.jit(training(model, optimizer, F.mse_loss)[1])
    batch = Tensor(float32(4, 3)), Tensor(float32(4, 2))
    for _ in range(4):
        step(*batch)
    optimizer.twice = True
    with pytest.raises(RuntimeError, match="stays live does other work"):
        step(*batch)
    optimizer.twice = False
    step(*batch)


def test_new_arrays_for_tensors_are_refused():
    assert_new_arrays_are_refused(float32(3))

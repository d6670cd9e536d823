"""Captured steps: the same bits as the step itself, and refusals of what no replay can do."""

import copy
import gc
import threading
import weakref

import numpy as np
import pytest

import tatami
from captured import (
    adding,
    assert_differences_are_refused,
    assert_new_arrays_are_refused,
    assert_same,
    assert_state_is_refused,
    captured_calls,
    classes,
    host,
    replays,
    trained,
    training,
)
from tatami import functional as F
from tatami import nn, optim
from tatami.autograd import Tensor, grad, no_grad


def float32(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def mlp(make=optim.SGD, **settings):
    model = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 4))
    return training(model, make(model.parameters(), **settings), F.cross_entropy)


def lenet():
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 5 * 5, 30), nn.ReLU(), nn.Linear(30, 10),
    )  # fmt: skip
    return training(model, optim.Adam(model.parameters()), F.cross_entropy)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.NAdam, optim.Adagrad, optim.RMSprop])
def test_every_optimizer_takes_the_same_steps(make):
    step = assert_same(mlp, classes(4, 5, (7,)), make=make)
    assert replays(step) == 1


def test_momentum_and_weight_decay():
    assert_same(mlp, classes(4, 5, (7,)), lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_lenet(threads):
    with tatami.threads(threads):
        assert_same(lenet, classes(10, 9, (1, 28, 28)))


def test_batch_norm_and_dropout_draw_and_follow_as_without_capture():
    def build():
        model = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(), nn.Dropout(0.3),
            nn.GaussianNoise(0.1), nn.Flatten(), nn.Linear(4 * 6 * 6, 3),
        )  # fmt: skip
        return training(model, optim.Adam(model.parameters()), F.cross_entropy)

    assert_same(build, classes(3, 6, (2, 8, 8)))
    after = tatami.random.seed()
    trained(build, classes(3, 6, (2, 8, 8)), False)
    assert after == tatami.random.seed()


def test_a_residual_block():
    class Block(nn.Module):
        def __init__(self):
            self.first = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
            self.second, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

        def forward(self, x):
            x = self.first(x)
            y = self.norm(self.second(x), residual=x, activation="relu")
            return y.mean((2, 3))

    def build():
        model = Block()
        return training(model, optim.Adam(model.parameters()), F.cross_entropy)

    assert_same(build, classes(4, 6, (2, 60, 60)))


def test_lstm_character_model():
    class Model(nn.Module):
        def __init__(self):
            self.embedding = nn.Embedding(11, 6)
            self.lstm = nn.LSTM(6, 9, num_layers=2)
            self.out = nn.Linear(9, 11)

        def forward(self, text):
            y = self.lstm(self.embedding(text))[0]
            return F.reshape(self.out(y), (-1, 11))

    def build():
        model = Model()
        optimizer = optim.Adam(model.parameters())

        def loss(y, following):
            return F.cross_entropy(y, F.reshape(following, (-1,)))

        return training(model, optimizer, loss, clip=0.1)

    rng = np.random.default_rng(0)
    batches = [tuple(rng.integers(0, 11, (2, 5, 3))) for _ in range(6)]
    step = assert_same(build, batches)
    batches[0][0][0, 0] = 11
    with pytest.raises(ValueError, match="embedding: indices holds 11"):
        step(*batches[0])


def test_schedules_inside_and_outside_of_the_step():
    def build(inside):
        model, _ = mlp()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
        _, step = training(
            model, optimizer, F.cross_entropy, schedule.step if inside else lambda: None
        )
        return model, step if inside else _Scheduled(step, schedule)

    assert_same(build, classes(4, 5, (7,)), inside=True)
    tatami.manual_seed(0)
    runs = []
    for captured in (False, True):
        tatami.manual_seed(1)
        model = nn.Linear(3, 1)
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        _, step = training(model, optimizer, F.mse_loss)
        step = tatami.jit(step) if captured else step
        for k in range(6):
            step(Tensor(float32(4, 3, seed=k)), Tensor(float32(4, 1, seed=k + 9)))
            schedule.step()
        runs.append(model.weight.data.tobytes())
    assert runs[0] == runs[1]


class _Scheduled:
    def __init__(self, step, schedule):
        self.step, self.schedule = step, schedule

    def __call__(self, *batch):
        return self.step(*batch)


def test_two_optimizers_of_a_gan():
    def build():
        maker, judge = nn.Linear(3, 5), nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 1))
        model = nn.Sequential(maker, judge)
        first, second = optim.Adam(judge.parameters()), optim.Adam(maker.parameters())

        def step(x, noise):
            ones, zeros = np.ones((len(x), 1), np.float32), np.zeros((len(x), 1), np.float32)
            loss = F.binary_cross_entropy_with_logits
            made = maker(noise)
            by_judge = loss(judge(x), ones) + loss(judge(made.detach()), zeros)
            first.minimize(by_judge)
            by_maker = loss(judge(made), ones)
            second.minimize(by_maker)
            return {"judge": by_judge, "maker": by_maker}["judge"], by_maker

        return model, step

    batches = [(Tensor(float32(4, 5, seed=k)), Tensor(float32(4, 3, seed=9 + k))) for k in range(6)]
    assert_same(build, batches)


def test_gradient_penalty_by_gradients_of_gradients():
    def build():
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = optim.Adam(model.parameters())

        def step(x):
            share = tatami.random.generator().random((len(x), 1), np.float32)
            x = Tensor(share * x.data, requires_grad=True)
            slope = grad(F.sum(model(x)), x, create_graph=True)
            loss = F.mean((F.norm(slope, axis=1) - 1) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return model, step

    assert_same(build, [(Tensor(float32(5, 4, seed=k)),) for k in range(6)])


def test_gradients_add_up_over_calls():
    def run(captured):
        tatami.manual_seed(1)
        model = nn.Linear(3, 2)
        add = adding(model, F.mse_loss)
        add = tatami.jit(add) if captured else add
        found = []
        for k in range(12):
            add(Tensor(float32(4, 3, seed=k)), Tensor(float32(4, 2, seed=k + 50)))
            found += [p.grad.data.tobytes() for p in model.parameters()]
            if k % 3 == 2:
                for p in model.parameters():
                    p.grad = None
            if k == 7:
                model.weight.grad = Tensor(np.zeros_like(model.weight.data))
        return found, add

    plain, _ = run(False)
    captured, add = run(True)
    assert plain == captured and replays(add) == 2


def test_inference_and_what_it_returns():
    model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(axis=-1))

    @tatami.jit
    @no_grad()
    def predict(batch):
        y = model(batch["x"])
        return {"share": y, "best": np.argmax(y.data, axis=1), "name": "model"}

    kept = [predict({"x": float32(5, 4, seed=k)}) for k in range(6)]
    for k, found in enumerate(kept):
        with no_grad():
            y = model(Tensor(float32(5, 4, seed=k)))
        assert found["name"] == "model" and not found["share"].requires_grad
        assert found["share"].data.tobytes() == y.data.tobytes()
        np.testing.assert_array_equal(found["best"], y.data.argmax(1))
    assert replays(predict) == 1


def test_shapes_numbers_and_modes_are_recorded_anew():
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    predict = tatami.jit(lambda x, factor: model(x) * factor)
    x = Tensor(float32(5, 4))
    for _ in range(4):
        predict(x, 2.0)
    assert predict(Tensor(float32(2, 4)), 2.0).shape == (2, 3)
    for factor in (3.0, 3):
        model.eval()
        for _ in range(4):
            y = predict(x, factor)
            np.testing.assert_array_equal(y.data, (model(x) * factor).data)
        model.train()
    y = predict(x, 2.0)
    assert (y.data == 0).any()


def test_weights_may_change_between_calls_and_inputs_may_have_any_layout():
    model = nn.Linear(4, 3)
    predict = tatami.jit(lambda x: model(x))
    for k in range(5):
        model.weight.data[...] = float32(3, 4, seed=k)
        model.weight.bump()
        x = float32(4, 10, seed=k).T[::2]
        np.testing.assert_array_equal(predict(x).data, model(Tensor(x)).data)


def test_views_copies_and_arithmetic_of_arrays():
    w = Tensor(float32(4, 6, seed=9), requires_grad=True)

    def step(x, index):
        y = F.transpose(x * w + 1, (1, 0))  # not contiguous: a kernel copies it
        z = F.relu(y)[1:4] / (F.max(F.abs(y)) + 0.5)
        z = F.concatenate([z, F.pad(z, (1, 2, 0, 0))[:, 1:-2]], axis=1) - F.mean(z, 0, True).sum()
        z = z + F.embedding(index, F.reshape(w, (8, 3)))[:3, :1] ** 2
        g = grad(F.logsumexp(z), w)
        return z, g, np.where(x.data > 0, x.data, 0).astype(np.float64), F.cumsum(x, 1)

    captured = tatami.jit(step)
    for k in range(6):
        x, index = Tensor(float32(4, 6, seed=k)), np.arange(3, dtype=np.int32) + k
        for a, b in zip(step(x, index), captured(x, index), strict=True):
            one, other = host(a)[0], host(b)[0]
            assert one.dtype == other.dtype and one.tobytes() == other.tobytes()


def test_checkpointed_segments_draw_the_same_numbers_twice():
    def build():
        model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.GaussianNoise(1.0))
        out = nn.Linear(6, 1)
        whole = nn.Sequential(model, out)

        def forward(x):
            return out(tatami.autograd.checkpoint(model, x))

        optimizer = optim.SGD(whole.parameters(), lr=0.1)
        _, step = training(forward, optimizer, F.mse_loss)
        return whole, step

    batches = [(Tensor(float32(5, 4, seed=k)), Tensor(float32(5, 1, seed=k))) for k in range(6)]
    assert_same(build, batches)


def test_averages_of_weights_follow():
    def build():
        model, _ = mlp()
        ema = optim.EMA(model, 0.9)
        _, step = training(
            model, optim.SGD(model.parameters(), lr=0.1), F.cross_entropy, ema.update
        )
        model.ema = nn.Buffer(ema.averages[0])
        return model, step

    assert_same(build, classes(4, 5, (7,)))


def test_versions_tell_of_changes():
    model, step = mlp()
    step = tatami.jit(step)
    before = []
    for x, y in classes(4, 5, (7,)):
        step(x, y)
        before.append(model[0].weight.version)
    assert len(set(np.diff(before))) == 1 and before[0] != before[1]


@pytest.mark.parametrize(
    "read",
    [float, bool, lambda x: x.item(), lambda x: x.data.tolist(), repr, lambda x: x.numpy().item()],
)
def test_reading_a_value_is_refused(read):
    with pytest.raises(RuntimeError, match="brings a value to Python"):
        captured_calls(lambda x: read(F.sum(x)), Tensor(float32(3)))


def test_numbers_and_arrays_that_differ_from_call_to_call_are_refused():
    assert_differences_are_refused(float32(9))
    rng = np.random.default_rng(0)
    with pytest.raises(RuntimeError, match="differ at add"):
        captured_calls(lambda x: x + rng.standard_normal(3, np.float32), Tensor(float32(3)))


def test_state_that_a_call_leaves_for_the_next_is_refused():
    assert_state_is_refused(float32(3))


def test_new_arrays_for_tensors_and_changed_arguments_are_refused():
    assert_new_arrays_are_refused(float32(3))

    def change(x):
        x.data[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        captured_calls(change, Tensor(float32(3)))
    with pytest.raises(TypeError, match="jit: 3 cannot be called"):
        tatami.jit(3)
    with pytest.raises(TypeError, match="jit: an argument is a set"):
        captured_calls(lambda x: None, {1})
    with pytest.raises(ValueError, match=r"jit: an argument of shape \(3,\) has a history"):
        captured_calls(lambda x: None, Tensor(float32(3), requires_grad=True) * 2)


def test_steps_nest_and_fail_whole():
    inner = tatami.jit(lambda x: F.exp(x))
    outer = tatami.jit(lambda x: inner(x) + 1)
    x = Tensor(float32(3))
    for _ in range(5):
        np.testing.assert_array_equal(outer(x).data, np.exp(x.data) + 1)
    with pytest.raises(RuntimeError):
        captured_calls(lambda x: float(F.sum(x)), x)
    assert tatami._core.recording() is None
    assert float(F.sum(x)) == float(np.sum(x.data))


def test_memory_is_reused_as_without_capture():
    def peak(captured):
        tatami.manual_seed(0)
        model = nn.Sequential(*[nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(8)])
        _, step = training(model, optim.Adam(model.parameters()), F.mse_loss)
        step = tatami.jit(step) if captured else step
        x = Tensor(float32(512, 64))
        tatami.memory.release()
        before = tatami.memory.stats()["in_use"]
        for _ in range(5):
            step(x, x)
        stats = tatami.memory.stats()
        return stats["in_use"] + stats["cached"] - before

    assert peak(True) <= 1.06 * peak(False)  # scratch cannot share with what is kept


def test_a_method_of_one_object_goes_with_it():
    class Model(nn.Module):
        def __init__(self, factor):
            self.linear, self.factor = nn.Linear(3, 3), factor

        def forward(self, x):
            return self.linear(x) * self.factor

    x = Tensor(float32(2, 3))
    models = Model(2.0), Model(3.0)
    for model in models:
        expected = model(x).data
        model.quick = tatami.jit(model.forward)
        for _ in range(4):
            np.testing.assert_array_equal(model.quick(x).data, expected)
    other = copy.deepcopy(model)
    other.linear.bias.data += 1
    assert (other.quick(x).data != expected).all()
    gone = weakref.ref(model)
    del model, models
    gc.collect()
    assert gone() is None


def test_another_array_in_a_tensor_is_seen():
    w = Tensor(float32(3), requires_grad=True)
    step = tatami.jit(lambda x: x * w)
    x = Tensor(float32(3, seed=1))
    for k in range(12):
        if k % 4 == 0:
            w.data = float32(3, seed=k)
        np.testing.assert_array_equal(step(x).data, x.data * w.data)


def test_parts_of_an_array_that_differ_are_refused():
    count = iter(range(99))
    with pytest.raises(RuntimeError, match="differ at exp"):
        captured_calls(lambda x: F.exp(x[next(count) :][:3]), Tensor(float32(9)))


def test_threads_take_turns():
    weight = float32(64, 64)
    step = tatami.jit(lambda x: F.relu(F.matmul(x, Tensor(weight))))
    wrong = []

    def work(seed):
        for k in range(30):
            x = Tensor(float32(8 + k % 2, 64, seed=seed + k))
            if (step(x).data != F.relu(F.matmul(x, Tensor(weight))).data).any():
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(100 * t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

"""compile, fit, evaluate, predict: what they compute, in which order, and what they refuse."""

import functools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tatami
from learning import assert_same_weights, clouds, compiled, network, trained
from tatami import functional as F
from tatami import metrics, nn, optim, training


def test_fit_learns_and_keeps_a_history():
    model, history = trained(validation_data=clouds(20))
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == list(range(8))
    assert all(len(values) == 8 for values in history.history.values())
    assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
    assert repr(history).startswith("History(8 epochs: loss 0.")
    loss, accuracy = training.evaluate(model, *clouds())
    assert accuracy > 0.95
    results = training.evaluate(model, *clouds(), batch_size=7, return_dict=True)
    assert results == {"loss": pytest.approx(loss, rel=1e-6), "accuracy": accuracy}
    output = training.predict(model, clouds()[0], batch_size=7)
    assert output.shape == (60, 2)
    assert (output.argmax(axis=1) == clouds()[1]).mean() == accuracy


def test_the_same_seed_gives_the_same_bits():
    first = trained()[0]
    assert_same_weights(first, trained()[0])
    with tatami.threads(3):
        assert_same_weights(first, trained()[0])
    other = trained(seed=1)[0].state_dict()
    assert (first.state_dict()["0.weight"] != other["0.weight"]).any()


def test_fit_makes_the_steps_of_a_plain_loop():
    x, y = clouds(20)
    model, plain = compiled(), network()
    training.fit(model, x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    optimizer = optim.Adam(plain.parameters(), lr=0.05)
    for _ in range(2):
        for start in range(0, 20, 8):
            optimizer.zero_grad()
            rows = slice(start, start + 8)
            F.cross_entropy(plain(tatami.Tensor(x[rows])), y[rows]).backward()
            optimizer.step()
    assert_same_weights(model, plain)


def test_a_penalty_is_part_of_the_loss():
    """That on the squares of all parameters is the weight decay of plain steps."""
    x, y = clouds(20)
    model, decayed = network(), network()

    def penalized(output, target):
        return F.cross_entropy(output, target) + nn.l2_penalty(model.parameters(), 0.05)

    training.compile(model, functools.partial(optim.SGD, lr=0.1), penalized)
    decay = functools.partial(optim.SGD, lr=0.1, weight_decay=0.1)
    training.compile(decayed, decay, "cross_entropy")
    for each in (model, decayed):
        history = training.fit(each, x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        assert history.history["loss"][-1] < history.history["loss"][0]
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value, decayed.state_dict()[name], rtol=1e-5, atol=1e-7)


def test_means_weigh_every_row_alike():
    x = np.float32([[0.0], [0.0], [3.0]])
    model = nn.Linear(1, 1)
    model.load_state_dict({"weight": [[1]], "bias": [0]})
    training.compile(model, loss="mse")
    assert training.evaluate(model, x, np.zeros_like(x), batch_size=2) == pytest.approx(3.0)


def test_rows_are_shuffled_whole_once_an_epoch():
    seen = []

    def augment(rows, rng):
        seen.append(rows.copy())
        return rows

    x, y = clouds(50)
    model = compiled()
    training.fit(model, x, y, 20, epochs=2, augment=augment, verbose=0)
    assert [len(rows) for rows in seen] == [20, 20, 10] * 2
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert (first != x).any() and (first != second).any()
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(x, axis=0))


def test_validation_split_takes_the_last_rows_before_shuffling():
    x, y = clouds(50)
    model = compiled()
    run = training.fit(model, x, y, validation_split=0.2, verbose=0)
    expected = training.evaluate(model, x[40:], y[40:])
    assert [run.history["val_loss"][0], run.history["val_accuracy"][0]] == pytest.approx(expected)
    assert model.training, "evaluation leaves the model as it was"


def test_loaders():
    x, y = clouds()
    loader = [(x[k : k + 16], y[k : k + 16]) for k in range(0, 60, 16)]
    model = compiled()
    training.fit(model, loader, epochs=3, validation_data=loader, verbose=0)
    arrays = compiled()
    training.fit(arrays, x, y, 16, epochs=3, shuffle=False, validation_data=(x, y), verbose=0)
    assert_same_weights(model, arrays)
    assert training.evaluate(model, loader) == pytest.approx(training.evaluate(model, x, y))
    np.testing.assert_allclose(training.predict(model, loader), training.predict(model, x))

    def endless():
        while True:
            yield from loader

    generated = compiled()
    training.fit(generated, endless(), epochs=3, steps_per_epoch=4, verbose=0)
    assert_same_weights(model, generated)
    halves = compiled()
    training.fit(halves, loader, epochs=6, steps_per_epoch=2, verbose=0)
    assert_same_weights(model, halves)
    with pytest.raises(ValueError, match="a generator is empty after one epoch"):
        training.fit(compiled(), iter(loader), epochs=2, verbose=0)


def test_weights_of_rows_and_classes_count_like_repeated_rows():
    x, y = clouds(8)
    weight = np.where(y == 1, 3.0, 1.0)
    by_class, by_row, loader = compiled(), compiled(), compiled()
    how = {"shuffle": False, "verbose": 0}
    training.fit(by_class, x, y, class_weight={1: 3.0}, **how)
    training.fit(by_row, x, y, sample_weight=weight, **how)
    training.fit(loader, [(x, y, weight)], **how)
    assert_same_weights(by_class, by_row)
    assert_same_weights(by_class, loader)
    loss = compiled().compiled.loss
    output = tatami.Tensor(np.random.default_rng(0).standard_normal((8, 2)))
    repeated = np.repeat(np.arange(8), weight.astype(int))
    got = loss(output, y, weight).item()
    expected = F.cross_entropy(output.data[repeated], y[repeated]) * len(repeated) / 8
    assert got == pytest.approx(float(expected), rel=1e-12)
    assert nn_loss(output, y, weight) == pytest.approx(got)
    training.compile(by_row, "adam", lambda output, target: output.mean())
    with pytest.raises(ValueError, match="an argument `reduction`; <lambda> has none"):
        training.fit(by_row, x, y, sample_weight=weight, **how)


def nn_loss(output, y, weight):
    """The same through a loss module."""

    class CrossEntropy(nn.Module):
        reduction = "mean"

        def forward(self, output, target):
            return F.cross_entropy(output, target, reduction=self.reduction)

    model = network()
    training.compile(model, loss=CrossEntropy())
    return model.compiled.loss(output, y, weight).item()


def test_targets_take_the_outputs_shape_and_dtype():
    x, y = clouds()
    model = network(outputs=1)
    training.compile(model, "adam", "mse", metrics=["mse", "r2"])
    results = [
        training.evaluate(model, x, target)
        for target in (y, y[:, None], y.astype(np.float64), y.astype(bool))
    ]
    assert all(r == results[0] for r in results)
    assert results[0][0] == pytest.approx(results[0][1])
    indices = compiled()
    assert training.evaluate(indices, x, y[:, None]) == training.evaluate(indices, x, y)
    one_hot = training.evaluate(indices, x, np.eye(2)[y])
    assert one_hot == pytest.approx(training.evaluate(indices, x, y))


def test_inputs_take_the_models_dtype():
    x, y = clouds()
    model = compiled().double()
    training.fit(model, x.tolist(), y.tolist(), verbose=0)
    assert training.predict(model, x).dtype == np.float64


def test_several_inputs_and_outputs():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(2, 2), nn.Linear(1, 2)

        def forward(self, x, z):
            return self.a(x) + self.b(z), z

    x, y = clouds()
    model = Two()
    training.compile(model, loss=lambda output, target: F.cross_entropy(output[0], target))
    training.fit(model, (x, x[:, :1]), y, verbose=0, validation_split=0.5)
    output, z = training.predict(model, (x, x[:, :1]))
    assert output.shape == (60, 2)
    np.testing.assert_array_equal(z, x[:, :1])


def test_names_objects_and_functions():
    x, y = clouds()
    for optimizer in ("adam", "SGD", optim.AdamW, functools.partial(optim.SGD, lr=0.1)):
        model = network()
        training.compile(model, optimizer, "cross_entropy", [metrics.F1("macro"), "top_1_accuracy"])
        run = training.fit(model, x, y, verbose=0)
        assert list(run.history) == ["loss", "f1_macro", "top_1_accuracy"]
    assert model.compiled.optimizer.param_groups[0]["lr"] == 0.1
    for wrong, message in (
        ({"optimizer": "adamm"}, "optimizer 'adamm' is not known; give one of .*adam, adamax"),
        ({"loss": "mes"}, "loss 'mes' is not known; give one of .*mse"),
        ({"metrics": ["acuracy"]}, "metric 'acuracy' is not known; give one of .*accuracy"),
    ):
        with pytest.raises(ValueError, match=message):
            training.compile(network(), **wrong)
    with pytest.raises(TypeError, match="optimizer must be a name"):
        training.compile(network(), optimizer=3)
    with pytest.raises(TypeError, match="loss must be a name"):
        training.compile(network(), loss=3)


def test_input_sizes_left_out_are_found_in_the_data():
    x, y = clouds()
    for data in ({"x": x, "y": y}, {"x": [(x, y)]}):
        model = nn.Sequential(nn.Linear(None, 8), nn.ReLU(), nn.Linear(None, 2))
        model.compile("adam", "cross_entropy")
        model.fit(**data, verbose=0)
        assert model.state_dict()["0.weight"].shape == (8, 2)


def test_a_score_is_read_by_its_loss():
    x, y = clouds()
    model = network(outputs=1)
    model.load_state_dict({n: 0 * v for n, v in model.state_dict().items()})
    model.load_state_dict({**model.state_dict(), "3.bias": [0.25]})
    share = (y == 1).mean()
    for loss, expected in (("mse", 1 - share), ("binary_cross_entropy_with_logits", share)):
        training.compile(model, loss=loss, metrics=["accuracy"])
        assert training.evaluate(model, x, y)[1] == expected


def test_what_fit_refuses():
    x, y = clouds()
    with pytest.raises(RuntimeError, match=r'compile it first: model\.compile\("adam"'):
        training.fit(network(), x, y)
    for arguments, settings, message in (
        ((x, y[1:]), {}, r"fit: x has 60 rows \(shape \(60, 2\)\) but y has 59"),
        ((x, y), {"batch_size": 0}, "batch_size must be at least 1"),
        ((x,), {}, "fit: y is missing"),
        (([x], y), {}, "fit: x has 1 rows"),
        ((x, y), {"sample_weight": y[1:]}, "fit: sample_weight has 59 rows"),
        ((x, y), {"validation_split": 1.0}, "leaves 0 to train on"),
        ((x, y), {"validation_split": 0.5, "validation_data": (x, y)}, "no validation_data"),
        ((x[:0], y[:0]), {}, r"nothing to do: 0 rows \(y has shape \(0,\)\)"),
        ((x, y), {"steps_per_epoch": 0}, "nothing to do: 60 rows .*steps_per_epoch=0"),
        ((iter([x]),), {}, r"the loader must yield \(x, y\)"),
        ((iter([(x, y)]), y), {}, "give no y beside it"),
    ):
        with pytest.raises(ValueError, match=message):
            training.fit(compiled(), *arguments, verbose=0, **settings)
    with pytest.raises(TypeError, match="callbacks must be Callback objects"):
        training.fit(compiled(), x, y, callbacks=[print], verbose=0)
    with pytest.raises(TypeError, match="x must be arrays, or a loader"):
        training.fit(compiled(), 3, verbose=0)


INTERRUPTED = """
import signal
import time
from learning import clouds, compiled
from tatami import training

class Slow(training.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("step", flush=True)
        for _ in range(STEPS):
            time.sleep(0.01)

    def on_train_end(self, logs=None):
        print("end", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs begin without it
model = compiled()
run = training.fit(model, *clouds(), batch_size=1, epochs=100, callbacks=[Slow()], verbose=0)
print("after", run.history, flush=True)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c(times):
    code = INTERRUPTED.replace("STEPS", str(10 if times == 1 else 1000))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "step\n"
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    out, error = process.communicate(timeout=30)
    assert "Ctrl-C: the run ends after this batch" in error
    if times == 1:
        assert process.returncode == 0 and out.endswith("end\nafter {}\n")
    else:
        assert process.returncode != 0 and out.endswith("end\n") and "KeyboardInterrupt" in error

"""Every callback, on runs of a few steps."""

import csv

import numpy as np
import pytest

from learning import assert_same_weights, clouds, compiled, network, trained
from tatami import nn, optim, training
from tatami.training import callbacks as C


class Recorder(training.Callback):
    """Which events came, and with what."""

    def __init__(self):
        self.events = []

    def on_train_begin(self, logs=None):
        self.events.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(("begin", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append((batch, sorted(logs)))

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(("end", list(logs)))

    def on_train_end(self, logs=None):
        self.events.append("over")


def test_events_come_in_keras_order():
    recorder = Recorder()
    model, _ = trained(2, callbacks=[recorder], batch_size=30, validation_data=clouds(4))
    measured = ["accuracy", "loss"]
    steps = [(0, measured), (1, measured)]
    end = ("end", ["loss", "accuracy", "val_loss", "val_accuracy"])
    assert recorder.events == [
        "train", ("begin", 0), *steps, end, ("begin", 1), *steps, end, "over",
    ]  # fmt: skip
    assert recorder.model is model and recorder.params == {"epochs": 2, "steps": 2}
    assert recorder.optimizer is model.compiled.optimizer


def test_an_error_still_ends_the_run():
    recorder = Recorder()
    fail = C.LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trained(callbacks=[recorder, fail])
    assert recorder.events[-1] == "over"


class Script(training.Callback):
    """Puts given numbers into the logs, as if they had been measured; notes weights and rates."""

    def __init__(self, **values):
        self.script = values
        self.weights, self.rates = [], []

    def on_epoch_end(self, epoch, logs=None):
        logs.update({name: values[epoch] for name, values in self.script.items()})
        self.weights.append(self.model.state_dict())
        self.rates.append(self.optimizer.param_groups[0]["lr"])


def test_early_stopping_and_the_best_weights():
    script = Script(val_loss=[5.0, 3.0, 2.95, 4.0, 1.0])
    stopping = C.EarlyStopping(patience=2, min_delta=0.1, restore_best_weights=True)
    model, history = trained(5, callbacks=[script, stopping])
    assert history.epoch == [0, 1, 2, 3]
    assert (stopping.best_epoch, stopping.stopped_epoch) == (1, 3)
    np.testing.assert_array_equal(model.state_dict()["0.weight"], script.weights[1]["0.weight"])
    higher = C.EarlyStopping("val_accuracy", patience=1)
    values = [0.5, 0.6, float("nan"), 0.9]
    _, history = trained(4, callbacks=[Script(val_accuracy=values), higher])
    assert history.epoch == [0, 1, 2], "more accuracy is better; NaN is not"
    late = C.EarlyStopping("loss", baseline=-1.0, start_from_epoch=2, patience=2)
    assert trained(8, callbacks=[late])[1].epoch == [0, 1, 2, 3]
    again = trained(8, callbacks=[late])[1]
    assert again.epoch == [0, 1, 2, 3], "a second run starts anew"
    with pytest.raises(ValueError, match="no 'val_loss' to monitor, only loss, accuracy; fit has"):
        trained(callbacks=[C.EarlyStopping()])
    with pytest.raises(ValueError, match='mode must be "auto", "min" or "max"'):
        C.EarlyStopping(mode="lowest")


def test_reduce_on_plateau():
    script = Script(val_loss=[1.0] * 8)
    plateau = C.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=2, min_lr=0.02)
    trained(8, callbacks=[script, plateau])
    assert script.rates == [0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02, 0.02]
    with pytest.raises(ValueError, match="factor must lie between 0 and 1"):
        C.ReduceLROnPlateau(factor=2)


def test_schedules():
    script = Script()
    trained(3, callbacks=[C.LearningRateScheduler(lambda epoch, lr: lr / (epoch + 1)), script])
    assert script.rates == pytest.approx([0.05, 0.025, 0.025 / 3])
    for per, steps in (("epoch", 3), ("batch", 12)):
        model = compiled()
        cosine = optim.CosineAnnealingLR(model.compiled.optimizer, T_max=12)
        trained(3, model, callbacks=[C.LearningRateScheduler(cosine, per=per)])
        expected = 0.05 * (1 + np.cos(np.pi * steps / 12)) / 2
        assert model.compiled.optimizer.param_groups[0]["lr"] == pytest.approx(expected)
    with pytest.raises(ValueError, match='per="batch" needs a schedule object'):
        C.LearningRateScheduler(lambda epoch, lr: lr, per="batch")


def test_csv_has_a_row_an_epoch(tmp_path):
    path = tmp_path / "new" / "log.csv"
    _, history = trained(3, callbacks=[C.CSVLogger(path)])
    header, *rows = csv.reader(path.open())
    assert header == ["epoch", "loss", "accuracy"]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert [float(row[1]) for row in rows] == history.history["loss"]
    trained(2, callbacks=[C.CSVLogger(path, append=True)])
    assert [row[0] for row in csv.reader(path.open())] == ["epoch", "0", "1", "2", "0", "1"]
    trained(1, callbacks=[C.CSVLogger(path, separator=";")])
    assert path.read_text().startswith("epoch;loss;accuracy")


def test_terminate_on_nan(capsys):
    model = compiled()
    model.load_state_dict({n: v * np.nan for n, v in model.state_dict().items()})
    recorder = Recorder()
    trained(5, model, callbacks=[C.TerminateOnNaN(), recorder])
    assert recorder.events.count((0, ["accuracy", "loss"])) == 1
    assert (1, ["accuracy", "loss"]) not in recorder.events
    assert capsys.readouterr().out == "TerminateOnNaN: the loss of batch 0 is nan\n"


def test_lambda_callback():
    seen = []
    callback = C.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
        on_train_end=lambda logs: seen.append("end"),
    )
    trained(2, callbacks=[callback])
    assert seen == [0, 1, "end"]
    with pytest.raises(TypeError, match="no event 'on_epoch_middle', only on_train_begin"):
        C.LambdaCallback(on_epoch_middle=print)


def test_ema():
    steps = []
    note = C.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(note.model.state_dict()["0.weight"])
    )
    model, _ = trained(2, callbacks=[C.EMA(0.5), note])
    average = steps[0].astype(np.float64)
    for weight in steps[1:]:
        average += 0.5 * (weight - average)
    np.testing.assert_allclose(model.state_dict()["0.weight"], average, rtol=1e-5)
    with pytest.raises(ValueError, match="decay"):
        trained(callbacks=[C.EMA(1.5)])


def test_model_checkpoint(tmp_path):
    path = tmp_path / "{epoch:02d}-{loss:.2f}.safetensors"
    model, history = trained(2, callbacks=[C.ModelCheckpoint(path)])
    names = [f"{k:02d}-{loss:.2f}.safetensors" for k, loss in enumerate(history.history["loss"], 1)]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    other = network()
    training.load_checkpoint(tmp_path / names[-1], other)
    assert_same_weights(model, other)
    script = Script(val_loss=[3.0, 1.0, 2.0])
    best = C.ModelCheckpoint(tmp_path / "best", save_best_only=True)
    trained(3, callbacks=[best, script])
    training.load_checkpoint(tmp_path / "best", other)
    np.testing.assert_array_equal(other.state_dict()["0.weight"], script.weights[1]["0.weight"])
    trained(1, model, callbacks=[C.ModelCheckpoint(tmp_path / "w", save_weights_only=True)])
    nn.load_weights(other, tmp_path / "w")
    assert_same_weights(model, other)
    with pytest.raises(ValueError, match="save_freq"):
        C.ModelCheckpoint(path, save_freq="batch")


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    board = C.TensorBoard(tmp_path, histogram_freq=1, update_freq=2)
    trained(2, callbacks=[board], validation_data=clouds(4))
    sizes = {p.parent.name: p.stat().st_size for p in tmp_path.glob("*/events*")}
    assert set(sizes) == {"train", "validation"} and min(sizes.values()) > 100
    train = next(tmp_path.glob("train/events*")).read_bytes()
    for tag in (b"epoch_loss", b"epoch_accuracy", b"batch_loss", b"learning_rate", b"0.weight"):
        assert tag in train
    assert b"epoch_loss" in next(tmp_path.glob("validation/events*")).read_bytes()


def test_tensorboard_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r'pip install "tatami\[tensorboard\]"'):
        trained(callbacks=[C.TensorBoard(tmp_path)])

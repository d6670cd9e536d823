"""The training loop: what it computes, in which order, and what it prints."""

import io

import numpy as np
import pytest

import tatami
from tatami import functional as F
from tatami import nn, optim, training
from tatami.training.progress import clock


def clouds(n=60):
    """Two clouds of points that a line separates."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = rng.standard_normal((n, 2)) + 4 * y[:, None]
    return x.astype(np.float32), y


def trained(epochs=8, **settings):
    x, y = clouds()
    tatami.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    settings = {"verbose": False, "batch_size": 16, **settings}
    return model, training.fit(model, x, y, optimizer=optimizer, epochs=epochs, **settings)


def test_fit_learns_and_keeps_a_history():
    model, history = trained(validation_data=clouds(20))
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 8 for values in history.values())
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    result = training.evaluate(model, *clouds())
    assert result["accuracy"] > 0.95
    output = training.predict(model, clouds()[0], batch_size=7)
    assert output.shape == (60, 2)
    assert (output.argmax(axis=1) == clouds()[1]).mean() == result["accuracy"]


def test_the_same_seed_gives_the_same_bits():
    first, second = trained()[0].state_dict(), trained()[0].state_dict()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])
    with tatami.threads(3):
        third = trained()[0].state_dict()
    np.testing.assert_array_equal(first["0.weight"], third["0.weight"])
    other = trained(seed=1)[0].state_dict()
    assert (first["0.weight"] != other["0.weight"]).any()


def test_means_weigh_every_row_alike():
    x = np.float32([[0.0], [0.0], [3.0]])
    model = nn.Linear(1, 1)
    model.load_state_dict({"weight": [[1]], "bias": [0]})
    result = training.evaluate(model, x, np.zeros_like(x), loss=F.mse_loss, batch_size=2)
    assert result == {"loss": pytest.approx(3.0)}, "no accuracy without classes"


def test_batches_are_shuffled_whole_and_checked():
    x = np.arange(10)
    parts = [a for a, b in training.batches(x, x, 4) if (a == b).all()]
    np.testing.assert_array_equal(np.concatenate(parts), x)
    assert [len(p) for p in parts] == [4, 4, 2]
    shuffled = [
        a for a, b in training.batches(x, -x, 4, np.random.default_rng(0)) if (a == -b).all()
    ]
    flat = np.concatenate(shuffled)
    assert (flat != x).any() and (np.sort(flat) == x).all()
    with pytest.raises(ValueError, match="x has 10 rows but y has 9"):
        next(training.batches(x, x[1:], 4))
    with pytest.raises(ValueError, match="at least 1"):
        next(training.batches(x, x, 0))


class Recorder(training.Callback):
    def __init__(self, stop_at=None):
        self.events = []
        self.stop_at = stop_at

    def on_epoch_begin(self, epoch):
        self.events.append(("begin", epoch))

    def on_batch_end(self, epoch, images, means):
        self.events.append(("batch", images))
        if images == self.stop_at:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, means):
        self.events.append(("end", sorted(means)))

    def on_train_end(self):
        self.events.append("over")


def test_callbacks_schedule_and_augmentation():
    recorder, sizes = Recorder(), []
    steps = type("Steps", (), {"count": 0, "step": lambda s: setattr(s, "count", s.count + 1)})()

    def augment(rows, rng):
        sizes.append(len(rows))
        return rows

    trained(1, callbacks=[recorder], augment=augment, schedule=steps, batch_size=25)
    assert recorder.events == [
        ("begin", 1), ("batch", 25), ("batch", 50), ("batch", 60), ("end", ["accuracy", "loss"]),
        "over",
    ]  # fmt: skip
    assert sizes == [25, 25, 10] and steps.count == 3
    broken = Recorder(stop_at=32)
    with pytest.raises(KeyboardInterrupt):
        trained(callbacks=[broken])
    assert broken.events[-1] == "over"


class Terminal(io.StringIO):
    """What a terminal shows: a carriage return starts the line anew."""

    def isatty(self):
        return True

    def screen(self):
        lines = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown.rstrip())
        return lines


def walk(progress, epochs, clock_at):
    """Epochs of 100 images in 10 batches, 0.03 s each."""
    means = {"loss": 0.5, "accuracy": 0.975}
    for epoch in range(1, epochs + 1):
        progress.on_epoch_begin(epoch)
        for done in range(10, 101, 10):
            clock_at[0] += 0.03
            progress.on_batch_end(epoch, done, means)
        progress.on_epoch_end(epoch, {"loss": 0.25, "accuracy": 1.0})
    progress.on_train_end()


def make(stream, **settings):
    clock_at = [100.0]
    return training.Progress(3, 100, stream=stream, now=lambda: clock_at[0], **settings), clock_at


def test_progress_is_one_plain_line_an_epoch_in_a_file():
    out = io.StringIO()
    progress, clock_at = make(out, title="run")
    walk(progress, 3, clock_at)
    assert out.getvalue() == (
        "run  epoch 1/3  loss 0.2500  accuracy 100.00%     333 images/s  1 s left\n"
        "run  epoch 2/3  loss 0.2500  accuracy 100.00%     333 images/s  0 s left\n"
        "run  epoch 3/3  loss 0.2500  accuracy 100.00%     333 images/s  1 s\n"
    )


def test_progress_on_a_terminal_is_rewritten_in_place_and_not_too_often():
    out = Terminal()
    progress, clock_at = make(out)
    walk(progress, 3, clock_at)
    screen = out.screen()
    assert len(screen) == 4 and screen[-1] == ""
    assert all(line.startswith(f"epoch {k}/3  loss 0.2500") for k, line in enumerate(screen[:3], 1))
    writes = out.getvalue().count("\r")
    assert writes <= 3 + 0.9 / progress.interval, "ten a second, and the last of each epoch"


def test_progress_may_keep_to_one_line_and_ends_it_when_broken_off():
    out = Terminal()
    progress, clock_at = make(out, title="seed 0", one_line=True)
    walk(progress, 3, clock_at)
    assert len(out.screen()) == 2 and "epoch 3/3" in out.screen()[0]
    out = Terminal()
    progress, clock_at = make(out)
    progress.on_epoch_begin(1)
    progress.on_batch_end(1, 50, {"loss": 1.0})
    progress.on_train_end()
    assert out.getvalue().endswith("\n") and "loss 1.0000" in out.screen()[0]


def test_progress_fits_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    progress, clock_at = make(out)
    walk(progress, 1, clock_at)
    assert max(map(len, out.screen())) <= 29


def test_times_read_well():
    assert [clock(s) for s in (0.4, 59.4, 60, 3725)] == ["0 s", "59 s", "1:00", "1:02:05"]

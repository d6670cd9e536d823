"""The line that fit writes: in files, on terminals, on narrow ones."""

import io
import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import pytest

from learning import clouds, compiled
from tatami import training
from tatami.training.progress import clock, duration


class Terminal(io.StringIO):
    """What a terminal shows: a carriage return starts the line anew."""

    encoding = "utf-8"

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


class Clock:
    time = 100.0

    def __call__(self):
        return self.time


def walk(stream, epochs=3, steps=10, break_at=None, **settings):
    """Epochs of 10 steps, 0.03 s each."""
    now = Clock()
    progress = training.Progress(stream=stream, now=now, **settings)
    run = SimpleNamespace(epoch=0, batch=0, params={"epochs": epochs, "steps": steps})
    progress.run = run
    for run.epoch in range(epochs):
        progress.on_epoch_begin(run.epoch)
        for batch in range(10):
            now.time += 0.03
            progress.on_train_batch_end(batch, {"loss": 0.5, "accuracy": 0.975})
            if batch == break_at:
                return progress.on_train_end()
        progress.on_epoch_end(run.epoch, {"loss": 0.25, "accuracy": 1.0, "matrix": [[1]]})
    progress.on_train_end()


def test_one_plain_line_an_epoch_in_a_file():
    out = io.StringIO()
    walk(out, title="run")
    assert out.getvalue() == "".join(
        f"run - Epoch {k}/3 - 10/10 - 0s - 30ms/step - loss: 0.2500 - accuracy: 1.0000\n"
        for k in (1, 2, 3)
    )
    out = Terminal()
    walk(out, live=False)
    assert "\r" not in out.getvalue() and out.getvalue().count("\n") == 3


def test_of_images_it_says_how_many_a_second_and_what_is_left_of_the_run():
    out = io.StringIO()
    walk(out, epochs=300, images=320)
    first, *_, last = out.getvalue().splitlines()
    assert first.startswith("Epoch   1/300 - 10/10 - 1:30 left - 1,067 images/s - loss")
    assert last.startswith("Epoch 300/300 - 10/10 - 0s left - 1,067 images/s - loss")


def test_on_a_terminal_it_is_rewritten_in_place_and_not_too_often(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    walk(out)
    screen = out.screen()
    assert screen == [
        *(f"Epoch {k}/3  10/10 {'━' * 20} 0s 30ms/step - loss: 0.2500 - accuracy: 1.0000"
          for k in (1, 2, 3)),
        "",
    ]  # fmt: skip
    assert 6 <= out.getvalue().count("\r") <= 3 + 0.9 / 0.1, "ten a second, and the last of each"
    middle = out.getvalue().split("\r")[2]
    assert "━━─" in middle and "loss: 0.5000" in middle


def test_it_may_keep_to_one_line_and_ends_it_when_broken_off():
    out = Terminal()
    walk(out, title="seed 0", one_line=True)
    assert len(out.screen()) == 2 and "Epoch 3/3" in out.screen()[0]
    out = Terminal()
    walk(out, break_at=5)
    assert out.getvalue().endswith("\n") and "loss: 0.5000" in out.screen()[0]


def test_it_fits_a_narrow_terminal_but_for_its_last_version(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    walk(out, 1)
    *live, last = out.getvalue().split("\r")
    assert max(map(len, live)) <= 29 and "accuracy: 1.0000" in last


def test_streams_that_know_no_bars_get_plain_ones(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    out.encoding = "ascii"
    walk(out, 1)
    assert "=" * 20 in out.screen()[0] and out.getvalue().isascii()


def test_a_loader_without_length_counts_its_steps():
    out = io.StringIO()
    walk(out, 1, steps=None)
    assert out.getvalue().startswith("Epoch 1/1 - 10 - 0s - 30ms/step")


def test_evaluate_and_predict_count_on_request(capsys):
    model, (x, y) = compiled(), clouds()
    training.evaluate(model, x, y, verbose=1)
    training.predict(model, x, batch_size=16, verbose=1)
    measured, counted = capsys.readouterr().out.splitlines()
    assert measured.startswith("loss: ") and " - accuracy: 0." in measured and counted == "4/4"
    training.predict(model, x)
    assert capsys.readouterr().out == ""


def test_times_read_well():
    assert [clock(s) for s in (0.4, 59.4, 60, 3725)] == ["0s", "59s", "1:00", "1:02:05"]
    assert [duration(s) for s in (2, 0.035, 0.0041, 3e-4)] == ["2s", "35ms", "4.1ms", "300us"]


@pytest.mark.parametrize("verbose, lines", [(0, 0), (1, 3), (2, 3)])
def test_in_a_real_terminal(verbose, lines):
    code = (
        "from learning import compiled, clouds; from tatami import training\n"
        f"training.fit(compiled(), *clouds(), epochs=3, verbose={verbose})"
    )
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=slave, check=True)
    os.close(slave)
    text = os.read(master, 65536).decode() if lines else ""
    os.close(master)
    assert text.count("\n") == lines
    assert text.count("Epoch 3/3  2/2" if verbose == 1 else "Epoch 3/3 - 2/2") == (lines > 0)

"""Checkpoints: a killed run goes on to the same bits; damaged files are refused."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import tatami
from learning import assert_same_weights, clouds, network
from tatami import optim, training
from tatami.data import DataLoader
from tatami.nn.storage import save_file
from tatami.training import callbacks as C


def jitter(rows, rng):
    return rows + rng.normal(0, 0.1, rows.shape)


def run(folder, epochs=4, resume=None, extra=(), seed=None, loader=None):
    """A run in which everything has a state: dropout, augmentation, schedules, averages, logs."""
    model = network(dropout=0.3)
    optimizer = optim.AdamW(model.parameters(), lr=0.02)
    training.compile(model, optimizer, "cross_entropy", ["accuracy", "auc"])
    rates = optim.CosineAnnealingLR(optimizer, T_max=40)
    x, y = clouds(64)
    data = {"x": loader(x, y)} if loader else {"x": x, "y": y, "augment": jitter, "seed": seed}
    history = training.fit(
        model,
        **data,
        batch_size=8,
        epochs=epochs,
        validation_data=clouds(20),
        verbose=0,
        resume=resume,
        callbacks=[
            C.LearningRateScheduler(rates, per="batch"),
            C.ReduceLROnPlateau(patience=1, factor=0.5),
            C.EarlyStopping("accuracy", patience=9, restore_best_weights=True),
            C.CSVLogger(folder / "log.csv"),
            C.EMA(0.9),
            *extra,
        ],
    )
    return model, history


class Loader:
    """Shuffles by a generator of its own, which a checkpoint keeps."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.rng = np.random.default_rng(5)

    def __iter__(self):
        order = self.rng.permutation(len(self.y))
        for start in range(0, len(order), 8):
            rows = order[start : start + 8]
            yield self.x[rows] + self.rng.normal(0, 0.1), self.y[rows]

    def __len__(self):
        return len(self.y) // 8

    def state_dict(self):
        return self.rng.bit_generator.state

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state


def data_loader(x, y):
    """The library's own, which prepares batches in threads."""
    return DataLoader((x, y), 8, shuffle=True, num_workers=2, transform=jitter, seed=3)


class Stop(Exception):
    pass


def stop_at(epoch, batch):
    def check(k, logs):
        if (callback.run.epoch, k) == (epoch, batch):
            raise Stop

    callback = C.LambdaCallback(on_train_batch_end=check)
    return callback


@pytest.mark.parametrize("data", [{}, {"seed": 7}, {"loader": Loader}, {"loader": data_loader}])
@pytest.mark.parametrize("freq", ["epoch", 3])
def test_a_broken_run_goes_on_to_the_same_bits(tmp_path, freq, data):
    whole, history = run(tmp_path, **data)
    rows = (tmp_path / "log.csv").read_text()
    path = tmp_path / "last.safetensors"
    with pytest.raises(Stop):
        run(tmp_path, extra=[C.ModelCheckpoint(path, save_freq=freq), stop_at(2, 6)], **data)
    tatami.manual_seed(99)
    again, resumed = run(tmp_path, resume=path, extra=[C.ModelCheckpoint(path)], **data)
    assert_same_weights(whole, again)
    assert resumed.history == history.history and resumed.epoch == [0, 1, 2, 3]
    assert (tmp_path / "log.csv").read_text() == rows


KILLED = """
import sys
from pathlib import Path
import numpy as np
from test_checkpoints import C, run

folder = Path(sys.argv[1])
tell = C.LambdaCallback(on_train_batch_end=lambda batch, logs: print(batch, flush=True))
backup = C.BackupAndRestore(folder / "backup.safetensors", save_freq=3)
model, history = run(folder, epochs=int(sys.argv[2]), extra=[backup, tell])
np.savez(folder / "weights.npz", **model.state_dict())
print("done", history.history, flush=True)
"""


def start(folder, epochs=4):
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(epochs)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_run_killed_in_mid_epoch_goes_on_to_the_same_bits(tmp_path):
    whole, history = run(tmp_path)
    process = start(tmp_path, 100)
    for _ in range(8 + 8 + 6):  # two epochs and a part of the third
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = training.read_checkpoint(tmp_path / "backup.safetensors")
    assert kept["epoch"] >= 2
    epochs = kept["epoch"] + 2
    whole, history = run(tmp_path / "whole", epochs)
    out, _ = start(tmp_path, epochs).communicate(timeout=60)
    assert out.splitlines()[0] == str(kept["batch"]), "it begins where the file stands"
    assert out.splitlines()[-1] == f"done {history.history}"
    with np.load(tmp_path / "weights.npz") as weights:
        for name, values in whole.state_dict().items():
            np.testing.assert_array_equal(weights[name], values)
    assert not (tmp_path / "backup.safetensors").exists(), "a complete run needs it no more"


def test_other_callbacks_or_another_model_are_refused(tmp_path):
    path = tmp_path / "last"
    run(tmp_path, 1, extra=[C.ModelCheckpoint(path)])
    with pytest.raises(ValueError, match=r"checkpoint's callbacks are .*'ModelCheckpoint'\], here"):
        run(tmp_path, resume=path)
    other = tatami.nn.Sequential(tatami.nn.Linear(2, 3))
    with pytest.raises(ValueError, match="load_state_dict"):
        training.load_checkpoint(path, other)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        run(tmp_path, resume=tmp_path / "nothing")


def test_trees_come_back_as_they_were(tmp_path):
    tree = {
        "a": [1, 2.5, None, True, "x", float("inf"), 1 << 100],
        3: (np.arange(6).reshape(2, 3)[:, ::2], np.float32(0.5)),
        "b": {"array": np.zeros(()), "empty": np.zeros((0, 2)), "mask": np.array([True])},
    }
    training.write_checkpoint(tmp_path / "new" / "tree", tree)
    back = training.read_checkpoint(tmp_path / "new" / "tree")
    assert back["a"] == tree["a"] and back[3][1] == 0.5 and isinstance(back[3], tuple)
    np.testing.assert_array_equal(back[3][0], tree[3][0])
    for name, value in tree["b"].items():
        np.testing.assert_array_equal(back["b"][name], value)
        assert back["b"][name].dtype == value.dtype and back["b"][name].shape == value.shape
    with pytest.raises(TypeError, match=r"checkpoint: state\.f is a builtin_function_or_method"):
        training.write_checkpoint(tmp_path / "new" / "tree", {"f": print})
    assert training.read_checkpoint(tmp_path / "new" / "tree")["a"] == tree["a"]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["tree"]


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "file"
    training.write_checkpoint(path, {"a": np.arange(100)})
    whole = path.read_bytes()
    for broken in (b"", whole[:7], whole[:50], whole[:-1], b"\xff" * 100, whole + b"x"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=str(path)):
            training.read_checkpoint(path)
    array = {"a": np.zeros(3)}
    header = {"format": "tatami checkpoint 1"}
    for metadata, message in (
        (None, "no training state"),
        ({"format": "other"}, "no training state"),
        (header, "damaged"),
        ({**header, "tree": "{"}, "damaged"),
        ({**header, "tree": json.dumps({"array": "b"})}, "damaged"),
        ({**header, "tree": json.dumps({"dict": 3})}, "damaged"),
        ({**header, "tree": json.dumps({"code": [1]})}, "damaged"),
        ({**header, "tree": "[" * 100000}, "damaged"),
    ):
        save_file(array, path, metadata)
        with pytest.raises(ValueError, match=message):
            training.read_checkpoint(path)

"""The layers above the kernels on arrays of a GPU, by the stand-in of fake_cupy: as on the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fake_cupy as cp
import tatami
from support import assert_same_bits
from tatami import Tensor, grad, nn, optim
from tatami import functional as F
from tatami.training import callbacks
from test_cupy import emulated

sys.path.insert(0, str(Path(__file__).parent / "stored"))
from functional_cases import ACTIVATIONS, CONVOLUTIONS, NORMS, POOLS, arguments

pytestmark = emulated


@pytest.mark.parametrize(
    "case",
    [
        c for c in [*ACTIVATIONS, *CONVOLUTIONS, *POOLS, *NORMS] if "fixed" not in c[0]
    ],  # on the host
    ids=lambda case: case[0],
)
def test_functions_and_two_derivatives(case):
    def derived(put):
        xs = [Tensor(put(x), requires_grad=True) for x in arguments(case)]
        y = case[1](F, *xs)
        y = y[0] if isinstance(y, tuple) else y
        alone = grad((y * y).sum(), xs, retain_graph=True)
        first = grad((y * y).sum(), xs, create_graph=True)
        second = grad(sum((g * g).sum() for g in first), xs, allow_unused=True)
        return [t.detach() for t in (y, *alone, *first, *second) if t is not None]

    for here, there in zip(derived(np.asarray), derived(cp.asarray), strict=True):
        assert there.device == "cuda"
        assert_same_bits(there.numpy(), here.numpy(), case[0])


def network():
    tatami.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(4 * 3 * 3, 5),
    )


def data(rows=12):
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, 1, 6, 6), np.float32), rng.integers(0, 5, rows)


def trained(device, **settings):
    model = network().to(device)
    model.compile(optim.Adam(model.parameters(), lr=1e-2), "cross_entropy", metrics=["accuracy"])
    history = model.fit(*data(), batch_size=5, epochs=2, verbose=0, **settings)
    return model, history.history


def assert_same_weights(model, other):
    mine, others = model.state_dict(), other.state_dict()
    for name, array in mine.items():
        assert type(array) is np.ndarray
        assert_same_bits(array, others[name], name)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"class_weight": {0: 2.0}},
        {"validation_split": 0.25},
        {"callbacks": [callbacks.EMA(0.5)]},
    ],
)
def test_fit_is_the_same_on_both_devices(settings):
    here, history = trained("cpu", **settings)
    there, history_there = trained("cuda", **settings)
    assert there.device == "cuda" and all(type(p.data) is cp.ndarray for p in there.parameters())
    assert_same_weights(here, there)
    assert history == history_there
    x, y = data()
    assert_same_bits(there.predict(x), here.predict(x))
    assert there.evaluate(x, y) == here.evaluate(x, y)


def test_arrays_of_the_device_may_be_given():
    model, _ = trained("cuda")
    x, y = data()
    wanted = model.evaluate(x, y)
    assert model.evaluate(cp.asarray(x), cp.asarray(y)) == wanted
    assert_same_bits(model.predict(cp.asarray(x)), model.predict(x))


def test_a_model_moves_there_and_back():
    model = network()
    before = model.state_dict()
    model.to("cuda")
    assert model.device == "cuda" and {t.device for _, t in model.named_state()} == {"cuda"}
    model.load_state_dict(before)
    assert model.to("cpu").device == "cpu"
    for name, array in model.state_dict().items():
        assert_same_bits(array, before[name])
    with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda', not 'tpu'"):
        model.to("tpu")


def test_state_of_optimizers_is_saved_on_the_host_and_loaded_to_the_device():
    model, _ = trained("cuda")
    saved = model.compiled.optimizer.state_dict()
    buffers = [v for own in saved["state"].values() for v in own.values() if hasattr(v, "shape")]
    assert buffers and all(type(b) is np.ndarray for b in buffers)
    fresh = optim.Adam(model.parameters())
    fresh.load_state_dict(saved)
    (own, *_) = fresh.state.values()
    assert type(own["exp_avg"]) is cp.ndarray


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers(layer):
    def gradients(device):
        tatami.manual_seed(0)
        model = layer(3, 4).to(device)
        x = np.random.default_rng(0).standard_normal((2, 3, 3)).astype(np.float32)
        x = Tensor(cp.asarray(x) if device == "cuda" else x)
        y, _ = model(x)
        (y * y).mean().backward()
        return [p.grad.numpy() for p in model.parameters()]

    for here, there in zip(gradients("cpu"), gradients("cuda"), strict=True):
        assert_same_bits(there, here)


@pytest.mark.parametrize("limit", [0.1, 1e9])
def test_gradients_are_clipped_without_the_host(limit):
    def clipped(device):
        tatami.manual_seed(0)
        model = nn.Linear(3, 2).to(device)
        x = np.ones((4, 3), np.float32)
        model(Tensor(cp.asarray(x) if device == "cuda" else x)).sum().backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), limit)
        return norm, [p.grad.numpy() for p in model.parameters()]

    (norm, here), (norm_there, there) = clipped("cpu"), clipped("cuda")
    assert type(norm_there) is cp.ndarray and norm_there.shape == ()
    assert norm_there.item() == pytest.approx(norm, rel=1e-15)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)


def test_tensors_say_where_they_are():
    x = Tensor(cp.ones(2, np.float32), requires_grad=True)
    assert x.device == "cuda" and Tensor([1.0]).device == "cpu"
    assert repr(x) == "Tensor([1., 1.], float32, requires_grad=True)"
    (x[[0, 0]] * 3.0).sum().backward()
    assert type(x.grad.data) is cp.ndarray
    assert_same_bits(x.grad.numpy(), np.array([6, 0], np.float32))
    with pytest.raises(TypeError, match="do not mix"):
        x + Tensor([1.0, 2.0])


def test_the_script_for_a_gpu_runs_dry(tmp_path):
    script = Path(__file__).parents[1] / "benchmarks" / "gpu.py"
    command = [sys.executable, script, "--dry-run", "--out", tmp_path, "--stages"]
    command += ["limits", "primitives", "time", "graphs"]
    subprocess.run(command, check=True)
    results = json.loads((tmp_path / "gpu.json").read_text())
    assert results["limits"]["copy bytes/s"] > 0
    primitives = results["primitives"]
    if "skipped" not in primitives:  # there is a C++ compiler
        assert len(primitives["compared"]) == 13 and primitives["differ"] == {}
    rows = results["time"].values()
    assert rows and all(row["tatami"] > 0 for row in rows)
    assert results["graphs"]["tiny"]["equal"] is True

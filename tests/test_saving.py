"""Weights and models on disk: round trips, other readers and writers, hostile files."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

import tatami
from tatami import Tensor, nn
from tatami import functional as F


def image(*shape):
    return Tensor(np.random.default_rng(0).random(shape, np.float32))


def network():
    return nn.Sequential(
        nn.Conv2d(None, 4, (3, 3), padding="same", weight_init="he_normal"),
        nn.BatchNorm2d(),
        nn.LeakyReLU(0.2),
        nn.Sequential({"down": nn.MaxPool2d(2), "flat": nn.Flatten()}),
        nn.Dropout(0.5),
        nn.Linear(None, 8, bias=False),
        nn.Dense(3, "tanh"),
    )


def write(path, header, data=b""):
    """A file with that header, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_arrays_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "half": rng.random((3, 5)).astype(np.float16),
        "columns": np.asfortranarray(rng.random((4, 3))),
        "number": np.int64(7),
        "mask": rng.random(3) > 0.5,
        "none": np.zeros((0, 4), np.float32),
        "swapped": rng.random(4).astype(">f4"),
        "bytes": np.arange(7, dtype=np.uint8)[::-1],
    }
    path = tmp_path / "arrays.safetensors"
    nn.save_file(arrays, path)
    found = nn.load_file(path)
    assert found.keys() == arrays.keys()
    for name, a in arrays.items():
        np.testing.assert_array_equal(found[name], a)
        assert found[name].dtype == np.asarray(a).dtype.newbyteorder("="), name
        found[name][...] = 0  # one's own memory
    with pytest.raises(TypeError, match="z has dtype complex128"):
        nn.save_file({"z": np.zeros(2, complex)}, tmp_path / "z")
    assert [p.name for p in tmp_path.iterdir()] == ["arrays.safetensors"]


def test_bfloat16_is_read_as_float32(tmp_path):
    values = np.float32([1.5, -2, 3e38])
    data = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    path = write(tmp_path / "b", {"w": entry("BF16", (3,), (0, 6))}, data)
    np.testing.assert_allclose(nn.load_file(path)["w"], values, rtol=1e-2)


def test_weights_on_disk(tmp_path):
    model, path = network().build((1, 1, 8, 8)), tmp_path / "weights.safetensors"
    nn.save_weights(model, path)
    other = network().build((1, 1, 8, 8))
    assert nn.load_weights(other, path) == ([], [])
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], values)
    small = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(2, 2))
    found = nn.load_weights(nn.Sequential(nn.Conv2d(1, 4, 3)), path, strict=False)
    assert found.missing_keys == [] and "6.weight" in found.unexpected_keys
    with pytest.raises(ValueError, match=r"1.weight has shape \(4,\) .* shape \(2, 2\)"):
        nn.load_weights(small, path, strict=False)
    with pytest.raises(ValueError, match=r"weights alone"):
        nn.load_model(path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_models_on_disk(tmp_path, dtype):
    model, path = network().build((1, 1, 8, 8)).astype(dtype), tmp_path / "model.safetensors"
    x = Tensor(image(5, 1, 8, 8).data.astype(dtype))
    model(x)  # moves the running statistics
    nn.save_model(model, path)
    state = tatami.random.generator().bit_generator.state
    loaded = nn.load_model(path)
    assert tatami.random.generator().bit_generator.state == state, "nothing was drawn"
    assert repr(loaded) == repr(model).replace("kernel_size=[3, 3]", "kernel_size=(3, 3)")
    np.testing.assert_array_equal(loaded.eval()(x).data, model.eval()(x).data)
    loaded.train()(x).sum().backward()
    assert all(p.grad is not None for p in loaded.parameters())


class Residual(nn.Module):
    def __init__(self, inner, scale=1.0):
        self.inner = inner
        self.scale = scale

    def forward(self, x):
        return x + self.inner(x) * self.scale


def test_layers_of_ones_own_and_layers_used_twice(tmp_path):
    shared = nn.Linear(3, 3, weight_init=lambda w: nn.init.constant_(w, 2))
    model = nn.Sequential(shared, Residual(nn.ReLU(), scale=0.5), shared)
    path = tmp_path / "model.safetensors"
    nn.save_model(model, path)
    with pytest.raises(ValueError, match=r"no layer 'Residual'.*custom="):
        nn.load_model(path)
    loaded = nn.load_model(path, custom=[Residual])
    assert loaded[0] is loaded[2] and len(loaded.parameters()) == 2
    np.testing.assert_array_equal(loaded(image(2, 3)).data, model(image(2, 3)).data)
    config = nn.to_config(model)
    assert config["modules"][2] == {"same": 1}
    assert nn.to_config(nn.from_config(config, [Residual])) == config
    with pytest.raises(TypeError, match=r"Residual's scale is a .*ndarray"):
        nn.to_config(Residual(nn.ReLU(), np.ones(3)))


SIZES = {
    "in_features": 4,
    "in_channels": 4,
    "input_size": 4,
    "embed_dim": 4,
    "num_features": 4,
    "num_channels": 4,
    "normalized_shape": (2, 4),
    "kernel_size": 3,
    "out_channels": 4,
    "out_features": 4,
    "units": 4,
    "hidden_size": 4,
    "num_heads": 2,
    "num_groups": 2,
    "num_embeddings": 5,
    "embedding_dim": 4,
    "padding_idx": 1,
    "output_size": 2,
    "scale_factor": 2,
    "dim": 1,
    "unflattened_size": (2, 2),
}


class Classifier(nn.Module):
    def __init__(self, classes):
        self.body = nn.Sequential(nn.Conv2d(None, 3, 3), nn.BatchNorm2d(), nn.Flatten())
        self.head = nn.Dense(classes, kernel_initializer=lambda w: nn.init.normal_(w))
        self.attend = nn.MultiheadAttention(None, 1)

    def forward(self, x):
        return self.attend(F.expand_dims(self.head(self.body(x)), 0))[0]


def test_sizes_found_inside_of_ones_own_module(tmp_path):
    model, x = nn.Sequential(Classifier(4), nn.Linear(None, 2)), image(2, 1, 5, 5)
    model(x)
    nn.save_model(model, tmp_path / "model")
    loaded = nn.load_model(tmp_path / "model", [Classifier])
    np.testing.assert_array_equal(loaded.eval()(x).data, model.eval()(x).data)
    config = nn.to_config(model)
    assert config["modules"][0]["found sizes"]["head"] == 27
    assert nn.to_config(nn.from_config(config, [Classifier])) == config
    config["modules"][0]["found sizes"] = {"head": "many"}
    with pytest.raises(ValueError, match="Classifier cannot be made: sizes of a layer"):
        nn.from_config(config, [Classifier])


def test_every_layer_is_configured_saved_and_loaded(tmp_path):
    kinds = [getattr(nn, name) for name in nn.__all__]
    layers = {k for k in kinds if isinstance(k, type) and issubclass(k, nn.Module)}
    for kind in layers - {nn.Module, nn.Sequential, nn.ModuleList}:
        names = inspect.signature(kind).parameters
        layer = kind(**{k: v for k, v in SIZES.items() if k in names})
        copy = nn.from_config(json.loads(json.dumps(nn.to_config(layer))))
        assert type(copy) is kind and repr(copy) == repr(layer)
        nn.save_model(layer, tmp_path / "model")
        copy = nn.load_model(tmp_path / "model")
        assert type(copy) is kind and repr(copy) == repr(layer)
        for (name, a), (other, b) in zip(layer.state_dict().items(), copy.state_dict().items()):
            assert name == other
            np.testing.assert_array_equal(a, b)


HOSTILE_FILES = {
    "nothing at all": (None, b""),
    "a huge header": (None, (1 << 62).to_bytes(8, "little") + b"{}"),
    "no JSON": (b"{", b""),
    "no text": (b"\xff\xfe", b""),
    "nested deeply": (b'{"a":' + b"[" * 200_000, b""),
    "a list": ([], b""),
    "a name twice": (b'{"w": 1, "w": 2}', b""),
    "no entry": ({"w": 3}, b""),
    "another dtype": ({"w": entry("O")}, bytes(8)),
    "a list as dtype": ({"w": entry([])}, bytes(8)),
    "a negative size": ({"w": entry(shape=(-2,))}, bytes(8)),
    "a size that is no number": ({"w": entry(shape=("2",))}, bytes(8)),
    "true as size": ({"w": entry(shape=(True, 2))}, bytes(8)),
    "too many axes": ({"w": entry(shape=(1,) * 99)}, bytes(8)),
    "a product that overflows": ({"w": entry(shape=(1 << 32, 1 << 32))}, bytes(8)),
    "a size beyond 64 bits": ({"w": entry(shape=(1 << 70,))}, bytes(8)),
    "offsets past the end": ({"w": entry(offsets=(0, 80), shape=(20,))}, bytes(8)),
    "offsets turned round": ({"w": entry(offsets=(8, 0))}, bytes(8)),
    "offsets that overlap": ({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
    "a gap": ({"a": entry(offsets=(4, 12))}, bytes(12)),
    "bytes of no array": ({"a": entry()}, bytes(9)),
    "numbers as metadata": ({"__metadata__": {"a": 1}}, b""),
}


@pytest.mark.parametrize("kind", HOSTILE_FILES)
def test_hostile_files_are_errors(tmp_path, kind):
    header, data = HOSTILE_FILES[kind]
    path = tmp_path / "hostile"
    path.write_bytes(data) if header is None else write(path, header, data)
    with pytest.raises(ValueError, match="hostile: no safetensors file, or a damaged one") as error:
        nn.load_file(path)
    assert len(str(error.value)) < 1000


HOSTILE_LAYERS = {
    "an unknown layer": ({"class": "os.system"}, "no layer 'os.system'"),
    "a class that is no layer": ({"class": "Parameter"}, "no layer 'Parameter'"),
    "the base class": ({"class": "Module"}, "no layer 'Module'"),
    "a list": ([], "must be a layer"),
    "no class": ({"in_features": 3}, "no layer None"),
    "another argument": ({"class": "ReLU", "weird": 1}, "ReLU cannot be made"),
    "sizes that do not fit the arrays": (
        {"class": "Linear", "in_features": 3, "out_features": 2},
        "has shape",
    ),
    "enormous sizes": (
        {"class": "Linear", "in_features": 1 << 40, "out_features": 1 << 40},
        "has shape|cannot be made",
    ),
    "sizes of fractions": (
        {"class": "Linear", "in_features": 1.5, "out_features": 2},
        "cannot be made",
    ),
    "a text as size": ({"class": "Linear", "in_features": "9", "out_features": 2}, "cannot be"),
    "many layers": (
        {"class": "LSTM", "input_size": 1, "hidden_size": 1, "num_layers": 10**12},
        "more parameters than there are arrays",
    ),
    "a layer that is not there": ({"class": "Sequential", "modules": [{"same": 9}]}, "number 9"),
    "a layer inside itself": ({"class": "Sequential", "modules": [{"same": 0}]}, "cannot be made"),
    "an initial value of its own": (
        {"class": "Linear", "in_features": 2, "out_features": 2, "weight_init": "__import__"},
        "unknown initial values",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE_LAYERS)
def test_hostile_architectures_are_errors(tmp_path, kind):
    config, message = HOSTILE_LAYERS[kind]
    arrays = {"weight": np.zeros((2, 2), np.float32), "bias": np.zeros(2, np.float32)}
    path = tmp_path / "hostile"
    nn.save_file(arrays, path, {"architecture": json.dumps(config)})
    with pytest.raises(ValueError, match=message):
        nn.load_model(path)


def test_architectures_nested_deeply_are_errors(tmp_path):
    for depth, message in ((100, "64 deep"), (100_000, "no valid JSON|64 deep")):
        text = '{"class": "Sequential", "modules": [' * depth + "]}" * depth
        nn.save_file({}, tmp_path / "deep", {"architecture": text})
        with pytest.raises(ValueError, match=message):
            nn.load_model(tmp_path / "deep")


def test_a_writer_that_was_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "weights"
    nn.save_file({"w": np.arange(3)}, path)
    code = """
import os, sys, numpy as np
from tatami._files import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    np.testing.assert_array_equal(nn.load_file(path)["w"], [0, 1, 2])


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path):
    from tatami._files import replacing

    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "x") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def mutated(data, rng):
    """The bytes with a few changed, removed or repeated."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        k = int(rng.integers(len(data)))
        kind = rng.integers(4)
        if kind == 0:
            data[k] = rng.integers(256)
        elif kind == 1:
            del data[k : k + int(rng.integers(1, 9))]
        elif kind == 2:
            data[k:k] = bytes(data[k : k + int(rng.integers(1, 9))])
        else:
            data[k : k + 1] = rng.choice([b"9", b"-", b"[", b'"', b"e9", b"null", b"\\"])
        if not data:
            return b""
    return bytes(data)


def test_damaged_files_are_errors_or_harmless(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "model"
    nn.save_model(nn.Sequential(nn.Linear(2, 3), nn.PReLU(), nn.GRU(3, 2)), path)
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    for _ in range(300):
        path.write_bytes(mutated(whole[:start], rng) + whole[start:])
        try:
            nn.load_model(path)
        except (ValueError, TypeError) as error:
            refused += 1
            assert str(error)
    assert refused > 150


WORSE = [None, True, -1, 0, 1 << 40, 1 << 70, 1.5, float("nan"), "", "Linear", [], [[1]], {}]
WORSE += [{"same": 0}, {"class": "LSTM"}, {"class": "dict"}, {"class": []}, "zeros"]


def changed(config, rng):
    """The configuration with one value replaced, removed or renamed."""
    places = []

    def walk(value):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            places.append((value, key))
            if isinstance(inner, (dict, list)):
                walk(inner)

    config = json.loads(json.dumps(config))
    walk(config)
    holder, key = places[rng.integers(len(places))]
    if isinstance(holder, dict) and rng.random() < 0.2:
        holder[str(rng.choice(["forward", "_given", "bias", "layer"]))] = holder.pop(key)
    else:
        holder[key] = WORSE[rng.integers(len(WORSE))]
    return config


def test_changed_architectures_are_errors_or_harmless(tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, (3, 3), padding="same", groups=1),
        nn.GroupNorm(1, 2),
        nn.Sequential({"a": nn.MultiheadAttention(4, 2), "b": nn.LSTM(4, 2, 2, dropout=0.5)}),
        nn.Embedding(5, 2, padding_idx=1),
        nn.Upsample(scale_factor=2),
        nn.Dense(3, "relu", in_features=2),
    )
    config, path = nn.to_config(model), tmp_path / "model"
    for _ in range(1000):
        text = json.dumps(changed(config, rng))
        nn.save_file(model.state_dict(), path, {"architecture": text})
        try:
            nn.load_model(path)
        except (ValueError, TypeError) as error:
            assert str(error)

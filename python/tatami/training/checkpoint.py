"""Training states on disk: arrays as safetensors, all else as JSON in the same file's header.

Reading one never runs code. Writing replaces the file whole or leaves it as it was.
"""

import json
from pathlib import Path

import numpy as np

from ..nn.storage import load_with_metadata, save_file

FORMAT = "tatami checkpoint 1"


def write_checkpoint(path, state):
    """Write a tree of dicts, lists, numbers, strings and arrays, atomically."""
    arrays = {}
    tree = json.dumps(_packed(state, arrays, "state"))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, {"format": FORMAT, "tree": tree})


def read_checkpoint(path):
    """The tree that :func:`write_checkpoint` wrote."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint: there is no file {path}")
    arrays, texts = load_with_metadata(path)
    if texts.get("format") != FORMAT:
        raise ValueError(f"checkpoint: {path} is no training state of this version")
    try:
        return _unpacked(json.loads(texts["tree"]), arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"checkpoint: {path} is damaged: {error}") from None


def load_checkpoint(path, model, optimizer=None):
    """Copy the weights of a checkpoint into ``model``, its optimizer's state into ``optimizer``."""
    state = read_checkpoint(path)
    model.load_state_dict(state["model"])
    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])


def _packed(value, arrays, name):
    """``value`` for JSON; its arrays go to ``arrays`` by their path."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):  # pairs, because keys may be numbers
        return {"dict": [[key, _packed(v, arrays, f"{name}.{key}")] for key, v in value.items()]}
    if isinstance(value, (list, tuple)):
        parts = [_packed(v, arrays, f"{name}.{k}") for k, v in enumerate(value)]
        return {"tuple": parts} if isinstance(value, tuple) else parts
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"checkpoint: {name} is a {type(value).__name__}; only numbers, strings, arrays and "
        "lists, tuples and dicts of them can be kept"
    )


def _unpacked(value, arrays):
    if isinstance(value, list):
        return [_unpacked(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: _unpacked(v, arrays) for key, v in content}
    if kind == "tuple":
        return tuple(_unpacked(v, arrays) for v in content)
    raise KeyError(kind)

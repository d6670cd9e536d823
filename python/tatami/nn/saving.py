"""Weights and models on disk, in safetensors files. Loading never runs what a file says."""

import json

import numpy as np

from .architecture import shapes_from_config, to_config
from .module import match
from .storage import load_file, load_with_metadata, save_file


def save_weights(module, path):
    """Write the module's state dict to ``path`` (.safetensors), whole or not at all."""
    save_file(module.state_dict(), path)


def load_weights(module, path, strict=True):
    """Read a safetensors file into the module, by name: PyTorch's state dicts fit too.

    ``strict=False`` allows names that only one side has. Returns ``missing_keys`` and
    ``unexpected_keys``.
    """
    return module.load_state_dict(load_file(path), strict)


def save_model(module, path):
    """Write weights and architecture to ``path`` (.safetensors), whole or not at all.

    The architecture is JSON in the file's metadata; see :func:`tatami.nn.to_config`.
    """
    module.parameters()  # sizes must have been found
    architecture = json.dumps(to_config(module), separators=(",", ":"))
    save_file(module.state_dict(), path, {"format": "tatami", "architecture": architecture})


def load_model(path, custom=()):
    """The model that :func:`save_model` wrote, ready to evaluate or to train on.

    Layers are those of ``tatami.nn``, ``tatami.models`` and the classes in ``custom``; a file that
    asks for others, or for sizes that its arrays do not have, is a ValueError before any memory is
    taken.
    """
    arrays, metadata = load_with_metadata(path)
    if "architecture" not in metadata:
        raise ValueError(f"{path}: weights alone; make the model and use load_weights")
    try:
        config = json.loads(metadata["architecture"])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: the architecture is no valid JSON: {error}") from None
    module = shapes_from_config(config, custom, len(arrays))
    if not all(layer.built for layer in module.modules()):
        raise ValueError(f"{path}: the architecture leaves input sizes out")
    own = dict(module.named_state())
    match(own, arrays, strict=True)
    for name, tensor in own.items():
        if name in arrays:
            tensor.data = _as_stored(arrays[name], tensor.dtype)
    return module


def _as_stored(array, dtype):
    """Floats of 4 and 8 bytes as they are; the rest in the layer's own dtype."""
    keep = dtype.kind == "f" and array.dtype in (np.float32, np.float64)
    return array if keep else array.astype(dtype)

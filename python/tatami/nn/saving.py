"""Weights on disk: a NumPy archive of arrays by name, which never runs code when loaded."""

import os
from pathlib import Path

import numpy as np


def save_weights(module, path):
    """Write the module's state dict to ``path`` (.npz), whole or not at all."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez(file, **module.state_dict())
    os.replace(partial, path)


def load_weights(module, path):
    """Read what :func:`save_weights` wrote into the module."""
    with np.load(path, allow_pickle=False) as archive:
        module.load_state_dict(dict(archive))

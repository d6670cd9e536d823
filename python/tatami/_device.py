"""Where arrays live: NumPy's on the CPU ("cpu"), CuPy's on a GPU ("cuda")."""

import numpy as np


def device_of(array):
    """The array's device by name."""
    if isinstance(array, (np.ndarray, np.generic)):
        return "cpu"
    return "cuda" if hasattr(type(array), "__cuda_array_interface__") else "cpu"


def moved(array, device):
    """The array on ``device``; the very same where it is there already."""
    if device == device_of(array):
        return array
    if device == "cpu":
        return array.get()
    if device == "cuda":
        return _cupy().asarray(array)
    raise ValueError(f"device must be 'cpu' or 'cuda', not {device!r}")


def _cupy():
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            "device 'cuda': arrays on a GPU are CuPy's, which cannot be imported "
            f"(pip install cupy-cuda13x): {error}"
        ) from error
    return cupy

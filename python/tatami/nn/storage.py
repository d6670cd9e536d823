"""Arrays by name in a file, in the safetensors format and by its library.

Reading runs nothing that a file says, and takes no memory before the whole header has turned out to
be right. Needs safetensors: ``pip install "tatami[save]"``.
"""

from pathlib import Path

import numpy as np

from .._files import replacing


def _library():
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError('safetensors is missing: pip install "tatami[save]"') from error
    return safetensors


def save_file(arrays, path, metadata=None):
    """Write ``arrays`` (name -> array) and ``metadata`` (name -> text), whole or not at all."""
    library = _library()
    arrays = {name: np.asarray(a, order="C") for name, a in arrays.items()}
    for name, a in arrays.items():
        if a.dtype.kind not in "biuf":
            raise TypeError(f"save_file: {name} has dtype {a.dtype}, which cannot be written")
    try:
        data = library.numpy.save(arrays, metadata)
    except library.SafetensorError as error:
        raise ValueError(f"save_file: {error}") from None
    with replacing(path) as file:
        file.write(data)


def load_file(path):
    """The arrays of a file, by name. bfloat16 is read as float32."""
    return load_with_metadata(path)[0]


def load_with_metadata(path):
    """The arrays of a file and the texts that came with them."""
    library = _library()
    try:
        with library.safe_open(Path(path), framework="np") as file:
            names = file.keys()
            wide = [name for name in names if file.get_slice(name).get_dtype() == "BF16"]
            arrays = {name: file.get_tensor(name) for name in names if name not in wide}
            metadata = file.metadata() or {}
    except (library.SafetensorError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no safetensors file, or a damaged one: {error!s:.300}") from None
    if wide:  # NumPy has no bfloat16: the upper half of a float32
        raw = dict(library.deserialize(Path(path).read_bytes()))
        arrays |= {name: _widened(raw[name]) for name in wide}
    return arrays, metadata


def _widened(entry):
    upper = np.frombuffer(entry["data"], "<u2").astype(np.uint32)
    return (upper << 16).view(np.float32).reshape(entry["shape"])

"""The safetensors format: arrays by name in one file, read without running or trusting anything.

A file is the header's length (8 bytes, little endian), the header in JSON, and the arrays one
after the other. The header maps each name to ``{"dtype", "shape", "data_offsets"}`` and
``"__metadata__"`` to strings. Any mistake in it is a ValueError that names the file and the array,
found before memory is allocated.
"""

import json
import math
from pathlib import Path

import numpy as np

from .._files import replacing

_dtypes = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has none: read as float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "<u1",
}
_names = {np.dtype(t): name for name, t in _dtypes.items() if name not in ("BF16", "BOOL")}
_names[np.dtype(bool)] = "BOOL"

_longest_header = 100_000_000  # bytes, as in the format's own reader
_most_axes = 32


def save_file(arrays, path, metadata=None):
    """Write ``arrays`` (name -> array) and ``metadata`` (name -> text), whole or not at all."""
    arrays = {name: np.asarray(a) for name, a in arrays.items()}
    header = {"__metadata__": dict(metadata)} if metadata else {}
    header |= dict.fromkeys(arrays)  # the names in the order given
    begin = 0
    # Wide elements first: every array then begins at a multiple of its element's size.
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    for name in order:
        a = arrays[name]
        dtype = _names.get(a.dtype.newbyteorder("<"))
        if dtype is None or name == "__metadata__":
            raise TypeError(f"save_file: {name} has dtype {a.dtype}, which cannot be written")
        end = begin + a.nbytes
        header[name] = {"dtype": dtype, "shape": a.shape, "data_offsets": (begin, end)}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            a = np.ascontiguousarray(arrays[name])
            file.write(a.astype(a.dtype.newbyteorder("<"), copy=False).data)


def load_file(path):
    """The arrays of a file, by name. bfloat16 is read as float32."""
    return load_with_metadata(path)[0]


def load_with_metadata(path):
    """The arrays of a file and the texts that came with them."""
    path = Path(path)
    with path.open("rb") as file:
        size = path.stat().st_size
        header, start = _header(file, size, path)
        metadata = header.pop("__metadata__", {})
        if not _is_texts(metadata):
            raise ValueError(f"{path}: __metadata__ must map names to texts")
        entries = _entries(header, size - start, path)
        arrays = {name: _read(file, *entry, path) for name, *entry in entries}
    return {name: arrays[name] for name in header}, metadata


def _header(file, size, path):
    """The parsed header, and where the arrays begin."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, _longest_header):
        raise ValueError(f"{path}: no safetensors file, or a damaged one: header of {length} bytes")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: the header is no valid JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path}: the header must be a JSON object")
    return header, 8 + length


def _unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _is_texts(value):
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _entries(header, size, path):
    """(name, dtype, shape, bytes) in the order of the file, which they fill without a gap."""
    entries = [(name, *_entry(name, entry, path)) for name, entry in header.items()]
    entries.sort(key=lambda entry: entry[-1])
    end = 0
    for name, dtype, shape, (begin, stop) in entries:
        if begin != end:
            raise ValueError(f"{path}: {name} begins at byte {begin}, not at {end} where it must")
        count = math.prod(shape) * np.dtype(_dtypes[dtype]).itemsize
        if stop - begin != count or stop > size:
            raise ValueError(
                f"{path}: {name} of shape {shape} needs {count} bytes, but bytes {begin} to {stop} "
                f"of {size} are given for it"
            )
        end = stop
    if end != size:
        raise ValueError(f"{path}: {size - end} bytes at the end belong to no array")
    return [(name, dtype, shape) for name, dtype, shape, _ in entries]


def _entry(name, entry, path):
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{path}: {name} must have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _dtypes:
        raise ValueError(f"{path}: {name} has dtype {dtype!r}, not one of {', '.join(_dtypes)}")
    if not _is_sizes(shape) or len(shape) > _most_axes:
        raise ValueError(f"{path}: {name} has shape {shape!r}")
    if not _is_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{path}: {name} has data_offsets {offsets!r}")
    return dtype, tuple(shape), tuple(offsets)


def _is_sizes(value):
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


def _read(file, dtype, shape, path):
    a = np.empty(math.prod(shape), _dtypes[dtype])
    if a.size and file.readinto(a.data) != a.nbytes:
        raise ValueError(f"{path}: the file ended early")
    a = a.reshape(shape)
    if dtype == "BF16":
        return (a.astype(np.uint32) << 16).view(np.float32)
    if dtype == "BOOL":
        return a != 0
    return a.astype(a.dtype.newbyteorder("="), copy=False)

"""CIFAR-10, from the archives and files of its authors. Nothing in them is ever run."""

import io
import pickle
import tarfile
import zlib
from pathlib import PurePosixPath

import numpy as np

from .files import data_folder, fetch, locate
from .labelled import Labelled

URL = "https://www.cs.toronto.edu/~kriz/"
ARCHIVES = {
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
}
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
PIXELS = 3 * 32 * 32
LIMIT = 1 << 26  # bytes of a batch, at most


def cifar10(folder=None, train=True, *, download=False, url=URL):
    """Photographs of 32x32 pixels in ten classes, 50,000 to train on, 10,000 to test with.

    ``folder`` (by default ``cifar10`` below ``$TATAMI_DATA`` or ``~/.cache/tatami``) holds the
    batches of the binary or the Python version, or either archive; ``download`` gets the binary
    one. Python's batches are pickles, of which only numbers and text are read.
    """
    folder = data_folder("cifar10", folder)
    batches = [f"data_batch_{k}" for k in range(1, 6)] if train else ["test_batch"]
    source = _Folder(folder) if _Folder(folder).has(batches) else _archive(folder, download, url)
    parts = [_batch(*source.read(name)) for name in batches]
    images, labels = (np.concatenate(part) for part in zip(*parts))
    x = images.reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255)
    return Labelled(x, labels.astype(np.int64), CLASSES)


class _Folder:
    """Batches that lie in a folder or in one below it, as the archives unpack."""

    def __init__(self, folder):
        self.files = {p.name: p for p in [*folder.glob("*"), *folder.glob("cifar-10-batches-*/*")]}

    def has(self, batches):
        return all(name in self.files or f"{name}.bin" in self.files for name in batches)

    def read(self, name):
        path = self.files.get(f"{name}.bin") or self.files[name]
        return str(path), path.read_bytes()


class _Archive:
    """Batches in a .tar.gz, which is read and never unpacked."""

    def __init__(self, path):
        self.path = path

    def read(self, name):
        try:
            with tarfile.open(self.path, "r:gz") as archive:
                for member in archive:
                    if PurePosixPath(member.name).name in (name, f"{name}.bin"):
                        data = archive.extractfile(member).read(LIMIT)
                        return f"{self.path}:{member.name}", data
        except (EOFError, tarfile.TarError, zlib.error, OSError) as error:
            raise ValueError(f"{self.path} is damaged or cut short: {error}") from error
        raise ValueError(f"{self.path} has no {name}")


def _archive(folder, download, url):
    first = next(iter(ARCHIVES))

    def get():
        return fetch("cifar10", url + first, ARCHIVES[first], folder)

    return _Archive(locate("cifar10", folder, tuple(ARCHIVES), get if download else None))


def _batch(path, data):
    """Images (N, 3072) and labels (N,) of a batch of either version."""
    if not path.endswith(".bin"):
        return _pickled(path, data)
    if not data or len(data) % (1 + PIXELS):
        raise ValueError(
            f"{path} is damaged or cut short: {len(data)} bytes are no whole number of images"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, 1 + PIXELS)
    return rows[:, 1:], _checked(path, rows[:, 0])


def _pickled(path, data):
    try:
        batch = _Reader(io.BytesIO(data), encoding="bytes").load()
        images, labels = batch[b"data"].array(), np.array(batch[b"labels"], np.int64)
        whole = images.shape == (len(labels), PIXELS)
    except Exception as error:  # what damaged pickles raise is anything
        raise ValueError(f"{path} is damaged, or no batch of CIFAR-10: {error}") from error
    if not whole:
        raise ValueError(f"{path} is damaged: {len(labels)} labels for pixels {images.shape}")
    return images, _checked(path, labels)


def _checked(path, labels):
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(CLASSES):
        raise ValueError(f"{path} is damaged: labels go from {labels.min()} to {labels.max()}")
    return labels


class _Bytes:
    """Stands for NumPy's array of bytes: keeps what the pickle says and makes the array later."""

    def __init__(self, *ignored):
        self.state = None

    def __setstate__(self, state):
        self.state = state

    def array(self):
        _, shape, dtype, fortran, data = self.state
        if dtype.code not in ("u1", b"u1") or fortran:
            raise ValueError("pixels are not bytes, row by row")
        return np.frombuffer(data, np.uint8).reshape(shape)


class _DType:
    """Stands for NumPy's dtype: nothing but its code."""

    def __init__(self, code=None, *ignored):
        self.code = code

    def __setstate__(self, state):
        pass


_KNOWN = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Bytes for core in ("core", "_core")},
    ("numpy", "ndarray"): _Bytes,
    ("numpy", "dtype"): _DType,
}


class _Reader(pickle.Unpickler):
    """Unpickles numbers, text, lists, dicts and arrays of bytes; anything else is an error."""

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _KNOWN[module, name]

"""MNIST and Fashion-MNIST, from files in the IDX format."""

import math

import numpy as np

from .files import data_folder, fetch, locate, read
from .labelled import Labelled

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MNIST_MD5 = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
FASHION_MD5 = {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}
CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def mnist(folder=None, train=True, *, download=False, url=MNIST_URL):
    """Handwritten digits of 28x28 pixels, 60,000 to train on, 10,000 to test with.

    ``folder`` holds the four IDX files, gzipped or not (by default ``mnist`` below
    ``$TATAMI_DATA`` or ``~/.cache/tatami``); ``download`` gets those that are missing.
    """
    return _labelled("mnist", folder, train, download, url, MNIST_MD5, map(str, range(10)))


def fashion_mnist(folder=None, train=True, *, download=False, url=FASHION_URL):
    """Pieces of clothing, in the form of :func:`mnist`."""
    return _labelled("fashion_mnist", folder, train, download, url, FASHION_MD5, CLOTHES)


def _labelled(name, folder, train, download, url, known, classes):
    folder = data_folder(name, folder)
    images, labels = (
        read_idx(_file(name, folder, file, download, url, known[file])) for file in FILES[train]
    )
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{name}: images of shape {images.shape} and labels of shape {labels.shape} in "
            f"{folder} do not belong together"
        )
    x = images[:, None].astype(np.float32) / np.float32(255)
    return Labelled(x, labels.astype(np.int64), classes)


def _file(name, folder, file, download, url, md5):
    def get():
        return fetch(name, f"{url}{file}.gz", md5, folder)

    return locate(name, folder, (f"{file}.gz", file), get if download else None)


def read_idx(path, limit=1 << 28):
    """The array of bytes in an IDX file, gzipped or not; ValueError for a damaged one."""
    data = read(path, limit)
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    start = 4 + 4 * data[3]
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist()) if len(data) >= start else None
    if shape is None or math.prod(shape) != len(data) - start:
        raise ValueError(
            f"{path} is damaged or cut short: {len(data) - start} bytes of data for shape {shape}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)

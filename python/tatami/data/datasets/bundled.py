"""Data that scikit-learn and scikit-image bring along: no download."""

from importlib import import_module
from pathlib import Path

import numpy as np

from .labelled import Labelled

PHOTOS = (
    "astronaut",
    "brick",
    "camera",
    "cell",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "ihc",
    "moon",
    "motorcycle_left",
    "motorcycle_right",
    "page",
    "retina",
    "rocket",
    "text",
)


def digits():
    """1,797 handwritten digits of 8x8 pixels: x (N, 1, 8, 8), y (N,)."""
    data = _sklearn("load_digits")
    x = (data.images[:, None] / 16).astype(np.float32)
    return Labelled(x, data.target.astype(np.int64), map(str, data.target_names))


def iris():
    """150 flowers of three species by four measures."""
    return _table("load_iris")


def wine():
    """178 wines of three growers by 13 measures."""
    return _table("load_wine")


def breast_cancer():
    """569 tumours, malignant or benign, by 30 measures."""
    return _table("load_breast_cancer")


def diabetes():
    """442 patients by 10 measures; the target is the disease's progress, a float."""
    data = _sklearn("load_diabetes")
    x, y = (a.astype(np.float32) for a in (data.data, data.target))
    return Labelled(x, y, features=data.feature_names)


def photos():
    """The names that :func:`photo` takes."""
    return list(PHOTOS)


def photo(name):
    """A photograph of scikit-image as (3 or 1, H, W), float32 from 0 to 1.

    >>> photo("camera").shape
    (1, 512, 512)
    """
    if name not in PHOTOS:
        raise ValueError(f"photo: there is no {name!r}; there are {', '.join(PHOTOS)}")
    skimage = _module("skimage", "photo")
    _module("skimage.io", "photo")
    found = next((Path(skimage.__file__).parent / "data").glob(f"{name}.*"))
    pixels = np.atleast_3d(skimage.io.imread(found))[..., :3]
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32) / np.float32(255)


def _table(loader):
    data = _sklearn(loader)
    x, y = data.data.astype(np.float32), data.target.astype(np.int64)
    return Labelled(x, y, map(str, data.target_names), data.feature_names)


def _sklearn(loader):
    return getattr(_module("sklearn.datasets", loader.removeprefix("load_")), loader)()


def _module(name, user):
    try:
        return import_module(name)
    except ImportError as error:
        library = "scikit-" + name.split(".")[0].removeprefix("sk")
        raise ImportError(f'{user} needs {library}: pip install "tatami[demo]"') from error

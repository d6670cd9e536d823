"""Photographs in patches, and what there is to learn from them: colours, and images from edges."""

import numpy as np

from ... import viz
from ...data.datasets import photo

# Those in colour; of the stereo pair the left one.
NAMES = (
    "astronaut",
    "hubble_deep_field",
    "ihc",
    "motorcycle_left",
    "retina",
    "rocket",
    "chelsea",
    "coffee",
)
TRAINING, HELD_OUT = NAMES[:6], NAMES[6:]


def shrunk(image, edge=256):
    """(C, H, W) by the whole factor that brings the shorter edge closest to ``edge`` pixels."""
    factor = max(1, round(min(image.shape[1:]) / edge))
    height, width = (n // factor for n in image.shape[1:])
    image = image[:, : height * factor, : width * factor]
    return image.reshape(len(image), height, factor, width, factor).mean(axis=(2, 4))


def patches(image, size, stride):
    """Squares of (C, H, W), one every ``stride`` pixels both ways: (N, C, size, size)."""
    views = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(1, 2))
    views = views[:, ::stride, ::stride].transpose(1, 2, 0, 3, 4)
    return views.reshape(-1, len(image), size, size)


def photographs(names, size, stride, share=(0, 1)):
    """Patches (N, 3, size, size) of scikit-image's photographs; ``share`` of their width is cut."""
    found = []
    for name in names:
        image = shrunk(photo(name))
        left, right = (round(end * image.shape[2]) for end in share)
        found.append(patches(image[:, :, left:right], size, stride))
    return np.concatenate(found)


def mirrored(x):
    """Images (N, C, H, W) and as many mirrored ones."""
    return np.concatenate([x, x[..., ::-1]])


def grey(x):
    """How bright colours (N, 3, H, W) look: (N, 1, H, W) (ITU-R BT.601)."""
    weights = np.array([0.299, 0.587, 0.114], x.dtype)
    return np.tensordot(weights, x, (0, 1))[:, None]


def edges(x):
    """How steep the brightness of colours (N, 3, H, W) is, after Sobel: (N, 1, H, W), 1 at most."""
    y = np.pad(grey(x), ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
    rows = y[:, :, :-2] + 2 * y[:, :, 1:-1] + y[:, :, 2:]
    columns = y[..., :-2] + 2 * y[..., 1:-1] + y[..., 2:]
    across = rows[..., 2:] - rows[..., :-2]
    down = columns[:, :, 2:] - columns[:, :, :-2]
    return np.hypot(across, down).clip(0, 1)


def blurred(x, radius=1):
    """The mean of the pixels up to ``radius`` away, both ways."""
    for axis in (2, 3):
        width = [(radius, radius) if k == axis else (0, 0) for k in range(4)]
        padded = np.pad(x, width, "edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis)
        x = windows.mean(axis=-1)
    return x


def columns(*parts, title=None, ax=None, path=None):
    """Images one above the other, a column for each: every part is (N, 1 or 3, H, W)."""
    parts = [np.broadcast_to(part, (len(part), 3, *part.shape[2:])) for part in parts]
    x = np.concatenate(parts, axis=2)
    viz.images(x, columns=min(len(x), 16), title=title, ax=ax, path=path)

"""Arrays as pictures: images, the weights of a layer, what it makes of one input."""

import numpy as np

from ..autograd.tensor import array_of
from . import style


def images(x, labels=None, *, columns=None, each=False, title=None, ax=None, path=None):
    """A grid of grey or colour images: (N, H, W), (N, 1, H, W) or (N, 3, H, W).

    All share one scale, or ``each`` has its own; colours are clipped to 0..1. ``labels`` stand
    below the images. Returns the axes.
    """
    x = _batch("images", x)
    if each:
        low = x.min(axis=(1, 2, 3), keepdims=True)
        span = x.max(axis=(1, 2, 3), keepdims=True) - low
        x = (x - low) / np.where(span > 0, span, 1)
    return _grid(x, labels, columns, style.PIXELS, None, title, ax, path)


def image_rows(rows, *, title=None, ax=None, path=None):
    """Images one above the other: ``rows`` maps the name of each row to as many (N, ...) images.

    All share one scale. Returns the axes.
    """
    batches = [_batch("image_rows", x) for x in rows.values()]
    shapes = [x.shape for x in batches]
    if len({*shapes}) != 1:
        raise ValueError(f"image_rows: rows must have one shape, got {shapes}")
    count, _, height, width = shapes[0]
    inches = min(0.7, 8 / count)
    size = (count * inches + 1.2, len(rows) * inches * height / width + 0.3)
    with style.axes(ax, path, size) as ax:
        images(np.concatenate(batches), columns=count, title=title, ax=ax)
        ax.set_yticks(np.arange(len(rows)) * (height + 1) + (height - 1) / 2, rows)
        ax.tick_params(length=0)
    return ax


def feature_maps(x, labels=None, *, columns=None, title=None, ax=None, path=None):
    """What a convolution makes of one image (C, H, W), each channel in its own scale."""
    x = np.asarray(x)
    if x.ndim != 3:
        raise ValueError(f"feature_maps: x must be (C, H, W) of one image, got shape {x.shape}")
    return images(x, labels, columns=columns, each=True, title=title, ax=ax, path=path)


def weights(weight, shape=None, labels=None, *, columns=None, title=None, ax=None, path=None):
    """The weights of a layer: blue below zero, red above, one scale for all.

    A convolution's (O, I, KH, KW) fills a row for each output, or a grid of outputs where I is 1;
    a linear layer's (O, I) becomes O images of ``shape`` (H, W). Returns the axes.
    """
    weight = np.asarray(array_of(weight))
    if weight.ndim == 2 and shape is not None:
        weight = weight.reshape(-1, 1, *shape)
    if weight.ndim != 4 or not weight.size:
        hint = "; a linear layer's need shape=(H, W)" if weight.ndim == 2 else ""
        raise ValueError(f"weights: expected (O, I, KH, KW), got shape {weight.shape}{hint}")
    if columns is None and weight.shape[1] > 1:
        columns = weight.shape[1]
    cells = weight.reshape(-1, 1, *weight.shape[2:])
    largest = float(np.abs(cells).max()) or 1.0
    return _grid(cells, labels, columns, style.SIGNED, largest, title, ax, path)


def matrix(values, *, label=None, title=None, ax=None, path=None):
    """A matrix (rows, columns): blue below zero, red above. Returns the axes."""
    values = np.asarray(array_of(values))
    if values.ndim != 2 or not values.size:
        raise ValueError(f"matrix: values must be (rows, columns), got shape {values.shape}")
    largest = float(np.abs(values).max()) or 1.0
    with style.axes(ax, path, (4.4, 3.6)) as ax:
        shown = ax.imshow(values, cmap=style.SIGNED, vmin=-largest, vmax=largest)
        ax.figure.colorbar(shown, ax=ax, shrink=0.8, label=label)
        style.bare(ax)
        style.frame(ax, title=title)
    return ax


def _batch(name, x):
    x = np.asarray(array_of(x))
    x = x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not len(x):
        raise ValueError(
            f"{name}: expected (N, H, W), (N, 1, H, W) or (N, 3, H, W), got shape {x.shape}"
        )
    return x.astype(np.float64)


def mosaic(x, columns, gap=1):
    """Images (N, C, H, W) side by side as one (rows, columns, C), NaN between them."""
    n, channels, height, width = x.shape
    rows = -(-n // columns)
    cells = np.full((rows * columns, channels, height + gap, width + gap), np.nan)
    cells[:n, :, :height, :width] = x
    cells = cells.reshape(rows, columns, channels, height + gap, width + gap)
    whole = cells.transpose(0, 3, 1, 4, 2).reshape(rows * (height + gap), -1, channels)
    return whole[:-gap, :-gap]


def _grid(x, labels, columns, colours, largest, title, ax, path):
    n, channels, height, width = x.shape
    if labels is not None and len(labels) != n:
        raise ValueError(f"images: {len(labels)} labels for {n} images")
    columns = min(n, columns or int(np.ceil(np.sqrt(1.6 * n))))
    gap = 1 if labels is None else -(-height // 4)  # room for the label
    whole = mosaic(x, columns, gap)
    if channels == 3:
        whole = np.where(np.isnan(whole), 1, whole.clip(0, 1))
    inches = min(7.0 / max(whole.shape[:2]), 0.9 / max(height, width))
    size = (max(2.5, whole.shape[1] * inches) + (0.9 if largest else 0), whole.shape[0] * inches)
    with style.axes(ax, path, (size[0], max(1.2, size[1]) + 0.3)) as ax:
        limits = {} if largest is None else {"vmin": -largest, "vmax": largest}
        shown = ax.imshow(whole.squeeze(-1) if channels == 1 else whole, cmap=colours, **limits)
        style.bare(ax)
        style.frame(ax, title=title)
        if largest is not None:
            ax.figure.colorbar(shown, ax=ax, shrink=0.8, label="weight")
        for k, label in enumerate(labels if labels is not None else ()):
            row, column = divmod(k, columns)
            middle = column * (width + gap) + width / 2 - 0.5
            below = row * (height + gap) + 1.03 * height - 0.5
            ax.text(middle, below, label, ha="center", va="top", fontsize=8)
    return ax

"""Sliding windows over NCHW arrays, for the NumPy formulations of convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def pad(x: np.ndarray, padding: int, value: float = 0) -> np.ndarray:
    """x (N, C, H, W) with `padding` more rows and columns of `value` on every side."""
    if padding == 0:
        return x
    n, c, h, w = x.shape
    y = np.full((n, c, h + 2 * padding, w + 2 * padding), value, x.dtype)
    y[:, :, padding : padding + h, padding : padding + w] = x
    return y


def crop(x: np.ndarray, padding: int) -> np.ndarray:
    """The adjoint of `pad`: x without its border."""
    if padding == 0:
        return x
    return np.ascontiguousarray(x[:, :, padding:-padding, padding:-padding])


def span(start: int, count: int, stride: int) -> slice:
    """The `count` positions from `start` on, `stride` apart."""
    return slice(start, start + stride * (count - 1) + 1, stride)


def taps(
    x: np.ndarray, kernel: int, stride: int, dilation: int, out: tuple[int, int]
) -> Iterator[tuple[int, int, np.ndarray]]:
    """For each (i, j) of the kernel, the view (N, C, OH, OW) of x that this tap reads."""
    for i in range(kernel):
        for j in range(kernel):
            rows = span(i * dilation, out[0], stride)
            yield i, j, x[:, :, rows, span(j * dilation, out[1], stride)]


def windows(x: np.ndarray, kernel: int, stride: int, dilation: int) -> np.ndarray:
    """View (N, C, OH, OW, K, K) of the padded x (N, C, H, W)."""
    reach = dilation * (kernel - 1) + 1
    view = np.lib.stride_tricks.sliding_window_view(x, (reach, reach), axis=(2, 3))
    return view[:, :, ::stride, ::stride, ::dilation, ::dilation]

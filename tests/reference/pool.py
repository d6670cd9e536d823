"""Pooling, window by window. A window is the list of the pixels it reads along each axis."""

import numpy as np

from reference.activation import f64
from reference.conv import pair

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_grad",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_grad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "max_pool2d",
    "max_pool2d_grad",
]


def axis_windows(size, kernel, stride, padding, dilation, ceil_mode):
    """Per output: the pixels inside the image, and how many taps lie in the padded image."""
    before, after = padding
    span = size + before + after - dilation * (kernel - 1) - 1
    count = (-(-span // stride) if ceil_mode else span // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + before:
        count -= 1  # the last window would start behind the image
    windows = []
    for o in range(count):
        taps = [o * stride - before + t * dilation for t in range(kernel)]
        inside = [t for t in taps if 0 <= t < size]
        windows.append((inside, sum(-before <= t < size + after for t in taps)))
    return windows


def windows2d(image, kernel_size, stride, padding, dilation, ceil_mode):
    kernel = pair(kernel_size)
    stride = kernel if stride is None else pair(stride)
    pads = [pair(p) for p in pair(padding)]
    dilation = pair(dilation)
    return [
        axis_windows(image[a], kernel[a], stride[a], pads[a], dilation[a], ceil_mode)
        for a in (0, 1)
    ]


def adaptive_windows(image, output_size):
    windows = []
    for h, o in zip(image, pair(output_size), strict=True):
        ranges = [range(i * h // o, -(-(i + 1) * h // o)) for i in range(o)]
        windows.append([(list(r), len(r)) for r in ranges])
    return windows


def _max(x, windows):
    """Maximum and its first place in the image; NaN is the largest of all numbers."""
    x = f64(x)
    width = x.shape[-1]
    shape = (*x.shape[:2], len(windows[0]), len(windows[1]))
    y, indices = np.zeros(shape), np.zeros(shape, np.int64)
    for p, (rows, _) in enumerate(windows[0]):
        for q, (columns, _) in enumerate(windows[1]):
            window = x[:, :, rows][..., columns].reshape(*x.shape[:2], len(rows) * len(columns))
            best = window.argmax(axis=-1)
            y[:, :, p, q] = np.take_along_axis(window, best[..., None], -1)[..., 0]
            places = np.add.outer(np.array(rows) * width, columns).reshape(-1)
            indices[:, :, p, q] = places[best]
    return y, indices


def _max_grad(grad_y, indices, input_shape):
    n, c, h, w = input_shape
    grad_x = np.zeros((n, c, h * w))
    for i in range(n):
        for j in range(c):
            np.add.at(grad_x[i, j], indices[i, j].reshape(-1), f64(grad_y)[i, j].reshape(-1))
    return grad_x.reshape(input_shape)


def _mean_matrix(windows, size):
    """(outputs, pixels) matrix of ones along one axis, and the taps counted with padding."""
    m = np.zeros((len(windows), size))
    for o, (inside, _) in enumerate(windows):
        m[o, inside] = 1
    return m, np.array([count for _, count in windows], np.float64)


def _mean_matrices(image, windows, count_include_pad):
    """The two matrices of an average: y = rows x columns.T / divisor."""
    (rows, row_taps), (columns, column_taps) = (
        _mean_matrix(w, size) for w, size in zip(windows, image, strict=True)
    )
    if not count_include_pad:
        row_taps, column_taps = rows.sum(1), columns.sum(1)
    return rows, columns, np.outer(row_taps, column_taps)


def _mean(x, windows, count_include_pad=True):
    rows, columns, divisor = _mean_matrices(x.shape[2:], windows, count_include_pad)
    return np.einsum("ph,nchw,qw->ncpq", rows, f64(x), columns) / divisor


def _mean_grad(grad_y, input_shape, windows, count_include_pad=True):
    rows, columns, divisor = _mean_matrices(input_shape[2:], windows, count_include_pad)
    return np.einsum("ph,ncpq,qw->nchw", rows, f64(grad_y) / divisor, columns)


def max_pool2d(
    x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    windows = windows2d(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    y, indices = _max(x, windows)
    return (y, indices) if return_indices else y


def max_pool2d_grad(
    grad_y,
    indices,
    input_shape,
    *,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
):
    return _max_grad(grad_y, indices, input_shape)


def avg_pool2d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    windows = windows2d(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return _mean(x, windows, count_include_pad)


def avg_pool2d_grad(
    grad_y,
    input_shape,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    windows = windows2d(input_shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return _mean_grad(grad_y, input_shape, windows, count_include_pad)


def adaptive_avg_pool2d(x, output_size):
    return _mean(x, adaptive_windows(x.shape[2:], output_size))


def adaptive_avg_pool2d_grad(grad_y, input_shape):
    windows = adaptive_windows(input_shape[2:], grad_y.shape[2:])
    return _mean_grad(grad_y, input_shape, windows)


def adaptive_max_pool2d(x, output_size, return_indices=False):
    y, indices = _max(x, adaptive_windows(x.shape[2:], output_size))
    return (y, indices) if return_indices else y


def adaptive_max_pool2d_grad(grad_y, indices, input_shape):
    return _max_grad(grad_y, indices, input_shape)

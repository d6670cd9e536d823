"""Data brought to a common scale: learnt from some rows with ``fit``, applied to any."""

import math

import numpy as np


class Scaler:
    """Something that ``fit(x)`` learns, ``transform(x)`` applies and ``inverse(x)`` takes back."""

    def fit(self, x):
        raise NotImplementedError

    def transform(self, x):
        raise NotImplementedError

    def inverse(self, x):
        raise NotImplementedError

    def fit_transform(self, x):
        return self.fit(x).transform(x)

    def __getattr__(self, name):
        raise AttributeError(f"{type(self).__name__} has no {name}; fit it first")

    def _examples(self, x, least=1):
        """What there is to learn from, ``least`` rows or more."""
        x = _floats(x)
        if len(x) < least:
            raise ValueError(
                f"{type(self).__name__}: fit needs {least} rows or more, got {x.shape}"
            )
        return x


class _Linear(Scaler):
    """``(x - offset) / scale``, the same numbers all along ``axis``."""

    def __init__(self, axis=0):
        self.axis = axis

    def _set(self, offset, scale):
        self.offset = offset
        self.scale = np.where(scale == 0, 1, scale).astype(scale.dtype)  # what never changes
        return self

    def transform(self, x):
        return (self._fitting(_floats(x)) - self.offset) / self.scale

    def inverse(self, x):
        return self._fitting(x) * self.scale + self.offset

    def _fitting(self, x):
        """``x``, if the scales found belong to its axes."""
        x, found = np.asarray(x), self.scale.shape
        try:
            fits = math.prod(np.broadcast_shapes(x.shape, found)) == x.size
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"{type(self).__name__}: x has shape {x.shape} but the scales found have {found}"
            )
        return x


class Normalize(_Linear):
    """The smallest value to 0, the largest to 1; ``axis=None`` for all values together."""

    def fit(self, x):
        x = self._examples(x)
        least = x.min(axis=self.axis, keepdims=True)
        return self._set(least, x.max(axis=self.axis, keepdims=True) - least)


class Standardize(_Linear):
    """Mean 0 and standard deviation 1; ``axis=None`` for all values together.

    Images (N, C, H, W) take ``axis=(0, 2, 3)`` for one mean a channel.
    """

    def fit(self, x):
        x = self._examples(x)
        return self._set(x.mean(self.axis, keepdims=True), x.std(self.axis, keepdims=True))


class _Whiten(Scaler):
    """Principal axes of the rows, of any shape, which are read as vectors."""

    def _fit_axes(self, x):
        x = self._examples(x, 2)
        self.shape = x.shape[1:]
        rows = x.reshape(len(x), -1).astype(np.float64)
        if not np.isfinite(rows).all():
            raise ValueError(f"{type(self).__name__}: x {x.shape} holds NaN or infinite values")
        self.mean = rows.mean(axis=0)
        rows = rows - self.mean
        variances, axes = np.linalg.eigh(rows.T @ rows / (len(x) - 1))
        variances, axes = variances[::-1].clip(min=0), axes.T[::-1]  # the largest first
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        return variances, axes * signs[:, None]  # the largest entry of each is positive

    def _centred(self, x):
        x = _floats(x)
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"{type(self).__name__}: x has shape {x.shape} but was fitted to rows of shape "
                f"{self.shape}"
            )
        return x.reshape(len(x), self.mean.size) - self.mean


class PCA(_Whiten):
    """The ``n_components`` directions of most variance: (N, ...) -> (N, n_components).

    ``whiten`` gives each of them variance 1, but for ``eps`` added to the variances.
    ``variances`` and ``components`` hold what was found.
    """

    def __init__(self, n_components=None, whiten=False, eps=0.0):
        self.n_components = n_components
        self.whiten = whiten
        self.eps = eps

    def fit(self, x):
        variances, axes = self._fit_axes(x)
        self.variances = variances[: self.n_components]
        self.components = axes[: self.n_components]
        self.scale = np.sqrt(self.variances + self.eps) if self.whiten else 1.0
        self.scale = np.where(self.scale == 0, 1.0, self.scale)
        return self

    def transform(self, x):
        return (self._centred(x) @ self.components.T / self.scale).astype(_floats(x).dtype)

    def inverse(self, x):
        rows = np.asarray(x) * self.scale @ self.components + self.mean
        return rows.reshape(len(rows), *self.shape).astype(_floats(x).dtype)


class ZCA(_Whiten):
    """Uncorrelated pixels of variance 1 that look like the image as much as they can.

    ``eps``, added to the variances, keeps noise down in the directions where little happens.
    """

    def __init__(self, eps=1e-5):
        self.eps = eps

    def fit(self, x):
        variances, axes = self._fit_axes(x)
        scale = np.sqrt(variances + self.eps)
        self.matrix = axes.T / scale @ axes
        self.inverse_matrix = axes.T * scale @ axes
        return self

    def transform(self, x):
        return (self._centred(x) @ self.matrix).reshape(np.shape(x)).astype(_floats(x).dtype)

    def inverse(self, x):
        rows = _floats(x).reshape(len(x), self.mean.size) @ self.inverse_matrix + self.mean
        return rows.reshape(np.shape(x)).astype(_floats(x).dtype)


def normalize(x, axis=None):
    """``x`` moved and stretched to go from 0 to 1 (along ``axis``)."""
    return Normalize(axis).fit_transform(x)


def standardize(x, axis=0):
    """``x`` with mean 0 and standard deviation 1 along ``axis``."""
    return Standardize(axis).fit_transform(x)


def _floats(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float32)

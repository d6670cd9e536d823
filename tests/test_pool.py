"""Pooling beyond the table: random windows, ties, NaN, infinities, gradients, errors."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference as R
from marks import looks_at_indices
from reference.conv import pair
from reference.pool import windows2d
from sources import Source
from support import assert_close
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
sizes = st.integers(1, 24)


@st.composite
def windows(draw):
    """An image and a window that has at least one pixel everywhere, padded by half at most."""
    image = draw(sizes), draw(st.integers(1, 40))
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    numbers = [st.integers(0, span // 2) for span in spans]
    options = {
        "kernel_size": kernel,
        "stride": draw(st.tuples(st.integers(1, 4), st.integers(1, 4)) | st.none()),
        "padding": draw(st.tuples(*numbers) | st.tuples(*(st.tuples(n, n) for n in numbers))),
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    pads = [sum(pair(p)) for p in options["padding"]]
    assume(all(h + p >= span for h, p, span in zip(image, pads, spans, strict=True)))
    rows, columns = windows2d(image, *(options[k] for k in list(options)))
    assume(rows and columns and all(inside for inside, _ in rows + columns))
    return image, options


def whole(*shape, dtype=np.float32, seed=0):
    return Source(seed, whole=True)(*shape).astype(dtype)


some_planes = st.sampled_from((1, 3, 10))  # ten of two images fill vectors of planes


@settings(max_examples=300, deadline=None)
@given(windows(), some_planes)
def test_random_maxima_their_places_and_gradients(window, planes):
    """Whole numbers tie often: the first maximum counts."""
    image, options = window
    x = whole(2, planes, *image)
    wanted, places = R.max_pool2d(x, **options, return_indices=True)
    y, indices = K.max_pool2d(x, **options, return_indices=True)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_array_equal(K.max_pool2d(x, **options), wanted)
    gy = whole(*y.shape, seed=1)
    grad = K.max_pool2d_grad(gy, indices, x.shape, **options)
    np.testing.assert_array_equal(grad, R.max_pool2d_grad(gy, places, x.shape, **options))


@settings(max_examples=200, deadline=None)
@given(windows(), some_planes, st.booleans())
def test_random_means_and_gradients(window, planes, count_include_pad):
    image, options = window
    options["count_include_pad"] = count_include_pad
    for dtype in DTYPES:
        x = Source(0)(2, planes, *image).astype(dtype)
        bound = R.avg_pool2d(np.abs(x), **options)
        y = K.avg_pool2d(x, **options)
        assert_close(y, R.avg_pool2d(x, **options), bound)
        gy = Source(1)(*y.shape).astype(dtype)
        bound = R.avg_pool2d_grad(np.abs(gy), x.shape, **options)
        grad = K.avg_pool2d_grad(gy, x.shape, **options)
        assert_close(grad, R.avg_pool2d_grad(gy, x.shape, **options), bound)


WINDOWS = (
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": (2, 5), "stride": (1, 2), "dilation": (2, 1)},
)


@pytest.mark.parametrize("options", [*WINDOWS, {"kernel_size": (11, 37)}])
def test_nan_wins_and_its_place_is_named(options, isa):
    for dtype, channels in itertools.product(DTYPES, (3, 9)):
        x = Source(0)(2, channels, 11, 37).astype(dtype)
        x[0, 0, 3, 5] = x[1, 2, 10, 36] = x[1, 0, 0, 0] = np.nan
        x[0, 1] = -np.inf
        x[1, 1, 4] = np.inf
        wanted = R.max_pool2d(x, **options)
        y, indices = K.max_pool2d(x, **options, return_indices=True)
        np.testing.assert_array_equal(y, wanted)
        np.testing.assert_array_equal(K.max_pool2d(x, **options), wanted)
        flat = x.reshape(2, channels, -1)
        found = np.take_along_axis(flat, indices.reshape((*flat.shape[:2], -1)), -1)
        found = found.reshape(y.shape)
        np.testing.assert_array_equal(found, y)
        assert np.isfinite(K.max_pool2d_grad(np.ones_like(y), indices, x.shape, **options)).all()


def test_means_let_nan_touch_their_own_windows_only(isa):
    x = whole(1, 17, 9, 40)
    x[0, 16, 4, 17] = np.nan
    for options, first in itertools.product((*WINDOWS, {"kernel_size": (9, 40)}), (0, 16)):
        x = x[:, first:]  # many planes, then one
        wanted = np.isnan(R.max_pool2d(x, **options))
        np.testing.assert_array_equal(np.isnan(K.avg_pool2d(x, **options)), wanted)


def scattered(gy, indices, shape):
    planes = np.zeros((shape[0] * shape[1], shape[2] * shape[3]), gy.dtype)
    rows = np.arange(len(planes))[:, None]
    np.add.at(planes, (rows, indices.reshape(len(planes), -1)), gy.reshape(len(planes), -1))
    return planes.reshape(shape)


def test_windows_side_by_side(isa):
    """Their gradient has a path of its own, unless an index lies in another window."""
    for dtype in (np.float32, np.float64):
        for size in ((2, 2), (5, 37), (9, 64), (64, 7), (4, 131)):
            x = whole(2, 3, *size).astype(dtype)
            y, indices = K.max_pool2d(x, 2, return_indices=True)
            gy = whole(*y.shape, seed=1).astype(dtype)
            for places in (indices, indices[..., ::-1], indices * 0 + size[0] * size[1] - 1):
                grad_x = K.max_pool2d_grad(gy, places, x.shape, kernel_size=2)
                np.testing.assert_array_equal(grad_x, scattered(gy, places, x.shape))


def test_windows_that_share_every_other_row_and_column(isa):
    """Their gradient has a path of its own, unless an index lies in another window."""
    for size, padding in (
        ((7, 35), 0),
        ((56, 56), 1),
        ((8, 129), 0),
        ((3, 64), (1, 1)),
        ((9, 39), 0),
    ):
        options = {"kernel_size": 3, "stride": 2, "padding": padding}
        for dtype in DTYPES:
            x = whole(4, 8, *size).astype(dtype)
            y, indices = K.max_pool2d(x, **options, return_indices=True)
            gy = whole(*y.shape, seed=1).astype(dtype)
            gy[0, 0, 0], gy[3, 7, -1, -1] = -0.0, np.inf
            before = indices.copy()
            before[2, 3, 1, 0] -= 1  # maybe the last pixel of the row above
            for places in (indices, before, indices[..., ::-1], indices[..., ::-1, :]):
                grad_x = K.max_pool2d_grad(gy, places, x.shape, **options)
                np.testing.assert_array_equal(grad_x, scattered(gy, places, x.shape))


def bits(x):
    return x.view(f"u{x.itemsize}")


def test_many_small_planes(isa):
    """A vector is one pixel of several planes: they give what each gives by itself."""
    few = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    cases = [((2, 19, *size), w) for size in ((7, 7), (1, 5), (13, 8)) for w in (*WINDOWS[:3], few)]
    for shape, options in [*cases, ((20_000, 5, 8, 7), WINDOWS[1])]:  # the last one past the caches
        x = whole(*shape)
        x.ravel()[::7], x.ravel()[::11], x.ravel()[::13] = -0.0, np.inf, -np.inf
        if shape[2] < options["kernel_size"] - 2 * options.get("padding", 0):
            continue
        y, indices = K.max_pool2d(x, **options, return_indices=True)
        gy = whole(*y.shape, seed=1)
        results = (
            y,
            indices,
            K.max_pool2d(x, **options),
            K.avg_pool2d(np.abs(x), **options),
            K.avg_pool2d_grad(gy, shape, **options),
            K.max_pool2d_grad(gy, indices, shape, **options),
        )
        for i in (0, shape[0] - 1):
            part, gy_part = x[i : i + 1, :3], gy[i : i + 1, :3]
            top, places = K.max_pool2d(part, **options, return_indices=True)
            alone = (
                top,
                places,
                K.max_pool2d(part, **options),
                K.avg_pool2d(np.abs(part), **options),
                K.avg_pool2d_grad(gy_part, part.shape, **options),
                K.max_pool2d_grad(gy_part, places, part.shape, **options),
            )
            for one, all_of_them in zip(alone, results, strict=True):
                np.testing.assert_array_equal(bits(one), bits(all_of_them[i : i + 1, :3]))


def first_of_four(x):
    """Maxima of windows of 2x2 and their places; NaN first, as np.argmax has it."""
    n, c, h, w = x.shape
    four = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
    tap = four.argmax(-1)
    row, column = 2 * np.arange(h // 2)[:, None] + tap // 2, 2 * np.arange(w // 2) + tap % 2
    return np.take_along_axis(four, tap[..., None], -1)[..., 0], row * w + column


def test_narrow_planes(isa):
    """One vector holds several rows of windows, of several planes where they are small."""
    rng = np.random.default_rng(0)
    sizes = [(7, 3, h, w) for h in (2, 4, 6, 10) for w in (2, 4, 6, 8, 10, 14, 16, 18)]
    for shape in [*sizes, (1, 1, 2, 2), (30_000, 1, 10, 10)]:  # the last one past the caches
        for dtype in DTYPES:
            x = rng.integers(-3, 3, shape).astype(dtype)  # with ties
            x[rng.random(shape) < 0.03] = np.nan
            y, indices = K.max_pool2d(x, 2, return_indices=True)
            maxima, places = first_of_four(x)
            np.testing.assert_array_equal(y, maxima)
            np.testing.assert_array_equal(indices, places)
            np.testing.assert_array_equal(K.max_pool2d(x, 2), maxima)
            columns = x[..., ::2, :] + x[..., 1::2, :]
            np.testing.assert_array_equal(
                K.avg_pool2d(x, 2), (columns[..., ::2] + columns[..., 1::2]) / 4
            )
            gy = rng.standard_normal(y.shape).astype(dtype)
            np.testing.assert_array_equal(
                K.avg_pool2d_grad(gy, shape, 2), (gy / 4).repeat(2, -1).repeat(2, -2)
            )
            for places in (indices, indices[..., ::-1, :]):  # the latter outside their windows
                grad_x = K.max_pool2d_grad(gy, places, shape, kernel_size=2)
                np.testing.assert_array_equal(grad_x, scattered(gy, places, shape))


def test_results_past_the_caches(isa):
    """Many planes give what each gives by itself."""
    count = 23 if isa != "cuda" else 3  # an emulator has no caches, but is slow
    x = whole(1, count, 311, 309)
    planes = np.split(x, count, axis=1)
    for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}):
        y, indices = K.max_pool2d(x, **options, return_indices=True)
        gy = np.ones_like(y)
        for c, plane in enumerate(planes):
            part, places = K.max_pool2d(plane, **options, return_indices=True)
            np.testing.assert_array_equal(y[:, c : c + 1], part)
            np.testing.assert_array_equal(indices[:, c : c + 1], places)
        np.testing.assert_array_equal(K.max_pool2d(x, **options), y)
        mean = np.concatenate([K.avg_pool2d(plane, **options) for plane in planes], axis=1)
        np.testing.assert_array_equal(K.avg_pool2d(x, **options), mean)
        for places in (indices, indices[..., ::-1, :]):  # the latter outside their windows
            grad_x = K.max_pool2d_grad(gy, places, x.shape, **options)
            np.testing.assert_array_equal(grad_x, scattered(gy, places, x.shape))


def test_same_gives_a_window_for_every_stride_and_puts_the_odd_pixel_last():
    for size, stride in ((7, 2), (8, 2), (8, 3), (5, 1), (1, 4)):
        x = whole(1, 2, size, size)
        windows = -(-size // stride)
        total = max((windows - 1) * stride + 3 - size, 0)
        sides = (total // 2, total - total // 2)
        for pool in (K.max_pool2d, K.avg_pool2d):
            y = pool(x, 3, stride, "same")
            assert y.shape == (1, 2, windows, windows)
            np.testing.assert_array_equal(y, pool(x, 3, stride, (sides, sides)))
    np.testing.assert_array_equal(K.max_pool2d(x, 1, 1, "valid"), x)


def test_ceil_mode_drops_a_window_that_starts_in_the_far_padding():
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    options = {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}
    assert K.max_pool2d(x, **options).shape == R.max_pool2d(x, **options).shape == (1, 1, 2, 2)
    options["padding"] = 0
    assert K.max_pool2d(x, **options)[0, 0].tolist() == [[6, 9], [21, 24]]


def test_worked_examples():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert K.max_pool2d(x, 2)[0, 0].tolist() == [[5, 7], [13, 15]]
    assert K.avg_pool2d(x, 2)[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert K.avg_pool2d(x, 3, 1, 1)[0, 0, 0, 0] == 10 / 9
    assert K.avg_pool2d(x, 3, 1, 1, count_include_pad=False)[0, 0, 0, 0] == 2.5


X = (1, 2, 6, 6)


@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((2, 6, 6), {"kernel_size": 2}, ("x", "(2, 6, 6)", "(N, C, H, W)")),
        (X, {"kernel_size": 0}, ("kernel_size", "0")),
        (X, {"kernel_size": (2, -1)}, ("kernel_size", "-1")),
        (X, {"kernel_size": 2, "stride": 0}, ("stride", "0")),
        (X, {"kernel_size": 2, "padding": -1}, ("padding", "-1")),
        (X, {"kernel_size": 2, "padding": 2}, ("padding", "2")),
        (X, {"kernel_size": 2, "padding": ((0, 2), (0, 0))}, ("padding", "((0, 2), (0, 0))")),
        (X, {"kernel_size": 2, "padding": "full"}, ("padding", "full", "same")),
        (X, {"kernel_size": 2, "dilation": 0}, ("dilation", "0")),
        (X, {"kernel_size": 7}, ("7", "(1, 2, 6, 6)")),
        (X, {"kernel_size": 2**62}, ("kernel_size",)),
        (X, {"kernel_size": 2, "stride": 2**63}, ("stride", str(2**63))),
    ],
)
def test_impossible_windows_are_value_errors(function, shape, options, says):
    with pytest.raises(ValueError, match=rf"^{function}: ") as caught:
        getattr(K, function)(np.ones(shape, np.float32), **options)
    for part in says:
        assert part in str(caught.value), caught.value


@looks_at_indices
@pytest.mark.parametrize("bad", [-1, 36, 2**32, 2**40, -(2**63)])
def test_places_outside_the_image_are_refused(bad):
    indices = np.zeros((1, 2, 3, 3), np.int64)
    indices[0, 1, 2, 1] = bad
    gy = np.ones((1, 2, 3, 3), np.float32)
    with pytest.raises(ValueError, match=rf"^max_pool2d_grad: indices .*{bad}"):
        K.max_pool2d_grad(gy, indices, X, kernel_size=2)


def test_gradients_check_their_shapes():
    gy, indices = np.ones((1, 2, 3, 3), np.float32), np.zeros((1, 2, 3, 3), np.int64)
    for call in (
        lambda: K.max_pool2d_grad(gy[..., :2], indices, X, kernel_size=2),
        lambda: K.max_pool2d_grad(gy, indices[..., :2], X, kernel_size=2),
        lambda: K.avg_pool2d_grad(gy[..., :2], X, 2),
    ):
        with pytest.raises(ValueError, match=r"_grad: (grad_y|indices) .*\(1, 2, 3, 2\)"):
            call()

"""Convolutions beyond the table: random settings, special shapes, NaN, empties, errors."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference as R
import tatami
from reference.activation import FUSED
from reference.conv import Geometry
from sources import Source
from support import assert_close, assert_same_bits
from tatami import kernels as K

DTYPES = (np.float32, np.float64)


def whole(*shapes, dtype=np.float32, seed=0):
    source = Source(seed, whole=True)
    return [source(*shape).astype(dtype) for shape in shapes]


def check_exactly(x, w, **options):
    """The three convolutions of whole numbers, to the last bit; asked for where 3x3 windows of so
    many channels are transformed otherwise."""
    many = min(w.shape[1], len(w) // options.get("groups", 1)) >= 32 and w.shape[2:] == (3, 3)
    asked = {**options, "exact": True} if many else options
    bias = np.arange(len(w)).astype(x.dtype)
    y = R.conv2d(x, w, bias, **options)
    np.testing.assert_array_equal(K.conv2d(x, w, bias, **asked), y, str(options))
    (gy,) = whole(y.shape, dtype=x.dtype, seed=1)
    grad_x = K.conv2d_input_grad(gy, w, x.shape, **asked)
    np.testing.assert_array_equal(grad_x, R.conv2d_input_grad(gy, w, x.shape, **options))
    grad_w = K.conv2d_weight_grad(gy, x, w.shape, **asked)
    np.testing.assert_array_equal(grad_w, R.conv2d_weight_grad(gy, x, w.shape, **options))


small = st.integers(1, 3)
pads = st.integers(0, 4)


@settings(max_examples=250, deadline=None)
@given(
    batch=st.integers(1, 3),
    groups=st.sampled_from([1, 1, 2, 3]),
    channels=st.integers(1, 6),
    outputs=st.integers(1, 20),
    image=st.tuples(st.integers(1, 20), st.integers(1, 40)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    stride=st.tuples(small, small),
    dilation=st.tuples(small, small),
    padding=st.tuples(st.tuples(pads, pads), st.tuples(pads, pads)) | st.sampled_from(["valid"]),
)
def test_random_settings(
    batch, groups, channels, outputs, image, kernel, stride, dilation, padding
):
    assume(min(Geometry(image, kernel, stride, padding, dilation).out) > 0)
    x, w = whole((batch, channels * groups, *image), (outputs * groups, channels, *kernel))
    check_exactly(x, w, stride=stride, dilation=dilation, padding=padding, groups=groups)


def test_sizes_around_the_vector_width(isa):
    for dtype in DTYPES:
        for width in (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35):
            for kernel, padding in ((3, 1), (1, 0), (5, 2)):
                x, w = whole((2, 3, 6, width), (width, 3, kernel, kernel), dtype=dtype)
                check_exactly(x, w, padding=padding)


def test_same_keeps_the_size_and_puts_the_odd_pixel_last(isa):
    for kernel in ((1, 1), (2, 3), (4, 2), (5, 5)):
        for dilation in (1, 2, (3, 1)):
            x, w = whole((2, 3, 9, 8), (4, 3, *kernel))
            y = K.conv2d(x, w, padding="same", dilation=dilation)
            assert y.shape == (2, 4, 9, 8)
            check_exactly(x, w, padding="same", dilation=dilation)


def test_depthwise_and_many_groups(isa):
    for channels in (1, 7, 32, 33):
        for multiplier in (1, 2):
            x, w = whole((2, channels, 9, 18), (channels * multiplier, 1, 3, 3))
            for stride in (1, 2):
                check_exactly(x, w, padding=1, stride=stride, groups=channels)


def test_depthwise_kernels(isa):
    """Every kernel size of the direct path, padding beyond the window, several bands of rows."""
    for dtype in DTYPES:
        for kernel in (3, 5, 7):
            for stride in (1, 2):
                for padding in (0, kernel // 2, ((0, kernel + 1), (kernel, 1))):
                    x, w = whole((2, 3, 11, 37), (3, 1, kernel, kernel), dtype=dtype)
                    check_exactly(x, w, padding=padding, stride=stride, groups=3)
    for x_shape, kernel in (
        ((1, 1, 150, 70), 5),
        ((40, 1, 3, 3), 3),
        ((2, 33, 64, 5), 7),
        ((1, 2, 2, 40), 7),
    ):
        x, w = whole(x_shape, (x_shape[1], 1, kernel, kernel))
        check_exactly(x, w, padding=kernel // 2, groups=x_shape[1])


def test_depthwise_results_past_the_caches(isa):
    x, w = whole((1, 32, 257, 259), (32, 1, 3, 3))
    b = np.arange(32, dtype=np.float32)
    y = K.conv2d(x, w, b, padding=1, groups=32, activation="relu")
    np.testing.assert_array_equal(y, np.maximum(R.conv2d(x, w, b, padding=1, groups=32), 0))


def test_depthwise_weight_gradient_reads_no_pixel_beyond_its_windows(isa):
    x, grad_y = whole((1, 2, 9, 22), (1, 2, 4, 10))
    x[..., 21] = np.nan  # windows end at column 20
    grad_w = K.conv2d_weight_grad(grad_y, x, (2, 1, 3, 3), stride=2, groups=2)
    assert np.isfinite(grad_w).all()


def test_many_small_images(isa):
    """Vectors of images, whole ones and the rest, where padding reaches past the window."""
    for images in (16, 17, 41, 64):
        for x_shape, w_shape, options in (
            ((1, 12, 9), (6, 1, 5, 5), {"padding": 2}),
            ((6, 7, 7), (13, 6, 3, 5), {"padding": (3, 5)}),
            ((3, 9, 10), (7, 3, 3, 3), {"padding": 2, "stride": (2, 3)}),
            ((4, 8, 6), (10, 2, 3, 3), {"padding": 4, "dilation": 2, "groups": 2}),
        ):
            for dtype in DTYPES:
                x, w = whole((images, *x_shape), w_shape, dtype=dtype)
                check_exactly(x, w, **options)
    x, w = whole((40, 6, 10, 10), (16, 6, 5, 5))
    b = np.arange(16, dtype=np.float32)
    y = K.conv2d(x, w, b, activation="relu")
    np.testing.assert_array_equal(y, np.maximum(R.conv2d(x, w, b), 0))


def test_strides_of_many_small_images(isa):
    """Input gradients whose phases lie between one another, missing and empty ones too."""
    for x_shape, w_shape, options in (
        ((4, 14, 13), (9, 4, 4, 4), {"padding": 1, "stride": 2}),
        ((1, 28, 28), (8, 1, 4, 4), {"padding": 1, "stride": 2}),  # several bands of rows
        ((14, 30, 5), (3, 14, 3, 3), {"padding": ((1, 0), (0, 1)), "stride": 2}),
        ((7, 11, 10), (6, 7, 5, 3), {"padding": (2, 1), "stride": (3, 1)}),
        ((6, 9, 12), (10, 3, 2, 4), {"padding": 1, "stride": (1, 2), "groups": 2}),
        ((5, 12, 11), (8, 5, 3, 3), {"padding": 2, "stride": 2, "dilation": 2}),
        ((3, 9, 9), (7, 3, 2, 2), {"padding": 0, "stride": 3}),
        ((5, 1, 8), (6, 5, 3, 3), {"padding": 1, "stride": 2}),
        ((5, 8, 1), (6, 5, 3, 3), {"padding": 1, "stride": 2}),
    ):
        for images in (16, 33):
            for dtype in DTYPES:
                x, w = whole((images, *x_shape), w_shape, dtype=dtype)
                check_exactly(x, w, **options)
    x, w = whole((33, 9, 7, 7), (9, 4, 3, 3))
    b = np.arange(-2, 2, dtype=np.float32)
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    y = K.conv_transpose2d(x, w, b, activation="relu", **options)
    np.testing.assert_array_equal(y, np.maximum(R.conv_transpose2d(x, w, b, **options), 0))


def test_an_image_alone_has_the_same_bits(isa):
    """Lanes of images add up what strips and panels do, in the same order."""
    if isa == "cuda":
        pytest.skip("a GPU shares a sum by how much there is to do, images included")
    random = np.random.default_rng(0).standard_normal
    for channels, outputs, size, kernel in ((12, 20, 7, 4), (16, 32, 7, 3), (24, 9, 5, 5)):
        grad_y = random((37, outputs, size, size)).astype(np.float32)
        w = random((outputs, channels, kernel, kernel)).astype(np.float32)
        shape = channels, 2 * size, 2 * size
        options = {"stride": 2, "padding": (kernel - 1) // 2, "exact": True}
        if kernel == 5:
            shape = channels, 2 * size - 1, 2 * size - 1
        if kernel == 3:
            shape = channels, 2 * size - 1, 2 * size
        together = K.conv2d_input_grad(grad_y, w, (37, *shape), **options)
        for image in (0, 16, 36):
            alone = K.conv2d_input_grad(grad_y[image : image + 1], w, (1, *shape), **options)
            np.testing.assert_array_equal(together[image], alone[0])


# x, weight, options: few channels, where the weight gradient is a dot product over pixels
THIN = (
    ((5, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}),
    ((40, 6, 14, 34), (16, 6, 5, 5), {}),
    ((2, 3, 301, 70), (7, 3, 3, 3), {"padding": 1}),  # several strips of an image
    ((4, 3, 19, 37), (13, 3, 4, 4), {"padding": ((1, 0), (2, 3)), "stride": (2, 3)}),
    ((3, 8, 21, 33), (10, 4, 3, 2), {"dilation": (3, 2), "groups": 2}),
    ((4, 5, 12, 48), (1, 5, 1, 1), {}),
)


@pytest.mark.parametrize(("x", "w", "options"), THIN)
def test_weight_gradients_of_few_channels(x, w, options, isa):
    for dtype in DTYPES:
        check_exactly(*whole(x, w, dtype=dtype), **options)


@pytest.mark.parametrize(("x", "w", "options"), THIN)
def test_not_finite_pixels_reach_the_weights_that_meet_them_only(x, w, options, isa):
    x, w = whole(x, w)
    (gy,) = whole(R.conv2d(x, w, **options).shape, seed=1)
    x[0, 0, 0, 0] = x[-1, 0, :, -1] = np.inf
    gy[:, :, 1] = gy[0, 0] = 1  # no zero meets them but in the padding
    wanted = R.conv2d_weight_grad(gy, x, w.shape, **options)
    np.testing.assert_array_equal(K.conv2d_weight_grad(gy, x, w.shape, **options), wanted)
    x[np.isinf(x)], gy[1, 0, gy.shape[2] // 2, gy.shape[3] // 2] = 1, np.nan  # all taps see it
    wanted = R.conv2d_weight_grad(gy, x, w.shape, **options)
    assert np.isnan(wanted[0]).all() and np.isfinite(wanted[1:]).all()
    np.testing.assert_array_equal(K.conv2d_weight_grad(gy, x, w.shape, **options), wanted)


@pytest.mark.parametrize(("x", "w", "options"), THIN)
def test_thin_weight_gradients_have_the_same_bits_on_any_number_of_threads(x, w, options, isa):
    source = Source(3)
    x, gy = (source(*s).astype(np.float32) for s in (x, R.conv2d(*whole(x, w), **options).shape))
    results = []
    for threads in (1, 2, 5):
        with tatami.threads(threads):
            results.append(K.conv2d_weight_grad(gy, x, w, **options))
    for result in results[1:]:
        assert_same_bits(result, results[0])


def test_large_images_and_channels(isa):
    """Several blocks of channels and rows, every kernel's main path."""
    for x_shape, w_shape, options in (
        ((2, 64, 28, 28), (96, 64, 3, 3), {"padding": 1}),
        ((1, 520, 7, 7), (40, 520, 3, 3), {"padding": 1}),
        ((2, 3, 65, 67), (32, 3, 7, 7), {"padding": 3, "stride": 2}),
        ((2, 130, 14, 14), (70, 130, 1, 1), {}),
        ((9, 8, 5, 5), (16, 8, 5, 5), {}),
    ):
        x, w = whole(x_shape, w_shape)
        check_exactly(x, w, **options)


@pytest.mark.parametrize("name", FUSED)
def test_fused_activations(name, isa):
    source = Source(1)
    for dtype in DTYPES:
        x, w, b = (source(*s).astype(dtype) for s in ((2, 5, 9, 11), (6, 5, 3, 3), (6,)))
        bound = 2 + R.conv2d(np.abs(x), np.abs(w), np.abs(b))
        assert_close(K.conv2d(x, w, b, activation=name), R.conv2d(x, w, b, activation=name), bound)
        line, taps = x[:, :, 0], w[:, :, 0]
        bound = 2 + R.conv1d(np.abs(line), np.abs(taps))
        y = K.conv1d(line, taps, activation=name)
        assert_close(y, R.conv1d(line, taps, activation=name), bound)


def test_groups_are_a_block_diagonal(isa):
    x, w = whole((2, 6, 8, 9), (9, 2, 3, 3))
    dense = np.zeros((9, 6, 3, 3), np.float32)
    for g in range(3):
        dense[3 * g : 3 * g + 3, 2 * g : 2 * g + 2] = w[3 * g : 3 * g + 3]
    np.testing.assert_array_equal(K.conv2d(x, w, groups=3), K.conv2d(x, dense))


def test_a_window_of_one_pixel_is_a_matrix_product(isa):
    x, w = whole((2, 17, 5, 7), (23, 17, 1, 1))
    wanted = K.matmul(w[:, :, 0, 0], x.reshape(2, 17, 35)).reshape(2, 23, 5, 7)
    np.testing.assert_array_equal(K.conv2d(x, w), wanted)


@pytest.mark.parametrize("stride", [2, 3, (2, 1), (1, 2), (3, 2), (2, 5)])
def test_windows_of_one_pixel_apart(stride, isa):
    for shape in ((2, 6, 9, 33), (1, 4, 10, 64), (3, 2, 1, 7), (2, 34, 131, 133), (0, 4, 9, 9)):
        for dtype in DTYPES:
            x, w = whole(shape, (5, shape[1], 1, 1), dtype=dtype)
            check_exactly(x, w, stride=stride)
    x, w = whole((2, 6, 9, 33), (4, 3, 1, 1))
    check_exactly(x, w, stride=stride, groups=2)
    check_exactly(x, w, stride=stride, groups=2, padding=((0, 4), (0, 3)))


def test_one_dimension_is_an_image_of_one_row(isa):
    x, w = whole((2, 4, 33), (6, 2, 5))
    options = {"stride": 2, "dilation": 2, "groups": 2}
    y = K.conv1d(x, w, padding=3, **options)
    flat = K.conv2d(x[:, :, None], w[:, :, None], padding=(0, 3), **options)
    np.testing.assert_array_equal(y, flat[:, :, 0])


def test_worked_example():
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    w = np.array([[1.0, 1, 1], [2, 0, 1], [-1, -1, 0]]).reshape(1, 1, 3, 3)
    assert K.conv2d(x, w, np.array([3.0]))[0, 0].tolist() == [[7, 11], [23, 27]]


def test_nan_touches_the_windows_that_see_it_only(isa):
    for options in ({"padding": 1}, {"padding": 1, "groups": 2}, {"padding": 2, "stride": 2}):
        x, w = whole((2, 4, 9, 17), (8, 4 // options.get("groups", 1), 3, 3))
        x[1, 2, 4, 5], x[0, 1, 0, 16] = np.nan, np.inf
        with np.errstate(invalid="ignore"):
            wanted = R.conv2d(x, w, **options)
        np.testing.assert_array_equal(np.isfinite(K.conv2d(x, w, **options)), np.isfinite(wanted))


def test_empty_batches_and_channels(isa):
    w = np.ones((4, 3, 3, 3), np.float32)
    assert K.conv2d(np.ones((0, 3, 5, 5), np.float32), w).shape == (0, 4, 3, 3)
    assert K.conv2d_input_grad(np.ones((0, 4, 3, 3), np.float32), w, (0, 3, 5, 5)).size == 0
    no_y, no_x = np.ones((0, 4, 3, 3), np.float32), np.ones((0, 3, 5, 5), np.float32)
    np.testing.assert_array_equal(K.conv2d_weight_grad(no_y, no_x, w.shape), np.zeros(w.shape))
    np.testing.assert_array_equal(K.conv2d_bias_grad(no_y), np.zeros(4))
    x, w, bias = np.ones((2, 0, 5, 5)), np.ones((4, 0, 3, 3)), np.arange(4.0)
    y = K.conv2d(x, w, bias)
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], (2, 4, 3, 3)))


X, W = (1, 4, 8, 8), (6, 4, 3, 3)


@pytest.mark.parametrize(
    ("x", "w", "options", "says"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), {}, ("3 channels", "2 per group", "(1, 3, 8, 8)")),
        ((4, 8, 8), W, {}, ("(4, 8, 8)", "(N, C, H, W)")),
        (X, (6, 4, 3), {}, ("weight", "(6, 4, 3)")),
        (X, W, {"groups": 3}, ("groups=3",)),
        (X, W, {"groups": 0}, ("groups", "0")),
        (X, W, {"groups": -2}, ("groups", "-2")),
        (X, W, {"stride": 0}, ("stride", "0")),
        (X, W, {"stride": (1, -1)}, ("stride", "-1")),
        (X, W, {"stride": 2**62}, ("stride", str(2**62))),
        (X, W, {"padding": -1}, ("padding", "-1")),
        (X, W, {"padding": 2**63}, ("padding", str(2**63))),
        (X, W, {"padding": ((0, 1), (-3, 0))}, ("padding", "-3")),
        (X, W, {"padding": "full"}, ("padding", "full")),
        (X, W, {"padding": "same", "stride": 2}, ("same", "stride")),
        (X, W, {"dilation": 0}, ("dilation", "0")),
        (X, W, {"dilation": 4}, (str(X), str(W), "dilation")),
        (X, W, {"dilation": 2**40}, ("dilation",)),
        (X, W, {"stride": (1, 2, 3)}, ("stride", "(1, 2, 3)")),
        ((1, 4, 2, 2), W, {}, ("(1, 4, 2, 2)", str(W))),
        (X, (6, 4, 0, 3), {}, ("(6, 4, 0, 3)",)),
    ],
)
def test_impossible_settings_are_value_errors(x, w, options, says):
    with pytest.raises(ValueError, match=r"^conv2d: ") as caught:
        K.conv2d(np.ones(x, np.float32), np.ones(w, np.float32), **options)
    for part in says:
        assert part in str(caught.value), caught.value


@pytest.mark.parametrize("option", ["stride", "padding", "dilation"])
def test_settings_that_are_no_integers_are_type_errors(option):
    for value in (1.5, None, True, {"a": 1}, (1, 1.0)):
        with pytest.raises(TypeError, match=rf"^conv2d: {option}"):
            K.conv2d(np.ones(X, np.float32), np.ones(W, np.float32), **{option: value})


def test_bias_and_gradient_shapes_are_checked():
    x, w = np.ones(X, np.float32), np.ones(W, np.float32)
    with pytest.raises(ValueError, match=r"^conv2d: bias .*\(5,?\).*6"):
        K.conv2d(x, w, np.ones(5, np.float32))
    gy = np.ones((1, 6, 5, 6), np.float32)
    for function, rest in (
        (K.conv2d_input_grad, (w, X)),
        (K.conv2d_weight_grad, (x, W)),
    ):
        with pytest.raises(ValueError, match=r"_grad: grad_y .*\(1, 6, 5, 6\).*\(1, 6, 6, 6\)"):
            function(gy, *rest)
    gy = np.ones((1, 6, 6, 6), np.float32)
    with pytest.raises(ValueError, match=r"^conv2d_input_grad: .*5"):
        K.conv2d_input_grad(gy, w, (1, 5, 8, 8))
    with pytest.raises(ValueError, match=r"^conv2d_weight_grad: .*weight"):
        K.conv2d_weight_grad(gy, x, (6, 4, 3))
    with pytest.raises(TypeError, match=r"^conv2d_weight_grad: weight_shape"):
        K.conv2d_weight_grad(gy, x, 3)
    with pytest.raises(ValueError, match=r"^conv1d: x "):
        K.conv1d(x, np.ones((6, 4, 3), np.float32))


@pytest.mark.parametrize("size", [100, 2**15, 2**20, 2**31 - 1])
def test_enormous_strides_and_dilations_take_no_memory(size):
    """One window needs no stride; taps that far apart read padding alone but for the middle one."""
    x, w = whole((2, 3, 8, 8), (4, 3, 3, 3))
    y = K.conv2d(x, w, stride=size, padding=1)
    (gy,) = whole(y.shape, seed=2)
    wanted = {"stride": 8, "padding": 1}
    np.testing.assert_array_equal(y, R.conv2d(x, w, **wanted))
    how = {"stride": size, "padding": 1}
    grads = K.conv2d_input_grad(gy, w, x.shape, **how), K.conv2d_weight_grad(gy, x, w.shape, **how)
    np.testing.assert_array_equal(grads[0], R.conv2d_input_grad(gy, w, x.shape, **wanted))
    np.testing.assert_array_equal(grads[1], R.conv2d_weight_grad(gy, x, w.shape, **wanted))

    how = {"dilation": size, "padding": size}
    middle = np.ascontiguousarray(w[:, :, 1:2, 1:2])
    y = K.conv2d(x, w, **how)
    (gy,) = whole(y.shape, seed=2)
    np.testing.assert_array_equal(y, R.conv2d(x, middle))
    grad_x = K.conv2d_input_grad(gy, w, x.shape, **how)
    np.testing.assert_array_equal(grad_x, R.conv2d_input_grad(gy, middle, x.shape))
    grad_w = K.conv2d_weight_grad(gy, x, w.shape, **how)
    np.testing.assert_array_equal(grad_w[:, :, 1:2, 1:2], R.conv2d_weight_grad(gy, x, middle.shape))
    assert np.count_nonzero(grad_w) == np.count_nonzero(grad_w[:, :, 1, 1])

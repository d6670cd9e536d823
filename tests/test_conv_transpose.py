"""Transposed convolutions beyond the table."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference as R
from sources import Source
from support import assert_same_bits
from tatami import kernels as K

DTYPES = (np.float32, np.float64)


def whole(*shapes, dtype=np.float32, seed=0):
    source = Source(seed, whole=True)
    return [source(*shape).astype(dtype) for shape in shapes]


def check_exactly(x, w, **options):
    bias = np.arange(w.shape[1] * options.get("groups", 1)).astype(x.dtype)
    y = R.conv_transpose2d(x, w, bias, **options)
    np.testing.assert_array_equal(K.conv_transpose2d(x, w, bias, **options), y, str(options))
    (gy,) = whole(y.shape, dtype=x.dtype, seed=1)
    grad_x = K.conv_transpose2d_input_grad(gy, w, x.shape, **options)
    np.testing.assert_array_equal(grad_x, R.conv_transpose2d_input_grad(gy, w, x.shape, **options))
    grad_w = K.conv_transpose2d_weight_grad(gy, x, w.shape, **options)
    np.testing.assert_array_equal(grad_w, R.conv_transpose2d_weight_grad(gy, x, w.shape, **options))


small = st.integers(1, 3)


@settings(max_examples=200, deadline=None)
@given(
    groups=st.sampled_from([1, 1, 2, 3]),
    channels=st.integers(1, 9),
    outputs=st.integers(1, 6),
    image=st.tuples(st.integers(1, 9), st.integers(1, 18)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    dilation=st.tuples(small, small),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    output_padding=st.tuples(st.integers(0, 3), st.integers(0, 2)),
)
def test_random_settings(
    groups, channels, outputs, image, kernel, stride, dilation, padding, output_padding
):
    for s, d, extra in zip(stride, dilation, output_padding, strict=True):
        assume(extra < max(s, d))
    sizes = [
        (h - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for h, s, p, d, k, extra in zip(
            image, stride, padding, dilation, kernel, output_padding, strict=True
        )
    ]
    assume(min(sizes) > 0)
    x, w = whole((2, channels * groups, *image), (channels * groups, outputs, *kernel))
    check_exactly(
        x,
        w,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
    )


def test_layers_of_a_dcgan(isa):
    for dtype in DTYPES:
        for x_shape, w_shape, options in (
            ((2, 50, 1, 1), (50, 64, 4, 4), {}),
            ((2, 64, 4, 4), (64, 32, 4, 4), {"stride": 2, "padding": 1}),
            ((2, 32, 16, 16), (32, 3, 4, 4), {"stride": 2, "padding": 1}),
            ((1, 9, 17, 17), (9, 5, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
        ):
            check_exactly(*whole(x_shape, w_shape, dtype=dtype), **options)


def test_it_is_the_input_gradient_of_a_convolution(isa):
    x, w = (Source(3)(*shape).astype(np.float32) for shape in ((2, 8, 5, 6), (8, 3, 3, 4)))
    y = K.conv_transpose2d(x, w, stride=(2, 3), padding=1)
    assert_same_bits(y, K.conv2d_input_grad(x, w, y.shape, stride=(2, 3), padding=1))


def test_one_dimension_is_an_image_of_one_row(isa):
    x, w = whole((2, 4, 17), (4, 3, 5))
    y = K.conv_transpose1d(x, w, stride=3, padding=2, output_padding=1)
    flat = K.conv_transpose2d(
        x[:, :, None], w[:, :, None], stride=(1, 3), padding=(0, 2), output_padding=(0, 1)
    )
    np.testing.assert_array_equal(y, flat[:, :, 0])


def test_worked_example():
    x = np.array([[1.0, 2], [3, 4]]).reshape(1, 1, 2, 2)
    w = np.array([[1.0, -1], [2, 1]])[::-1, ::-1].reshape(1, 1, 2, 2)
    y = K.conv_transpose2d(x, w, stride=2)
    assert y[0, 0].tolist() == [[1, 2, 2, 4], [-1, 1, -2, 2], [3, 6, 4, 8], [-3, 3, -4, 4]]


def test_pixels_that_no_window_reaches_are_the_bias(isa):
    x, w = whole((1, 2, 3, 3), (2, 3, 1, 1))
    bias = np.array([5.0, 6, 7], np.float32)
    for stride in (2, 3):
        options = {"stride": stride, "output_padding": stride - 1}
        y = K.conv_transpose2d(x, w, bias, **options)
        np.testing.assert_array_equal(y, R.conv_transpose2d(x, w, bias, **options))
        assert (y[0, :, 1, 1] == bias).all()
        active = K.conv_transpose2d(x, w, -bias, **options, activation="leaky_relu")
        assert_same_bits(active, K.leaky_relu(K.conv_transpose2d(x, w, -bias, **options), 0.01))


@pytest.mark.parametrize(
    ("x", "w", "options", "says"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), {}, ("3 channels", "4", "(1, 3, 8, 8)", "(4, 2, 3, 3)")),
        ((1, 4, 8, 8), (4, 2, 3, 3), {"groups": 3}, ("groups=3",)),
        ((1, 4, 8, 8), (4, 2, 3, 3), {"output_padding": 1}, ("output_padding", "stride")),
        ((1, 4, 8, 8), (4, 2, 3, 3), {"output_padding": -1, "stride": 2}, ("output_padding", "-1")),
        ((1, 4, 2, 2), (4, 2, 1, 1), {"padding": 1}, ("padding", "(1, 4, 2, 2)")),
        ((1, 4, 2, 2), (4, 2, 3, 3), {"padding": "same"}, ("same",)),
        ((4, 2, 2), (4, 2, 3, 3), {}, ("(4, 2, 2)",)),
    ],
)
def test_impossible_settings_are_value_errors(x, w, options, says):
    with pytest.raises(ValueError, match=r"^conv_transpose2d: ") as caught:
        K.conv_transpose2d(np.ones(x, np.float32), np.ones(w, np.float32), **options)
    for part in says:
        assert part in str(caught.value), caught.value


def test_gradient_shapes_are_checked():
    x, w = np.ones((1, 4, 3, 3), np.float32), np.ones((4, 2, 2, 2), np.float32)
    gy = np.ones((1, 2, 5, 5), np.float32)
    with pytest.raises(ValueError, match=r"_grad: grad_y .*\(1, 2, 5, 5\).*\(1, 2, 4, 4\)"):
        K.conv_transpose2d_input_grad(gy, w, x.shape)
    with pytest.raises(ValueError, match=r"_grad: grad_y .*\(1, 2, 5, 5\).*\(1, 2, 4, 4\)"):
        K.conv_transpose2d_weight_grad(gy, x, w.shape)

"""Convolutions by minimal filtering next to the plain ones, which exact=True asks for."""

import threading

import numpy as np
import pytest

import tatami
from conftest import ISAS
from support import assert_same_bits
from tatami import kernels as K

# 2x2 windows on phases of the image: F(4, 2), F(4, 2) with F(3, 2), or F(2, 2)
HALF = {"kernel": 4, "stride": 2}
HALF_OF_THREE = {"kernel": 3, "stride": 2}  # 2x2, 2x1, 1x2 and 1x1 windows: F(4, 2)
SAME = {"kernel": 3}  # F(4, 3), or F(2, 3) where the image is small
SAME_OF_FIVE = {"kernel": 5}  # F(2, 5)

# x, channels of the result, options: enough channels to be chosen in all directions
WHOLE = (  # F(2, 2), where F(4, 2) would reach too far past the edge
    ((9, 32, 20, 28), 64, {**HALF, "padding": 1}),
    ((70, 48, 12, 20), 64, {**HALF, "padding": 1}),
    ((20, 96, 11, 21), 70, {**HALF, "padding": ((1, 2), (1, 0))}),  # odd sizes, channels, paddings
    ((7, 128, 21, 12), 160, {**HALF, "padding": 1, "groups": 2}),
    ((24, 300, 12, 12), 290, {**HALF, "padding": 1}),  # more channels than are multiplied at once
)
SMALL = ((50, 64, 6, 5), 64, {**SAME, "padding": 1})
STRIDED = (
    ((9, 32, 32, 32), 64, {**HALF, "padding": 1}),
    ((5, 96, 15, 37), 70, {**HALF, "padding": ((1, 2), (1, 0))}),
    ((1, 64, 63, 50), 64, {**HALF, "padding": 1}),  # one image
    ((7, 128, 33, 18), 160, {**HALF, "padding": 1, "groups": 2}),
    ((40, 64, 18, 14), 128, {**HALF, "padding": 1}),
    ((24, 300, 8, 8), 290, {**HALF, "padding": 1}),
    ((70, 32, 14, 14), 64, {**HALF, "padding": 1}),  # 7 windows: 4 and 3
    ((6, 96, 29, 28), 70, {**HALF, "padding": ((1, 0), (1, 2))}),
    ((9, 160, 26, 14), 128, {**HALF, "padding": 1, "groups": 2}),
)
ROUNDED = (
    SMALL,
    ((9, 64, 32, 32), 64, {**SAME, "padding": 1}),
    ((3, 70, 15, 37), 80, {**SAME, "padding": ((1, 2), (0, 1))}),
    ((1, 64, 63, 50), 64, {**SAME, "padding": 2}),
    ((5, 128, 13, 18), 160, {**SAME, "groups": 2}),
    ((6, 600, 7, 8), 290, {**SAME, "padding": 1}),  # more channels than are multiplied at once
    ((2, 64, 130, 64), 64, {**SAME, "padding": 1}),  # several groups of tiles
    ((9, 64, 32, 32), 64, {**HALF_OF_THREE, "padding": 1}),
    ((5, 96, 31, 33), 90, {**HALF_OF_THREE, "padding": ((1, 2), (1, 0))}),
    ((7, 128, 32, 16), 128, {**HALF_OF_THREE, "padding": 1, "groups": 2}),
    ((12, 300, 16, 16), 290, {**HALF_OF_THREE, "padding": 1}),
    ((9, 64, 30, 28), 72, {**SAME_OF_FIVE, "padding": 2}),
    ((3, 70, 15, 37), 80, {**SAME_OF_FIVE, "padding": ((1, 3), (0, 4))}),
    ((5, 128, 18, 22), 128, {**SAME_OF_FIVE, "groups": 2}),
    ((2, 300, 14, 12), 290, {**SAME_OF_FIVE, "padding": 2}),
)
DILATED = (  # tiles of every second, third, ... pixel, in each other
    ((9, 64, 32, 28), 64, {**SAME, "padding": 2, "dilation": 2}),
    ((3, 70, 17, 40), 80, {**SAME, "padding": ((1, 4), (3, 6)), "dilation": (2, 3)}),
    ((5, 128, 25, 24), 160, {**SAME, "groups": 2, "dilation": (1, 4)}),
    ((2, 300, 19, 21), 290, {**SAME, "padding": ((5, 5), (1, 1)), "dilation": (5, 1)}),
    ((3, 72, 30, 33), 64, {**SAME_OF_FIVE, "padding": 4, "dilation": 2}),
)
SHAPES = WHOLE + STRIDED + ROUNDED + DILATED
FORWARD = (
    ((9, 32, 22, 21), 64, {**HALF, "padding": 0}),
    ((9, 32, 34, 31), 64, {**HALF, "padding": 0}),
    ((9, 32, 30, 31), 64, {**HALF, "padding": ((2, 1), (3, 0))}),
    ((2, 64, 200, 60), 64, {**HALF, "padding": 1}),  # several groups of tiles
    ((3, 40, 20, 31), 64, {**SAME, "padding": ((3, 1), (0, 4))}),
    ((9, 32, 30, 28), 48, {**SAME_OF_FIVE, "padding": 2}),
    ((9, 48, 33, 30), 64, {**HALF_OF_THREE, "padding": ((0, 2), (3, 0))}),
    ((3, 40, 20, 31), 64, {**SAME_OF_FIVE, "padding": ((6, 1), (0, 5))}),
    ((3, 40, 20, 31), 64, {**SAME, "padding": ((7, 0), (0, 9)), "dilation": (2, 3)}),
)
MANY = (  # tiles that a weight gradient adds up
    ((64, 32, 64, 64), 32, {**HALF, "padding": 1}),
    ((16, 64, 64, 64), 64, {**SAME, "padding": 1}),
    ((8, 64, 64, 64), 64, {**SAME, "padding": 2, "dilation": 2}),
    ((32, 64, 16, 16), 32, {**SAME, "padding": 1}),
    ((32, 48, 32, 32), 32, {**SAME, "padding": 1}),
    ((16, 64, 64, 64), 64, {**HALF_OF_THREE, "padding": 1}),
    ((4, 64, 64, 64), 64, {**SAME_OF_FIVE, "padding": 2}),  # nine groups of tiles
)
every_shape = pytest.mark.parametrize("shape, out, options", SHAPES + FORWARD)


def three(x, w, grad_y, kernel, **options):
    """The convolution and its gradients."""
    return (
        K.conv2d(x, w, **options),
        K.conv2d_input_grad(grad_y, w, x.shape, **options),
        K.conv2d_weight_grad(grad_y, x, w.shape, **options),
    )


def arguments(shape, out, options, whole=False):
    random = np.random.default_rng(0)
    kernel, groups, stride = (options.get(name, 1) for name in ("kernel", "groups", "stride"))
    pads = np.broadcast_to(np.array(options.get("padding", 0)).T, (2, 2)).sum(0)
    reach = (kernel - 1) * np.broadcast_to(options.get("dilation", 1), 2)
    sizes = (np.array(shape[2:]) + pads - reach - 1) // stride + 1
    shapes = (shape, (out, shape[1] // groups, kernel, kernel), (shape[0], out, *sizes))
    if whole:
        return [random.integers(-4, 5, s).astype(np.float32) for s in shapes]
    return [random.standard_normal(s, dtype=np.float32) for s in shapes]


def doubles(arrays):
    return [a.astype(np.float64) for a in arrays]


@pytest.mark.parametrize("shape, out, options", WHOLE + FORWARD[:1])
def test_whole_numbers_are_exact(shape, out, options, isa):
    arrays = arguments(shape, out, options, whole=True)
    for y, wanted in zip(
        three(*arrays, **options), three(*doubles(arrays), **options), strict=True
    ):
        np.testing.assert_array_equal(y, wanted)


def test_whole_numbers_of_small_images_are_exact(isa):
    shape, out, options = SMALL
    arrays = arguments(shape, out, options, whole=True)
    wanted = three(*doubles(arrays), **options)
    for y, ref in zip(three(*arrays, **options)[:2], wanted[:2], strict=True):
        np.testing.assert_array_equal(y, ref)


@pytest.mark.parametrize("shape, out, options", STRIDED + ROUNDED + DILATED)
def test_whole_numbers_are_exact_where_asked(shape, out, options, isa):
    arrays = arguments(shape, out, options, whole=True)
    wanted = three(*doubles(arrays), **options)
    for y, ref in zip(three(*arrays, **options, exact=True), wanted, strict=True):
        np.testing.assert_array_equal(y, ref)


@pytest.mark.parametrize("shape, out, options", SHAPES + MANY)
def test_errors_are_at_most_eight_times_those_of_the_plain_way(shape, out, options, isa):
    if isa == "cuda":
        pytest.skip("the CPU's way")
    arrays = arguments(shape, out, options)
    wanted = three(*doubles(arrays), **options)
    plain = three(*arrays, **options, exact=True)
    for y, direct, ref in zip(three(*arrays, **options), plain, wanted, strict=True):
        assert not np.array_equal(y, direct), "not the way this test is about"
        assert np.abs(y - ref).max() <= 8 * np.abs(direct - ref).max()
        assert np.square(y - ref).mean() <= 8**2 * np.square(direct - ref).mean()


@every_shape
def test_adjoint(shape, out, options, isa):
    x, w, grad_y = arguments(shape, out, options)
    y, grad_x, grad_w = doubles(three(x, w, grad_y, **options))
    wanted = np.vdot(y, grad_y)
    tolerance = 1e-5 * np.linalg.norm(y) * np.linalg.norm(grad_y)
    assert abs(np.vdot(grad_x, x) - wanted) < tolerance
    assert abs(np.vdot(grad_w, w) - wanted) < tolerance


@every_shape
def test_same_bits_for_any_number_of_threads(shape, out, options, isa):
    arrays = arguments(shape, out, options)
    with tatami.threads(1):
        alone = three(*arrays, **options)
    for n in (2, 3, 7):
        with tatami.threads(n):
            for y, one in zip(three(*arrays, **options), alone, strict=True):
                assert_same_bits(y, one, f"{n} threads")


@every_shape
def test_same_bits_on_every_instruction_set_with_fma(shape, out, options):
    fused = [isa for isa in ISAS if isa not in ("portable", "cuda")]
    arrays, before, results = arguments(shape, out, options), tatami.isa(), []
    try:
        for isa in fused:
            tatami._core.set_isa(isa)
            results.append(three(*arrays, **options))
    finally:
        tatami._core.set_isa(before)
    for others in results[1:]:
        for y, one in zip(others, results[0], strict=True):
            assert_same_bits(y, one)


def test_bias_activation_and_out(isa):
    x, w, _ = arguments(*WHOLE[2], whole=True)
    b = np.arange(len(w), dtype=np.float32)
    options = {"stride": 2, "padding": ((1, 2), (1, 0)), "activation": "relu"}
    out = np.full_like(K.conv2d(x, w, b, **options), np.nan)
    assert K.conv2d(x, w, b, **options, out=out) is out
    np.testing.assert_array_equal(out, K.conv2d(*doubles((x, w, b)), **options))
    x = x[:, :70, :10, :10]
    w = np.ascontiguousarray(w[:70])
    b = np.arange(w.shape[1], dtype=np.float32)
    options["padding"] = 1
    y = K.conv_transpose2d(x, w, b, **options)
    np.testing.assert_array_equal(y, K.conv_transpose2d(*doubles((x, w, b)), **options))


def test_bias_and_activation_of_rounded_results(isa):
    x, w, _ = arguments(*ROUNDED[2])
    options = {"padding": ROUNDED[2][2]["padding"], "activation": "tanh"}
    b = np.linspace(-1, 1, len(w), dtype=np.float32)
    wanted = K.conv2d(*doubles((x / 16, w, b)), **options)
    np.testing.assert_allclose(K.conv2d(x / 16, w, b, **options), wanted, atol=2e-5)


def test_a_transposed_convolution_is_the_input_gradient(isa):
    x, w, grad_y = arguments(*STRIDED[0])
    grad_x = K.conv2d_input_grad(grad_y, w, x.shape, stride=2, padding=1)
    assert_same_bits(K.conv_transpose2d(grad_y, w, stride=2, padding=1), grad_x)


def test_exact_for_a_block_and_for_a_call(isa):
    if isa == "cuda":
        pytest.skip("the CPU's way")
    arrays = arguments(*STRIDED[0])
    fast, plain = (three(*arrays, **STRIDED[0][2], exact=exact) for exact in (False, True))
    others = []
    with tatami.exact():
        thread = threading.Thread(target=lambda: others.extend(three(*arrays, **STRIDED[0][2])))
        thread.start()
        thread.join()
        for y, wanted in zip(three(*arrays, **STRIDED[0][2]), plain, strict=True):
            assert_same_bits(y, wanted)
        with tatami.exact(False):
            assert_same_bits(K.conv2d(*arrays[:2], stride=2, padding=1), fast[0])
    for y, wanted in zip(others, fast, strict=True):
        assert_same_bits(y, wanted)  # the block is the calling thread's
    with pytest.raises(ZeroDivisionError), tatami.exact():
        raise ZeroDivisionError
    assert_same_bits(K.conv2d(*arrays[:2], stride=2, padding=1), fast[0])


def test_exact_reaches_the_gradients():
    x, w, grad_y = (tatami.Tensor(a, requires_grad=True) for a in arguments(*STRIDED[0]))
    y = tatami.functional.conv2d(x, w, stride=2, padding=1, exact=True)
    grads = tatami.grad((y * grad_y).sum(), (x, w))
    plain = three(*arguments(*STRIDED[0]), **STRIDED[0][2], exact=True)
    for value, wanted in zip((y.detach(), *grads), plain, strict=True):
        assert_same_bits(value.numpy(), wanted)


@pytest.mark.parametrize("shape, out, options", (WHOLE[0], SMALL))
def test_what_is_not_finite_stays_where_it_belongs(shape, out, options, isa):
    for value in (np.inf, np.nan):
        arrays = arguments(shape, out, options)
        arrays[0][3, 5, 4, 3] = arrays[2][2, 7, 2, 3] = value
        for y, wanted in zip(
            three(*arrays, **options)[:2], three(*arrays, **options, exact=True)[:2], strict=True
        ):
            np.testing.assert_array_equal(np.isfinite(y), np.isfinite(wanted))


def test_what_is_not_finite_stays_in_its_tiles(isa):
    for (shape, out, options), reach, back in (
        (ROUNDED[1], (slice(8, 16), slice(12, 16)), (slice(8, 16), slice(12, 16))),
        (STRIDED[0], (slice(4, 8), slice(4, 8)), (slice(16, 32), slice(24, 32))),
        (DILATED[0], (slice(9, 17, 2), slice(8, 24, 2)), (slice(9, 17, 2), slice(8, 24, 2))),
    ):
        x, w, grad_y = arguments(shape, out, options)
        x[3, 5, 11, 14] = grad_y[3, 7, 11, 14] = np.inf
        for y, plain, (rows, columns) in zip(
            three(x, w, grad_y, **options)[:2],
            three(x, w, grad_y, **options, exact=True)[:2],
            (reach, back),
            strict=True,
        ):
            reached = ~np.isfinite(y)
            assert reached[~np.isfinite(plain)].all()
            reached[3, :, rows, columns] = False
            assert not reached.any()


def test_no_images():
    for options in (HALF | {"padding": 1}, SAME | {"padding": 1}):
        x, w, grad_y = arguments((0, 64, 32, 32), 64, options)
        y, grad_x, grad_w = three(x, w, grad_y, **options)
        assert y.shape == grad_y.shape and grad_x.shape == x.shape and not grad_w.any()

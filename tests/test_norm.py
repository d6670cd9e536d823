"""Normalisations beyond the table: what they promise of means and variances, caches, errors."""

import functools
import itertools

import numpy as np
import pytest

import reference as R
from sources import Source
from support import assert_close, assert_same_bits
from tatami import kernels as K

DTYPES = (np.float32, np.float64)

# name and call(K, x, **rest), none with parameters
PLAIN = {
    "batch_norm": lambda K, x, **rest: K.batch_norm(x, None, None, training=True, **rest),
    "instance_norm": lambda K, x, **rest: K.instance_norm(x, **rest),
    "group_norm": lambda K, x, **rest: K.group_norm(x, 2, **rest),
    "layer_norm": lambda K, x, **rest: K.layer_norm(x, x.shape[1:], **rest),
    "rms_norm": lambda K, x, **rest: K.rms_norm(x, x.shape[1:], **rest),
}
every_norm = pytest.mark.parametrize("name", PLAIN)
AXES = {
    "batch_norm": (0, 2),
    "instance_norm": (2,),
    "layer_norm": (1, 2),
    "rms_norm": (1, 2),
    "group_norm": None,
}


@every_norm
def test_sizes_around_the_vector_width(name, isa):
    for dtype in DTYPES:
        for length in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 200, 513):
            x = Source(length)(3, 4, length).astype(dtype) * 2 + 1
            y, cache = PLAIN[name](K, x, return_cache=True)
            wanted, kept = PLAIN[name](R, x, return_cache=True)
            scale = kept.inverse.max()
            bound = np.abs(wanted) + scale * (np.abs(x) + np.abs(x).max())
            assert_close(y, wanted, bound, f"{name} {length}")
            gy = Source(1)(*x.shape).astype(dtype)
            found = getattr(K, f"{name}_grad")(gy, cache)[0]
            ref = getattr(R, f"{name}_grad")(gy, kept)[0]
            z = np.abs(kept.z).max()
            assert_close(found, ref, scale * np.abs(gy).max() * (1 + z) ** 2 * 2, f"{name} grad")


@every_norm
def test_a_large_mean_costs_no_more_than_its_own_rounding(name, isa):
    """The variance is not the small difference of two large numbers."""
    for dtype, mean in ((np.float32, 1e3), (np.float64, 1e8)):
        x = (mean + Source(0)(4, 6, 700)).astype(dtype)
        wanted, kept = PLAIN[name](R, x, return_cache=True)
        bound = kept.inverse.max() * np.abs(x) + np.abs(wanted)
        assert_close(PLAIN[name](K, x), wanted, bound, name)


@every_norm
def test_a_first_element_far_from_the_others_costs_no_digits(name, isa):
    """Sums are taken around the first element, where that serves."""
    for dtype, far in ((np.float32, 1e4), (np.float64, 1e8)):
        x = Source(0)(4, 6, 4000)
        x[:, :, 0] += far
        x = x.astype(dtype)
        wanted, kept = PLAIN[name](R, x, return_cache=True)
        bound = np.abs(wanted) + kept.inverse.max() * (1 + np.abs(x).mean())
        assert_close(PLAIN[name](K, x), wanted, bound, name)


@every_norm
def test_constant_groups_give_zero(name, isa):
    if name == "rms_norm":
        return
    x = np.full((3, 4, 65), 3.25, np.float32)
    y, cache = PLAIN[name](K, x, return_cache=True)
    assert (np.abs(y) < 1e-3).all()
    grad = getattr(K, f"{name}_grad")(np.ones_like(x), cache)[0]
    assert np.isfinite(grad).all()


@every_norm
def test_nan_stays_in_its_group(name, isa):
    x = Source(0)(4, 4, 33).astype(np.float32)
    x[1, 2, 5] = np.nan
    y = PLAIN[name](K, x)
    with np.errstate(invalid="ignore"):
        wanted = PLAIN[name](R, x)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(wanted))


def test_batch_statistics_and_running_ones(isa):
    for dtype in DTYPES:
        for shape in ((9, 5), (4, 5, 37), (3, 5, 6, 7)):
            x = (3 * Source(0)(*shape) + 2).astype(dtype)
            mean, var = np.zeros(5, dtype), np.ones(5, dtype)
            places = mean.ctypes.data, var.ctypes.data
            y = K.batch_norm(x, mean, var, training=True, momentum=0.25)
            assert places == (mean.ctypes.data, var.ctypes.data)
            axes = tuple(a for a in range(x.ndim) if a != 1)
            wide = x.astype(np.float64)
            assert_close(mean, 0.25 * wide.mean(axes), np.abs(wide).max())
            unbiased = wide.var(axes, ddof=1)
            assert_close(var, 0.75 + 0.25 * unbiased, np.square(wide).max())
            np.testing.assert_allclose(y.mean(axes), 0, atol=1e-5)
            np.testing.assert_allclose(y.var(axes), 1, atol=1e-4)
            before = mean.copy(), var.copy()
            still = K.batch_norm(x, mean, var)
            np.testing.assert_array_equal(mean, before[0], "evaluation changes nothing")
            np.testing.assert_array_equal(var, before[1])
            assert_close(still, R.batch_norm(x, mean, var), 8 + 8 * np.abs(x))


@pytest.mark.parametrize(
    "shape", [(7, 5), (2, 5, 3), (3, 5, 41), (2, 5, 8, 6), (300, 5), (0, 5, 4)]
)
def test_activation_and_residual_have_the_bits_of_one_by_one(shape, isa):
    how = {"negative_slope": 0.2}
    forward = {"relu": K.relu, "leaky_relu": lambda y: K.leaky_relu(y, **how)}
    back = {"relu": K.relu_grad, "leaky_relu": lambda g, y: K.leaky_relu_grad(g, y, **how)}
    source = Source(1)
    for dtype in DTYPES:
        x, gy, residual = (source(*shape).astype(dtype) for _ in range(3))
        if x.size:
            x[0, 0], gy[1, 1], residual[0, 2] = 0, np.inf, np.nan
        w, b, mean = (source(5).astype(dtype) for _ in range(3))
        for name, training in itertools.product(forward, (True, False)):
            call = functools.partial(
                K.batch_norm, x, mean, np.ones(5, dtype), w, b, training, 0.0, **how
            )
            plain, cache = call(return_cache=True)
            wanted = K.batch_norm_grad(back[name](gy, plain), cache)
            y, cache = call(activation=name, return_cache=True)
            assert_same_bits(y, forward[name](plain))
            for got, ref in zip(K.batch_norm_grad(gy, cache), wanted, strict=True):
                assert_same_bits(got, ref)
            joined = call(residual=residual, activation=name)
            assert_same_bits(joined, forward[name](plain + residual))


def test_evaluation_of_one_sample_needs_no_batch(isa):
    x = Source(0)(1, 5, 3).astype(np.float32)
    mean, var = np.ones(5, np.float32), np.full(5, 4.0, np.float32)
    assert_close(K.batch_norm(x, mean, var), R.batch_norm(x, mean, var), 1 + np.abs(x))


def test_group_norm_of_one_group_is_layer_norm_and_of_all_is_instance_norm(isa):
    x = Source(0)(3, 6, 5, 7).astype(np.float32)
    layer, instance = K.layer_norm(x, x.shape[1:]), K.instance_norm(x)
    assert_close(K.group_norm(x, 1), layer.astype(np.float64), 2 + np.abs(layer))
    assert_close(K.group_norm(x, 6), instance.astype(np.float64), 2 + np.abs(instance))


@every_norm
def test_gradient_sums_are_those_of_the_shape_alone(name):
    """The gradient of x never changes a group's sum: it is orthogonal to shifts of the group."""
    if AXES[name] is None or name == "rms_norm":
        return
    x, gy = Source(0)(4, 6, 33), Source(1)(4, 6, 33)
    _, cache = PLAIN[name](K, x, return_cache=True)
    grad = getattr(K, f"{name}_grad")(gy, cache)[0]
    np.testing.assert_allclose(grad.sum(AXES[name]), 0, atol=1e-10)


def test_absent_parameters_have_no_gradients(isa):
    x, w = Source(0)(4, 6, 5).astype(np.float32), np.ones(6, np.float32)
    for weight, bias in ((None, None), (w, None), (None, w), (w, w)):
        for forward, backward in (
            (lambda **kw: K.batch_norm(x, None, None, training=True, **kw), K.batch_norm_grad),
            (lambda **kw: K.instance_norm(x, **kw), K.instance_norm_grad),
            (lambda **kw: K.group_norm(x, 3, **kw), K.group_norm_grad),
        ):
            _, cache = forward(weight=weight, bias=bias, return_cache=True)
            _, grad_w, grad_b = backward(x, cache)
            assert (grad_w is None, grad_b is None) == (weight is None, bias is None)


def test_a_cache_serves_many_times_and_keeps_its_inputs():
    x = Source(0)(4, 6, 5).astype(np.float32)
    for name, call in PLAIN.items():
        y, cache = call(K, x.copy(), return_cache=True)
        first = getattr(K, f"{name}_grad")(x, cache)[0]
        y[...] = np.nan
        np.testing.assert_array_equal(getattr(K, f"{name}_grad")(x, cache)[0], first)


@every_norm
def test_other_caches_are_type_errors(name):
    x = np.ones((4, 6, 5), np.float32)
    other = "group_norm" if name != "group_norm" else "layer_norm"
    _, cache = PLAIN[other](K, x, return_cache=True)
    for wrong in (cache, None, 3, object()):
        with pytest.raises(TypeError, match=rf"^{name}_grad: cache"):
            getattr(K, f"{name}_grad")(x, wrong)


X = (3, 4, 5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, a: K.batch_norm(x, a(5), a(4)), ("running_mean", "(5", "4")),
        (lambda x, a: K.batch_norm(x, a(4), a(4), a(3)), ("weight", "(3", "4")),
        (lambda x, a: K.batch_norm(x, None, None), ("running_mean",)),
        (lambda x, a: K.batch_norm(x, a(4), None, training=True), ("running_var",)),
        (lambda x, a: K.batch_norm(a(4), None, None, training=True), ("x", "(N, C")),
        (lambda x, a: K.batch_norm(x, a(4), a(4), activation="gelu"), ("'relu'", "its result")),
        (lambda x, a: K.batch_norm(x, a(4), a(4), activation="none"), ("'none'", "'relu'")),
        (lambda x, a: K.batch_norm(x, a(4), a(4), negative_slope=-0.1), ("negative_slope", "-0.1")),
        (lambda x, a: K.batch_norm(x, a(4), a(4), residual=a(3, 4, 1)), ("(3, 4, 1)", "(3, 4, 5)")),
        (lambda x, a: K.instance_norm(x, None, None, use_input_stats=False), ("running_mean",)),
        (lambda x, a: K.group_norm(x, 3), ("num_groups", "3", "4")),
        (lambda x, a: K.group_norm(x, 0), ("num_groups", "0")),
        (lambda x, a: K.layer_norm(x, (4,)), ("normalized_shape", "(4", "(3, 4, 5)")),
        (lambda x, a: K.layer_norm(x, (1, 3, 4, 5)), ("normalized_shape", "(3, 4, 5)")),
        (lambda x, a: K.layer_norm(x, (5,), a(4)), ("weight", "(4", "(5")),
        (lambda x, a: K.rms_norm(x, (5,), a(5, 1)), ("weight", "(5, 1)")),
        (lambda x, a: K.layer_norm(x, (5,), eps=-1.0), ("eps", "-1")),
    ],
)
def test_errors_name_everything(call, says):
    with pytest.raises(ValueError, match=r"^[a-z]+_norm: ") as caught:
        call(np.ones(X, np.float32), lambda *shape: np.ones(shape, np.float32))
    for part in says:
        assert part in str(caught.value), caught.value


def test_running_statistics_are_written_in_place_or_not_at_all():
    x = np.ones((4, 3, 2), np.float32)
    good = np.zeros(3, np.float32)
    locked = np.ones(3, np.float32)
    locked.flags.writeable = False
    for bad, error in (
        (locked, ValueError),
        (np.ones(6, np.float32)[::2], ValueError),
        (np.ones(3), TypeError),
        ([1.0, 1.0, 1.0], TypeError),
    ):
        with pytest.raises(error, match=r"^batch_norm: .*running_var"):
            K.batch_norm(x, good, bad, training=True)
        assert not good.any(), "nothing is written when a call is refused"


def test_normalized_shape_may_be_an_int():
    x = Source(0)(3, 7).astype(np.float32)
    np.testing.assert_array_equal(K.layer_norm(x, 7), K.layer_norm(x, (7,)))
    np.testing.assert_array_equal(K.rms_norm(x, 7), K.rms_norm(x, [7]))

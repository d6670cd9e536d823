"""Losses beyond the table: reductions, extremes, ignored classes, targets, errors."""

import numpy as np
import pytest

import reference as R
from marks import looks_at_indices
from sources import Source
from support import assert_close
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
REDUCTIONS = ("mean", "sum", "none")
BCE = "binary_cross_entropy_with_logits"
DISTANCES = ("mse_loss", "l1_loss", "huber_loss")


def test_scalars_have_no_axes():
    x, t = np.ones((3, 4), np.float32), np.zeros((3, 4), np.float32)
    for name in (*DISTANCES, BCE):
        for reduction in ("mean", "sum"):
            y = getattr(K, name)(x, t, reduction=reduction)
            assert isinstance(y, np.ndarray) and y.shape == () and y.dtype == np.float32
    y = K.cross_entropy(x, np.zeros(3, np.int64))
    assert isinstance(y, np.ndarray) and y.shape == () and y.dtype == np.float32


def test_every_length(isa):
    for dtype in DTYPES:
        for length in (1, 2, 7, 8, 9, 15, 16, 17, 33, 65, 1000):
            x, t = (Source(s)(length).astype(dtype) for s in (0, 1))
            for name in DISTANCES:
                for r in REDUCTIONS:
                    ref = getattr(R, name)(x, t, reduction=r)
                    assert_close(getattr(K, name)(x, t, reduction=r), ref, np.abs(ref), name)
            ref = R.binary_cross_entropy_with_logits(x, np.abs(t), reduction="sum")
            y = K.binary_cross_entropy_with_logits(x, np.abs(t), reduction="sum")
            assert_close(y, ref, np.abs(ref) + np.abs(x).sum() + np.abs(x * t).sum())


def test_every_number_of_classes(isa):
    for dtype in DTYPES:
        for classes in (1, 2, 3, 7, 8, 10, 16, 17, 33, 65, 1000):
            for inner in ((), (5,), (3, 17)):
                x = 2 * Source(classes)(4, classes, *inner).astype(dtype)
                t = Source(1).below(classes, 4, *inner)
                ref = R.cross_entropy(x, t, reduction="none")
                bound = np.abs(ref) + 1 + 2 * np.abs(x).max()
                assert_close(K.cross_entropy(x, t, reduction="none"), ref, bound)
                ref = R.cross_entropy_grad(1.0, x, t)
                bound = np.abs(ref) + (1 + np.abs(x).max()) / t.size
                assert_close(K.cross_entropy_grad(1.0, x, t), ref, bound)


def test_huge_logits_stay_exact(isa):
    for dtype in DTYPES:
        x = np.array([[1e4, 0, -1e4], [0, 1e4, 1e4]], dtype)
        y = K.cross_entropy(x, np.array([2, 0]), reduction="none")
        np.testing.assert_allclose(y, [2e4, 1e4 + np.log(2)], rtol=1e-6)
        assert np.isfinite(K.cross_entropy_grad(1.0, x, np.array([2, 0]))).all()
        x = np.array([1e4, -1e4, 1e4, -1e4], dtype)
        t = np.array([1, 0, 0, 1], dtype)
        y = K.binary_cross_entropy_with_logits(x, t, reduction="none")
        np.testing.assert_allclose(y, [0, 0, 1e4, 1e4], atol=1e-30)


def test_nan_stays_in_its_row(isa):
    x = Source(0)(4, 19).astype(np.float32)
    x[1, 5] = np.nan
    y = K.cross_entropy(x, np.zeros(4, np.int64), reduction="none")
    np.testing.assert_array_equal(np.isnan(y), [False, True, False, False])
    grad = K.cross_entropy_grad(1.0, x, np.zeros(4, np.int64))
    assert np.isnan(grad[1]).any() and np.isfinite(grad[[0, 2, 3]]).all()
    for name in (*DISTANCES, BCE):
        y = getattr(K, name)(x, np.zeros_like(x), reduction="none")
        np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
        assert np.isnan(getattr(K, name)(x, np.zeros_like(x)))


def test_classes_that_are_ignored_count_nothing(isa):
    x = Source(0)(6, 5).astype(np.float32)
    t = np.array([0, -100, 3, 4, -100, 1])
    kept = t >= 0
    assert_close(K.cross_entropy(x, t), R.cross_entropy(x[kept], t[kept]), 10)
    y = K.cross_entropy(x, t, reduction="none")
    assert not y[~kept].any()
    assert not K.cross_entropy_grad(1.0, x, t)[~kept].any()
    again = np.where(t == -100, 2, t)
    assert_close(K.cross_entropy(x, again, ignore_index=2), R.cross_entropy(x[kept], t[kept]), 10)
    nothing = np.full(6, -100)
    assert np.isnan(K.cross_entropy(x, nothing)), "the mean of nothing"
    assert K.cross_entropy(x, nothing, reduction="sum") == 0


def test_one_hot_probabilities_are_class_indices(isa):
    for dtype in DTYPES:
        x = Source(0)(6, 5).astype(dtype)
        t = Source(1).below(5, 6)
        hot = np.eye(5, dtype=dtype)[t]
        for smoothing in (0.0, 0.3):
            for reduction in REDUCTIONS:
                options = {"label_smoothing": smoothing, "reduction": reduction}
                a, b = K.cross_entropy(x, t, **options), K.cross_entropy(x, hot, **options)
                assert_close(a, b.astype(np.float64), 10 + 10 * np.abs(b))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint16, np.int64])
def test_any_integer_type_of_classes(dtype):
    x = Source(0)(6, 5).astype(np.float32)
    t = Source(1).below(5, 6)
    np.testing.assert_array_equal(K.cross_entropy(x, t.astype(dtype)), K.cross_entropy(x, t))


def test_grad_y_may_be_a_number_or_an_array_without_axes():
    x, t = Source(0)(4, 5).astype(np.float32), Source(1)(4, 5).astype(np.float32)
    for name in (*DISTANCES, BCE):
        backward = getattr(K, f"{name}_grad")
        wanted = backward(2.0, x, t)
        np.testing.assert_array_equal(backward(2, x, t), wanted)
        np.testing.assert_array_equal(backward(np.array(2.0, np.float32), x, t), wanted)
        np.testing.assert_array_equal(backward(np.float32(2), x, t), wanted)
        with pytest.raises((ValueError, TypeError), match=rf"^{name}_grad: grad_y"):
            backward(np.ones((4, 5), np.float32), x, t)
        with pytest.raises((ValueError, TypeError), match=rf"^{name}_grad: grad_y"):
            backward(1.0, x, t, reduction="none")


def test_kinks(isa):
    x = np.array([0.0, 1.0, -1.0, 2.0], np.float32)
    zero = np.zeros(4, np.float32)
    assert K.l1_loss_grad(1.0, x, zero, reduction="sum").tolist() == [0, 1, -1, 1]
    assert K.huber_loss(x, zero, reduction="none").tolist() == [0, 0.5, 0.5, 1.5]
    assert K.huber_loss_grad(1.0, x, zero, reduction="sum").tolist() == [0, 1, -1, 1]


def test_long_sums_keep_their_precision(isa):
    """A mean of a million terms is as exact as a mean of a few."""
    x = np.full(1_000_003, 0.1, np.float32)
    zero = np.zeros_like(x)
    wanted = R.mse_loss(x, zero)
    assert_close(K.mse_loss(x, zero), wanted, wanted)
    assert_close(K.l1_loss(x, zero, reduction="sum"), R.l1_loss(x, zero, reduction="sum"), 100_000)


@pytest.mark.parametrize(
    ("logits", "target", "options", "says"),
    [
        ((3, 4), (4,), {}, ("target", "(4", "(3")),
        ((3, 4, 2), (3,), {}, ("target", "(3", "(3, 2)")),
        ((4,), (4,), {}, ("logits", "(4")),
        ((3, 4), (3,), {"weight": (3,)}, ("weight", "(3", "4")),
        ((3, 4), (3,), {"reduction": "average"}, ("reduction", "average")),
        ((3, 4), (3,), {"label_smoothing": 1.5}, ("label_smoothing", "1.5")),
    ],
)
def test_cross_entropy_errors_name_everything(logits, target, options, says):
    if "weight" in options:
        options = {**options, "weight": np.ones(options["weight"], np.float32)}
    with pytest.raises(ValueError, match=r"^cross_entropy: ") as caught:
        K.cross_entropy(np.ones(logits, np.float32), np.zeros(target, np.int64), **options)
    for part in says:
        assert part in str(caught.value), caught.value


@looks_at_indices
@pytest.mark.parametrize("bad", [4, -1, -101, 2**40])
def test_classes_out_of_range_are_value_errors(bad):
    x, t = np.ones((3, 4), np.float32), np.array([0, bad, 1])
    with pytest.raises(ValueError, match=rf"^cross_entropy: target .*{bad}"):
        K.cross_entropy(x, t)
    with pytest.raises(ValueError, match=rf"^cross_entropy_grad: target .*{bad}"):
        K.cross_entropy_grad(1.0, x, t)


def test_distances_check_shapes_and_settings():
    x = np.ones((3, 4), np.float32)
    for name in (*DISTANCES, BCE):
        with pytest.raises(ValueError, match=rf"^{name}: .*\(3, 4\).*target.*\(4, 3\)"):
            getattr(K, name)(x, np.ones((4, 3), np.float32))
        with pytest.raises(ValueError, match=rf"^{name}: reduction .*'median'"):
            getattr(K, name)(x, x, reduction="median")
    with pytest.raises(ValueError, match=r"^huber_loss: delta .*0"):
        K.huber_loss(x, x, delta=0.0)
    with pytest.raises(ValueError, match=rf"^{BCE}: weight .*\(4.*\(3, 4\)"):
        K.binary_cross_entropy_with_logits(x, x, np.ones(4, np.float32))
    with pytest.raises(ValueError, match=rf"^{BCE}: pos_weight .*\(3.*4"):
        K.binary_cross_entropy_with_logits(x, x, pos_weight=np.ones(3, np.float32))

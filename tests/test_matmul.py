"""Matrix products beyond the table: shapes, activations, views, NaN, bits, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference as R
from reference.activation import FUSED
from sources import Source
from support import assert_close, assert_same_bits
from tatami import _core
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
# Around the widths of vectors, the rows of tiles, the widths of panels.
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 63, 65)


def whole(*shapes, dtype=np.float32, seed=0):
    source = Source(seed, whole=True)
    return [source(*shape).astype(dtype) for shape in shapes]


def test_every_size_around_the_vector_width(isa):
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        for m in SIZES:
            for n in SIZES:
                k = int(rng.choice(SIZES))
                a, b, bias = whole((m, k), (k, n), (n,), dtype=dtype)
                np.testing.assert_array_equal(K.matmul(a, b, bias), R.matmul(a, b, bias))
                np.testing.assert_array_equal(K.linear(a, b.T.copy()), R.matmul(a, b))


def test_every_form_of_transposed_view(isa):
    for dtype in DTYPES:
        sizes = ((3, 20, 40), (20, 30, 40), (100, 70, 600), (1, 200, 40), (200, 1, 40))
        for m, n, k in (*sizes, (210, 30, 1100)):  # the last is computed as its transpose
            a, b = whole((m, k), (k, n), dtype=dtype)
            wanted = R.matmul(a, b)
            for left in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2], a[::-1][::-1]):
                for right in (b, np.asfortranarray(b), np.repeat(b, 2, 0)[::2]):
                    np.testing.assert_array_equal(K.matmul(left, right), wanted)
            np.testing.assert_array_equal(K.linear(a, np.asfortranarray(b.T)), wanted)


def test_large_products_cross_every_block(isa):
    for dtype in DTYPES:
        for m, n, k in (
            (130, 1100, 1030),
            (700, 45, 520),
            (300, 10, 1030),
            (4, 2100, 1025),
            *((rows, 1200 + rows, 300) for rows in (1, 2, 3, 4)),  # all of it within the caches
            (513, 513, 513),
        ):
            a, b = whole((m, k), (k, n), dtype=dtype)
            np.testing.assert_array_equal(K.matmul(a, b), a.astype(np.float64) @ b)


def test_sums_of_4096_terms_stay_within_the_bound(isa):
    source = Source(3)
    for dtype in DTYPES:
        a, b = source(33, 4096).astype(dtype), source(4096, 50).astype(dtype)
        assert_close(K.matmul(a, b), R.matmul(a, b), R.matmul(np.abs(a), np.abs(b)))


@pytest.mark.parametrize("name", FUSED)
def test_fused_activations(name, isa):
    source = Source(1)
    for dtype in DTYPES:
        for m, n in ((1, 40), (3, 7), (50, 70), (50, 7)):
            a, b, bias = (source(*s).astype(dtype) for s in ((m, 19), (19, n), (n,)))
            bound = 2 + R.matmul(np.abs(a), np.abs(b), np.abs(bias))
            y = K.matmul(a, b, bias, activation=name)
            assert_close(y, R.matmul(a, b, bias, activation=name), bound, name)
            y = K.linear(a, b.T, activation=name)
            assert_close(y, R.matmul(a, b, activation=name), bound, name)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_broadcast_batches_follow_numpy(data):
    full = data.draw(st.lists(st.integers(1, 3), max_size=3), "batch")
    m, n, k = (data.draw(st.integers(0, 9), name) for name in "mnk")

    def some(axes):
        """The batch with leading axes dropped and others set to 1."""
        kept = axes[data.draw(st.integers(0, len(axes))) :]
        return [1 if data.draw(st.booleans()) else size for size in kept]

    a, b = whole((*some(full), m, k), (*some(full), k, n))
    order = data.draw(st.sampled_from("CF"))
    np.testing.assert_array_equal(K.matmul(np.array(a, order=order), b), np.matmul(a, b))


def test_same_bits_in_any_batch_and_on_every_set_with_fma():
    source = Source(2)
    a = source(5, 37, 300).astype(np.float32)
    b = source(300, 45).astype(np.float32)
    results = {}
    for name in _core.isas():
        _core.set_isa(name)
        together = K.matmul(a, b)
        for i in range(5):
            assert_same_bits(K.matmul(a[i], b), together[i], "one matrix of a batch")
            assert_same_bits(K.matmul(a[i, :3], b), together[i, :3], "few rows of a matrix")
            assert_same_bits(K.matmul(a[i], b[:, :7]), together[i, :, :7], "few columns")
        results[name] = together
    _core.set_isa(_core.isas()[0])
    with_fma = [y for name, y in results.items() if name != "portable"]
    for y in with_fma[1:]:
        assert_same_bits(y, with_fma[0], "another instruction set")


def test_nan_and_infinity_touch_their_own_row_and_column_only(isa):
    for m, n, k in ((3, 40, 20), (40, 70, 50), (40, 5, 50)):
        a, b = whole((m, k), (k, n))
        a[1, 2], b[3, 4] = np.nan, np.inf
        with np.errstate(invalid="ignore"):
            wanted = np.matmul(a, b)
        y = K.matmul(a, b)
        np.testing.assert_array_equal(np.isfinite(y), np.isfinite(wanted))
        np.testing.assert_array_equal(np.isnan(y), np.isnan(wanted))


def test_an_empty_sum_is_zero_plus_bias(isa):
    for m, n in ((2, 3), (40, 50), (1, 1)):
        a, b = np.ones((m, 0), np.float32), np.ones((0, n), np.float32)
        bias = np.arange(n, dtype=np.float32)
        assert not K.matmul(a, b).any()
        np.testing.assert_array_equal(K.matmul(a, b, bias), np.tile(bias, (m, 1)))


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (((2, 3), (4, 5)), ("3", "4", "(2, 3)", "(4, 5)")),
        (((2, 2, 3), (3, 3, 5)), ("batch", "(2, 2, 3)", "(3, 3, 5)")),
        (((), (3, 5)), ("a",)),
        (((2, 3), (3, 5), (4,)), ("bias", "(4)", "5")),
        (((2, 3), (3, 5), (1, 5)), ("bias", "(1, 5)")),
    ],
)
def test_shape_errors_name_everything(shapes, says):
    with pytest.raises(ValueError, match=r"^matmul: ") as caught:
        K.matmul(*(np.ones(s, np.float32) for s in shapes))
    text = str(caught.value).replace(",)", ")")
    for part in says:
        assert part in text, text


def test_linear_names_its_own_arguments():
    with pytest.raises(ValueError, match=r"^linear: .*\(2, 3\).*\(5, 4\)"):
        K.linear(np.ones((2, 3), np.float32), np.ones((5, 4), np.float32))
    with pytest.raises(ValueError, match=r"^linear: .*weight.*\(4,?\)"):
        K.linear(np.ones((2, 4), np.float32), np.ones(4, np.float32))


@pytest.mark.parametrize("activation", ["ReLU", "elu", "", 3, b"relu"])
def test_unknown_activations_are_listed(activation):
    a = np.ones((2, 2), np.float32)
    with pytest.raises((ValueError, TypeError), match=r"^matmul: activation.*'relu'"):
        K.matmul(a, a, activation=activation)


def test_out_may_not_share_memory_with_an_input():
    a = np.ones((4, 4), np.float32)
    for out in (a, a[::1]):
        with pytest.raises(ValueError, match=r"^matmul: out .*memory"):
            K.matmul(a, np.eye(4, dtype=np.float32), out=out)
    assert (a == 1).all()

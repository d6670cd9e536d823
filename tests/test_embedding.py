"""Embedding beyond the table."""

import numpy as np
import pytest

import reference as R
from sources import Source
from tatami import kernels as K

DTYPES = (np.float32, np.float64)


def test_any_shape_and_integer_type_of_indices(isa):
    for dtype in DTYPES:
        for width in (1, 3, 8, 17, 64, 100):
            w = Source(0)(13, width).astype(dtype)
            for shape in ((), (5,), (2, 3), (2, 0, 3)):
                indices = Source(1).below(13, *shape)
                for kind in (np.int64, np.int32, np.uint8):
                    y = K.embedding(np.asarray(indices, kind), w)
                    np.testing.assert_array_equal(y, w[indices])
                    assert y.dtype == dtype


def test_gradient_adds_up_repeated_rows(isa):
    """Many rows into few: whole numbers show every lost or doubled one."""
    sizes = (1, 17, 1000), (5, 8, 5000), (1000, 33, 700), (70000, 2, 4100), (3, 1, 10)
    for dtype in DTYPES:
        for rows, width, count in sizes:
            indices = Source(1).below(rows, count)
            gy = Source(2, whole=True)(count, width).astype(dtype)
            found = K.embedding_grad(gy, indices, (rows, width))
            np.testing.assert_array_equal(found, R.embedding_grad(gy, indices, (rows, width)))


def test_rows_that_nobody_asked_for_have_no_gradient(isa):
    found = K.embedding_grad(np.ones((2, 5), np.float32), np.array([3, 3]), (6, 5))
    assert found[3].tolist() == [2] * 5
    assert not found[[0, 1, 2, 4, 5]].any()


@pytest.mark.parametrize("bad", [-1, 7, 2**40, -(2**63)])
def test_indices_out_of_range_are_value_errors(bad):
    w = np.ones((7, 5), np.float32)
    indices = np.array([0, 6, bad, 1])
    with pytest.raises(ValueError, match=rf"^embedding: indices holds {bad} .*7"):
        K.embedding(indices, w)
    with pytest.raises(ValueError, match=rf"^embedding_grad: indices holds {bad} .*7"):
        K.embedding_grad(np.ones((4, 5), np.float32), indices, (7, 5))


def test_shapes_are_checked():
    w, gy = np.ones((7, 5), np.float32), np.ones((4, 6), np.float32)
    with pytest.raises(ValueError, match=r"^embedding: weight .*\(7,?\)"):
        K.embedding(np.array([0]), w[:, 0])
    with pytest.raises(ValueError, match=r"^embedding_grad: grad_y .*\(4, 6\).*\(4, 5\)"):
        K.embedding_grad(gy, np.array([0, 1, 2, 3]), (7, 5))
    with pytest.raises(TypeError, match=r"^embedding: indices .*float32"):
        K.embedding(np.ones(3, np.float32), w)

"""Array functions: values against NumPy, derivatives of every order, edges and errors."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tatami import Tensor, check_grads, grad
from tatami import functional as F


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def leaf(*shape, seed=0):
    return Tensor(normal(*shape, seed=seed), requires_grad=True)


MASK = normal(3, 4, seed=9) > 0
ROWS = np.array([2, 0, -1, 2])
PLACES = np.array([[0, 2, 1], [3, 3, -1]])  # along an axis of 4, some named twice

# One line a case: name, the function, the same in NumPy, shapes of the float64 arguments.
CASES = [
    ("expm1", F.expm1, np.expm1, (3, 4)),
    ("log1p", lambda x: F.log1p(x * x), lambda x: np.log1p(x * x), (3, 4)),
    ("sin", F.sin, np.sin, (3, 4)),
    ("cos", F.cos, np.cos, (3, 4)),
    ("abs", lambda x: abs(x) * x, lambda x: np.abs(x) * x, (3, 4)),
    ("sign", lambda x: F.sign(x) * x * x, lambda x: np.sign(x) * x * x, (3, 4)),
    ("maximum", lambda a, b: F.maximum(a, b * b), lambda a, b: np.maximum(a, b * b), (3, 4), (4,)),
    ("minimum", lambda a, b: F.minimum(a * a, b), lambda a, b: np.minimum(a * a, b), (3, 1), (4,)),
    ("power of two arrays", lambda a, b: (a * a + 1) ** b, lambda a, b: (a * a + 1) ** b,
     (3, 4), (4,)),
    ("power of a number", lambda b: 2**b, lambda b: 2**b, (3,)),
    ("clip", lambda x: F.clip(x * x, 0.1, 1), lambda x: np.clip(x * x, 0.1, 1), (3, 4)),
    ("clip from below", lambda x: F.clip(x, min=0) ** 2, lambda x: np.clip(x, 0, None) ** 2, (9,)),
    ("where", lambda a, b: F.where(MASK, a * a, b), lambda a, b: np.where(MASK, a * a, b),
     (3, 4), (4,)),
    ("where, number", lambda a: F.where(MASK, a * a, 0.5), lambda a: np.where(MASK, a * a, 0.5),
     (3, 4)),
    ("concatenate", lambda a, b: F.concatenate([a, b * b, a], 1),
     lambda a, b: np.concatenate([a, b * b, a], 1), (2, 3), (2, 1)),
    ("stack", lambda a, b: F.stack([a, b * b], -1), lambda a, b: np.stack([a, b * b], -1),
     (2, 3), (2, 3)),
    ("pad", lambda x: F.pad(x * x, (1, 2, 0, 3), value=0.5),
     lambda x: np.pad(x * x, ((0, 0), (0, 3), (1, 2)), constant_values=0.5), (2, 3, 2)),
    ("crop and pad", lambda x: F.pad(x * x, (-1, 1)),
     lambda x: np.pad((x * x)[:, 1:], ((0, 0), (0, 1))), (2, 3)),
    ("pad, reflect", lambda x: F.pad(x * x, (2, 1, 1, 0), "reflect"),
     lambda x: np.pad(x * x, ((0, 0), (1, 0), (2, 1)), "reflect"), (2, 3, 4)),
    ("pad, replicate", lambda x: F.pad(x * x, (2, 5), "replicate"),
     lambda x: np.pad(x * x, ((0, 0), (2, 5)), "edge"), (2, 3)),
    ("pad, circular", lambda x: F.pad(x * x, (3, 2), "circular"),
     lambda x: np.pad(x * x, ((0, 0), (3, 2)), "wrap"), (2, 3)),
    ("tile", lambda x: F.tile(x * x, (2, 1, 3)), lambda x: np.tile(x * x, (2, 1, 3)), (2, 3)),
    ("squeeze", lambda x: F.squeeze(x * x, 1), lambda x: np.squeeze(x * x, 1), (2, 1, 3)),
    ("squeeze all", lambda x: (x * x).squeeze(), lambda x: np.squeeze(x * x), (1, 2, 1)),
    ("expand_dims", lambda x: F.expand_dims(x * x, (0, -1)),
     lambda x: np.expand_dims(x * x, (0, -1)), (2, 3)),
    ("swapaxes", lambda x: F.swapaxes(x, 0, -1) ** 2, lambda x: np.swapaxes(x, 0, -1) ** 2,
     (2, 3, 4)),
    ("moveaxis", lambda x: F.moveaxis(x, (0, -1), (1, 0)) ** 2,
     lambda x: np.moveaxis(x, (0, -1), (1, 0)) ** 2, (2, 3, 4)),
    ("flip", lambda x: F.flip(x * x, (0, -1)), lambda x: np.flip(x * x, (0, -1)), (2, 3, 4)),
    ("tril", lambda x: F.tril(x * x, -1), lambda x: np.tril(x * x, -1), (2, 3, 4)),
    ("triu", lambda x: F.triu(x * x), lambda x: np.triu(x * x), (3, 4)),
    ("max", lambda x: F.max(x * x), lambda x: np.max(x * x), (3, 4)),
    ("max of axes", lambda x: F.max(x * x, (0, -1)), lambda x: np.max(x * x, (0, -1)), (3, 2, 4)),
    ("min, kept", lambda x: F.min(x * x, 1, True), lambda x: np.min(x * x, 1, keepdims=True),
     (3, 4)),
    ("prod", lambda x: F.prod(x), lambda x: np.prod(x), (2, 3)),
    ("prod of axes", lambda x: F.prod(x, (0, -1)), lambda x: np.prod(x, (0, -1)), (2, 3, 2)),
    ("prod, kept", lambda x: F.prod(x, 1, True), lambda x: np.prod(x, 1, keepdims=True), (2, 3)),
    ("cumsum", lambda x: F.cumsum(x * x, -1), lambda x: np.cumsum(x * x, -1), (2, 3)),
    ("cumsum of all", lambda x: F.cumsum(x * x), lambda x: np.cumsum(x * x), (2, 3)),
    ("logsumexp", lambda x: F.logsumexp(x, -1), lambda x: np.log(np.exp(x).sum(-1)), (2, 3)),
    ("logsumexp of all", F.logsumexp, lambda x: np.log(np.exp(x).sum()), (2, 3)),
    ("var", lambda x: F.var(x, 0), lambda x: np.var(x, 0, ddof=1), (4, 3)),
    ("var, kept", lambda x: F.var(x, (0, 2), True, correction=0),
     lambda x: np.var(x, (0, 2), keepdims=True), (4, 3, 2)),
    ("std", lambda x: F.std(x, -1), lambda x: np.std(x, -1, ddof=1), (3, 4)),
    ("norm", F.norm, np.linalg.norm, (5,)),
    ("norm of rows", lambda x: F.norm(x, axis=-1, keepdims=True),
     lambda x: np.linalg.norm(x, axis=-1, keepdims=True), (3, 4)),
    ("norm 1", lambda x: F.norm(x * x, 1, 0), lambda x: np.abs(x * x).sum(0), (3, 4)),
    ("norm 3", lambda x: F.norm(x, 3, 0), lambda x: (np.abs(x) ** 3).sum(0) ** (1 / 3), (3, 4)),
    ("norm inf", lambda x: F.norm(x * x, np.inf), lambda x: np.abs(x * x).max(), (3, 4)),
    ("take_along_axis", lambda x: F.take_along_axis(x * x, PLACES, 1),
     lambda x: np.take_along_axis(x * x, PLACES, 1), (2, 4)),
    ("take_along_axis, broadcast", lambda x: F.take_along_axis(x * x, PLACES[:1], 1),
     lambda x: np.take_along_axis(x * x, PLACES[:1], 1), (3, 4)),
    ("gather", lambda x: F.gather(x * x, -1, PLACES),
     lambda x: np.take_along_axis((x * x)[:2], PLACES, -1), (3, 4)),
    ("sort", lambda x: F.sort(x * x)[0], lambda x: np.sort(x * x), (3, 4)),
    ("sort down", lambda x: F.sort(x * x, 0, descending=True)[0],
     lambda x: np.sort(x * x, 0)[::-1], (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, f, reference, shapes",
    [(c[0], c[1], c[2], c[3:]) for c in CASES],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_values_and_derivatives(name, f, reference, shapes):
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    expected = reference(*arrays)
    y = f(*(Tensor(a) for a in arrays))
    assert y.shape == np.shape(expected) and y.dtype == np.float64
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-14)
    small = f(*(Tensor(a.astype(np.float32)) for a in arrays))
    assert small.dtype == np.float32
    check_grads(f, arrays, order=3)


INDICES = {
    "integer": 1,
    "negative": -1,
    "slice": np.s_[1:],
    "steps back": np.s_[::-2, 1:3],
    "None and dots": np.s_[..., None, 0],
    "mask": MASK,
    "mask of rows": np.array([True, False, True]),
    "row numbers": ROWS,
    "one place": np.s_[0, 2],
    "pairs": (np.array([0, 1, 0]), np.array([1, 3, 1])),
    "pairs apart": np.s_[np.array([[0], [2]]), 1:, np.array([0, 1])],
    "list": [0, 0, 2],
    "empty list": [],
    "nothing": np.s_[2:2],
    "numpy integer": np.int64(2),
    "tensor": Tensor(ROWS),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_indexing(index):
    x = normal(3, 4, 2) if index is not MASK else normal(3, 4)
    plain = index.data if isinstance(index, Tensor) else index
    np.testing.assert_array_equal(Tensor(x)[index].data, x[plain])
    check_grads(lambda x: (x * x)[index], [x], order=2)


def test_places_named_twice_get_both_gradients():
    for table in (leaf(4), leaf(4, 2)):
        table[np.array([1, 1, -3])].sum().backward()
        expected = np.zeros(table.shape)
        expected[1] = 3
        np.testing.assert_array_equal(table.grad.data, expected)


def test_scatter_add():
    index = np.array([[0, 0, 1], [3, 2, 1]])
    x, src = normal(2, 4), normal(2, 3, seed=1)
    expected = x.copy()
    np.add.at(expected, (np.array([[0], [1]]), index), src)
    np.testing.assert_allclose(F.scatter_add(x, 1, index, src), expected)
    check_grads(lambda x, s: F.scatter_add(x * x, 1, index, s * s), [x, src], order=2)
    with pytest.raises(ValueError, match=r"index \(2, 3\) and src \(2, 2\)"):
        F.scatter_add(x, 1, index, src[:, :2])


SUBSCRIPTS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
    ("i,j->ij", (2,), (3,)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij,k->i", (2, 3), (4,)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iji->ij", (3, 2, 3)),
    ("iij,jj->i", (2, 2, 3), (3, 3)),
    ("...ij,...jk->...ik", (2, 1, 3, 2), (4, 2, 3)),
    ("...i,i", (2, 3, 4), (4,)),
    ("i...,i", (2, 3), (2,)),
    ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 2)),
]


@pytest.mark.parametrize("case", SUBSCRIPTS, ids=lambda c: c[0])
def test_einsum(case):
    subscripts, *shapes = case
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    np.testing.assert_allclose(F.einsum(subscripts, *arrays), np.einsum(subscripts, *arrays))
    check_grads(lambda *xs: F.einsum(subscripts, *xs), arrays, order=2)


def test_einsum_errors():
    with pytest.raises(ValueError, match="2 operands, not 1"):
        F.einsum("i,j", normal(2))
    with pytest.raises(ValueError, match=r"'ij' does not name the axes of operand 0 \(2,\)"):
        F.einsum("ij", normal(2))
    with pytest.raises(ValueError, match=r"label 'i' is 2 and 3"):
        F.einsum("ii", normal(2, 3))


def test_split_and_chunk():
    x = leaf(7, 2)
    assert [p.shape[0] for p in F.split(x, 3)] == [3, 3, 1]
    assert [p.shape[0] for p in F.chunk(x, 2)] == [4, 3]
    _, second = F.split(x, [2, 5], axis=0)
    np.testing.assert_array_equal(second.data, x.data[2:])
    (second * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.repeat([0.0, 3.0], [2, 5])[:, None] * [1, 1])
    check_grads(lambda x: F.split(x * x, [1, 3, 3])[1:], [normal(7, 2)], order=2)
    check_grads(lambda x: tuple(F.chunk(x * x, 3, -1)), [normal(2, 7)], order=2)
    with pytest.raises(ValueError, match=r"parts of \[2, 2\] do not add up to the 7 of x \(7, 2\)"):
        F.split(x, [2, 2])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_derivatives_of_products_with_zeros(zeros):
    x = normal(2, 3)
    x[0, :zeros] = 0
    check_grads(lambda x: F.prod(x, -1), [x], order=3)


def test_equal_elements_share_the_gradient():
    x = Tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    (g,) = grad(F.max(x, 1).sum(), [x])
    np.testing.assert_allclose(g.data, [[0, 0.5, 0.5], [1 / 3] * 3], rtol=1e-6)
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 3.0], requires_grad=True)
    for f, of_a in ((F.maximum, [0.5, 0.0]), (F.minimum, [0.5, 1.0])):
        g_a, g_b = grad(f(a, b).sum(), [a, b])
        np.testing.assert_array_equal(g_a.data, of_a)
        np.testing.assert_array_equal(g_b.data, 1 - np.array(of_a))


def test_subgradients_at_the_corners():
    x = Tensor(np.zeros(3), requires_grad=True)
    for f in (
        F.norm,
        lambda x: F.norm(x, 3),
        lambda x: F.norm(x, 1),
        F.std,
        lambda x: abs(x).sum(),
    ):
        np.testing.assert_array_equal(grad(f(x), x).data, np.zeros(3))
    x = Tensor([-1.0, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(grad(F.clip(x, 0, 1).sum(), x).data, [0, 1, 1, 1, 0])
    x = Tensor([0.0, 2.0], requires_grad=True)
    e = Tensor([0.0, 3.0], requires_grad=True)
    by_x, by_e = grad((x**e).sum(), [x, e])
    np.testing.assert_allclose(by_x.data, [0, 12])
    np.testing.assert_allclose(by_e.data, [0, 8 * np.log(2)], rtol=1e-6)


def test_nan_goes_through_but_where_keeps_it_out():
    x = Tensor([np.nan, 1.0], requires_grad=True)
    for f in (F.max, F.min, F.sum, F.prod, F.norm, F.logsumexp, F.var):
        assert np.isnan(f(x).data), f.__name__
    assert np.isnan(F.maximum(x, 5.0).data[0]) and np.isnan(F.clip(x, 0, 1).data[0])
    safe = F.where(np.array([False, True]), x, 0.0)
    np.testing.assert_array_equal(grad(F.log(1 + safe).sum(), x).data, [0, 0.5])


def test_logsumexp_of_large_and_infinite_numbers():
    x = np.array([[1000.0, 1000.0], [-np.inf, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]])
    with np.errstate(invalid="ignore"):
        y = F.logsumexp(Tensor(x), 1)
    np.testing.assert_allclose(y.data, [1000 + np.log(2), 0, -np.inf, np.inf])


def test_empty_arrays():
    empty = Tensor(np.zeros((0, 3)), requires_grad=True)
    assert F.sum(empty, 0).shape == F.norm(empty, axis=0).shape == F.prod(empty, 0).shape == (3,)
    np.testing.assert_array_equal(F.prod(empty, 0).data, np.ones(3))
    np.testing.assert_array_equal(F.logsumexp(empty, 0).data, np.full(3, -np.inf))
    whole = F.concatenate([empty, Tensor(np.ones((2, 3)))])
    assert whole.shape == (2, 3)
    for y in (whole, F.sort(empty)[0], empty[:, 1:], F.cumsum(empty, 0), F.prod(empty, 0)):
        assert grad(y.sum(), empty).shape == (0, 3)
    with pytest.raises(ValueError, match="zero-size"):
        F.max(empty)


def test_sort_keeps_the_order_of_equal_elements():
    x = np.array([2.0, 1.0, 2.0, np.nan, 1.0])
    values, order = F.sort(Tensor(x))
    np.testing.assert_array_equal(order, [1, 4, 0, 2, 3])
    np.testing.assert_array_equal(values.data, [1, 1, 2, 2, np.nan])
    np.testing.assert_array_equal(F.sort(x, descending=True)[1], [3, 0, 2, 1, 4])


def test_dtypes_convert_on_request_only():
    a, b = Tensor([1.0, 2.0], requires_grad=True), leaf(2)
    for f in (F.add, F.maximum, F.div, lambda a, b: F.where(MASK[0, :2], a, b)):
        with pytest.raises(TypeError, match=r"float32 and float64.*\(2,\).*astype"):
            f(a, b)
    (a.astype(np.float64) * b).sum().backward()
    assert a.grad.dtype == np.float32 and b.grad.dtype == np.float64
    with pytest.raises(TypeError, match="concatenate"):
        F.concatenate([a, b])


def test_errors_name_the_function_and_the_shapes():
    x = leaf(2, 3)
    for call, message in (
        (lambda: F.squeeze(x, 0), r"squeeze: x \(2, 3\)"),
        (lambda: F.split(x, 0), "split: the size of a part"),
        (lambda: F.pad(x, (1,)), "pad: .1,. must be a pair"),
        (lambda: F.pad(x, (1, 1), "mirror"), "mode must be constant"),
        (lambda: F.pad(x, (3, 0), "reflect"), r"pad: reflect of \(3, 0\).*\(2, 3\)"),
        (lambda: F.clip(x), "clip: give min"),
        (lambda: F.norm(x, 0), "norm: p must be positive"),
        (lambda: F.gather(x, 0, np.array([1])), r"gather: indices .* \(2, 3\)"),
        (lambda: F.gather(x, 0, np.ones((1, 1))), "gather: indices must hold integers"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_comparisons_are_arrays_of_bool():
    x, y = leaf(3), leaf(3, seed=1)
    for result, expected in (
        (x < y, x.data < y.data), (x >= 0, x.data >= 0), (x <= 0, x.data <= 0),
        (x == x, np.ones(3, bool)), (x != y.data, x.data != y.data),
    ):  # fmt: skip
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    assert {x: 1}[x] == 1, "a tensor is a key by identity"


def test_one_element_is_a_number_and_rows_can_be_walked():
    x = Tensor([[1.5], [0.0]], requires_grad=True)
    assert float(x[0]) == 1.5 and int(x[0]) == 1 and bool(x[0]) and not x[1]
    assert [row.shape for row in x] == [(1,), (1,)] and len(x) == 2
    sum(row * k for k, row in enumerate(x)).backward()
    np.testing.assert_array_equal(x.grad.data, [[0], [1]])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


# --- PyTorch's numbers

STORED = Path(__file__).parent / "stored"
sys.path.insert(0, str(STORED))

from array_cases import CASES as STORED_CASES  # noqa: E402
from functional_cases import arguments, load, weights  # noqa: E402


@pytest.fixture(scope="module")
def expected():
    return load(STORED / "arrays.npz")


@pytest.mark.parametrize("case", STORED_CASES, ids=lambda case: case[0])
def test_values_and_two_derivatives_agree_with_pytorch(case, expected):
    xs = [Tensor(x, requires_grad=True) for x in arguments(case)]
    y = case[1](F, *xs)
    ys = y if isinstance(y, tuple) else (y,)
    vs = [Tensor(np.asarray(v), requires_grad=True) for v in weights(case, ys)]
    first = grad(ys, xs, vs, create_graph=True)
    second = grad(first, [*xs, *vs], weights(case, first), allow_unused=True)
    parts = [np.zeros_like(x.data) if g is None else g.data for g, x in zip(second, [*xs, *vs])]
    found = np.concatenate([np.ravel(p) for p in [*(t.data for t in (*ys, *first)), *parts]])
    np.testing.assert_allclose(found, expected[case[0]], rtol=1e-9, atol=1e-11)


def test_the_stored_numbers_are_what_pytorch_says(expected):
    pytest.importorskip("torch")
    from make_arrays import every_result

    for name, numbers in every_result().items():
        np.testing.assert_allclose(expected[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)

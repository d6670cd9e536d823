"""Every differentiable function against differences and against what PyTorch gets for it."""

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

import tatami
from tatami import Tensor, check_grads, grad, no_grad
from tatami import functional as F
from tatami import kernels as K
from tatami.functional.fused import Fused

STORED = Path(__file__).parent / "stored"
sys.path.insert(0, str(STORED))
from functional_cases import (  # noqa: E402
    ACTIVATIONS,
    CASES,
    CONVOLUTIONS,
    NORMS,
    POOLS,
    arguments,
    load,
    weights,
)

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])

# The row of padding_idx acts on the result, but by definition has no gradient.
SMOOTH = [case for case in CASES if case[0] != "embedding padded"]


@pytest.fixture(scope="module")
def expected():
    return load(STORED / "functional.npz")


def flat(tensors):
    return np.concatenate([np.ravel(t.data) for t in tensors])


@every_case
def test_values_and_two_derivatives_agree_with_pytorch(case, expected):
    xs = [Tensor(x, requires_grad=True) for x in arguments(case)]
    y = case[1](F, *xs)
    ys = y if isinstance(y, tuple) else (y,)
    vs = [Tensor(np.asarray(v), requires_grad=True) for v in weights(case, ys)]
    alone = grad(ys, xs, vs, retain_graph=True)
    first = grad(ys, xs, vs, create_graph=True)
    us = weights(case, first)
    second = grad(first, [*xs, *vs], us, allow_unused=True) if any_recorded(first) else None
    zeros = [Tensor(np.zeros_like(x.data)) for x in [*xs, *vs]]
    second = [z if g is None else g for g, z in zip(second, zeros)]
    for by_kernel in (alone, first):
        found = flat([*ys, *by_kernel, *second])
        np.testing.assert_allclose(found, expected[case[0]], rtol=1e-9, atol=1e-11)


def any_recorded(tensors):
    return any(t.requires_grad for t in tensors)


@pytest.mark.parametrize("case", SMOOTH, ids=lambda case: case[0])
def test_derivatives_agree_with_differences(case):
    check_grads(lambda *xs: case[1](F, *xs), arguments(case), order=3)


@every_case
def test_arrays_give_the_same_values_without_a_tape(case):
    xs = arguments(case)
    y, recorded = case[1](F, *xs), case[1](F, *[Tensor(x, requires_grad=True) for x in xs])
    for array, tensor in zip(*(v if isinstance(v, tuple) else (v,) for v in (y, recorded))):
        assert type(array) is np.ndarray
        np.testing.assert_allclose(array, tensor.data, rtol=1e-13, atol=1e-15)


class Single:
    """The functions, called with float32 for the constants of the cases."""

    def __getattr__(self, name):
        return lambda *args, **settings: getattr(F, name)(
            *map(single, args), **{k: single(v) for k, v in settings.items()}
        )


def single(x):
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


@every_case
def test_float32_stays_float32(case, expected):
    xs = [Tensor(single(x), requires_grad=True) for x in arguments(case)]
    y = case[1](Single(), *xs)
    ys = y if isinstance(y, tuple) else (y,)
    vs = [single(np.asarray(v)) for v in weights(case, ys)]
    for create_graph in (False, True):
        first = grad(ys, xs, vs, retain_graph=True, create_graph=create_graph)
        assert all(t.dtype == np.float32 for t in (*ys, *first))
        found = flat([*ys, *first])
        np.testing.assert_allclose(found, expected[case[0]][: found.size], rtol=1e-3, atol=1e-4)


def test_every_kernel_has_its_differentiable_function():
    in_place = set(K.optim.__all__)
    names = [n for n in K.__all__ if not n.endswith("_grad") and n not in in_place]
    for name in names:
        own, kernel = (list(inspect.signature(getattr(m, name)).parameters) for m in (F, K))
        kernel = [p for p in kernel if p not in ("out", "return_cache")]
        assert [p for p in own if p in kernel] == kernel, name
        assert name in F.__all__, name


def test_every_name_is_in_a_case():
    covered = {case[0].split()[0] for case in CASES}
    mine = {
        "activation",
        "attention",
        "conv",
        "embedding",
        "grid_sample",
        "loss",
        "norm",
        "pool",
        "recurrent",
    }
    mine |= {"similarity", "softmax", "upsample"}
    modules = {f"tatami.functional.{name}" for name in mine}
    public = {n for n in F.__all__ if getattr(F, n).__module__ in modules}
    assert public - covered == {n for n in public if n.endswith("_grad")}


def test_the_stored_numbers_are_what_pytorch_says(expected):
    pytest.importorskip("torch")
    from make_functional import every_result

    for name, numbers in every_result().items():
        np.testing.assert_allclose(expected[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)


# The first argument's batch goes, the others stay.
BATCHED = [*ACTIVATIONS, *CONVOLUTIONS, *POOLS, *NORMS]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means of nothing
@pytest.mark.parametrize("case", BATCHED, ids=lambda case: case[0])
def test_an_empty_batch_has_empty_results_and_gradients_of_zero(case):
    first, *others = arguments(case)
    for create_graph in (False, True):
        xs = [Tensor(a, requires_grad=True) for a in (first[:0], *others)]
        y = case[1](F, *xs)
        assert y.shape[0] == 0
        grads = grad(y, xs, np.zeros_like(y.data), create_graph=create_graph)
        assert [g.shape for g in grads] == [x.shape for x in xs]
        assert not any(np.any(g.data) for g in grads)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("steps, rows", [(3, 0), (0, 2)])
def test_recurrent_layers_of_no_rows_or_no_steps(name, steps, rows):
    case = next(c for c in CASES if c[0] == f"{name} plain" or c[0] == name)
    _, *weights = arguments(case)[:3]
    for create_graph in (False, True):
        xs = [Tensor(a, requires_grad=True) for a in (np.zeros((steps, rows, 3)), *weights)]
        y = getattr(F, name)(*xs)[0]
        assert y.shape == (steps, rows, 2)
        grads = grad(y, xs, np.zeros(y.shape), create_graph=create_graph, allow_unused=True)
        assert not any(np.any(g.data) for g in grads if g is not None)


def test_nothing_is_kept_where_nothing_is_recorded():
    """Caches and indices are made for the tape alone."""
    seen = []

    def forward(x, return_cache=False):
        seen.append(return_cache)
        return (x, None) if return_cache else x

    f = Fused(forward, lambda g, cache: (g,), lambda x: x, name="watched")
    x = Tensor(np.ones(2), requires_grad=True)
    f(x.data), f(x.detach()), f(x)
    with no_grad():
        f(x)
    assert seen == [False, False, True, False]


@pytest.mark.parametrize("name", [c[0] for c in CONVOLUTIONS if " " not in c[0]])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_convolution_with_its_activation_in_one_pass_and_in_two(name, activation):
    case = next(c for c in CONVOLUTIONS if c[0] == name)
    xs, f = arguments(case), getattr(F, name)
    one = f(*xs, activation=activation)
    two = f(*(Tensor(x, requires_grad=True) for x in xs), activation=activation)
    np.testing.assert_allclose(one, two.data, rtol=1e-13, atol=1e-15)
    check_grads(lambda *xs: f(*xs, activation=activation), xs)


def test_indices_of_maxima_name_their_places():
    x = arguments(("indices", None, (2, 3, 6)))[0]
    for y, indices in (
        F.max_pool1d(x, 2, return_indices=True),
        F.max_pool1d(Tensor(x, requires_grad=True), 2, return_indices=True),
        F.adaptive_max_pool1d(x, 3, return_indices=True),
    ):
        assert indices.dtype == np.int64 and type(indices) is np.ndarray
        np.testing.assert_array_equal(np.take_along_axis(x, indices, 2), getattr(y, "data", y))


@pytest.mark.parametrize("padding", ["same", "valid", 1, (1,), ((1, 1),)], ids=str)
def test_paddings_in_one_dimension(padding):
    x = arguments(("paddings", None, (1, 2, 7)))[0]
    width = {"same": 7, "valid": 5}.get(padding, 7)
    assert F.max_pool1d(x, 3, 1, padding).shape == (1, 2, width)
    assert F.avg_pool1d(x, 3, 1, padding).shape == (1, 2, width)


def test_embedding_gives_the_padding_row_no_gradient():
    table = Tensor(np.ones((3, 2)), requires_grad=True)
    F.embedding(np.array([[0, 2], [2, 1]]), table, padding_idx=2).sum().backward()
    np.testing.assert_array_equal(table.grad.data, [[1, 1], [1, 1], [0, 0]])


def test_rrelu_draws_slopes_in_its_range():
    tatami.manual_seed(0)
    x = Tensor(np.full((100, 10), -1.0), requires_grad=True)
    y = F.rrelu(x, 0.2, 0.6, training=True)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, -y.data)
    assert 0.2 <= x.grad.data.min() < 0.21 and 0.59 < x.grad.data.max() <= 0.6
    assert F.rrelu(np.full(3, -1, np.float32), training=True).dtype == np.float32
    np.testing.assert_array_equal(F.rrelu(np.ones(3), training=True), np.ones(3))


def test_dropout_keeps_the_mean_and_its_gradient_the_mask():
    tatami.manual_seed(0)
    x = Tensor(np.ones((100, 100)), requires_grad=True)
    y = F.dropout(x, 0.25)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, y.data)
    assert set(np.unique(y.data)) == {0, 1 / 0.75} and abs(y.data.mean() - 1) < 0.05
    assert F.dropout(x, 0.25, training=False) is x and F.dropout(x, 0.0) is x


def test_running_statistics_move_once_and_only_in_training():
    x = Tensor(arguments(("statistics", None, (4, 3)))[0], requires_grad=True)
    mean, var = np.zeros(3), Tensor(np.ones(3))
    y = F.batch_norm(x, mean, var, training=True)
    grad(grad(y.sum() * 1, x, create_graph=True).sum(), x, allow_unused=True)
    np.testing.assert_allclose(mean, 0.1 * x.data.mean(0))
    np.testing.assert_allclose(var.data, 0.9 + 0.1 * x.data.var(0, ddof=1))
    before = mean.copy()
    F.batch_norm(x, mean, var)
    np.testing.assert_array_equal(mean, before)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", None])
@pytest.mark.parametrize("training", [True, False])
def test_a_norm_with_residual_and_activation_is_the_composition(name, training):
    source = np.random.default_rng(2)
    arrays = [source.standard_normal(s) for s in ((4, 3, 5), (3,), (3,), (4, 3, 5))]
    statistics = arrays[1] * 0.1, np.ones(3)
    apply = {None: lambda y: y, "relu": F.relu, "leaky_relu": F.leaky_relu}[name]

    def fused(x, w, b, r=None):
        return F.batch_norm(x, *statistics, w, b, training, residual=r, activation=name)

    def composed(x, w, b, r=None):
        y = F.batch_norm(x, *statistics, w, b, training)
        return apply(y if r is None else y + r)

    def derivatives(function, arrays):
        given = [Tensor(a, requires_grad=True) for a in arrays]
        y = function(*given)
        first = grad((y * y * y).sum(), given, create_graph=True)
        second = grad(sum((g * g).sum() for g in first), given)
        return [t.data for t in (y, *first, *second)]

    for count in (3, 4):
        found, wanted = (derivatives(f, arrays[:count]) for f in (fused, composed))
        for got, ref in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got, ref, rtol=1e-9, atol=1e-9)
    y = Tensor(arrays[3], requires_grad=True)
    result = fused(arrays[0], arrays[1], arrays[2], y)
    result.bump()
    if name is not None:  # its mask is found in the result
        with pytest.raises(RuntimeError, match="batch_norm was changed in place"):
            result.sum().backward()


def test_a_query_that_sees_nothing_gets_zeros():
    q, k, v = (Tensor(a, requires_grad=True) for a in np.ones((3, 2, 4)))
    y = F.scaled_dot_product_attention(q, k, v, np.array([[True, False], [False, False]]))
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [[1] * 4, [0] * 4])
    assert np.isfinite(q.grad.data).all() and np.isfinite(k.grad.data).all()


def test_probabilities_of_zero_and_one_have_finite_losses():
    p = Tensor(np.array([0.0, 1.0, 0.0, 1.0]), requires_grad=True)
    target = np.array([0.0, 1.0, 1.0, 0.0])
    y = F.binary_cross_entropy(p, target, reduction="none")
    np.testing.assert_array_equal(y.data, [0, 0, 100, 100])
    y.sum().backward()
    np.testing.assert_allclose(p.grad.data, [0, 0, -1e12, 1e12])


def test_an_ignored_class_may_be_impossible():
    logs = Tensor(np.array([[-np.inf, 0.0], [-1.0, -2.0]]), requires_grad=True)
    y = F.nll_loss(logs, np.array([-100, 1]))
    y.backward()
    assert y.item() == 2
    np.testing.assert_array_equal(logs.grad.data, [[0, 0], [0, -1]])
    with pytest.raises(TypeError, match="nll_loss: target must hold integers, not float64"):
        F.nll_loss(logs, np.ones(2))


def test_cosines_of_zeros_are_zero_with_a_gradient():
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    y = F.cosine_similarity(x, np.ones((2, 3)))
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [0, 0])
    assert np.isfinite(x.grad.data).all()


X = np.ones((2, 3, 4))
REFUSED = [
    (lambda: F.max_pool1d(X[0], 2), r"max_pool1d: x must have 3 axes \(N, C, L\), not .*\(3, 4\)"),
    (lambda: F.embedding(np.array([0]), X[0], 3), r"embedding: padding_idx 3 .*weight \(3, 4\)"),
    (lambda: F.rrelu(X, 0.5, 0.2), "rrelu: lower 0.5 must not be greater than upper 0.2"),
    (lambda: F.hinge_loss(X, X[0]), r"hinge_loss: input \(2, 3, 4\) and target \(3, 4\)"),
    (lambda: F.kl_div(X, X, reduction="avg"), "kl_div: reduction must be one of .*'avg'"),
    (lambda: F.binary_cross_entropy(X * 2, X), r"binary_cross_entropy: input .*2.0.*with_logits"),
    (lambda: F.nll_loss(X, np.zeros((2, 3), int)), r"nll_loss: input .*\(2, 3, 4\).*\(2, 3\)"),
    (lambda: F.nll_loss(X[0], np.array([0, 9, 1])), r"nll_loss: target .*\[0, 4\)"),
    (lambda: F.cosine_similarity(X, X[0, :2]), r"cosine_similarity: x1 \(2, 3, 4\).*\(2, 4\)"),
    (lambda: F.cosine_embedding_loss(X[0], X[0], X[0]), r"cosine_embedding_loss: target .*\(3,\)"),
    (lambda: F.hinge_embedding_loss(X, 0 * X), "hinge_embedding_loss: target .*-1 and 1"),
    (lambda: F.triplet_margin_loss(X, X, X[0]), r"triplet.*: anchor \(2, 3, 4\) and negative \(3"),
    (lambda: F.scaled_dot_product_attention(X, X[..., 1:], X), r"q \(2, 3, 4\), k \(2, 3, 3\)"),
    (lambda: F.scaled_dot_product_attention(X, X, X, X, is_causal=True), "is_causal excludes"),
    (lambda: F.lstm_cell(Tensor(X, requires_grad=True), X, X, X, X), r"lstm_cell: x .*\(2, 3, 4\)"),
    (lambda: F.layer_norm(X, 5), "^layer_norm: "),
    (lambda: F.conv1d(X, X[:, :2]), "^conv1d: "),
    (lambda: F.conv1d(X, X, activation="mish"), "mish"),
    (lambda: F.upsample2d(X, 2), "^upsample2d: "),
    (lambda: F.prelu(X, np.ones(2)), "^prelu: "),
]  # fmt: skip


@pytest.mark.parametrize("call, says", REFUSED, ids=lambda v: "")
def test_what_does_not_fit_is_refused_by_name(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_weight_of_a_loss_has_no_gradient_and_says_so():
    logits, weight = (Tensor(np.ones(s), requires_grad=True) for s in ((2, 3), (3,)))
    with pytest.raises(RuntimeError, match="cross_entropy: argument 2 has no derivative"):
        F.cross_entropy(logits, np.array([0, 1]), weight).backward()

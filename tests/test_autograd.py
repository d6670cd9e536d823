"""The tape: gradients of every order, who gets one, and what goes wrong aloud."""

import gc
import threading
import weakref

import numpy as np
import pytest

import tatami
from tatami import Tensor, check_grads, grad, no_grad
from tatami import functional as F
from tatami.autograd import Op


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def leaf(*shape, seed=0):
    return Tensor(normal(*shape, seed=seed), requires_grad=True)


# One line a case: name, function, shapes of its float64 arguments.
CASES = [
    ("add", F.add, (3, 4), (4,)),
    ("sub", F.sub, (3, 1), (2, 3, 4)),
    ("mul", F.mul, (3, 4), (3, 1)),
    ("div", lambda a, b: a / (b * b + 1), (3, 4), (4,)),
    ("number on the left", lambda a: 2 / (1 + a * a) - a, (3,)),
    ("pow", lambda a: a**3 + a**2 + a**1 + a**0, (3,)),
    ("root of a power", lambda a: (a * a + 1) ** 0.5, (3,)),
    ("exp, log, sqrt", lambda a: F.log(F.exp(a) + 1) * F.sqrt(a * a + 1), (3,)),
    ("neg", F.neg, (3,)),
    ("used twice", lambda a: a * a + F.exp(a) * a, (3,)),
    ("sum of all", F.sum, (3, 4)),
    ("sum of axes", lambda a: F.sum(a * a, (0, -1)), (2, 3, 4)),
    ("mean, kept", lambda a: F.mean(a * a, 1, keepdims=True), (2, 3)),
    ("shapes", lambda a: F.transpose(a.reshape(4, 3).T * a, (1, 0)).flatten(), (3, 4)),
    ("broadcast", lambda a: F.broadcast_to(a, (2, 3, 4)) ** 2, (3, 1)),
    ("matmul", F.matmul, (3, 4), (4, 5), (5,)),
    ("matmul, batched", F.matmul, (2, 1, 3, 4), (3, 4, 5)),
    ("vector times batch", F.matmul, (4,), (3, 4, 5)),
    ("batch times vector", F.matmul, (2, 3, 4), (4,)),
    ("inner product", F.matmul, (4,), (4,)),
    ("linear", F.linear, (2, 3, 4), (5, 4), (5,)),
    ("linear, fused", lambda x, w: F.linear(x, w, activation="gelu"), (3, 4), (5, 4)),
    ("relu", F.relu, (3, 4)),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.2), (3, 4)),
    ("sigmoid", F.sigmoid, (3, 4)),
    ("tanh", F.tanh, (3, 4)),
    ("gelu", F.gelu, (3, 4)),
    ("silu", F.silu, (3, 4)),
    ("conv2d", F.conv2d, (2, 3, 4, 5), (2, 3, 3, 3), (2,)),
    ("conv2d, all set", lambda *a: F.conv2d(*a, 2, (1, 0), 2, 2), (2, 4, 6, 7), (4, 2, 3, 2), (4,)),
    ("conv2d, fused", lambda *a: F.conv2d(*a, activation="tanh"), (1, 2, 4, 4), (2, 2, 3, 3)),
    ("conv2d_input_grad", lambda g, w: F.conv2d_input_grad(g, w, (2, 2, 5, 5), stride=2),
     (2, 3, 2, 2), (3, 2, 3, 3)),
    ("conv2d_weight_grad", lambda g, x: F.conv2d_weight_grad(g, x, (3, 2, 3, 3), stride=2),
     (2, 3, 2, 2), (2, 2, 5, 5)),
    ("conv2d_bias_grad", F.conv2d_bias_grad, (2, 3, 2, 2)),
    ("conv_transpose2d", lambda *a: F.conv_transpose2d(*a, 2, 1, 1, 2),
     (2, 4, 3, 3), (4, 2, 3, 3), (4,)),
    ("softmax", F.softmax, (3, 4)),
    ("softmax over rows", lambda x: F.softmax(x, 0), (3, 4)),
    ("log_softmax", F.log_softmax, (3, 4)),
    ("mse_loss", F.mse_loss, (3, 4), (3, 4)),
    ("mse_loss of each", lambda *a: F.mse_loss(*a, reduction="none"), (3, 4), (3, 4)),
    ("dropout", lambda x: F.dropout(x, 0.4, seed=7), (5, 4)),
    ("reparameterize", lambda *a: F.reparameterize(*a, seed=7), (5, 4), (5, 4)),
    ("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), (2, 3, 5, 6)),
    ("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), (2, 3, 5, 6)),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, f, shapes",
    [(c[0], c[1], c[2:]) for c in CASES],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_derivatives_to_third_order(name, f, shapes):
    check_grads(f, [normal(*shape, seed=k) for k, shape in enumerate(shapes)], order=3)


CLASSES = np.array([0, 2, -100, 1, 3])
SHARES = np.abs(normal(5, 4, seed=5))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, np.abs(normal(4, seed=6))], ids=["plain", "weighted"])
@pytest.mark.parametrize("target", [CLASSES, SHARES], ids=["classes", "shares"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_to_second_order(reduction, target, weight, label_smoothing):
    how = {"reduction": reduction, "label_smoothing": label_smoothing}
    check_grads(lambda x: F.cross_entropy(x, target, weight, **how), [normal(5, 4)], order=2)


def test_cross_entropy_of_images():
    target = Tensor(np.array([[0, 1], [2, 3]]))
    check_grads(lambda x: F.cross_entropy(x, target), [normal(2, 4, 2)], order=2)


def test_check_grads_sees_a_wrong_rule():
    wrong = Op(np.sin, lambda g, y, x: g * y)
    with pytest.raises(AssertionError, match="order 1, argument 0"):
        check_grads(wrong, [normal(3)])
    # the second order alone is wrong: the rule's own operation has a wrong rule
    late = Op(np.sin, lambda g, y, x: g * Op(np.cos, lambda g, y, x: g * y)(x))
    check_grads(late, [normal(3)])
    with pytest.raises(AssertionError, match="order 2"):
        check_grads(late, [normal(3)], order=2)


def test_arrays_alone_pass_through_without_a_tape():
    x = normal(2, 3).astype(np.float32)
    assert type(F.relu(x)) is np.ndarray
    assert type(F.sum(x)) is np.ndarray
    np.testing.assert_array_equal(F.relu(x), tatami.kernels.relu(x))


def test_numpy_arrays_on_either_side():
    x, a = leaf(3), normal(3, seed=1)
    for y in (a + x, x + a, a - x, a * x, a / x):
        assert isinstance(y, Tensor) and y.requires_grad
    (a @ leaf(3, 2)).sum().backward()


def test_python_numbers_keep_float32():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (2 * x + 1.5) / 3 - x**2
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_mixed_dtypes_are_refused():
    with pytest.raises(TypeError, match="mul: dtypes float32 and float64"):
        Tensor([1.0]) * Tensor(np.ones(1))


def test_gradients_add_up_until_zeroed():
    x = leaf(3)
    for times in (1, 2):
        (x * 2).sum().backward()
        np.testing.assert_array_equal(x.grad.data, np.full(3, 2.0 * times))


def test_leaves_never_share_gradient_memory():
    a, b = leaf(3), leaf(3, seed=1)
    gradient = np.ones(3)
    (a + b).backward(gradient)
    arrays = [a.grad.data, b.grad.data, gradient]
    for k, one in enumerate(arrays):
        assert one.flags.writeable and one.flags.c_contiguous
        assert not any(np.shares_memory(one, other) for other in arrays[k + 1 :])
    c = leaf(2, 3)
    c.sum().backward()
    c.grad.data += 1  # not a broadcast view
    np.testing.assert_array_equal(c.grad.data, np.full((2, 3), 2.0))


def test_only_what_is_asked_for_is_computed():
    calls = []
    watched = Op(
        lambda a, b: a * b,
        lambda g, y, a, b: calls.append("a") or g * b,
        lambda g, y, a, b: calls.append("b") or g * a,
        name="watched",
    )
    a, b = leaf(3), leaf(3, seed=1)
    grad(watched(a, b).sum(), b)
    assert calls == ["b"]
    watched(Tensor(normal(3)), b).sum().backward()
    assert calls == ["b", "b"]


def test_grad_of_intermediate_and_unused_inputs():
    x, other = leaf(3), leaf(2)
    middle = x * x
    y = (middle * 3).sum()
    by_middle, by_x = grad(y, [middle, x], retain_graph=True)
    np.testing.assert_array_equal(by_middle.data, np.full(3, 3.0))
    np.testing.assert_allclose(by_x.data, 6 * x.data)
    assert x.grad is None
    assert grad(y, [x, other], retain_graph=True, allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match=r"do not depend on input 1 of shape \(2,\)"):
        grad(y, [x, other])


def test_backward_of_backward():
    x = Tensor(np.array([2.0]), requires_grad=True)
    (first,) = grad(x**4, [x], create_graph=True)
    (first * first).backward()  # d/dx (4x^3)^2 = 96 x^5
    np.testing.assert_allclose(x.grad.data, [96 * 32.0])


def test_a_graph_is_freed_once_used():
    x = leaf(3)
    middle = F.exp(x)
    y = middle * x
    middle = weakref.ref(middle)
    gc.disable()
    try:
        y.sum().backward()
        assert middle() is None, "the pass itself frees the graph, not the collector of cycles"
    finally:
        gc.enable()
    with pytest.raises(RuntimeError, match=r"freed by an earlier pass.*retain_graph"):
        y.sum().backward()


def test_backward_needs_a_number_or_a_gradient():
    with pytest.raises(ValueError, match=r"shape \(3,\); give its gradient"):
        leaf(3).backward()
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\).*output has shape \(3,\)"):
        (leaf(3) * 2).backward(np.ones(2))
    with pytest.raises(RuntimeError, match="requires gradients"):
        Tensor([1.0]).backward()


def test_no_grad_as_block_and_decorator_and_per_thread():
    x = leaf(3)
    seen = []
    with no_grad():
        assert not (x * 2).requires_grad
        other = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        other.start()
        other.join()
    assert seen == [True]
    assert not no_grad()(lambda: x * 2)().requires_grad
    assert (x * 2).requires_grad
    assert not x.detach().requires_grad and x.detach().data is x.data


def test_tensors_from_numbers_integers_and_arrays():
    assert Tensor([1, 2]).dtype == np.int64
    assert Tensor(1.5).dtype == np.float32
    array = np.ones(2)
    assert Tensor(array).data is array
    with pytest.raises(TypeError, match="only floats have gradients"):
        Tensor([1, 2], requires_grad=True)
    with pytest.raises(TypeError, match="already"):
        Tensor(Tensor([1.0]))
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(leaf(2))
    np.testing.assert_array_equal(np.asarray(Tensor(array)), array)
    assert repr(Tensor([1.5], requires_grad=True)) == "Tensor([1.5], float32, requires_grad=True)"


def test_shape_errors_name_the_operation():
    with pytest.raises(ValueError, match=r"^linear: x has 3 features"):
        F.linear(leaf(2, 3), leaf(5, 4))
    with pytest.raises(ValueError, match="one of relu"):
        F.linear(leaf(2, 3), leaf(5, 3), activation="mish")


def sin_and_cos(**how):
    """An operation with two outputs and something for its rules."""

    def rule(grads, ys, x):
        by_sin, by_cos = (0 if g is None else g for g in grads)
        return by_sin * ys[1] - by_cos * ys[0]

    rules = () if "joint" in how else (rule,)
    return Op(lambda x: (np.sin(x), np.cos(x), x), *rules, name="both", outputs=2, **how)


fused = sin_and_cos(
    joint=lambda grads, ys, x: [
        sum(g * d for g, d in zip(grads, (ys[1], -ys[0])) if g is not None)
    ],
    composed=lambda x: sin_and_cos()(x)[:2],
)


@pytest.mark.parametrize("op", [sin_and_cos(), fused], ids=["rules", "fused"])
@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)], ids=str)
def test_operations_of_several_outputs(op, used):
    check_grads(lambda x: tuple(op(x)[k] for k in used), [normal(3)], order=3)
    check_grads(lambda x: op(op(x * 2)[0] * op(x)[1])[used[-1]], [normal(3)], order=3)


def test_several_outputs_as_tensors_and_as_arrays():
    op, x = sin_and_cos(), leaf(3)
    sin, cos, again = op(x)
    assert sin.requires_grad and cos.requires_grad and again is x.data
    assert all(type(y) is np.ndarray for y in op(x.data))
    assert grad((sin * cos).sum(), [sin, cos])[0].data is not None

    def stack(grads, ys, x):
        return np.stack([np.zeros_like(y) if g is None else g for g, y in zip(grads, ys)])

    every = Op(tuple, stack, name="rows", outputs=None)
    rows = every(leaf(4, 2))
    assert len(rows) == 4 and all(isinstance(r, Tensor) for r in rows)
    table = leaf(4, 2)
    (every(table)[2] * 3).sum().backward()
    np.testing.assert_array_equal(table.grad.data, 3.0 * np.eye(4)[2][:, None] * np.ones(2))


def test_gradient_by_one_of_several_outputs():
    x = leaf(3)
    sin, cos, _ = sin_and_cos()(x)
    y = (sin * cos * cos).sum()
    by_sin, by_cos = grad(y, [sin, cos], create_graph=True)
    np.testing.assert_allclose(by_sin.data, cos.data**2)
    np.testing.assert_allclose(by_cos.data, 2 * sin.data * cos.data)
    (second,) = grad(by_cos.sum(), [sin], retain_graph=True)
    np.testing.assert_allclose(second.data, 2 * cos.data)
    by_x = grad(by_sin.sum(), x)
    np.testing.assert_allclose(by_x.data, -2 * cos.data * sin.data)

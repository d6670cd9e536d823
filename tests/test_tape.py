"""What the tape keeps, notices and frees: changes in place, memory, leaks, threads, checkpoints."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import tatami
from support import resident_memory
from tatami import Tensor, check_grads, grad, no_grad
from tatami import functional as F
from tatami.autograd import Op, checkpoint
from tatami.nn import Parameter


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def leaf(*shape, seed=0):
    return Tensor(normal(*shape, seed=seed), requires_grad=True)


# --- sums of gradients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), (40_003,), (2, 129, 257)])
def test_gradients_are_added_where_nobody_else_sees_them(shape, dtype):
    """Large ones in place and on all threads; with NumPy's bits, and others' arrays untouched."""
    a, b, c, start = (normal(*shape, seed=k).astype(dtype) for k in range(4))
    kept = {}

    def rule(g, _y, _x):
        return kept.setdefault("own", g * b)

    twice = Op(np.multiply, lambda g, _y, _x, _w: g, lambda g, _y, _x, _w: g, name="twice")
    held = Op(np.copy, rule, name="held")
    x = Tensor(a, requires_grad=True)
    before = start.copy()
    for threads in (1, 2, 3):
        x.grad = None
        with tatami.threads(threads):
            (held(x) + twice(x, x) + x * Tensor(c)).backward(start)
        np.testing.assert_array_equal(start, before)
        np.testing.assert_array_equal(kept["own"], start * b)
        wanted = ((start * c + start) + start) + start * b
        np.testing.assert_array_equal(x.grad.data, wanted)
        assert not np.shares_memory(x.grad.data, start)
        assert not np.shares_memory(x.grad.data, kept["own"])


def test_large_gradients_that_are_not_contiguous_or_of_another_kind_are_added():
    x = Tensor(normal(200, 300).astype(np.float32), requires_grad=True)
    (F.transpose(F.transpose(x) * 2) + x.astype(np.float64).astype(np.float32) + x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.full((200, 300), 4, np.float32))


# --- changes in place


@pytest.mark.parametrize("change", [
    lambda x: x.bump(),
    lambda x: x.copy_(1.0),
    lambda x: x.zero_(),
    lambda x: x.__setitem__(0, 5.0),
    lambda x: x.__iadd__(1.0),
    lambda x: x.detach().__imul__(2.0),
    lambda x: x[1:].zero_(),
    lambda x: x.reshape(3, 1).T.copy_(0.0),
    lambda x: setattr(x, "data", x.data + 1),
])  # fmt: skip
def test_a_change_of_what_a_derivative_needs_is_noticed(change):
    x, y = leaf(3), leaf(3, seed=1)
    product = x * y
    with no_grad():
        change(x)
    with pytest.raises(RuntimeError, match=r"argument 0 of mul \(shape \(3,\)\) was changed in"):
        product.sum().backward()
    assert y.grad is None


def test_a_changed_result_is_noticed_where_the_derivative_reads_it():
    x = leaf(3)
    for f, reads in ((F.exp, True), (F.neg, False)):
        y = f(x)
        with no_grad():
            y += 1
        if reads:
            with pytest.raises(RuntimeError, match="result of exp was changed in place"):
                y.sum().backward()
        else:
            y.sum().backward()


def test_what_no_derivative_needs_may_change():
    x, b = leaf(3), leaf(3, seed=1)
    y = ((x + b) - 2 * b).reshape(3, 1).sum()
    with no_grad():
        x *= 0
        b.zero_()
    y.backward()
    np.testing.assert_array_equal(b.grad.data, np.full(3, -1.0))


def test_changes_that_would_lose_a_gradient_are_refused():
    x, y, plain = leaf(3), leaf(3) * 2, Tensor(normal(3))
    for change in (lambda: x.zero_(), lambda: x.copy_(plain), lambda: x.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match=r"a leaf that requires gradients \(shape \(3,\)\)"):
            change()
    with pytest.raises(RuntimeError, match=r"\+=: a leaf .* no_grad"):
        x += 1
    for target, value in ((y, 1.0), (plain, y[0])):
        with pytest.raises(RuntimeError, match="where, stack or concatenate"):
            target[0] = value


def test_augmented_assignment_keeps_a_history_and_otherwise_the_array():
    x = leaf(3)
    total = Tensor(np.zeros(3))
    before = total
    total += x * 2
    total -= x / 2
    assert before.data.any() == np.False_, "the tensor of before is as it was"
    total.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.full(3, 1.5))
    plain = Tensor(np.ones(3))
    array, version = plain.data, plain.version
    plain *= 3
    plain /= 2
    assert plain.data is array and plain.version > version
    np.testing.assert_array_equal(array, np.full(3, 1.5))


# --- what is kept, and for how long


def test_only_what_the_rules_read_is_kept():
    x = leaf(5)
    parts = [F.exp(x) for _ in range(3)]
    refs = [weakref.ref(p.data) for p in parts]
    y = parts[0] + parts[1] * Tensor(np.ones(5)) + parts[2].reshape(5, 1).sum()
    kept_by_exp = [r() is not None for r in refs]
    assert kept_by_exp == [True] * 3, "exp's derivative reads its result"
    hidden = x * 2.0
    array = weakref.ref(hidden.data)
    z = (hidden + 1.0) - 2.0
    del hidden, parts
    gc.collect()
    assert array() is None, "neither the product with a number nor sums read their arguments"
    (y.sum() + z.sum()).backward()


def test_arrays_are_freed_as_the_pass_goes():
    arrays, alive = [], []

    def watched(x):
        y = F.exp(x)
        arrays.append(weakref.ref(y.data))
        return y

    def count(g, _y, _x):
        alive.append(sum(r() is not None for r in arrays))
        return g

    look = Op(lambda x: x + 0, count, name="look")
    x = leaf(4)
    y = x
    for _ in range(5):
        y = watched(look(y * 0.1))
    y.sum().backward()
    # the latest exp is the user's own
    assert alive == sorted(alive, reverse=True) and alive[-1] <= 2, alive


def test_a_second_step_takes_nothing_new_from_the_system():
    from tatami import nn, optim

    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, target = Tensor(np.ones((32, 64), np.float32)), np.zeros(32, np.int64)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), target).backward()
        optimizer.step()

    gc.collect()
    for _ in range(3):
        step()
    before = tatami.memory.stats()
    for _ in range(5):
        step()
    after = tatami.memory.stats()
    assert after["misses"] == before["misses"]
    assert after["in_use"] == before["in_use"]


def test_repeated_steps_leave_no_objects_behind():
    x, w = leaf(3), leaf(3, seed=1)

    def rule(grads, _y, a):
        return sum(g for g in grads if g is not None) * a

    both = Op(lambda a: (a * a / 2, a * a / 2), rule, name="both", outputs=2)

    def step():
        x.grad = w.grad = None
        y = F.tanh(x * w + 1)[1:].sum() + both(x)[0].sum() + F.softmax(w).sum()
        y.backward()
        first = grad((x * w * w).sum(), x, create_graph=True)
        grad(first.sum(), w)
        with pytest.raises(RuntimeError):
            y.backward()

    def growth(times=300):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(times):
            step()
        gc.collect()
        return sys.getallocatedblocks() - before

    growth()
    pages = resident_memory()
    assert min(growth() for _ in range(3)) < 50
    assert resident_memory() - pages < 2**21


def test_cycles_are_collected():
    x = leaf(3)
    y = (x * x).sum()
    y.backward(create_graph=True)  # the gradient's graph holds x, x holds the gradient
    gone = weakref.ref(x)
    del x, y
    gc.collect()
    assert gone() is None


def test_a_long_chain_needs_no_stack():
    for used in (False, True):
        x = leaf(1)
        y = x
        for _ in range(100_000):
            y = y + 1.0
        if used:
            y.backward()
        del y
    np.testing.assert_array_equal(x.grad.data, [1.0])


# --- the objects themselves


def test_subclasses_weak_references_and_methods():
    p = Parameter(np.ones(3, np.float32))
    assert p.requires_grad and p.is_leaf and weakref.ref(p)() is p
    y = p * 2
    assert type(y) is Tensor and not y.is_leaf
    y.sum().backward()
    assert type(p.grad) is Tensor
    assert (p.shape, p.ndim, p.size, p.dtype) == ((3,), 1, 3, np.float32)
    with pytest.raises(AttributeError):
        p.shape = (1, 3)
    with pytest.raises(RuntimeError, match="only a leaf"):
        y.requires_grad = False
    p.requires_grad = False
    assert not (p * 2).requires_grad

    class Named(Tensor):
        pass

    named = Named([1.0])
    named.name = "a subclass may have attributes"
    assert type(named + 1) is Tensor


def test_a_gradient_is_a_tensor_of_the_same_shape():
    p = Parameter(np.ones(3, np.float32))
    p.grad = Tensor(np.ones(3, np.float32))
    with pytest.raises(TypeError, match=r"grad: must be a tensor or None, got numpy\.ndarray"):
        p.grad = np.ones(3, np.float32)
    with pytest.raises(ValueError, match=r"grad: its shape \(1, 3\) is not \(3,\)"):
        p.grad = Tensor(np.ones((1, 3)))
    assert p.grad.shape == (3,)
    p.grad = None
    assert p.grad is None


def test_scalars_of_numpy_do_not_change_the_dtype():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x / np.sqrt(2) * np.float64(3) + np.int64(1)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_arrays_of_two_devices_do_not_mix():
    class OnDevice:
        """As much of a CuPy array as an error needs."""

        __cuda_array_interface__ = {}  # noqa: RUF012
        shape, dtype, ndim = (3,), np.dtype(np.float32), 1

    x, y = Tensor(np.ones(3, np.float32)), Tensor(OnDevice())
    assert type(y.data) is OnDevice
    with pytest.raises(TypeError, match=r"add: arrays .*ndarray.*OnDevice.*\(3,\).*device"):
        F.add(x, y)


def test_gradients_of_what_is_no_tensor():
    x = leaf(1)
    with pytest.raises((TypeError, AttributeError)):
        grad(np.ones(1), x)
    with pytest.raises((TypeError, AttributeError)):
        grad(x * 2, np.ones(1))


def test_an_argument_given_twice_to_a_fused_operation():
    check_grads(lambda x: F.mse_loss(x * x, x * x + x), [normal(3)], order=2)
    check_grads(lambda x: F.layer_norm(x, (3,), x, x), [normal(3)], order=3)
    check_grads(lambda x: F.mse_loss(x, F.exp(x)), [normal(3)], order=3)


def test_a_failed_pass_leaves_gradients_as_they_were():
    def broken(g, y, x):
        raise KeyError("rule")

    x, w = leaf(3), leaf(3)
    y = Op(np.sin, broken, name="broken")(x) * w
    with pytest.raises(KeyError, match="rule"):
        y.sum().backward()
    assert x.grad is None and w.grad is None
    assert tatami.autograd.is_grad_enabled()


@pytest.mark.parametrize("create_graph", [False, True])
def test_failed_passes_leave_nothing_behind(create_graph):
    def broken(g, y, x):
        raise KeyError("rule")

    op, refs = Op(np.sin, broken, name="broken"), []

    def fail():
        x, w = leaf(3), leaf(3)
        y = F.exp(op(F.exp(x)) * w)
        with pytest.raises(KeyError, match="rule"):
            y.sum().backward(create_graph=create_graph)
        refs.extend(map(weakref.ref, (x, w, y, y.data)))

    fail()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(1000):
        fail()
    gc.collect()
    assert not any(ref() is not None for ref in refs)
    assert len(gc.get_objects()) - before - len(refs) < 100


def test_a_gradient_of_the_wrong_shape_is_refused():
    """And leaves no wrong one behind, be the argument kept or only its shape."""
    for rule in (lambda g, y, x: x[1:], lambda g, _y, _x: g.sum()):
        x = leaf(3)
        y = Op(np.sin, rule, name="short")(x)
        with pytest.raises(ValueError, match=r"short: its rule gives argument 0, of shape \(3,\)"):
            y.sum().backward()
        assert x.grad is None


def test_rules_without_a_derivative_say_so():
    floor = Op(np.floor, name="floor")
    with pytest.raises(RuntimeError, match=r"floor: argument 0 has no derivative; detach\(\) it"):
        floor(leaf(3)).sum().backward()


def test_threads_have_graphs_of_their_own():
    w = leaf(4)
    found = {}

    def work(k):
        x = Tensor(np.full(4, float(k)))
        for _ in range(50):
            found[k] = grad(F.tanh(x * w).sum(), w).data

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(4):
        np.testing.assert_allclose(found[k], k / np.cosh(k * w.data) ** 2)


def test_gradients_are_added_in_place():
    x = leaf(3)
    (x * 2).sum().backward()
    array = x.grad.data
    (x * 3).sum().backward()
    assert x.grad.data is array
    np.testing.assert_array_equal(array, np.full(3, 5.0))


# --- checkpoints


def block(x, w):
    return F.tanh(x * w) * F.exp(x)


def test_checkpoints_give_the_same_gradients():
    a, b = leaf(4), leaf(4, seed=1)
    expected = grad(block(block(a, b), b).sum(), [a, b])
    y = checkpoint(block, checkpoint(block, a, b), b)
    for got, right in zip(grad(y.sum(), [a, b]), expected, strict=True):
        np.testing.assert_array_equal(got.data, right.data)
    check_grads(lambda a, b: checkpoint(block, a * b, b), [normal(4), normal(4, seed=1)], order=3)


def test_parameters_inside_a_checkpoint_get_their_gradients():
    w = leaf(4)
    check_grads(lambda x: checkpoint(lambda x: block(x, w), x), [normal(4)], order=2)
    for times in (1, 2):
        checkpoint(lambda x: block(x, w), leaf(4, seed=2)).sum().backward()
        once = grad(block(leaf(4, seed=2), w).sum(), w)
        np.testing.assert_allclose(w.grad.data, times * once.data)
    x = leaf(4, seed=2)
    first = grad(checkpoint(lambda x: block(x, w), x * w).sum(), w, create_graph=True)
    plain = grad(block(x * w, w).sum(), w, create_graph=True)
    np.testing.assert_allclose(first.data, plain.data)
    np.testing.assert_allclose(
        grad(first.sum(), w).data, grad(plain.sum(), w).data, rtol=1e-12, atol=1e-12
    )


def test_checkpoints_draw_the_same_random_numbers():
    tatami.manual_seed(3)
    x = leaf(50)
    y = checkpoint(lambda x: F.dropout(x, 0.5), x)
    following = tatami.random.generator().random()
    dropped = y.data == 0
    np.testing.assert_array_equal(grad(y.sum(), x).data, np.where(dropped, 0.0, 2.0))
    tatami.manual_seed(3)
    tatami.random.seed()
    assert tatami.random.generator().random() == following, "what follows is as without it"


def test_checkpoints_of_several_results_and_other_arguments():
    def f(x, scale, y):
        return x * scale, F.exp(y), y * 0 + 1

    x, y = leaf(3), Tensor(normal(3, seed=1))
    first, second, _ = checkpoint(f, x, 3.0, y)
    assert not checkpoint(f, Tensor(normal(3)), 3.0, y)[0].requires_grad
    (first * 2).sum().backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.data, np.full(3, 6.0))
    assert second.shape == (3,)
    with no_grad():
        assert not checkpoint(f, x, 3.0, y)[0].requires_grad


def test_checkpoints_keep_no_arrays_inside():
    x, inside = leaf(1000), []

    def deep(x):
        for _ in range(5):
            x = F.exp(x * 0.1)
            inside.append(weakref.ref(x.data))
        return x

    y = checkpoint(deep, x)
    assert [r() is not None for r in inside] == [False] * 4 + [True]
    y.sum().backward()
    assert len(inside) == 10

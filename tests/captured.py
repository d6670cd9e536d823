"""What the tests of captured steps have in common, on NumPy's arrays and on those of a GPU."""

import numpy as np
import pytest

import tatami
from support import assert_same_bits
from tatami import Tensor, nn
from tatami import functional as F


def host(result):
    """The arrays of a result, on the host."""
    if isinstance(result, (tuple, list)):
        return [a for part in result for a in host(part)]
    if isinstance(result, Tensor):
        return [result.detach().numpy()]
    return [result.get() if hasattr(result, "get") else np.asarray(result)]


def trained(build, batches, captured, **wants):
    """(what each step returned, the weights and gradients in the end) of ``build()``'s step."""
    tatami.manual_seed(1)
    model, step = build(**wants)
    step = tatami.jit(step) if captured else step
    results = [step(*batch) for batch in batches]
    ends = list(model.state_dict().values())
    ends += [p.grad.numpy().copy() for p in model.parameters() if p.grad is not None]
    return results, ends, step


def assert_same(build, batches, **wants):
    """Captured and not captured: results, weights and gradients have equal bits."""
    plain, plain_ends, _ = trained(build, batches, False, **wants)
    mine, my_ends, step = trained(build, batches, True, **wants)
    for k, (a, b) in enumerate(zip(plain, mine, strict=True)):
        for one, other in zip(host(a), host(b), strict=True):
            assert_same_bits(other, one, f"step {k}")
    for one, other in zip(plain_ends, my_ends, strict=True):
        assert type(other) is np.ndarray
        assert_same_bits(other, one)
    return step


def replays(step):
    return sum(len(variants.trusted) for variants in step.variants.values())


def training(model, optimizer, loss=F.cross_entropy, after=lambda: None, clip=None):
    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), clip) if clip else ()
        optimizer.step()
        after()
        return value, norm

    return model, step


def adding(model, loss):
    """A step that adds to the gradients."""

    def add(x, y):
        value = loss(model(x), y)
        value.backward()
        return value

    return add


def classes(count, batch, shape, steps=6, put=np.asarray):
    """Batches of random rows, and a class for each."""
    rng = np.random.default_rng(3)
    return [
        (
            Tensor(put(np.random.default_rng(k).standard_normal((batch, *shape), np.float32))),
            put(rng.integers(0, count, batch)),
        )
        for k in range(steps)
    ]


def captured_calls(step, *args, count=4):
    step = tatami.jit(step)
    for _ in range(count):
        step(*args)


def assert_differences_are_refused(nine):
    """``nine`` numbers, of which other ones are taken in each call."""
    count = iter(range(99))
    with pytest.raises(RuntimeError, match="differ at mul"):
        captured_calls(lambda x: x * float(next(count)), Tensor(nine))
    with pytest.raises(RuntimeError, match=r"differ at (relu|neg)"):
        captured_calls(lambda x: F.relu(x) if next(count) % 2 else F.relu(-x), Tensor(nine))


def assert_state_is_refused(array):
    memory = [Tensor(array)]

    def step(x):
        memory[0] = memory[0] + x
        return memory[0]

    with pytest.raises(RuntimeError, match="an earlier call of the step computed"):
        captured_calls(step, Tensor(array))


def assert_new_arrays_are_refused(array):
    w = Tensor(array, requires_grad=True)

    def replace(x):
        w.data = w.data - x.data

    with pytest.raises(RuntimeError, match="another array"):
        captured_calls(replace, Tensor(array))

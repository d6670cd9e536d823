"""The way back: gradients of recorded operations, of any order."""

import numpy as np

from .. import _core
from .tensor import Tensor


def backward(y, gradient=None, retain_graph=None, create_graph=False):
    """What :meth:`Tensor.backward` does."""
    if not y.requires_grad:
        raise RuntimeError("backward: nothing that this tensor was made of requires gradients")
    start = _start("backward", y, gradient, create_graph)
    found = _propagate([y], [start], None, retain_graph, create_graph)
    taken = {id(gradient), id(getattr(gradient, "data", None))}
    for leaf, grad in found:
        if leaf.grad is None:
            leaf.grad = grad if create_graph else Tensor(_own(grad, taken))
        elif create_graph:
            leaf.grad = leaf.grad + grad
        else:
            leaf.grad.data += grad


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    *,
    retain_graph=None,
    create_graph=False,
    allow_unused=False,
):
    """Gradients of ``outputs`` by ``inputs``, without touching any ``grad``.

    Both are a tensor or a sequence of them; the result is a tensor where ``inputs`` is one, else
    a tuple. ``grad_outputs`` are of the outputs' shapes (None for single elements).
    ``create_graph=True`` makes the result differentiable, to any order. An input that the outputs
    do not depend on is an error, or None under ``allow_unused``.

    >>> x = Tensor([2.0], requires_grad=True)
    >>> first = grad(x**3, x, create_graph=True)
    >>> grad(first, x)
    Tensor([12.], float32)
    """
    single = isinstance(inputs, Tensor)
    inputs = [inputs] if single else list(inputs)
    outputs, grad_outputs = _paired(outputs, grad_outputs)
    for k, x in enumerate(inputs):
        if not x.requires_grad:
            raise RuntimeError(f"grad: input {k} of shape {x.shape} does not require gradients")
    starts = [
        _start("grad", y, g, create_graph) for y, g in zip(outputs, grad_outputs, strict=True)
    ]
    results = _propagate(outputs, starts, inputs, retain_graph, create_graph)
    for k, (x, result) in enumerate(zip(inputs, results, strict=True)):
        if result is None and not allow_unused:
            raise RuntimeError(
                f"grad: the outputs do not depend on input {k} of shape {x.shape}; "
                "allow_unused=True gives None for it"
            )
    if not create_graph:
        results = [None if r is None else Tensor(r) for r in results]
    return results[0] if single else tuple(results)


def _paired(outputs, grad_outputs):
    if isinstance(outputs, Tensor):
        return [outputs], [grad_outputs]
    outputs = list(outputs)
    return outputs, [None] * len(outputs) if grad_outputs is None else list(grad_outputs)


def _start(name, y, gradient, create_graph):
    """The gradient that enters at ``y``: an array, or a tensor where it is differentiated."""
    if gradient is None:
        if y.size != 1:
            raise ValueError(
                f"{name}: the output has shape {y.shape}; give its gradient of that shape, "
                "or make it a single number first (sum, mean)"
            )
        gradient = np.ones_like(y.data)
    if gradient.shape != y.shape or gradient.dtype != y.dtype:
        raise ValueError(
            f"{name}: gradient has shape {gradient.shape} and dtype {gradient.dtype} "
            f"but the output has shape {y.shape} and dtype {y.dtype}"
        )
    if create_graph:
        return gradient if isinstance(gradient, Tensor) else Tensor(gradient)
    return gradient.data if isinstance(gradient, Tensor) else gradient


def _own(gradient, taken):
    """The array itself, or a copy where someone else may hold its memory."""
    if gradient.base is not None or id(gradient) in taken:
        return gradient.copy()
    taken.add(id(gradient))
    return gradient


def _propagate(outputs, starts, inputs, retain_graph, create_graph, stop=False):
    """Gradients of ``inputs``, or (leaf, gradient) for every leaf; arrays, or tensors.

    ``stop``: the inputs count as independent, whatever one has to do with another.
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    return _core.propagate(
        outputs, starts, inputs, bool(retain_graph), bool(create_graph), stop, _by_composition
    )


def _by_composition(composed, args, settings, grad_y, wanted):
    """The differentiable gradients of an operation's arguments, by what it is composed of."""
    y = composed(*args, **settings)
    if not isinstance(y, tuple):
        y, grad_y = (y,), (grad_y,)
    pairs = [(part, g) for part, g in zip(y, grad_y, strict=True) if g is not None]
    outputs, starts = zip(*pairs, strict=True)
    inputs = [a for a, asked in zip(args, wanted, strict=True) if asked]
    found = iter(_propagate(outputs, starts, inputs, True, True, stop=True))
    return [next(found) if asked else None for asked in wanted]

"""The way back: gradients of recorded operations, of any order."""

from functools import partial
from operator import attrgetter

import numpy as np

from .mode import set_grad_enabled
from .op import Op
from .tensor import Part, Tensor

_alias = Op(lambda x: x, lambda grad_y, y, x: grad_y, name="alias")


def backward(y, gradient=None, retain_graph=None, create_graph=False):
    """What :meth:`Tensor.backward` does."""
    if not y.requires_grad:
        raise RuntimeError("backward: nothing that this tensor was made of requires gradients")
    start = _start("backward", y, gradient, create_graph)
    found = _propagate([y], [start], None, retain_graph, create_graph)
    taken = {id(gradient), id(getattr(gradient, "data", None))}
    for leaf, grad in found.items():
        if not create_graph:
            grad = Tensor(_own(grad, taken))
        leaf.grad = grad if leaf.grad is None else leaf.grad + grad


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
    found = _propagate(outputs, starts, [x.source for x in inputs], retain_graph, create_graph)
    results = tuple(found.get(x.source) for x in inputs)
    for k, (x, result) in enumerate(zip(inputs, results, strict=True)):
        if result is None and not allow_unused:
            raise RuntimeError(
                f"grad: the outputs do not depend on input {k} of shape {x.shape}; "
                "allow_unused=True gives None for it"
            )
    if not create_graph:
        results = tuple(None if r is None else Tensor(r) for r in results)
    return results[0] if single else results


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


def _propagate(outputs, starts, inputs, retain_graph, create_graph):
    """Gradients by source: of ``inputs`` where given, else of every leaf."""
    if retain_graph is None:
        retain_graph = create_graph
    nodes = _reachable(outputs)
    keep = set() if inputs is None else set(inputs)
    wanted = None if inputs is None else _leading_to(keep, nodes)
    found = {}
    for y, start in zip(outputs, starts, strict=True):
        if y.requires_grad:
            _add(found, y.source, start)
    with set_grad_enabled(create_graph):
        for node in nodes:
            grad_y = _arrived(node, found, keep)
            if grad_y is None:
                continue
            parents = node.parents
            if wanted is not None:
                parents = [p if p in keep or _node(p) in wanted else None for p in parents]
            grads = _gradients(node, grad_y, parents, create_graph)
            for parent, g in zip(parents, grads, strict=True):
                if parent is not None and g is not None:
                    _add(found, parent, g)
            if not retain_graph:
                node.free()
    return found if inputs is None else {s: g for s, g in found.items() if s in keep}


def _reachable(outputs):
    """Every node behind the outputs, the latest first: users before what they use."""
    seen, stack = set(), [y.node for y in outputs if y.node is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        if node.args is None:
            raise RuntimeError(
                f"backward: the graph through {node.op.name} was freed by an earlier pass; "
                "give that one retain_graph=True"
            )
        seen.add(node)
        stack += [_node(p) for p in node.parents if p is not None and not isinstance(p, Tensor)]
    return sorted(seen, key=attrgetter("number"), reverse=True)


def _leading_to(inputs, nodes):
    """The nodes through which the inputs act on the outputs."""
    leading = set()
    for node in reversed(nodes):
        if any(p in inputs or _node(p) in leading for p in node.parents if p is not None):
            leading.add(node)
    return leading


def _node(source):
    """The node of an output, or the source itself."""
    return source.node if type(source) is Part else source


def _arrived(node, found, keep):
    """The gradient at a node, a tuple where it has several outputs; None where there is none."""
    sources = node.op.sources(node)
    grads = tuple(found.get(s) if s in keep else found.pop(s, None) for s in sources)
    if node.op.outputs == 1:
        return grads[0]
    return None if all(g is None for g in grads) else grads


def _add(found, source, gradient):
    before = found.get(source)
    found[source] = gradient if before is None else before + gradient


def _gradients(node, grad_y, parents, create_graph):
    """The gradient of each argument whose parent is given."""
    op = node.op
    if create_graph and op.composed is not None:
        return _composed_gradients(node, grad_y, parents)
    args, y = (node.args, node.output()) if create_graph else (node.arrays, node.value)
    if op.joint is not None:
        return op.joint(grad_y, y, *args, **node.settings)
    return [
        None
        if parent is None
        else _fitted(op, _rule(op, k)(grad_y, y, *args, **node.settings), args[k])
        for k, parent in enumerate(parents)
    ]


def _rule(op, k):
    if op.each is not None:
        return partial(op.each, k)
    if k >= len(op.rules):
        raise RuntimeError(f"{op.name}: argument {k} has no derivative; detach() it")
    return op.rules[k]


def _fitted(op, gradient, argument):
    """The gradient, summed to the argument's shape where the operation broadcasts."""
    if op.unbroadcast is None or gradient is None or gradient.shape == argument.shape:
        return gradient
    return op.unbroadcast(gradient, argument.shape)


def _composed_gradients(node, grad_y, parents):
    """Differentiates the composition, through aliases: arguments may depend on each other."""
    args = [
        a if parent is None else _alias(a) for a, parent in zip(node.args, parents, strict=True)
    ]
    y = node.op.composed(*args, **node.settings)
    if node.op.outputs == 1:
        y, grad_y = (y,), (grad_y,)
    used = [(part, g) for part, g in zip(y, grad_y) if g is not None and part.requires_grad]
    inputs = [a for a, parent in zip(args, parents, strict=True) if parent is not None]
    if not used:
        return [None] * len(parents)
    outputs, grad_outputs = zip(*used)
    grads = iter(grad(outputs, inputs, grad_outputs, create_graph=True, allow_unused=True))
    return [None if parent is None else next(grads) for parent in parents]

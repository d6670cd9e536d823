"""Memory for time: results computed twice instead of kept."""

from .. import _core, random
from .backward import grad
from .mode import is_grad_enabled, set_grad_enabled
from .op import Op
from .tensor import Tensor, array_of


def checkpoint(f, *xs):
    """``f(*xs)``, of which nothing but the arguments and results is kept for the way back.

    ``f`` is computed once more when its gradients are asked for (Chen et al., 2016), with the same
    random numbers from :func:`tatami.random.generator`. It takes and returns tensors, one or a
    tuple; parameters inside it get their gradients as always, to any order. What else it changes,
    like the running statistics of a batch norm, both runs change.

    >>> y = checkpoint(lambda x: F.tanh(F.linear(x, weight)), x)
    """
    if not is_grad_enabled():
        return f(*xs)
    segment = _Segment(f, xs)
    leaves = segment.leaves(xs)
    y = f(*leaves)
    ys = y if isinstance(y, tuple) else (y,)
    segment.inside = [t for t in _core.leaves(ys) if not any(t is x for x in leaves)]
    values = tuple(part.data for part in ys)
    op = Op(
        lambda *args: values,
        name="checkpoint",
        joint=lambda grads, _ys, *args: segment.gradients(grads, args),
        composed=segment.again,
        outputs=None,
    )
    results = op(*xs, *segment.inside)
    return results if isinstance(y, tuple) else results[0]


class _Segment:
    """A function, and what it takes to compute it once more."""

    def __init__(self, f, xs):
        self.f = f
        self.state = random.get_state()
        # of each argument: whether gradients flow to it; None for what is no tensor
        self.flows = [x.requires_grad if isinstance(x, Tensor) else None for x in xs]
        self.inside = []  # leaves that the function brings itself: its parameters

    def leaves(self, xs):
        """The arguments (tensors or their arrays) as tensors without a history."""
        return [
            x if flows is None else Tensor(array_of(x), flows)
            for x, flows in zip(xs, self.flows, strict=True)
        ]

    def again(self, *args):
        """The function's results as a tuple; leaves from inside may follow its arguments."""
        now = random.get_state()
        random.set_state(self.state)
        try:
            y = self.f(*args[: len(self.flows)])
        finally:
            random.set_state(now)
        return y if isinstance(y, tuple) else (y,)

    def gradients(self, grads, args):
        """Arrays: the gradients of the arguments, then of the leaves inside."""
        with set_grad_enabled(True):
            xs = self.leaves(args[: len(self.flows)])
            pairs = [(y, g) for y, g in zip(self.again(*xs), grads, strict=True) if g is not None]
        ys, grads = zip(*pairs, strict=True)
        wanted = [x for x, flows in zip(xs, self.flows, strict=True) if flows]
        found = grad(ys, [*wanted, *self.inside], grads, allow_unused=True)
        found = iter(None if g is None else g.data for g in found)
        return [next(found) if flows else None for flows in self.flows] + list(found)

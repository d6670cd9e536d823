"""Operations with a gradient kernel of their own, and what the tape has to keep for it."""

from ..autograd import Op, Tensor, is_grad_enabled


def recorded(*args):
    """True where a call with these arguments goes onto the tape."""
    if is_grad_enabled():
        for a in args:
            if isinstance(a, Tensor) and a.requires_grad:
                return True
    return False


class Fused:
    """A kernel whose gradient takes the cache that ``return_cache=True`` adds to its results.

    ``forward(*args, **settings)`` has ``outputs`` results; ``backward(*grads, cache)`` returns the
    gradients of the leading arguments. ``composed`` is the same function written with
    differentiable ones, which stands in where gradients are differentiated. Nothing is kept where
    nothing is recorded.
    """

    def __init__(self, forward, backward, composed, *, name, outputs=1):
        def cached(*args, **settings):
            return forward(*args, **settings, return_cache=True)

        def joint(grads, _results, *_args, **settings):
            grads = grads if outputs > 1 else (grads,)
            return backward(*grads, _results[-1])[: len(_args)]

        self.outputs = outputs
        self.plain = Op(forward, name=name, outputs=outputs)
        self.cached = Op(cached, name=name, joint=joint, composed=composed, outputs=outputs)

    def __call__(self, *args, **settings):
        if not recorded(*args):
            return self.plain(*args, **settings)
        results = self.cached(*args, **settings)
        return results[0] if self.outputs == 1 else results[: self.outputs]

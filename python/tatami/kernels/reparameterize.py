"""Gaussian noise with counter-based random numbers, scaled and shifted."""

from .. import _core

__all__ = ["reparameterize", "reparameterize_grad"]


def reparameterize(mean, log_variance, *, seed):
    """``mean + exp(log_variance / 2) * eps``, a draw of eps ~ N(0, 1) for every element.

    Both arrays have one shape. ``seed`` is an int (64 bits of it count). The noise depends on it
    and on the elements' positions alone: the same for any number of threads, and drawn again by
    the gradient, so that nothing is kept (Kingma and Welling, 2014, section 2.4).

    eps is the normal quantile of ``(w + 1/2) / 2**32``, where w is the word, its highest bit
    flipped, that :func:`dropout` draws for the element.

    >>> mean = numpy.array([1.0, 2.0, 3.0])
    >>> reparameterize(mean, numpy.full(3, -1000.0), seed=1)
    array([1., 2., 3.])
    """
    return _core.reparameterize(mean, log_variance, seed)


def reparameterize_grad(grad_z, log_variance, *, seed):
    """Gradient of :func:`reparameterize` for ``log_variance``: ``grad_z * sigma * eps / 2``.

    That for ``mean`` is ``grad_z`` itself.
    """
    return _core.reparameterize_grad(grad_z, log_variance, seed)

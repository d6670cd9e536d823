"""An array with a gradient. Its operators are set by ``tatami.functional.operators``."""

import numpy as np

from .. import _core
from .._device import device_of, moved


class Tensor(_core.Tensor):
    """A NumPy array that remembers how it was made, so that gradients can flow back.

    ``data`` is the array itself (not copied); Python numbers and lists of them become float32.
    ``requires_grad=True`` makes a leaf: :meth:`backward` adds up its gradient in ``grad``.

    >>> x = Tensor([3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([6.], float32)

    Arrays of CuPy serve as well. ``x[...] = y`` and ``x += y`` change the array in place where no
    gradient needs its history; whoever changes ``data`` directly calls :meth:`bump`.
    """

    __slots__ = ()
    __array_ufunc__ = None  # array * tensor is the tensor's business, not NumPy's
    __hash__ = object.__hash__  # == compares elements, but a tensor is a key by identity

    def __init__(self, data, requires_grad=False):
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is a Tensor already; use its data or detach()")
        if not (isinstance(data, np.ndarray) or device_of(data) == "cuda"):
            numbers = not isinstance(data, np.generic)
            data = np.asarray(data)
            if numbers and data.dtype == np.float64:
                data = data.astype(np.float32)
        self.data = data
        if requires_grad:
            self.requires_grad = True

    def requires_grad_(self, requires_grad=True):
        """Make this leaf collect its gradient, or stop it; returns the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def device(self):
        """ "cpu" for an array of NumPy, "cuda" for one of CuPy."""
        return device_of(self.data)

    def numpy(self):
        """The array, from a GPU a copy of it.

        With a history it asks for :meth:`detach` first, lest a gradient get lost.
        """
        if self.requires_grad:
            raise RuntimeError("numpy: this tensor requires gradients; use detach().numpy()")
        return moved(self.data, "cpu")

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self):
        """The only element as a Python number."""
        return self.data.item()

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        """Add to the ``grad`` of every leaf the derivative of this tensor by it.

        ``gradient`` has this tensor's shape and may be left out for a single element. The graph
        is freed on the way unless ``retain_graph`` (default: ``create_graph``); ``create_graph``
        makes the gradients differentiable themselves.
        """
        from .backward import backward

        backward(self, gradient, retain_graph, create_graph)

    def __reduce__(self):
        if not self.is_leaf:
            raise RuntimeError("only a leaf can be copied or pickled; detach() the tensor first")
        return type(self), (self.data, self.requires_grad)

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __bool__(self):
        return bool(self.data)

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __repr__(self):
        body = np.array2string(moved(self.data, "cpu"), separator=", ", prefix="Tensor(")
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({body}, {self.dtype}{grad})"


_core.set_result_type(Tensor)


def array_of(x):
    """The array of a tensor; anything else as it is."""
    return x.data if isinstance(x, Tensor) else x

"""An array with a gradient. Its operators are set by ``tatami.functional.operators``."""

from typing import Any, NamedTuple

import numpy as np


class Part(NamedTuple):
    """One of several outputs of a node: where its gradient is added up."""

    node: Any
    place: int


class Tensor:
    """A NumPy array that remembers how it was made, so that gradients can flow back.

    ``data`` is the array itself (not copied); Python numbers and lists of them become float32.
    ``requires_grad=True`` makes a leaf: :meth:`backward` adds up its gradient in ``grad``.

    >>> x = Tensor([3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([6.], float32)
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "place", "requires_grad")
    __array_ufunc__ = None  # array * tensor is the tensor's business, not NumPy's

    def __init__(self, data, requires_grad=False):
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is a Tensor already; use its data or detach()")
        if not isinstance(data, np.ndarray):
            numbers = not isinstance(data, np.generic)
            data = np.asarray(data)
            if numbers and data.dtype == np.float64:
                data = data.astype(np.float32)
        self.data = data
        self.grad = None
        self.node = None  # what made it; None for a leaf
        self.place = None  # which of several outputs of the node it is
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()

    @classmethod
    def made_by(cls, node, data, place=None):
        """The tensor around an operation's result."""
        made = object.__new__(Tensor)
        made.data = data
        made.grad = None
        made.node = node
        made.place = place
        made.requires_grad = node is not None
        return made

    @property
    def source(self):
        """Where its gradient is added up: the node (or part of it) that made it, or the leaf."""
        if self.node is None:
            return self
        return self.node if self.place is None else Part(self.node, self.place)

    @property
    def shape(self):
        return self.data.shape

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def is_leaf(self):
        return self.node is None

    def requires_grad_(self, requires_grad=True):
        """Make this leaf collect its gradient, or stop it; returns the tensor itself."""
        if self.node is not None:
            raise RuntimeError("requires_grad_: only a leaf can be changed; detach() it first")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"requires_grad_: only floats have gradients, not {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def detach(self):
        """The same array without its history."""
        return Tensor(self.data)

    def numpy(self):
        """The array. With a history it asks for :meth:`detach` first, lest a gradient get lost."""
        if self.requires_grad:
            raise RuntimeError("numpy: this tensor requires gradients; use detach().numpy()")
        return self.data

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

    __hash__ = object.__hash__  # == compares elements, but a tensor is a key by identity

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
        body = np.array2string(self.data, separator=", ", prefix="Tensor(")
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({body}, {self.dtype}{grad})"


def array_of(x):
    """The array of a tensor; anything else as it is."""
    return x.data if isinstance(x, Tensor) else x

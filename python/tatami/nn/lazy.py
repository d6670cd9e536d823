"""Layers whose input size may be left out."""

from .module import Module


class Lazy(Module):
    """A layer that finds its input size, if left out (None), at the first call.

    ``size_name`` is the constructor's argument and the attribute, ``size_axis`` the axis of the
    input. A subclass ends its ``__init__`` with ``self.make()`` and writes ``make_parameters``,
    which allocates, and ``reset_parameters``, which draws the initial values.
    """

    size_name = None
    size_axis = 1

    def make(self, size=None):
        """Make the parameters if the input size is known, or ``size`` is given for it."""
        if size is not None:
            setattr(self, self.size_name, size)
        self.built = getattr(self, self.size_name) is not None
        if self.built:
            self.make_parameters()
            self.reset_parameters()

    def __call__(self, *args, **kwargs):
        if not self.built:
            self._make_for(*args, *kwargs.values())
        return self.forward(*args, **kwargs)

    def _make_for(self, x, *others):
        size = self.find_size(x.shape)
        try:
            self.make(size)
        except Exception:
            setattr(self, self.size_name, None)  # x was wrong, the next may be right
            self.built = False
            raise

    def find_size(self, shape):
        """The size that an input of ``shape`` asks for."""
        if not -len(shape) <= self.size_axis < len(shape):
            raise ValueError(f"{type(self).__name__}: x has too few axes, got shape {shape}")
        return shape[self.size_axis]

    def arguments(self):
        """What the constructor was given, by name, and the size that was found."""
        name = self.size_name
        return {name: None, **super().arguments()} | {name: getattr(self, name)}


def require(layer, **sizes):
    """Sizes that no input can tell must be given."""
    for name, value in sizes.items():
        if value is None:
            raise TypeError(
                f"{layer}: {name} is missing; to leave the input size out, "
                f"give it as None or give {name} by name"
            )

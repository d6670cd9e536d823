"""Whether operations are recorded, a thread at a time."""

from contextlib import ContextDecorator

from .. import _core


def is_grad_enabled():
    """True where operations on tensors that require gradients are recorded."""
    return _core.is_recording()


class set_grad_enabled(ContextDecorator):
    """``with set_grad_enabled(flag):`` records inside the block, or does not."""

    def __init__(self, recording):
        self.recording = bool(recording)
        self.before = []  # a stack: one object may decorate a function that calls itself

    def __enter__(self):
        self.before.append(_core.exchange_recording(self.recording))

    def __exit__(self, *error):
        _core.exchange_recording(self.before.pop())


class no_grad(set_grad_enabled):
    """``with no_grad():``, or ``@no_grad()`` on a function: nothing is recorded inside.

    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     y = 2 * x
    >>> y.requires_grad
    False
    """

    def __init__(self):
        super().__init__(False)

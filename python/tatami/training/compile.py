"""What a model is trained with: an optimizer, a loss and metrics."""

import numpy as np

from .. import metrics as M
from .. import optim
from .feed import as_tensors
from .losses import Loss

_optimizers = {
    name.lower(): name
    for name in optim.__all__
    if isinstance(getattr(optim, name), type)
    and issubclass(getattr(optim, name), optim.Optimizer)
    and name != "Optimizer"
}


def compile(model, optimizer="adam", loss="cross_entropy", metrics=()):
    """Choose what :func:`fit` trains ``model`` with.

    ``optimizer``: a name ("adam", "sgd", ...) for PyTorch's defaults, an optimizer, or a function
    of the parameters that makes one, such as ``functools.partial(optim.SGD, lr=0.1)``. ``loss``: a
    name, a loss module, or a function (output, target) -> mean over the batch. ``metrics``: names,
    :class:`tatami.metrics.Metric` objects, or functions (y_true, y_pred) -> number.

    >>> compile(model, "adam", "cross_entropy", metrics=["accuracy", "f1_macro"])
    """
    model.compiled = Compiled(optimizer, loss, metrics)


class Compiled:
    """A model's optimizer, loss and metrics."""

    def __init__(self, optimizer, loss, metrics):
        self.loss = Loss(loss)
        if isinstance(metrics, str) or callable(metrics):
            metrics = [metrics]
        self.metrics = [M.get(metric, self.loss.threshold) for metric in metrics]
        self.optimizer, self._make = _optimizer(optimizer)

    def prepare(self, model, feed):
        """Find the input sizes that were left out, then make the optimizer given by name."""
        if not all(getattr(module, "built", True) for module in model.modules()):
            model.build(*as_tensors(feed.example(), np.float32))
        if self.optimizer is None:
            self.optimizer = self._make(model.parameters())


def compiled_of(model, caller):
    """What ``compile`` chose for the model."""
    try:
        return model.compiled
    except AttributeError:
        raise RuntimeError(
            f"{caller}: the model has no optimizer and loss yet; "
            'compile it first: model.compile("adam", "cross_entropy", metrics=["accuracy"])'
        ) from None


def _optimizer(given):
    """An optimizer and None, or None and the function of the parameters that makes one."""
    return (given, None) if hasattr(given, "param_groups") else (None, optimizer_maker(given))


def optimizer_maker(given):
    """The function of the parameters that makes an optimizer, from its name or itself."""
    if isinstance(given, str):
        if given.lower() not in _optimizers:
            raise ValueError(
                f"compile: optimizer {given!r} is not known; give one of "
                f"{', '.join(sorted(_optimizers))}, or an optimizer"
            )
        return getattr(optim, _optimizers[given.lower()])
    if callable(given):
        return given
    raise TypeError(
        f"compile: optimizer must be a name, an optimizer, or a function of the parameters, "
        f"not {given!r}"
    )

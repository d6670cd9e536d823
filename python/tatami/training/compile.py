"""What a model is trained with: an optimizer, a loss and metrics."""

import copy

from .. import metrics as M
from .losses import Loss
from .step import OwnSteps, Steps
from .tally import Tally


def compile(model, optimizer="adam", loss=None, metrics=()):
    """Choose what :func:`fit` trains ``model`` with.

    ``optimizer``: a name ("adam", "sgd", ...) for PyTorch's defaults, an optimizer, or a function
    of the parameters that makes one, such as ``functools.partial(optim.SGD, lr=0.1)``. ``loss``: a
    name, a loss module, or a function (output, target) -> mean over the batch; cross-entropy where
    none is given. ``metrics``: names, :class:`tatami.metrics.Metric` objects, or functions
    (y_true, y_pred) -> number.

    >>> compile(model, "adam", "cross_entropy", metrics=["accuracy", "f1_macro"])

    A model with a method ``train_step`` takes its steps and measures itself: it needs neither loss
    nor metrics, and may have several optimizers, ``{part: optimizer}`` for the parameters of its
    modules by name. ``fit`` then calls ``train_step(optimizer, x[, y])`` with every batch and shows
    the means of the numbers that it returns by name; ``evaluate`` calls ``test_step(x[, y])``.

    >>> class GAN(nn.Module):
    ...     def train_step(self, optimizer, real):
    ...         loss = self.critic_loss(real)
    ...         optimizer["critic"].minimize(loss)
    ...         return {"critic_loss": loss}
    >>> compile(GAN(), {"critic": "adam", "generator": "adam"})
    """
    if not hasattr(model, "train_step"):
        model.compiled = Compiled(optimizer, loss or "cross_entropy", metrics)
    elif loss is None and not metrics:
        model.compiled = OwnSteps(optimizer)
    else:
        raise ValueError(
            f"compile: {type(model).__name__} has a train_step, which measures its own loss; "
            "give optimizers alone"
        )


class Compiled(Steps):
    """Those down from a loss, measured by it and by metrics."""

    needs_target = True

    def __init__(self, optimizer, loss, metrics):
        super().__init__(optimizer)
        self.loss = Loss(loss)
        if isinstance(metrics, str) or callable(metrics):
            metrics = [metrics]
        self.metrics = [M.get(metric, self.loss.threshold) for metric in metrics]

    def tally(self):
        return Tally(copy.deepcopy(self.metrics))

    def step(self, model, inputs, target, weight, tally):
        self.optimizer.zero_grad()
        output = model(*inputs)
        loss = self.loss(output, target, weight)
        loss.backward()
        self.optimizer.step()
        tally.add(loss, output, target)

    def check(self, model, inputs, target, weight, tally):
        output = model(*inputs)
        tally.add(self.loss(output, target, weight), output, target)


def compiled_of(model, caller):
    """What ``compile`` chose for the model."""
    try:
        return model.compiled
    except AttributeError:
        raise RuntimeError(
            f"{caller}: the model has no optimizer and loss yet; "
            'compile it first: model.compile("adam", "cross_entropy", metrics=["accuracy"])'
        ) from None

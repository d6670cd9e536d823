"""Training or evaluation, for the length of a block."""

from contextlib import contextmanager


@contextmanager
def evaluating(model):
    """``with evaluating(model):`` the model does not drop, draw or count; afterwards as before."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for module, mode in modes:
            module.training = mode

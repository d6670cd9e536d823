"""Initial values, written into a tensor in place, from the generator of ``tatami.manual_seed``."""

import math

from .. import random


def fans(tensor):
    """Inputs and outputs of one unit, for a weight (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError(f"init: fans need at least 2 axes, got shape {tensor.shape}")
    receptive = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive, tensor.shape[0] * receptive


def uniform_(tensor, a=0.0, b=1.0):
    """Uniform between ``a`` and ``b``."""
    tensor.data[...] = random.generator().uniform(a, b, tensor.shape)
    return tensor


def kaiming_uniform_(tensor, a=0.0):
    """Uniform with the variance that leaky_relu of slope ``a`` preserves: He et al., 2015."""
    bound = math.sqrt(6 / ((1 + a * a) * max(fans(tensor)[0], 1)))
    return uniform_(tensor, -bound, bound)

"""A convolution and the max pooling behind it, as one operation where that is faster.

Values and gradients have the bits of the operations one by one; where a gradient is
differentiated, these stand in.
"""

import numpy as np

from .. import _core
from ..autograd import Op
from ..autograd.tensor import array_of
from .activation import relu
from .conv import conv2d
from .fused import recorded
from .pool import max_pool2d


def _raw(x, weight, bias, *, geometry, rectified, return_choice, **_by):
    return _core.pooled_conv2d(x, weight, bias, *geometry, rectified, return_choice)


def _gradients(g, _y, x, weight, _bias, *, geometry, by_input, by_weight, **_how):
    choice = _y[1]
    dx, of_weight = None, (None, None)
    if by_input:
        dx = _core.pooled_conv2d_input_grad(g, choice, weight, x.shape, *geometry)
    if by_weight:
        of_weight = _core.pooled_conv2d_weight_grad(g, choice, x, weight.shape, *geometry)
    return dx, *of_weight


def _one_by_one(x, weight, bias, *, geometry, rectified, **_how):
    y = max_pool2d(conv2d(x, weight, bias, *geometry), 2)
    return relu(y) if rectified else y


_pooled = Op(_raw, joint=_gradients, composed=_one_by_one, name="conv2d_max_pool2d")


def pooled_conv2d(x, weight, bias, *geometry, rectified=False):
    """``max_pool2d(conv2d(x, weight, bias, *geometry), 2)``, through ReLU where ``rectified``.

    ``geometry`` is stride, padding, dilation and groups.
    """
    by_input, by_weight = recorded(x), recorded(weight, bias)
    arrays = array_of(x), array_of(weight)
    fits = all(type(a) is np.ndarray and a.ndim == 4 for a in arrays)
    if not (fits and _core.pooled_conv2d_pays(*arrays, *geometry, by_weight, by_input)):
        return _one_by_one(x, weight, bias, geometry=geometry, rectified=rectified)
    how = {"geometry": geometry, "rectified": rectified}
    if not (by_input or by_weight):
        return _pooled(x, weight, bias, **how, return_choice=False)
    how |= {"by_input": by_input, "by_weight": by_weight}
    return _pooled(x, weight, bias, **how, return_choice=True)[0]

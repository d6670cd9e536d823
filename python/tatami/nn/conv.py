"""Convolution layers: (N, C, L) or (N, C, H, W) in and out."""

import math

from .. import functional as F
from . import init
from .allocation import parameter
from .lazy import Lazy, require


class _Conv(Lazy):
    """What the four have in common; ``rank`` is the number of axes that the kernel moves along."""

    size_name = "in_channels"
    rank = None
    transposed = False

    def __init__(self, in_channels, out_channels, kernel_size, bias, inits, **how):
        require(type(self).__name__, out_channels=out_channels, kernel_size=kernel_size)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.use_bias = bias
        self.weight_init, self.bias_init = init.known(*inits)
        vars(self).update(how)  # stride, padding and the rest
        self.make()

    def kernel_shape(self):
        """``kernel_size`` as a tuple."""
        size = self._each(self.kernel_size)
        if len(size) != self.rank:
            raise ValueError(
                f"{type(self).__name__}: kernel_size must be an int or {self.rank} of them, "
                f"not {self.kernel_size!r}"
            )
        return size

    def _each(self, value):
        """One for each axis that the kernel moves along."""
        return tuple(value) if isinstance(value, (tuple, list)) else (value,) * self.rank

    def find_size(self, shape):
        if len(shape) != self.rank + 2:
            raise ValueError(
                f"{type(self).__name__}: x must have {self.rank + 2} axes, got shape {shape}"
            )
        return shape[1]

    def make_parameters(self):
        c, o, groups = self.in_channels, self.out_channels, self.groups
        if groups < 1 or c % groups or o % groups:
            raise ValueError(
                f"{type(self).__name__}: {c} and {o} channels do not divide into {groups} groups"
            )
        first, second = (c, o) if self.transposed else (o, c)
        self.weight = parameter(first, second // groups, *self.kernel_shape())
        self.bias = parameter(o) if self.use_bias else None

    def reset_parameters(self):
        """Draw new initial values."""
        init.linear_(self.weight, self.bias, self.weight_init, self.bias_init)

    def multiply_adds(self, x, y):
        moved = x if self.transposed else y  # one kernel for each of its elements
        return moved.size * math.prod(self.weight.shape[1:])


class _Forward(_Conv):
    def __init__(
        self,
        in_channels=None,
        out_channels=None,
        kernel_size=None,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        *,
        weight_init=None,
        bias_init=None,
    ):
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                f"{type(self).__name__}: padding_mode must be zeros, reflect, replicate or "
                f"circular, not {padding_mode!r}"
            )
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        inits = (weight_init, bias_init)
        self.padding_mode = padding_mode
        super().__init__(in_channels, out_channels, kernel_size, bias, inits, **how)

    def forward(self, x, activation=None):
        return self.function(*self.operands(x), activation=activation)

    def operands(self, x):
        """What is convolved, with what and how: the arguments of the function."""
        padding = self.padding
        if self.padding_mode != "zeros":
            x, padding = F.pad(x, self._margins(), self.padding_mode), 0
        return x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups

    def _margins(self):
        """Widths in the order of :func:`tatami.functional.pad`: the last axis first."""
        if self.padding == "same":
            dilation = self._each(self.dilation)
            total = [d * (k - 1) for d, k in zip(dilation, self.kernel_shape(), strict=True)]
            pairs = [(t // 2, t - t // 2) for t in total]
        elif isinstance(self.padding, str) and self.padding != "valid":
            raise ValueError(
                f"{type(self).__name__}: padding is {self.padding!r}; it must be numbers, 'same' "
                "or 'valid'"
            )
        else:
            padding = 0 if self.padding == "valid" else self.padding
            pairs = [p if isinstance(p, (tuple, list)) else (p, p) for p in self._each(padding)]
        return [width for pair in reversed(pairs) for width in pair]


class Conv1d(_Forward):
    """1-D convolution of (N, C, L).

    ``in_channels`` may be left out: ``Conv1d(None, 32, 3)``. ``padding`` may be "same".
    """

    rank = 1

    def function(self, *args, **how):
        return F.conv1d(*args, **how)


class Conv2d(_Forward):
    """2-D convolution of (N, C, H, W); sizes are an int or (vertical, horizontal).

    ``in_channels`` may be left out: ``Conv2d(None, 32, 3)`` or ``Conv2d(out_channels=32,
    kernel_size=3)``. ``padding`` may be "same", and be filled by ``padding_mode`` "reflect",
    "replicate" or "circular". ``weight_init`` and ``bias_init`` are names or functions, see
    :func:`tatami.nn.init.get`.
    """

    rank = 2

    def function(self, *args, **how):
        return F.conv2d(*args, **how)


class DepthwiseConv2d(Conv2d):
    """Every channel convolved by itself, with ``multiplier`` kernels: groups = in_channels."""

    def __init__(
        self,
        in_channels=None,
        kernel_size=None,
        stride=1,
        padding=0,
        dilation=1,
        bias=True,
        padding_mode="zeros",
        *,
        multiplier=1,
        weight_init=None,
        bias_init=None,
    ):
        require("DepthwiseConv2d", kernel_size=kernel_size)
        self.multiplier = multiplier
        how = {"weight_init": weight_init, "bias_init": bias_init}
        shape = (in_channels, multiplier, kernel_size)
        super().__init__(*shape, stride, padding, dilation, 1, bias, padding_mode, **how)

    def make_parameters(self):
        self.groups = self.in_channels
        self.out_channels = self.in_channels * self.multiplier
        super().make_parameters()


class _Transposed(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels=None,
        out_channels=None,
        kernel_size=None,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        *,
        weight_init=None,
        bias_init=None,
    ):
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        inits = (weight_init, bias_init)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            bias,
            inits,
            output_padding=output_padding,
            **how,
        )


class ConvTranspose1d(_Transposed):
    """Transposed 1-D convolution of (N, C, L); ``in_channels`` may be left out (None)."""

    rank = 1

    def forward(self, x, activation=None):
        how = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return F.conv_transpose1d(x, self.weight, self.bias, *how, activation=activation)


class ConvTranspose2d(_Transposed):
    """Transposed 2-D convolution of (N, C, H, W); ``in_channels`` may be left out (None)."""

    rank = 2

    def forward(self, x, activation=None):
        how = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return F.conv_transpose2d(x, self.weight, self.bias, *how, activation=activation)

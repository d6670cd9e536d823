"""Matrix products and convolutions: linear in each argument."""

from rules.rule import Rule

SETTINGS_2D = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (2, 3), "padding": ((0, 2), (1, 0)), "dilation": (1, 2), "groups": 2},
    {"padding": "same", "dilation": (2, 1)},
    {"padding": "valid", "groups": 4, "stride": (1, 2)},
]
SETTINGS_1D = [
    {},
    {"stride": 2, "padding": 1, "dilation": 2},
    {"padding": "same", "groups": 4},
    {"padding": ((2, 0),), "stride": (3,)},
]
TRANSPOSED_2D = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": (3, 2), "padding": (0, 1), "output_padding": (2, 0), "groups": 2},
    {"stride": (1, 3), "padding": (1, 0), "dilation": (2, 1), "groups": 4},
]
TRANSPOSED_1D = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
    {"stride": 3, "dilation": 2},
]


def _rule(function, settings, x_shape, w_shape):
    uses = (function, f"{function}_input_grad", f"{function}_weight_grad")
    return Rule(
        f"{function} {settings}",
        lambda K, x, w: getattr(K, function)(x, w, **settings),
        lambda K, grads, x, w: (
            getattr(K, uses[1])(grads[0], w, x.shape, **settings),
            getattr(K, uses[2])(grads[0], x, w.shape, **settings),
        ),
        lambda source: [source(*x_shape), source(*w_shape)],
        linear=(0, 1),
        uses=uses,
    )


def _conv(function, settings, image, kernel):
    groups = settings.get("groups", 1)
    return _rule(function, settings, (2, 4, *image), (8, 4 // groups, *kernel))


def _transposed(function, settings, image, kernel):
    groups = settings.get("groups", 1)
    return _rule(function, settings, (2, 4, *image), (4, 8 // groups, *kernel))


RULES = [
    *(_conv("conv2d", s, (9, 10), (3, 2)) for s in SETTINGS_2D),
    *(_conv("conv1d", s, (13,), (3,)) for s in SETTINGS_1D),
    *(_transposed("conv_transpose2d", s, (5, 4), (3, 2)) for s in TRANSPOSED_2D),
    *(_transposed("conv_transpose1d", s, (5,), (3,)) for s in TRANSPOSED_1D),
    Rule(
        "conv2d bias",
        lambda K, b, x, w: K.conv2d(x, w, b),
        lambda K, grads, b, x, w: (K.conv2d_bias_grad(grads[0]),),
        lambda source: [source(8), source(2, 4, 6, 5), source(8, 4, 3, 2)],
        uses=("conv2d_bias_grad",),
    ),
    Rule(
        "conv1d bias",
        lambda K, b, x, w: K.conv1d(x, w, b),
        lambda K, grads, b, x, w: (K.conv2d_bias_grad(grads[0]),),
        lambda source: [source(8), source(2, 4, 6), source(8, 4, 3)],
        uses=("conv2d_bias_grad",),
    ),
    Rule(
        "matmul",
        lambda K, a, b: K.matmul(a, b),
        lambda K, grads, a, b: (
            K.matmul(grads[0], b.swapaxes(-1, -2)),
            K.matmul(a.swapaxes(-1, -2), grads[0]),
        ),
        lambda source: [source(2, 3, 5, 7), source(2, 3, 7, 6)],
        linear=(0, 1),
        uses=("matmul",),
    ),
    Rule(
        "linear",
        lambda K, x, w: K.linear(x, w),
        lambda K, grads, x, w: (K.matmul(grads[0], w), K.matmul(grads[0].T, x)),
        lambda source: [source(5, 7), source(6, 7)],
        linear=(0, 1),
        uses=("linear",),
    ),
]

"""Convolutions and their gradients, over the settings of the derivative rules and larger ones."""

import numpy as np

import reference as R
from cases.case import Case
from rules.conv import SETTINGS_1D, SETTINGS_2D, TRANSPOSED_1D, TRANSPOSED_2D

# (settings, input channels, output channels, image, kernel): what real networks use
NETWORKS = [
    ({"padding": 1}, 16, 24, (14, 14), (3, 3)),
    ({"padding": 1}, 5, 33, (7, 7), (3, 3)),
    ({"padding": 1}, 9, 20, (12, 32), (3, 3)),  # rows of whole vectors
    ({}, 17, 35, (9, 11), (1, 1)),
    ({}, 35, 40, (12, 16), (1, 1)),
    ({"stride": 2}, 16, 8, (9, 10), (1, 1)),
    ({"stride": 2, "padding": 3}, 3, 16, (23, 21), (7, 7)),
    ({"stride": 2, "padding": 1}, 3, 20, (32, 64), (4, 4)),
    ({"stride": (3, 2)}, 5, 6, (20, 33), (2, 1)),  # phases that no tap reaches
    ({"stride": 2, "padding": 1}, 8, 16, (13, 12), (3, 3)),
    ({"padding": 2}, 1, 6, (17, 19), (5, 5)),
    ({"padding": 1, "groups": 18}, 18, 18, (11, 13), (3, 3)),
    ({"padding": 1, "groups": 9, "stride": 2}, 9, 18, (11, 13), (3, 3)),
    ({"padding": 1, "groups": 9, "stride": 2}, 9, 9, (11, 35), (3, 3)),
    ({"padding": 2, "groups": 5, "stride": 2}, 5, 5, (20, 33), (5, 5)),
    ({"padding": (3, 0), "groups": 4, "stride": 2}, 4, 4, (12, 40), (7, 7)),
    ({"padding": 1, "groups": 4}, 16, 32, (9, 10), (3, 3)),
    ({"dilation": 2, "padding": 2}, 8, 8, (12, 9), (3, 3)),
    ({"stride": 2, "padding": 1, "groups": 2}, 64, 128, (12, 20), (4, 4)),  # filtered
    ({"padding": ((2, 0), (0, 3)), "stride": (3, 1)}, 6, 7, (12, 9), (4, 2)),
]
# Filtered with factors that round.
ROUNDED = [({"stride": 2, "padding": 1, "groups": 2}, 64, 128, (16, 20), (4, 4))]
TRANSPOSED = [
    ({"stride": 2, "padding": 1}, 16, 8, (8, 8), (4, 4)),
    ({}, 33, 16, (1, 1), (4, 4)),
    ({"stride": 2, "padding": 1, "output_padding": 1}, 8, 3, (9, 7), (3, 3)),
    ({"stride": 2}, 6, 10, (7, 9), (2, 2)),
    ({"stride": 2, "padding": (1, 0), "output_padding": 1, "groups": 9}, 9, 9, (7, 20), (3, 3)),
    ({"stride": 3, "groups": 3}, 9, 6, (5, 6), (2, 2)),
    ({"stride": 2, "dilation": 2, "padding": 2}, 8, 9, (6, 7), (3, 3)),
]
LARGE = 160


def _triple(function, settings, channels, image, w_shape, out_channels, exact=True):
    """The three functions of one convolution; function names the forward one."""
    x_shape = (channels, *image)
    probe = getattr(R, function)(np.zeros((1, *x_shape)), np.zeros(w_shape), **settings)
    y_shape = probe.shape[1:]
    label = f"{settings} x {x_shape} w {w_shape}"
    common = {"exact": exact, "large": LARGE, "label": label}

    def input_grad(K, gy, w):
        return getattr(K, f"{function}_input_grad")(gy, w, (len(gy), *x_shape), **settings)

    def weight_grad(K, gy, x):
        return getattr(K, f"{function}_weight_grad")(gy, x, w_shape, **settings)

    return [
        Case(
            function,
            lambda K, x, w, b: getattr(K, function)(x, w, b, **settings),
            lambda source, n: [source(n, *x_shape), source(*w_shape), source(out_channels)],
            batch=(0, (0,)),
            **common,
        ),
        Case(
            f"{function}_input_grad",
            input_grad,
            lambda source, n: [source(n, *y_shape), source(*w_shape)],
            batch=(0, (0,)),
            **common,
        ),
        Case(
            f"{function}_weight_grad",
            weight_grad,
            lambda source, n: [source(n, *y_shape), source(n, *x_shape)],
            **common,
        ),
    ]


def _conv(function, settings, channels, out, image, kernel, **options):
    w_shape = (out, channels // settings.get("groups", 1), *kernel)
    return _triple(function, settings, channels, image, w_shape, out, **options)


def _transposed(function, settings, channels, out, image, kernel):
    w_shape = (channels, out // settings.get("groups", 1), *kernel)
    return _triple(function, settings, channels, image, w_shape, out)


def _flat(lists):
    return [case for cases in lists for case in cases]


CASES = [
    *_flat(_conv("conv2d", s, 4, 8, (9, 10), (3, 2)) for s in SETTINGS_2D),
    *_flat(_conv("conv2d", *network) for network in NETWORKS),
    *_flat(_conv("conv2d", *network, exact=False) for network in ROUNDED),
    *_flat(_conv("conv1d", s, 4, 8, (31,), (3,)) for s in SETTINGS_1D),
    *_flat(_transposed("conv_transpose2d", s, 4, 8, (5, 4), (3, 2)) for s in TRANSPOSED_2D),
    *_flat(_transposed("conv_transpose2d", *network) for network in TRANSPOSED),
    *_flat(_transposed("conv_transpose1d", s, 4, 8, (11,), (3,)) for s in TRANSPOSED_1D),
    *(
        Case(
            "conv2d_bias_grad",
            lambda K, gy: K.conv2d_bias_grad(gy),
            lambda source, n, shape=shape: [source(n, *shape)],
            exact=True,
            large=500,
            label=f"{shape}",
        )
        for shape in ((7, 9, 11), (5, 200), (3, 17, 33))
    ),
]

"""Pooling and upsampling with their gradients."""

import numpy as np

import reference as R
from cases.case import Case

IMAGE = (3, 13, 11)
WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "dilation": 2, "padding": 1},
    {"kernel_size": (13, 11)},
    {"kernel_size": 5, "stride": 4, "padding": 2},
]
MEANS = [*WINDOWS, *({**w, "count_include_pad": False} for w in WINDOWS if "padding" in w)]
SIZES = (1, (3, 4), (13, 11), (15, 7))
SCALES = (
    (2, "nearest"),
    ((3, 1), "nearest"),
    (2, "bilinear"),
    ((1, 3), "bilinear"),
    (4, "bilinear"),
)
LARGE = 1500


def _case(name, call, arrays, label, **more):
    large = LARGE // 10 if "upsample" in name else LARGE
    return Case(name, call, arrays, large=large, label=str(label), **more)


def _image(source, n):
    return [source(n, *IMAGE)]


def _max(settings):
    def arrays(source, n):
        x = source(n, *IMAGE)
        y, indices = R.max_pool2d(x, **settings, return_indices=True)
        return [source(*y.shape), indices]

    return [
        _case(
            "max_pool2d",
            lambda K, x: K.max_pool2d(x, **settings, return_indices=True),
            _image,
            settings,
            bound=lambda x: R.max_pool2d(np.abs(x), **settings, return_indices=True),
            exact=True,
            batch=(0, (0,)),
        ),
        _case(
            "max_pool2d",
            lambda K, x: K.max_pool2d(x, **settings),
            _image,
            f"{settings} without indices",
            exact=True,
        ),
        _case(
            "max_pool2d_grad",
            lambda K, gy, i: K.max_pool2d_grad(gy, i, (len(gy), *IMAGE), **settings),
            arrays,
            settings,
            exact=True,
            batch=(0, (0, 1)),
        ),
    ]


def _linear(name, args, settings, exact=False):
    """f(x, *args, **settings) and its gradient f_grad(grad_y, x.shape, *args, **settings)."""
    back = () if name.startswith("adaptive") else args
    probe = getattr(R, name)(np.zeros((1, *IMAGE)), *args, **settings)
    label = f"{args} {settings}"

    def backward(K, gy):
        return getattr(K, f"{name}_grad")(gy, (len(gy), *IMAGE), *back, **settings)

    return [
        _case(
            name,
            lambda K, x: getattr(K, name)(x, *args, **settings),
            _image,
            label,
            exact=exact,
            batch=(0, (0,)),
        ),
        _case(
            f"{name}_grad",
            backward,
            lambda source, n: [source(n, *probe.shape[1:])],
            label,
            exact=exact,
            batch=(0, (0,)),
        ),
    ]


def _adaptive_max(size):
    def arrays(source, n):
        x = source(n, *IMAGE)
        y, indices = R.adaptive_max_pool2d(x, size, return_indices=True)
        return [source(*y.shape), indices]

    return [
        _case(
            "adaptive_max_pool2d",
            lambda K, x: K.adaptive_max_pool2d(x, size, return_indices=True),
            _image,
            size,
            bound=lambda x: R.adaptive_max_pool2d(np.abs(x), size, return_indices=True),
            exact=True,
            batch=(0, (0,)),
        ),
        _case(
            "adaptive_max_pool2d_grad",
            lambda K, gy, i: K.adaptive_max_pool2d_grad(gy, i, (len(gy), *IMAGE)),
            arrays,
            size,
            exact=True,
            batch=(0, (0, 1)),
        ),
    ]


CASES = [
    case
    for cases in (
        *(_max(settings) for settings in WINDOWS),
        *(_linear("avg_pool2d", (), s, exact=s == {"kernel_size": 2}) for s in MEANS),
        *(_linear("adaptive_avg_pool2d", (size,), {}) for size in SIZES),
        *(_adaptive_max(size) for size in SIZES),
        *(_linear("upsample2d", scale, {}, exact=scale[0] == 2) for scale in SCALES),
    )
    for case in cases
]

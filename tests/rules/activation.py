"""Activations take their input again; the softmax family takes its output."""

from rules.rule import Rule


def _elementwise(name, **settings):
    return Rule(
        f"{name} {settings}" if settings else name,
        lambda K, x: getattr(K, name)(x, **settings),
        lambda K, grads, x: (getattr(K, f"{name}_grad")(grads[0], x, **settings),),
        lambda source: [source.distinct(3, 17)],
        uses=(name, f"{name}_grad"),
    )


def _softmax(name, axis):
    return Rule(
        f"{name} axis={axis}",
        lambda K, x: getattr(K, name)(x, axis),
        lambda K, grads, x: (
            getattr(K, f"{name}_grad")(grads[0], getattr(K, name)(x, axis), axis),
        ),
        lambda source: [source(3, 5, 4)],
        uses=(name, f"{name}_grad"),
    )


def _prelu(x_shape, slopes):
    return Rule(
        f"prelu {x_shape}",
        lambda K, x, w: K.prelu(x, w),
        lambda K, grads, x, w: K.prelu_grad(grads[0], x, w),
        lambda source: [source.distinct(*x_shape), source(slopes)],
        uses=("prelu", "prelu_grad"),
    )


RULES = [
    *(
        _elementwise(name)
        for name in ("relu", "gelu", "silu", "sigmoid", "tanh", "softplus", "elu", "leaky_relu")
    ),
    _elementwise("elu", alpha=0.7),
    _elementwise("leaky_relu", negative_slope=0.2),
    *(_prelu(*shapes) for shapes in (((3, 5, 4), 5), ((3, 5), 5), ((3, 5), 1))),
    *(_softmax(name, axis) for name in ("softmax", "log_softmax") for axis in (-1, 0, 1)),
]

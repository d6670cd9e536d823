"""Normalisations hand what their backward pass needs from one function to the other."""

from rules.rule import Rule


def _rule(name, forward, x_shape, parameters, fixed=()):
    """forward(K, x, *parameters, *fixed, return_cache) with fixed statistics behind them."""

    def backward(K, grads, *arrays):
        _, cache = forward(K, *arrays, return_cache=True)
        grads = getattr(K, f"{name}_grad")(grads[0], cache)
        return tuple(g for g in grads if g is not None)

    return Rule(
        f"{name} {x_shape} {len(parameters)} parameters {'fixed' if fixed else ''}",
        lambda K, *arrays: forward(K, *arrays, return_cache=False),
        backward,
        lambda source: [
            source(*x_shape),
            *(source(*p) for p in parameters),
            *(make(source) for make in fixed),
        ],
        uses=(name, f"{name}_grad"),
    )


def _batch(K, x, w, b, **rest):
    return K.batch_norm(x, None, None, w, b, True, 0.1, 1e-3, **rest)


def _batch_plain(K, x, **rest):
    return K.batch_norm(x, None, None, None, None, True, 0.1, 1e-3, **rest)


def _batch_fixed(K, x, w, b, mean, var, **rest):
    return K.batch_norm(x, mean, var, w, b, **rest)


def _batch_leaky(K, x, w, b, **rest):
    how = {"activation": "leaky_relu", "negative_slope": 0.2}
    return K.batch_norm(x, None, None, w, b, True, 0.1, 1e-3, **how, **rest)


def _batch_relu_fixed(K, x, w, b, mean, var, **rest):
    return K.batch_norm(x, mean, var, w, b, activation="relu", **rest)


def _instance(K, x, w, b, **rest):
    return K.instance_norm(x, None, None, w, b, **rest)


def _instance_fixed(K, x, w, b, mean, var, **rest):
    return K.instance_norm(x, mean, var, w, b, False, **rest)


def _group(K, x, w, b, **rest):
    return K.group_norm(x, 2, w, b, **rest)


def _layer(K, x, w, b, **rest):
    return K.layer_norm(x, w.shape, w, b, **rest)


def _layer_plain(K, x, **rest):
    return K.layer_norm(x, x.shape[-1:], **rest)


def _rms(K, x, w, **rest):
    return K.rms_norm(x, w.shape, w, **rest)


PAIR = ((4,), (4,))
FIXED = (lambda source: source(4), lambda source: source.positive(4))

RULES = [
    *(_rule("batch_norm", _batch, shape, PAIR) for shape in ((6, 4), (3, 4, 5), (2, 4, 3, 5))),
    _rule("batch_norm", _batch_plain, (5, 4, 3), ()),
    _rule("batch_norm", _batch_fixed, (3, 4, 5), PAIR, FIXED),
    *(_rule("batch_norm", _batch_leaky, shape, PAIR) for shape in ((6, 4), (2, 4, 5, 7))),
    _rule("batch_norm", _batch_relu_fixed, (3, 4, 5), PAIR, FIXED),
    _rule("instance_norm", _instance, (3, 4, 5, 2), PAIR),
    _rule("instance_norm", _instance_fixed, (3, 4, 5), PAIR, FIXED),
    _rule("group_norm", _group, (3, 4, 5, 2), PAIR),
    _rule("group_norm", _group, (3, 4), PAIR),
    _rule("layer_norm", _layer, (3, 4, 5), ((5,), (5,))),
    _rule("layer_norm", _layer, (3, 4, 5), ((4, 5), (4, 5))),
    _rule("layer_norm", _layer_plain, (6, 7), ()),
    _rule("rms_norm", _rms, (3, 4, 5), ((5,),)),
    _rule("rms_norm", _rms, (3, 4, 5), ((4, 5),)),
]

"""Losses, under every reduction."""

from rules.rule import Rule

REDUCTIONS = ("mean", "sum", "none")


def _distance(name, reduction, **settings):
    settings = {"reduction": reduction, **settings}
    return Rule(
        f"{name} {settings}",
        lambda K, x, t: getattr(K, name)(x, t, **settings),
        lambda K, grads, x, t: (getattr(K, f"{name}_grad")(grads[0], x, t, **settings),),
        lambda source: [source.distinct(3, 7), source(3, 7) * 0.01],
        uses=(name, f"{name}_grad"),
    )


def _binary(reduction, weighted, positive):
    def settings(p):
        return {"reduction": reduction, "pos_weight": p[0] if p else None}

    def arrays(source):
        extra = [source.positive(4, 6)] if weighted else [None]
        return [source(4, 6), source.probabilities(4, 6), *extra, *positive(source)]

    name = "binary_cross_entropy_with_logits"
    return Rule(
        f"{name} {reduction}",
        lambda K, x, t, w, *p: getattr(K, name)(x, t, w, **settings(p)),
        lambda K, grads, x, t, w, *p: (
            getattr(K, f"{name}_grad")(grads[0], x, t, w, **settings(p)),
        ),
        arrays,
        uses=(name, f"{name}_grad"),
    )


def _classes(reduction, shape, target, weighted, **settings):
    settings = {"reduction": reduction, **settings}

    def arrays(source):
        weight = source.positive(shape[1]) if weighted else None
        return [source(*shape), target(source, shape), weight]

    return Rule(
        f"cross_entropy {settings} {shape}",
        lambda K, x, t, w: K.cross_entropy(x, t, w, **settings),
        lambda K, grads, x, t, w: (K.cross_entropy_grad(grads[0], x, t, w, **settings),),
        arrays,
        uses=("cross_entropy", "cross_entropy_grad"),
    )


def class_indices(source, shape, ignored=-100):
    target = source.below(shape[1], shape[0], *shape[2:])
    target.reshape(-1)[1:2] = ignored
    return target


def class_probabilities(source, shape):
    return source.probabilities(*shape)


RULES = [
    *(_distance(name, r) for name in ("mse_loss", "l1_loss", "huber_loss") for r in REDUCTIONS),
    _distance("huber_loss", "mean", delta=0.3),
    *(_binary(r, False, lambda source: []) for r in REDUCTIONS),
    *(_binary(r, True, lambda source: [2.5]) for r in REDUCTIONS),
    *(_binary(r, False, lambda source: [source.positive(6)]) for r in REDUCTIONS),
    *(_classes(r, (5, 7), class_indices, False) for r in REDUCTIONS),
    *(
        _classes(r, (3, 4, 2, 3), target, True, label_smoothing=0.2)
        for r in REDUCTIONS
        for target in (class_indices, class_probabilities)
    ),
]

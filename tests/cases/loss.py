"""Losses and their gradients under every reduction."""

import numpy as np

import reference as R
from cases.case import Case
from rules.loss import REDUCTIONS, class_indices, class_probabilities


def _grad_y(source, shape, reduction):
    return source(*shape) if reduction == "none" else source()


def _distance(name, reduction, **settings):
    settings = {"reduction": reduction, **settings}
    grad = f"{name}_grad"
    return [
        Case(
            name,
            lambda K, x, t: getattr(K, name)(x, t, **settings),
            lambda source, n: [source(n, 37), source(n, 37)],
            lambda x, t: np.abs(getattr(R, name)(x, t, **settings)),
            label=f"{settings}",
        ),
        Case(
            grad,
            lambda K, gy, x, t: getattr(K, grad)(gy, x, t, **settings),
            lambda source, n: [_grad_y(source, (n, 37), reduction), source(n, 37), source(n, 37)],
            lambda gy, x, t: np.abs(getattr(R, grad)(gy, x, t, **settings)),
            label=f"{settings}",
        ),
    ]


BCE = "binary_cross_entropy_with_logits"


def _binary(reduction, weighted, positive):
    """positive: None, a number or "classes" for one weight a class."""
    channels = positive == "classes"

    def settings(rest):
        return {"reduction": reduction, "pos_weight": rest[0] if channels else positive}

    def forward(K, x, t, w, *rest):
        return K.binary_cross_entropy_with_logits(x, t, w, **settings(rest))

    def backward(K, gy, x, t, w, *rest):
        return getattr(K, f"{BCE}_grad")(gy, x, t, w, **settings(rest))

    def magnitude(x, t, w, *rest):
        wanted = {**settings(rest), "reduction": "none"}
        rest_of_it = np.abs(x) if w is None else np.abs(w * x)
        return R.binary_cross_entropy_with_logits(x, t, w, **wanted) + rest_of_it

    def bound(x, t, w, *rest):
        terms = magnitude(x, t, w, *rest)
        return {"none": lambda: terms, "sum": terms.sum, "mean": terms.mean}[reduction]()

    def grad_bound(gy, x, t, w, *rest):
        total = 1 if w is None else w
        p = settings(rest)["pos_weight"]
        share = 1 / x.size if reduction == "mean" else 1
        return np.abs(gy) * total * (1 + (1 if p is None else p)) * share * (1 + np.abs(x))

    def arrays(source, n):
        shape = (n, 13)
        weight = source.positive(*shape) if weighted else None
        more = [source.positive(13)] if channels else []
        return [3 * source(*shape), source.probabilities(*shape), weight, *more]

    label = f"{reduction} weighted={weighted} pos_weight={positive}"
    return [
        Case(BCE, forward, arrays, bound, label=label, large=40001),
        Case(
            f"{BCE}_grad",
            backward,
            lambda source, n: [_grad_y(source, (n, 13), reduction), *arrays(source, n)],
            grad_bound,
            label=label,
            large=40001,
        ),
    ]


def _classes(reduction, shape, target, weighted, **settings):
    settings = {"reduction": reduction, **settings}

    def arrays(source, n):
        x = 3 * source(n, *shape)
        t = target(source, x.shape)
        return [x, t, source.positive(shape[0]) if weighted else None]

    def bound(x, t, w):
        """The loss of a row is at most as exact as its largest logit."""
        whole = np.abs(R.cross_entropy(x, t, w, **settings))
        size = (1 + np.abs(x).max()) * (1 if w is None else w.max())
        return whole + (size * x.size if reduction == "sum" else size)

    def grad_bound(gy, x, t, w):
        found = np.abs(R.cross_entropy_grad(gy, x, t, w, **settings))
        size = np.abs(gy).max() * (1 + np.abs(x).max()) * (1 if w is None else w.max())
        return found + (size / (x.size // x.shape[1]) if reduction == "mean" else size)

    label = f"{settings} {shape} {target.__name__} weighted={weighted}"
    return [
        Case(
            "cross_entropy",
            lambda K, x, t, w: K.cross_entropy(x, t, w, **settings),
            arrays,
            bound,
            label=label,
            large=9001,
        ),
        Case(
            "cross_entropy_grad",
            lambda K, gy, x, t, w: K.cross_entropy_grad(gy, x, t, w, **settings),
            lambda source, n: [
                _grad_y(source, (n, *shape[1:]), reduction),
                *arrays(source, n),
            ],
            grad_bound,
            label=label,
            large=9001,
        ),
    ]


CASES = [
    case
    for r in REDUCTIONS
    for cases in (
        _distance("mse_loss", r),
        _distance("l1_loss", r),
        _distance("huber_loss", r),
        _distance("huber_loss", r, delta=0.3),
        _binary(r, False, None),
        _binary(r, True, 2.5),
        _binary(r, True, "classes"),
        _classes(r, (37,), class_indices, False),
        _classes(r, (37,), class_indices, True, label_smoothing=0.2),
        _classes(r, (5, 3, 4), class_indices, True),
        _classes(r, (37,), class_probabilities, False),
        _classes(r, (5, 3, 4), class_probabilities, True, label_smoothing=0.2),
    )
    for case in cases
]

"""Steps that work in place on lists: here copies of the lists are the results."""

import numpy as np

import reference as R
from cases.case import Case
from support import fresh

SIZES = ((), (7,), (3, 5))


def _step(name, states, label="", signed=(), small=(), **settings):
    """Arrays: parameters, gradients and each state of three parameters, one list after another.

    states: how many lists of state; those in `signed` may be negative, the others are squares,
    and those in `small` are means below the roots of the squares.
    """
    lists = 2 + states

    def groups(arrays):
        size = len(arrays) // lists
        return [list(arrays[i * size : (i + 1) * size]) for i in range(lists)]

    def call(K, *arrays):
        params, grads, *state = groups(arrays)
        params, *state = ([fresh(a) for a in one] for one in (params, *state))
        named = {"momentum_buffers": None, "grad_avgs": None}
        if name == "rmsprop_step":
            squares, *rest = state
            keys = [k for k in named if k in label]
            getattr(K, name)(
                params, grads, squares, **dict(zip(keys, rest, strict=True)), **settings
            )
        else:
            getattr(K, name)(params, grads, *state, **settings)
        return tuple(a for one in (params, *state) for a in one)

    def arrays(source, n):
        shapes = [(n,), *SIZES[1:]]
        state = [
            [
                source(*s) if i in signed else source.positive(*s) * (0.3 if i in small else 1)
                for s in shapes
            ]
            for i in range(states)
        ]
        return [a for one in ([source(*s) for s in shapes], [source(*s) for s in shapes], *state)
                for a in one]  # fmt: skip

    def bound(*arrays):
        params, grads, *state = groups(arrays)
        results = call(R, *arrays)
        before = [a for one in (params, *state) for a in one]
        gradient = [*grads] * (1 + states)
        return tuple(
            np.abs(new) + np.abs(old) + np.abs(g) + np.square(g)
            for new, old, g in zip(results, before, gradient, strict=True)
        )

    return Case(
        name, call, arrays, bound, in_place=True, large=600_011, label=f"{label} {settings}"
    )


def _list(name, *numbers, lists=1, **settings):
    """A function of one list of arrays in place, or of two of which it changes the first."""

    def call(K, *arrays):
        size = len(arrays) // lists
        first = [fresh(a) for a in arrays[:size]]
        result = getattr(K, name)(first, *([arrays[size:]] * (lists - 1)), *numbers, **settings)
        if isinstance(result, float):
            result = np.array(result, first[0].dtype)
        return tuple(first) if result is None else result

    def arrays(source, n):
        return [source(*s) for _ in range(lists) for s in [(n,), *SIZES[1:]]]

    return Case(name, call, arrays, in_place=True, large=600_011, label=f"{numbers} {settings}")


CASES = [
    _step("sgd_step", 0, lr=0.1, weight_decay=0.2),
    _step("sgd_step", 0, "maximize", lr=0.1, weight_decay=0.2, maximize=True),
    _step("sgd_step", 1, "momentum", (0,), lr=0.1, momentum=0.9, dampening=0.3),
    _step("sgd_step", 1, "Nesterov", (0,), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    _step("adagrad_step", 1, lr=0.1, weight_decay=0.1),
    _step("adadelta_step", 2, lr=0.5, weight_decay=0.1),
    _step("rmsprop_step", 1, lr=0.1, weight_decay=0.1),
    _step("rmsprop_step", 2, "momentum_buffers", (1,), lr=0.1, momentum=0.9),
    _step("rmsprop_step", 2, "grad_avgs", small=(1,), lr=0.01, alpha=0.9),
    _step(
        "rmsprop_step",
        3,
        "momentum_buffers grad_avgs",
        (1,),
        (2,),
        lr=0.01,
        alpha=0.9,
        momentum=0.5,
    ),
    _step("adam_step", 2, "", (0,), step=3, weight_decay=0.1),
    _step("adam_step", 3, "AMSGrad", (0,), step=1, lr=0.1, betas=(0.8, 0.9), eps=1e-3),
    _step("adamw_step", 2, "", (0,), step=3),
    _step("adamw_step", 3, "AMSGrad", (0,), step=7, weight_decay=0.3),
    _step("adamax_step", 2, "", (0,), step=3, weight_decay=0.1),
    _step("adamax_step", 2, "maximize", (0,), step=1, lr=0.1, betas=(0.8, 0.9), maximize=True),
    _step("nadam_step", 2, "", (0,), step=3, mu_product=0.2, weight_decay=0.1),
    _step(
        "nadam_step",
        2,
        "decoupled",
        (0,),
        step=1,
        lr=0.1,
        weight_decay=0.3,
        decoupled_weight_decay=True,
        maximize=True,
    ),
    _list("ema_step", lists=2, decay=0.9),
    _list("global_norm"),
    _list("scale_all", 0.3),
    _list("clip_all", 0.5),
]

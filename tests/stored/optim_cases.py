"""Optimizers and schedules, each run by PyTorch and by tatami from the same numbers."""

import numpy as np

STEPS = 100
KEPT = (1, 2, 10, 100)  # the steps after which parameters are compared
SHAPES = ((), (4,), (3, 5), (2, 3, 2))

# name of the optimizer, its settings
OPTIMIZERS = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.02, "momentum": 0.9}),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.02, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    ("Adadelta", {"maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"lr": 0.005, "momentum": 0.7}),
    ("RMSprop", {"lr": 0.005, "centered": True, "eps": 1e-4}),
    ("RMSprop", {"lr": 0.005, "centered": True, "eps": 1e-4, "momentum": 0.5}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "maximize": True}),
    ("Adamax", {"lr": 0.02}),
    ("Adamax", {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adamax", {"maximize": True}),
    ("NAdam", {"lr": 0.02}),
    ("NAdam", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.02}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    ("NAdam", {"maximize": True, "eps": 1e-4}),
]

# The schedules that are stepped together, each with its settings. "Sequential" takes the schedules
# before it in its list. Rates of the two groups: 0.1 and 0.4.
SCHEDULE_STEPS = 24
SCHEDULES = [
    [("StepLR", {"step_size": 5, "gamma": 0.5})],
    [("MultiStepLR", {"milestones": [3, 7, 7, 15], "gamma": 0.5})],
    [("ConstantLR", {"factor": 0.25, "total_iters": 6})],
    [("LinearLR", {"start_factor": 0.1, "end_factor": 0.9, "total_iters": 8})],
    [("ExponentialLR", {"gamma": 0.9})],
    [("PolynomialLR", {"total_iters": 10, "power": 2.0})],
    [("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01})],
    [("CosineAnnealingLR", {"T_max": 20})],
    [("LambdaLR", {})],
    [("OneCycleLR", {"max_lr": 1.0, "total_steps": 30})],
    [
        (
            "OneCycleLR",
            {"max_lr": [1.0, 2.0], "total_steps": 24, "three_phase": True, "pct_start": 0.25},
        )
    ],
    [
        (
            "OneCycleLR",
            {
                "max_lr": 1.0,
                "epochs": 4,
                "steps_per_epoch": 6,
                "base_momentum": 0.7,
                "anneal_strategy": "linear",
                "div_factor": 5.0,
            },
        )
    ],
    [("LinearLR", {"total_iters": 4}), ("ExponentialLR", {"gamma": 0.9})],
    [
        ("ConstantLR", {"total_iters": 4}),
        ("StepLR", {"step_size": 3}),
        ("CosineAnnealingLR", {"T_max": 9}),
    ],
    [
        ("LinearLR", {"total_iters": 5}),
        ("CosineAnnealingLR", {"T_max": 19}),
        ("SequentialLR", {"milestones": [5]}),
    ],
    [
        ("ConstantLR", {"total_iters": 3}),
        ("ExponentialLR", {"gamma": 0.8}),
        ("StepLR", {"step_size": 2}),
        ("SequentialLR", {"milestones": [4, 12]}),
    ],
]
PLATEAUS = [
    {"patience": 2, "factor": 0.5},
    {"patience": 1, "mode": "max", "threshold": 0.05, "cooldown": 2},
    {"patience": 0, "threshold_mode": "abs", "threshold": 0.1, "min_lr": 0.02},
]
CLIPS = [(1.0, 2.0), (0.5, float("inf")), (2.0, 1.0), (3.0, 3.0), (100.0, 2.0)]  # norm, its order


def halves(t):
    """The function of LambdaLR."""
    return 1 / (1 + t / 2)


def start():
    """The parameters before the first step, float64."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal(s) for s in SHAPES]


def gradients(params, step):
    """Gradients of a bowl with ripples that move from step to step."""
    return [np.asarray((p - k) + 0.3 * np.sin(3 * p + 0.1 * step)) for k, p in enumerate(params)]


def watched(step):
    """What ReduceLROnPlateau is told."""
    return 1.0 / (1 + step // 4) + 0.1 * (step % 3)


def run(optimizer, params, assign):
    """The parameters after the steps of KEPT, in one vector."""
    kept = []
    for step in range(1, STEPS + 1):
        assign(gradients([np.asarray(p) for p in params()], step))
        optimizer.step()
        if step in KEPT:
            kept += [np.array(p, np.float64).ravel() for p in params()]
    return np.concatenate(kept)


def schedule(optimizer, lr_scheduler, chosen):
    """Rates and momenta of every group over the steps."""
    made = []
    for name, settings in chosen:
        more = {"lr_lambda": halves} if name == "LambdaLR" else {}
        if name == "SequentialLR":
            made = [lr_scheduler.SequentialLR(optimizer, made, **settings)]
        else:
            made.append(getattr(lr_scheduler, name)(optimizer, **more, **settings))
    table = []
    for _ in range(SCHEDULE_STEPS):
        table.append([[g["lr"], g["momentum"]] for g in optimizer.param_groups])
        optimizer.step()
        for one in made:
            one.step()
    return np.array(table, np.float64)


def plateau(optimizer, lr_scheduler, settings):
    """The first group's rate over the steps."""
    judge = lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    rates = []
    for step in range(SCHEDULE_STEPS):
        judge.step(watched(step))
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(rates)

"""One cycle of the learning rate, up and down."""

import math

from .scheduler import LRScheduler, for_groups


class OneCycleLR(LRScheduler):
    """Up from ``max_lr / div_factor`` to ``max_lr``, then far down (Smith & Topin, 2018).

    The way up takes ``pct_start`` of the ``total_steps`` (or ``epochs * steps_per_epoch``), and
    the end lies ``final_div_factor`` below the start; ``three_phase`` comes back to the start in
    between. ``cycle_momentum`` moves momentum, or the first beta, the other way.
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0 or not 0 <= pct_start <= 1:
            raise ValueError(
                f"OneCycleLR: total_steps is {total_steps} and pct_start {pct_start}; the first "
                "must be positive, the second lie between 0 and 1"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is {anneal_strategy!r}, not cos, linear")
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        up = pct_start * total_steps - 1
        ends = [up, 2 * up, total_steps - 1] if three_phase else [up, total_steps - 1]
        self.ends = ends  # the last step of each phase
        lrs = for_groups("OneCycleLR", "max_lr", optimizer, max_lr)
        low = for_groups("OneCycleLR", "base_momentum", optimizer, base_momentum)
        high = for_groups("OneCycleLR", "max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, top, base, most in zip(optimizer.param_groups, lrs, low, high):
                start = top / div_factor
                group.update(initial_lr=start, max_lr=top, min_lr=start / final_div_factor)
                if cycle_momentum:
                    group.update(base_momentum=base, max_momentum=most)
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"OneCycleLR: {type(optimizer).__name__} has neither momentum nor betas; "
                "give cycle_momentum=False"
            )
        super().__init__(optimizer, last_epoch)

    def first_rate(self, group, lr0):
        return self.rate(0, group, lr0)

    def rate(self, t, group, lr0):
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t} of a schedule of {self.total_steps} steps")
        if self.cycle_momentum:
            self._set_momentum(t, group)
        middle = ["max_lr", "initial_lr"][: len(self.ends) - 1]
        return self._between(t, [group[name] for name in ("initial_lr", *middle, "min_lr")])

    def _set_momentum(self, t, group):
        low, high = group["base_momentum"], group["max_momentum"]
        momentum = self._between(t, [high, low, high, high][: len(self.ends) + 1])
        if "betas" in self.optimizer.defaults:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def _between(self, t, corners):
        """The value at step t of a path through the corners, which lie at 0 and the ends."""
        phase = next(i for i, end in enumerate(self.ends) if t <= end or end == self.ends[-1])
        first = self.ends[phase - 1] if phase else 0
        share = (t - first) / (self.ends[phase] - first)
        start, end = corners[phase : phase + 2]
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

"""What schedules have in common."""

from copy import deepcopy

from ...capture.live import live


class LRScheduler:
    """What schedules have in common: a subclass says what the rates are.

    ``rate(t, group, lr0)`` is the rate of step ``t`` by itself. What ``group["lr"]``, perhaps
    changed by another schedule, becomes at step 0 and at step ``last_epoch`` say
    ``first_rate(group, lr0)`` and ``next_rate(group, lr0)``.
    """

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} goes on with a schedule, but "
                    f"param_groups[{number}] has no 'initial_lr'; load the optimizer's state first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        rate = self.first_rate if last_epoch == -1 else self._rate_now
        self._set([rate(group, lr0) for group, lr0 in self._groups()])

    def first_rate(self, group, lr0):
        return group["lr"]

    def next_rate(self, group, lr0):
        return self.rate(self.last_epoch, group, lr0)

    def rate(self, t, group, lr0):
        raise NotImplementedError(f"{type(self).__name__} has no rate")

    @live
    def step(self):
        """Set the rates of the next step."""
        self.last_epoch += 1
        self._set([self.next_rate(group, lr0) for group, lr0 in self._groups()])

    def restart(self):
        """Begin anew, at the rates of step 0."""
        self.last_epoch = 0
        self._set([self._rate_now(group, lr0) for group, lr0 in self._groups()])

    def get_last_lr(self):
        """The rate of each group."""
        return list(self._last_lr)

    def state_dict(self):
        """Everything but the optimizer and functions: numbers and lists of them."""
        return deepcopy({k: v for k, v in vars(self).items() if k not in self.left_out})

    def load_state_dict(self, state_dict):
        vars(self).update({k: v for k, v in state_dict.items() if k not in self.left_out})

    left_out = ("optimizer",)  # of the state

    def _groups(self):
        return zip(self.optimizer.param_groups, self.base_lrs)

    def _rate_now(self, group, lr0):
        return self.rate(self.last_epoch, group, lr0)

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = list(rates)


def for_groups(schedule, name, optimizer, value):
    """A list with one entry for each group, of a list or one value for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{schedule}: {name} has {len(value)} entries for {count} groups")
    return list(value)


def positive(schedule, **number):
    """The number of steps, which must be one at least; ValueError by its name."""
    ((name, value),) = number.items()
    if not value > 0:
        raise ValueError(f"{schedule}: {name} must be positive, not {value!r}")
    return value

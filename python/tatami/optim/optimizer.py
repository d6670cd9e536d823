"""What optimizers have in common: groups of parameters, each with its settings."""

import numpy as np


class Optimizer:
    """Changes ``params`` by their gradients at every :meth:`step`.

    ``params`` are tensors, or dicts ``{"params": tensors, setting: value}`` with settings of
    their own. ``param_groups`` is the list of such dicts, settings complete; a schedule changes
    their ``"lr"``.
    """

    def __init__(self, params, **settings):
        params = list(params)
        if not params:
            raise ValueError(f"{type(self).__name__}: no parameters to train")
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        self.param_groups = [{**settings, **group} for group in groups]
        for group in self.param_groups:
            group["params"] = list(group["params"])
            if not group["lr"] >= 0:
                raise ValueError(f"{type(self).__name__}: lr must be >= 0, not {group['lr']}")
        self.state = {}  # parameter -> its buffers by name

    def zero_grad(self):
        """Forget all gradients; each backward pass adds to them."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self):
        """Change every parameter that has a gradient."""
        for group in self.param_groups:
            settings = {k: v for k, v in group.items() if k != "params"}
            for params, state in self._by_age(group["params"]):
                arrays = [p.data for p in params]
                self.update(arrays, [p.grad.data for p in params], state, **settings)

    def update(self, params, grads, state, **settings):
        """Call the kernel; ``state(name)`` gives the buffers, ``state.step`` the step's number."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def _by_age(self, params):
        """Parameters that have made the same number of steps go through the kernel together."""
        ages = {}
        for p in params:
            if p.grad is not None:
                own = self.state.setdefault(p, {"step": 0})
                own["step"] += 1
                ages.setdefault(own["step"], []).append(p)
        for step, group in ages.items():
            yield group, _State([self.state[p] for p in group], group, step)


class _State:
    """The buffers of some parameters, made of zeros when first asked for."""

    def __init__(self, states, params, step):
        self.states = states
        self.params = params
        self.step = step

    def __call__(self, name):
        for own, p in zip(self.states, self.params, strict=True):
            if name not in own:
                own[name] = np.zeros_like(p.data)
        return [own[name] for own in self.states]

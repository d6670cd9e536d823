"""What optimizers have in common: groups of parameters, each with its settings."""

import numpy as np

from .._device import device_of, moved
from ..autograd import Tensor, grad, set_grad_enabled
from ..capture.live import live


class Optimizer:
    """Changes ``params`` by their gradients at every :meth:`step`.

    ``params`` are tensors, or dicts ``{"params": tensors, setting: value}`` with settings of
    their own. ``param_groups`` is the list of such dicts, settings complete; a schedule changes
    their ``"lr"``. ``state`` holds what is remembered of each parameter, under PyTorch's names.
    """

    def __init__(self, params, **defaults):
        self.defaults = defaults
        self.param_groups = []
        self.state = {}  # parameter -> its buffers and numbers by name
        params = _listed(self, params)
        if not params:
            raise ValueError(f"{type(self).__name__}: no parameters to train")
        for group in params if isinstance(params[0], dict) else [{"params": params}]:
            self.add_param_group(group)

    def add_param_group(self, group):
        """Train more parameters: ``{"params": tensors, setting: value}``."""
        group = {**self.defaults, **group}
        group["params"] = _listed(self, group["params"])
        seen = {id(p) for other in self.param_groups for p in other["params"]}
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"{type(self).__name__}: parameters are tensors, not {p!r}")
            if not p.is_leaf:
                raise ValueError(
                    f"{type(self).__name__}: the tensor of shape {p.shape} is the result of an "
                    "operation; only leaves can be trained"
                )
            if id(p) in seen:
                raise ValueError(
                    f"{type(self).__name__}: the parameter of shape {p.shape} is given twice"
                )
            seen.add(id(p))
        self.update([], [], _State([], [], 1), **self._settings(group))  # refuses wrong settings
        self.param_groups.append(group)

    def zero_grad(self, set_to_none=True):
        """Forget all gradients (each backward pass adds to them), or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = Tensor(np.zeros_like(p.grad.data))

    def step(self, closure=None):
        """Change every parameter that has a gradient; returns what ``closure()`` returns, if any.

        ``closure`` computes the loss and the gradients anew.
        """
        loss = None
        if closure is not None:
            with set_grad_enabled(True):
                loss = closure()
        for group in self.param_groups:
            for params in self._alike(group["params"]):
                arrays = [p.data for p in params]
                self._update(group, params, arrays, [p.grad.data for p in params])
        return loss

    @live
    def _update(self, group, params, arrays, grads):
        own = [self.state[p] for p in params]
        state = _State(own, params, own[0]["step"] + 1)
        self.update(arrays, grads, state, **self._settings(group))
        for p, its in zip(params, own):
            its["step"] = state.step
            p.bump()

    def minimize(self, loss):
        """One step down from ``loss``, a tensor of one element.

        The gradients are those of this optimizer's parameters by this loss alone; those of other
        parameters that it was made of are neither worked out nor touched. A parameter that the
        loss does not depend on stays as it is.
        """
        if not isinstance(loss, Tensor) or loss.size != 1 or not loss.requires_grad:
            raise ValueError(
                f"{type(self).__name__}.minimize: loss must be a tensor of one element that was "
                f"made of parameters, not {loss!r:.60}"
            )
        params = [p for p in self._params() if p.requires_grad]
        gradients = grad(loss, params, allow_unused=True)
        if all(gradient is None for gradient in gradients):
            raise ValueError(
                f"{type(self).__name__}.minimize: loss depends on none of its parameters"
            )
        for p, gradient in zip(params, gradients):
            p.grad = gradient
        self.step()

    def update(self, params, grads, state, **settings):
        """Call the kernel; ``state(name)`` gives the buffers, ``state.step`` the step's number."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def _settings(self, group):
        return {name: group[name] for name in self.defaults}

    def _alike(self, params):
        """The parameters with gradients, together those that one kernel call can serve."""
        together = {}
        for p in params:
            if p.grad is not None:
                own = self.state.get(p)
                if own is None:
                    own = self.state[p] = {"step": 0}
                together.setdefault(self._kind(p, own), []).append(p)
        return together.values()

    def _kind(self, p, own):
        """What parameters must have in common to go through the kernel together."""
        return own["step"], p.data.dtype

    def state_dict(self):
        """``{"state": {number: buffers}, "param_groups": [settings]}`` of numbers and copies.

        Parameters are numbered through all groups, as in PyTorch.
        """
        numbers = {p: i for i, p in enumerate(self._params())}
        state = {
            numbers[p]: {name: _copied(value) for name, value in own.items()}
            for p, own in self.state.items()
        }
        groups = [
            {**group, "params": [numbers[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Go on from what :meth:`state_dict` of such an optimizer gave; PyTorch's fits too."""
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in groups]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the groups have {sizes} parameters "
                f"but the optimizer's have {own}"
            )
        numbers = [number for group in groups for number in group["params"]]
        params = dict(zip(numbers, self._params()))
        state = {}
        for number, buffers in state_dict["state"].items():
            p = params[int(number)]
            loaded = {name: _loaded(self, name, value, p) for name, value in buffers.items()}
            state[p] = {"step": 0, **loaded}
        for group, loaded in zip(self.param_groups, groups):
            group.update({k: v for k, v in loaded.items() if k != "params"})
        self.state = state

    def _params(self):
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self):
        groups = [
            ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"


class _State:
    """The buffers of some parameters, made when first asked for."""

    def __init__(self, states, params, step):
        self.states = states
        self.params = params
        self.step = step

    def has(self, name):
        return all(name in own for own in self.states)

    def __call__(self, name, fill=0.0):
        if not self.has(name):
            for own, p in zip(self.states, self.params):
                own[name] = np.full_like(p.data, fill, order="C")
        return [own[name] for own in self.states]


_numbers = {"step": int, "mu_product": float}  # what is not a buffer in a parameter's state


def _listed(optimizer, params):
    if isinstance(params, Tensor):
        raise TypeError(f"{type(optimizer).__name__}: params is one tensor; give a list of them")
    return list(params)


def _copied(value):
    return moved(value.copy(), "cpu") if hasattr(value, "dtype") else value


def _loaded(optimizer, name, value, p):
    """A number, or a copy of an array in the parameter's dtype."""
    if name in _numbers:
        return _numbers[name](value)
    if np.shape(value) != p.shape:
        raise ValueError(
            f"{type(optimizer).__name__}.load_state_dict: {name} has shape {np.shape(value)} "
            f"but its parameter has shape {p.shape}"
        )
    return moved(np.array(moved(value, "cpu"), p.dtype), device_of(p.data))

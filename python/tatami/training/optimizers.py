"""Optimizers by name, and several of them as one."""

from .. import optim

_names = {
    name.lower(): name
    for name in optim.__all__
    if isinstance(getattr(optim, name), type)
    and issubclass(getattr(optim, name), optim.Optimizer)
    and name != "Optimizer"
}


class Optimizers(dict):
    """Part of a model -> its optimizer; saved, loaded and scheduled together."""

    @property
    def param_groups(self):
        return [group for optimizer in self.values() for group in optimizer.param_groups]

    def state_dict(self):
        return {part: optimizer.state_dict() for part, optimizer in self.items()}

    def load_state_dict(self, state):
        if state.keys() != self.keys():
            raise ValueError(
                f"load_state_dict: optimizers of {', '.join(state)} were saved, "
                f"here are those of {', '.join(self)}"
            )
        for part, optimizer in self.items():
            optimizer.load_state_dict(state[part])


def optimizer_maker(given):
    """The function of the parameters that makes an optimizer, from its name or itself."""
    if isinstance(given, str):
        if given.lower() not in _names:
            raise ValueError(
                f"compile: optimizer {given!r} is not known; give one of "
                f"{', '.join(sorted(_names))}, or an optimizer"
            )
        return getattr(optim, _names[given.lower()])
    if callable(given):
        return given
    raise TypeError(
        f"compile: optimizer must be a name, an optimizer, or a function of the parameters, "
        f"not {given!r}"
    )


def known(given):
    """``given``, if optimizers can be made of it."""
    if isinstance(given, dict):
        for each in given.values():
            known(each)
    elif not hasattr(given, "param_groups"):
        optimizer_maker(given)
    return given


def made(given, model):
    """The optimizer of the model's parameters, or those of its parts by name."""
    if isinstance(given, dict):
        return Optimizers({name: made(each, _part(model, name)) for name, each in given.items()})
    if hasattr(given, "param_groups"):
        return given
    return optimizer_maker(given)(model.parameters())


def _part(model, name):
    part = getattr(model, name, None)
    if part is None:
        names = ", ".join(name for name, _ in model.named_children())
        raise ValueError(f"compile: the model has no part {name!r} to optimize, only {names}")
    return part

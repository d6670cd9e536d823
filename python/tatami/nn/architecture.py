"""A network's layers as JSON: the constructors' arguments by name, of layers from a list.

``{"class": "Linear", "in_features": 784, "out_features": 10}``; layers stand inside containers as
arguments, and one that occurs twice is ``{"same": n}``, the n-th that was written. A module that
makes layers in its own constructor has their ``"found sizes"`` by name, where they were left out.
"""

import inspect

import numpy as np

from .allocation import shapes_only
from .lazy import Lazy
from .module import Module

_deepest = 64  # layers within layers
_found = "found sizes"  # no argument can have this name


def to_config(module):
    """The layers of ``module`` as what JSON can hold: dicts, lists, numbers and texts.

    Functions for initial values are left out. Attributes changed after construction do not count.
    """
    return _written(module, "the model", {})


def from_config(config, custom=()):
    """The layers that :func:`to_config` wrote, with new initial values.

    Only layers of ``tatami.nn``, models of ``tatami.models`` and the classes in ``custom`` are
    made; nothing else runs.
    """
    classes = _layers() | {c.__name__: c for c in custom}
    module = _read(config, classes, [], 0)
    if not isinstance(module, Module):
        raise ValueError(f"from_config: the model must be a layer, not {config!r:.60}")
    return module


def _layers():
    """The classes that a file may ask for."""
    from .. import models, nn

    found = {name: getattr(package, name) for package in (models, nn) for name in package.__all__}
    kinds = {k: v for k, v in found.items() if isinstance(v, type) and issubclass(v, Module)}
    del kinds["Module"]
    return kinds


def _written(value, where, numbers):
    if isinstance(value, Module):
        return _written_module(value, numbers)
    if isinstance(value, (list, tuple)):
        return [_written(v, where, numbers) for v in value]
    if isinstance(value, dict) and all(isinstance(v, Module) for v in value.values()):
        modules = {k: _written(v, where, numbers) for k, v in value.items()}
        return {"class": "dict", "modules": modules}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"to_config: {where} is a {type(value).__name__}, which JSON cannot hold; "
        "save the weights alone (save_weights)"
    )


def _written_module(module, numbers):
    if id(module) in numbers:
        return {"same": numbers[id(module)]}
    numbers[id(module)] = len(numbers)
    name = type(module).__name__
    config = {"class": name}
    for argument, value in module.arguments().items():
        if argument.endswith(("_init", "_initializer")) and callable(value):
            continue
        config[argument] = _written(value, f"{name}'s {argument}", numbers)
    inside = module.named_modules()
    lazy = {k: m for k, m in inside if isinstance(m, Lazy) and id(m) not in numbers}
    if lazy:
        config[_found] = {k: getattr(m, m.size_name) for k, m in lazy.items()}
    return config


def _read(value, classes, made, depth):
    if depth > _deepest:
        raise ValueError(f"from_config: layers within layers, more than {_deepest} deep")
    if isinstance(value, list):
        return tuple(_read(v, classes, made, depth + 1) for v in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"same"}:
        if type(value["same"]) is not int or not 0 <= value["same"] < len(made):
            raise ValueError(f"from_config: no layer before it has the number {value['same']!r}")
        return made[value["same"]]
    rest = dict(value)
    name, sizes = rest.pop("class", None), rest.pop(_found, {})
    if name == "dict" and isinstance(modules := rest.get("modules"), dict):
        return {k: _read(v, classes, made, depth + 1) for k, v in modules.items()}
    if not isinstance(name, str) or name not in classes:
        raise ValueError(
            f"from_config: there is no layer {name!r:.60}; "
            "give classes of your own as custom=[MyLayer]"
        )
    place = len(made)
    made.append(None)  # numbered from the outside in, as they were written
    arguments = {k: _read(v, classes, made, depth + 1) for k, v in rest.items()}
    made[place] = _made(classes[name], arguments, sizes)
    return made[place]


def _made(kind, arguments, sizes):
    """The layer; whatever it thinks of hostile arguments and sizes is a ValueError."""
    many = [
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.kind is inspect.Parameter.VAR_POSITIONAL
    ]
    positional = arguments.pop(many[0], ()) if many else ()
    try:
        module = kind(*positional, **arguments)
        for name, layer in list(module.named_modules()):
            if not layer.built and sizes.get(name) is not None:
                layer.make(sizes[name])
        return module
    except (TypeError, ValueError, OverflowError, AttributeError, MemoryError) as error:
        raise ValueError(f"from_config: {kind.__name__} cannot be made: {error}") from error


def shapes_from_config(config, custom, arrays):
    """:func:`from_config` with shapes alone, at most as many as there are arrays to fill them."""
    with shapes_only(arrays):
        return from_config(config, custom)

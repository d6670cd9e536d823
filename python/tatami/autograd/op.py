"""Operations that can be differentiated."""

from inspect import CO_VARARGS
from types import FunctionType

from .. import _core

EVERYTHING = 2**64 - 1


def Op(
    raw,
    *rules,
    name=None,
    each=None,
    joint=None,
    composed=None,
    unbroadcast=None,
    outputs=1,
    view=False,
):
    """A raw function of arrays plus its derivative rules. Only the tape knows it.

    The result is called like ``raw``, with tensors for any of the arrays (or with arrays alone:
    then it is ``raw`` itself). A rule therefore serves twice: on arrays in an ordinary backward
    pass, on tensors where the gradient is to be differentiated. All float arrays of a call have
    one dtype.

    ``raw(*args, **settings)`` returns ``y``, or a tuple of ``y`` and whatever the rules want back;
    only ``y`` becomes a tensor. ``rules`` has one function for each leading argument, written
    with differentiable functions: ``rule(grad_y, y, *args, **settings)`` -> gradient of that
    argument (None where it has none). Instead of ``rules`` there may be

    - ``each(k, grad_y, y, *args, **settings)``, the rule of argument k, for any number of them,
    - ``joint(grad_y, y, *args, **settings)``, which returns the gradients of all arguments at once.

    ``composed(*args, **settings)`` is the same function written with differentiable ones. It stands
    in wherever a gradient is to be differentiated; rules then see arrays only and may be fused
    kernels.

    A parameter of a rule whose name begins with an underscore is not kept for it: an argument is
    seen there with ``shape``, ``dtype``, ``ndim`` and ``size`` alone, an output as None. What no
    rule reads is freed early, and may be changed in place.

    >>> mul = Op(np.multiply, lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: g * a)

    With ``outputs=k`` the first k results of ``raw`` become tensors (``outputs=None``: all).
    ``grad_y`` is then a tuple of as many gradients, None for an output that was not used, ``y`` the
    whole tuple, and ``composed`` returns the k outputs. ``unbroadcast(gradient, shape)`` sums
    gradients to the shapes of their arguments where the operation broadcasts, so that its rules
    need not care. ``view=True``: the output shares memory with the first argument.
    """
    if each or joint:
        reads = (_reads(each or joint, 2 if each else 1),)
    else:
        reads = tuple(_reads(rule, 1) for rule in rules)
    return _core.Op(
        name=name or raw.__name__,
        raw=raw,
        rules=rules,
        each=each,
        joint=joint,
        composed=composed,
        unbroadcast=unbroadcast,
        reads=reads,
        outputs=-1 if outputs is None else outputs,
        view=view,
    )


def _reads(rule, ahead):
    """What a rule reads of (y, *args), as bits; ``ahead`` parameters come before them.

    Bit 63 stands for everything from there on.
    """
    if type(rule) is not FunctionType:
        return EVERYTHING
    code = rule.__code__
    names = code.co_varnames[ahead : code.co_argcount]
    bits = sum(1 << k for k, name in enumerate(names[:63]) if not name.startswith("_"))
    if code.co_flags & CO_VARARGS:
        more = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        if not more.startswith("_"):
            bits |= EVERYTHING & ~((1 << min(len(names), 63)) - 1)
    return bits

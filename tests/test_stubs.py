"""The committed stubs name what the extension has, with as many arguments."""

import ast
import pathlib
import re

import tatami
from tatami import _core

STUBS = ast.parse((pathlib.Path(tatami.__file__).parent / "_core.pyi").read_text())


def stubbed(kind):
    return {node.name: node for node in STUBS.body if isinstance(node, kind)}


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_every_function_and_class_has_its_stub():
    functions, classes = stubbed(ast.FunctionDef), stubbed(ast.ClassDef)
    assert public({**functions, **classes}) == public(dir(_core))
    for name in classes:
        assert name.startswith("_") or isinstance(getattr(_core, name), type), name


def test_stubs_take_as_many_arguments_as_the_functions():
    """The extension's signatures stand in the first lines of its docstrings."""
    for name, stub in stubbed(ast.FunctionDef).items():
        signature = re.match(rf"{name}\((.*)\) ->", getattr(_core, name).__doc__)
        if signature:
            taken = len(re.findall(r"(?:^|, )\w+: ", signature.group(1)))
            arguments = stub.args
            given = len(arguments.posonlyargs) + len(arguments.args)
            assert given == taken, f"{name}: the stub has {given} arguments, the function {taken}"

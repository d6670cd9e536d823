"""A Sphinx extension that writes the pages nobody writes: the reference and the tutorials."""

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes

from tatami import examples

# What -D quick=... makes pictures of in a short form.
SHORT = {"": (), "generative": examples.GENERATIVE, "all": examples.NAMES}

FOLDER = Path(__file__).parent / "_generated"

# Packages whose public names have a page each, grouped by the file that they live in. A name that
# several of them have is described by the first.
PACKAGES = (
    "tatami.kernels",
    "tatami.autograd",
    "tatami.functional",
    "tatami.nn",
    "tatami.nn.init",
    "tatami.optim.lr_scheduler",
    "tatami.optim",
    "tatami.capture",
    "tatami.training",
    "tatami.training.callbacks",
    "tatami.models",
    "tatami.sklearn",
    "tatami.metrics",
    "tatami.data",
    "tatami.data.datasets",
    "tatami.data.augment",
    "tatami.viz",
    "tatami.memory",
    "tatami.random",
    "tatami",
)

REFERENCE = """Every public name, from the docstrings, grouped by the file that it lives in."""


def setup(app):
    app.add_config_value("quick", "", "env")
    app.connect("builder-inited", generate)
    app.connect("missing-reference", by_last_name)
    return {"parallel_read_safe": True}


def generate(app):
    described = {}  # id of a class or function -> where
    for name in PACKAGES:
        write(f"reference/{name}.rst", reference(name, described))
    for name in examples.NAMES:
        write(f"tutorials/{name}.rst", tutorial(name, name in SHORT[app.config.quick]))
    write("tutorials/index.rst", contents("Tutorials", examples.__doc__, examples.NAMES))
    write("reference/index.rst", contents("Reference", REFERENCE, PACKAGES))


def write(name, text):
    """Leaves a file alone that says the same already: Sphinx reads again only what is newer."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def contents(title, text, names):
    entries = "".join(f"\n   {name}" for name in names)
    return f"{heading(title, '=')}\n{text}\n\n.. toctree::\n   :maxdepth: 1\n{entries}\n"


def heading(text, line):
    return f"{text}\n{line * len(text)}\n"


def reference(package, described):
    """The package's public names, one section for each file; ``described`` grows by them."""
    module = import_module(package)
    parts = [heading(package, "="), f".. py:module:: {package}", inspect.getdoc(module)]
    files = by_file(module)
    for file, names in files.items():
        if file is not module and len(files) > 1:
            parts += [heading(file.__name__.rsplit(".", 1)[-1], "-"), inspect.getdoc(file) or ""]
        parts += [directive(f"{package}.{n}", getattr(module, n), described) for n in names]
    return "\n\n".join(parts) + "\n"


def by_file(module):
    """Public classes and functions by the module that defines them, in alphabetical order."""
    found = {module: []}
    for name in sorted(public(module), key=str.lower):
        file = sys.modules.get(getattr(module, name).__module__)
        own = file and not file.__name__.rsplit(".", 1)[-1].startswith("_")
        found.setdefault(file if own else module, []).append(name)
    return dict(sorted(found.items(), key=lambda item: item[0].__name__))


def public(module):
    """The names in ``__all__``, or what the module itself defines."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if callable(getattr(module, name))]
    mine = (n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__)
    return [name for name in mine if not name.startswith("_")]


def directive(name, value, described):
    if id(value) in described:
        return f"``{name}`` is :py:obj:`{described[id(value)]}`."
    described[id(value)] = name
    if not inspect.isclass(value):
        return f".. autofunction:: {name}"
    options = "\n   :members:"
    if any(base.__module__ == "tatami._core" for base in value.__mro__):
        options += "\n   :inherited-members:"
    if foreign := [n for n, v in vars(value).items() if not ours(v)]:
        options += f"\n   :exclude-members: {', '.join(foreign)}"
    return f".. autoclass:: {name}{options}"


def ours(member):
    """False for what another library adds to our classes, as scikit-learn does."""
    return getattr(member, "__module__", "tatami").startswith(("tatami", "builtins"))


def tutorial(name, quick):
    """Runs an example: its text, its picture, what it printed, and its code."""
    pictures = FOLDER / "tutorials"
    command = [sys.executable, "-m", f"tatami.examples.{name}", "--out", str(pictures)]
    done = subprocess.run(
        command + ["--quick"] * bool(quick),
        env={**os.environ, "MPLBACKEND": "agg"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    path = Path(import_module(f"tatami.examples.{name}").__file__)
    title, _, text = ast.get_docstring(ast.parse(path.read_text())).partition("\n\n")
    code = path.read_text().split('"""', 2)[2].strip()
    shown = sorted(p.name for p in pictures.glob(f"{name}.*") if p.suffix in (".png", ".gif"))
    return "\n\n".join(
        [
            heading(title.rstrip("."), "="),
            text,
            *(f".. image:: {picture}\n   :alt: {title}" for picture in reversed(shown)),
            f"``python -m tatami example {name}`` draws it and prints:",
            block("text", done.stdout),
            "The whole program:",
            block("python", code),
        ]
    )


def block(language, text):
    lines = (f"   {line}".rstrip() for line in text.rstrip().split("\n"))
    return f".. code-block:: {language}\n\n" + "\n".join(lines) + "\n"


def by_last_name(app, env, node, content):
    """Docstrings name a neighbour shortly, as ``Tensor`` or ``callbacks.EarlyStopping``."""
    if node.get("refdomain") != "py":
        return None
    target, here = node["reftarget"].removeprefix("tatami."), node.get("py:module") or ""
    domain = env.get_domain("py")
    found = [n for n in domain.objects if n == target or n.endswith(f".{target}")]
    if not found:
        return None
    package = here.rpartition(".")[0]
    best = min(found, key=lambda n: (not n.startswith(f"{package}."), len(n)))
    entry = domain.objects[best]
    uri = app.builder.get_relative_uri(node["refdoc"], entry.docname)
    link = nodes.reference("", "", internal=True, refuri=f"{uri}#{entry.node_id}")
    return link.append(content) or link

"""English text that every Python brings along."""

from importlib import import_module


def python_docs():
    """The language reference of this Python, as its ``help()`` shows it: half a million letters.

    The text differs a little from one version of Python to the next.
    """
    topics = import_module("pydoc_data.topics").topics
    return "\n\n".join(topics[name].strip() for name in sorted(topics))

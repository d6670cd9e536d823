"""What this installation of tatami is and what it uses of this machine."""

import platform

import numpy as np

import tatami

from . import _core


def add_arguments(parser):
    """None."""


def run(args):
    memory = tatami.memory.stats()
    others = [name for name in _core.isas() if name != tatami.isa()]
    rows = {
        "tatami": tatami.__version__,
        "Python, NumPy": f"{platform.python_version()}, {np.__version__}",
        "machine": f"{platform.system()} {platform.machine()}",
        "instruction set": f"{tatami.isa()} (also here: {', '.join(others) or 'none'})",
        "threads": tatami.get_num_threads(),
        "CUDA": _core.cuda_problem().removeprefix("CUDA: ") or "arrays of CuPy are taken",
        "memory pool": f"{_size(memory['in_use'])} in use, {_size(memory['cached'])} cached, "
        f"at most {_size(memory['limit'])} cached",
    }
    for name, value in rows.items():
        print(f"{name:<16} {value}")


def _size(count):
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g} {unit}"
        count /= 1024
    return f"{count:.4g} GiB"

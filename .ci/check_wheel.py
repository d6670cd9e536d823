"""Checks a wheel: what is in it, its size, its size installed and what importing it costs.

python .ci/check_wheel.py WHEEL PYTHON, where PYTHON is an environment that has it installed.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time
import zipfile

MIB = 2**20
LIMITS = {"wheel MiB": 5, "installed MiB": 15, "import ms": 50}


def fail(message):
    sys.exit(f"wheel: {message}")


def check_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        here = os.fsencode(pathlib.Path.cwd())
        for name in names:
            if name.endswith(".so") and here in archive.read(name):
                fail(f"{name} holds a path of the machine that built it")
    for needed in ("tatami/__init__.py", "tatami/_core.pyi", "tatami/py.typed"):
        if needed not in names:
            fail(f"{needed} is missing")
    extensions = [name for name in names if name.endswith(".so")]
    if len(extensions) != 1:
        fail(f"one extension expected, found {extensions}")
    for name in names:
        if not name.startswith(("tatami/", "tatami-")) or "test" in name or name.endswith(".cpp"):
            fail(f"{name} does not belong")


def installed_bytes(python):
    code = "import tatami; print(tatami.__path__[0])"
    folder = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def import_seconds(python, module):
    start = time.perf_counter()
    subprocess.run([python, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def extra_import_seconds(python, repeats=15):
    """What importing tatami adds to importing numpy: the median over runs in turn."""
    for module in ("numpy", "tatami"):
        import_seconds(python, module)
    return statistics.median(
        import_seconds(python, "tatami") - import_seconds(python, "numpy") for _ in range(repeats)
    )


def main(wheel, python):
    check_contents(wheel)
    measured = {
        "wheel MiB": os.path.getsize(wheel) / MIB,
        "installed MiB": installed_bytes(python) / MIB,
        "import ms": extra_import_seconds(python) * 1e3,
    }
    for name, value in measured.items():
        print(f"{name:14} {value:6.2f}   limit {LIMITS[name]}")
    if any(value > LIMITS[name] for name, value in measured.items()):
        fail("over a limit")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Whole training steps of nine networks, next to the same in PyTorch and JAX.

    python benchmarks/training_steps.py [--torch PYTHON] [--jax PYTHON] [--only lenet]

Each measurement has a process of its own: the step's median time once it is warm, and the most
memory held above that after the imports. ``PYTHON`` is an interpreter that has the library;
tatami is measured as it is and captured by ``tatami.jit``, PyTorch as it is and compiled.
``--profile lenet`` prints instead where a step's time goes.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from steps import GENERATIVE, generative, networks

GOALS = {  # on two cores of 2026: milliseconds, or PyTorch's time divided by ours
    "lenet": "2.0 ms",
    "mlp": "1.9 ms",
    "vgg": "1.8x",
    "resnet18": "1.8x",
    "lstm": "110 ms",
    "gru": "1.8x",
    "dcgan": "1.67x",
    "vae": "2.86x",
    "tiny": "none",
}


def tatami_step(name):
    if name in GENERATIVE:
        return getattr(generative, f"tatami_{name}")()
    return networks.tatami_step(name)


def captured_step(name):
    import tatami

    return tatami.jit(tatami_step(name))


def torch_step(name, compiled=False):
    import torch

    torch.set_num_threads(2)
    if name in GENERATIVE:
        return getattr(generative, f"torch_{name}")(compiled)
    return networks.torch_step(name, compiled)


def jax_step(name):
    if name in GENERATIVE:
        return getattr(generative, f"jax_{name}")()
    from steps import in_jax

    return in_jax.jax_step(name)


STEPS = {
    "tatami": tatami_step,
    "captured": captured_step,
    "torch": torch_step,
    "compiled": lambda name: torch_step(name, compiled=True),
    "jax": jax_step,
}

IMPORTS = {"tatami": "tatami.nn", "captured": "tatami.nn", "jax": "jax.numpy"}


def held():
    """The most megabytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(library, name, seconds=3.0):
    """What a worker prints: the median step in milliseconds, and megabytes above the imports."""
    __import__(IMPORTS.get(library, "torch"))
    before = held()
    step = STEPS[library](name)
    for _ in range(5):
        step()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"ms": 1e3 * float(np.median(times)), "mb": held() - before}))


def worker(python, library, name):
    """The measurement from a process of its own; None where it fails."""
    command = [python, __file__, "--worker", library, "--only", name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{name}, {library}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def table(names, torch, jax):
    print(f"{'step':<10}{'goal':>8}{'library':>11}{'ms':>9}{'ratio':>8}{'MB':>8}")
    own = {"tatami": sys.executable, "captured": sys.executable}
    pythons = {**own, "torch": torch, "compiled": torch, "jax": jax}
    for name in names:
        rows = [
            (library, worker(python, library, name))
            for library, python in pythons.items()
            if python
        ]
        ours = rows[0][1]
        for library, row in rows:
            if row is not None and ours is not None:
                ratio = row["ms"] / ours["ms"]
                place = f"{name:<10}{GOALS[name]:>8}" if library == "tatami" else " " * 18
                print(f"{place}{library:>11}{row['ms']:9.2f}{ratio:7.2f}x{row['mb']:8.0f}")


def profile(name):
    """Where the time of a step goes, by function."""
    import cProfile
    import pstats

    step = tatami_step(name)
    for _ in range(5):
        step()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(100 if name in ("lenet", "mlp", "tiny") else 5):
        step()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch")
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter that has JAX")
    parser.add_argument("--only", choices=GOALS)
    parser.add_argument("--profile", choices=GOALS)
    parser.add_argument("--worker", choices=STEPS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        measure(args.worker, args.only)
    elif args.profile:
        profile(args.profile)
    else:
        table([args.only] if args.only else list(GOALS), args.torch, args.jax)


if __name__ == "__main__":
    main()

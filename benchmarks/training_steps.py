"""Whole training steps of five networks, next to the same in PyTorch.

    python benchmarks/training_steps.py [--torch PYTHON] [--only lenet] [--profile lenet]

Each measurement has a process of its own: the step's median time once it is warm, and the most
memory held above that after the imports. ``PYTHON`` is an interpreter that has PyTorch, measured
as it is and compiled. ``--profile`` prints instead where a step's time goes.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import generative_steps
import numpy as np

GOALS = {  # on two cores of 2026: milliseconds, or PyTorch's time divided by ours
    "lenet": "2.0 ms",
    "mlp": "1.9 ms",
    "lstm": "110 ms",
    "dcgan": "1.67x",
    "vae": "2.86x",
}
GENERATIVE = ("dcgan", "vae")
VOCABULARY = 96


def data(name):
    """One batch: inputs and targets."""
    rng = np.random.default_rng(0)
    if name == "lstm":  # (time, batch)
        text = rng.integers(0, VOCABULARY, (129, 64))
        return text[:-1], text[1:].reshape(-1)
    shape = {"lenet": (128, 1, 28, 28), "mlp": (128, 784)}[name]
    return rng.random(shape, dtype=np.float32), rng.integers(0, 10, 128)


def layers(nn, name):
    """The networks whose layers follow each other, in either library."""
    if name == "mlp":
        return [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return [
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    ]


def network(nn, name):
    if name != "lstm":
        return nn.Sequential(*layers(nn, name))

    class Characters(nn.Module):
        """A language model of characters: two layers of 256 cells."""

        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, 64)
            self.lstm = nn.LSTM(64, 256, num_layers=2)
            self.output = nn.Linear(256, VOCABULARY)

        def forward(self, text):
            y, _ = self.lstm(self.embedding(text))
            return self.output(y.reshape(-1, 256))

    return Characters()


def tatami_step(name):
    if name in GENERATIVE:
        return getattr(generative_steps, f"tatami_{name}")()
    import tatami
    from tatami import functional, nn, optim

    tatami.manual_seed(0)
    model = network(nn, name)
    optimizer = optim.Adam(model.parameters())
    x, y = data(name)
    x = tatami.Tensor(x)

    def step():
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def torch_step(name, compiled=False):
    import torch

    torch.set_num_threads(2)
    if name in GENERATIVE:
        return getattr(generative_steps, f"torch_{name}")(compiled)
    model = network(torch.nn, name)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    run = torch.compile(model) if compiled else model
    x, y = map(torch.from_numpy, data(name))

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(run(x), y).backward()
        optimizer.step()

    return step


STEPS = {
    "tatami": tatami_step,
    "torch": torch_step,
    "compiled": lambda name: torch_step(name, compiled=True),
}


def held():
    """The most megabytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(library, name, seconds=3.0):
    """What a worker prints: the median step in milliseconds, and megabytes above the imports."""
    __import__("tatami.nn" if library == "tatami" else "torch")
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


def table(names, torch):
    print(f"{'step':<8}{'goal':>8}{'library':>11}{'ms':>9}{'ratio':>8}{'MB':>8}")
    for name in names:
        ours = worker(sys.executable, "tatami", name)
        rows = [("tatami", ours)]
        if torch:
            rows += [(library, worker(torch, library, name)) for library in ("torch", "compiled")]
        for library, row in rows:
            if row is not None and ours is not None:
                ratio = row["ms"] / ours["ms"]
                place = f"{name:<8}{GOALS[name]:>8}" if library == "tatami" else " " * 16
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
    for _ in range(100 if name in ("lenet", "mlp") else 5):
        step()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch")
    parser.add_argument("--only", choices=GOALS)
    parser.add_argument("--profile", choices=GOALS)
    parser.add_argument("--worker", choices=STEPS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        measure(args.worker, args.only)
    elif args.profile:
        profile(args.profile)
    else:
        table([args.only] if args.only else list(GOALS), args.torch)


if __name__ == "__main__":
    main()

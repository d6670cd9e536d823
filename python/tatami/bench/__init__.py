"""`python -m tatami bench`: every kernel verified, timed, and set against its limit and its peers.

Each library runs in a process of its own with the same number of threads; they take turns, and
medians are compared. The limits are those of this machine, measured in the same run: a loop of
register-only multiply-adds, and a copy that moves as many bytes as the kernel must.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--filter",
        metavar="TEXT",
        default="",
        help="only kernels whose family or name contains TEXT",
    )
    add("--quick", action="store_true", help="a few representative kernels, less repetition")
    add("--threads", type=int, default=cores(), help="threads of every library (default: all)")
    add(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where tatami and PyTorch compute; NumPy stays on the CPU (default: cpu)",
    )
    add("--out", type=Path, default=Path("runs/bench"), help="folder of the JSON and the plot")
    add("--no-peers", action="store_true", help="leave PyTorch and ONNX Runtime out")
    add(
        "--peer-python",
        metavar="PATH",
        action="append",
        default=[],
        help="an interpreter that has PyTorch, or onnxruntime and onnx; may be given twice",
    )


def cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


PEERS = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnx")}  # the modules they need


def peers(args: argparse.Namespace) -> dict[str, str]:
    """The peers that are there, each with the interpreter that has it."""
    pythons = [] if args.no_peers else [*args.peer_python, sys.executable]
    found = {
        name: next((python for python in pythons if has(python, modules)), None)
        for name, modules in PEERS.items()
        if name == "torch" or args.device == "cpu"
    }
    return {name: python for name, python in found.items() if python}


def has(python: str, modules: tuple[str, ...]) -> bool:
    """Whether an interpreter can import the modules."""
    test = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {modules!r})))"
    return subprocess.run([python, "-c", test], check=False).returncode == 0


def run(args: argparse.Namespace) -> int:
    """Measures, prints and writes; 1 if any kernel is missing or wrong."""
    from . import measure, plot, report, shapes

    cases = [c for c in shapes.CASES if args.filter in f"{c.operation.family}: {c.name}"]
    if args.device == "cuda" or not has(sys.executable, ("ml_dtypes",)):
        print(
            "without bfloat16, which takes NumPy arrays and the package ml_dtypes", file=sys.stderr
        )
        cases = [c for c in cases if c.operation.family != "bfloat16"]
    if args.quick and not args.filter:
        cases = [c for c in cases if c.quick]
    if not cases:
        print(f"no kernel's family or name contains {args.filter!r}", file=sys.stderr)
        return 1
    effort = measure.QUICK if args.quick else measure.FULL
    with measure.Bench(args.threads, effort, peers(args), args.device) as bench:
        about = {"machine": processor(), "threads": args.threads, "versions": bench.versions()}
        if args.device == "cuda":
            about["machine"] = bench.clients["tatami"]("about")["device"]
        print(describe(about), report.header(), sep="\n")
        rows = []
        try:
            for row in bench.run(cases, lambda k, case: progress(k, len(cases), case.name)):
                rows.append(row)
                progress()
                print(report.row_text(row), flush=True)
        except KeyboardInterrupt:
            print(f"\ninterrupted after {len(rows)} of {len(cases)} kernels")
        print(report.summary(rows))
    args.out.mkdir(parents=True, exist_ok=True)
    report.write_json(args.out / "bench.json", about, rows)
    pictures = plot.write(args.out, about, rows)
    print("written:", ", ".join(map(str, [args.out / "bench.json", *pictures])))
    return 1 if any(row.problems for row in rows) else 0


def progress(number: int = 0, total: int = 0, name: str = "") -> None:
    """The case being measured, on a line that its result replaces; nothing if not a terminal."""
    if sys.stdout.isatty():
        text = f"[{number + 1}/{total}] {name} ..." if name else ""
        print("\r" + text.ljust(79)[:79], end="" if text else "\r", flush=True)


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(text.split(":")[1].strip() for text in lines if text.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def describe(about: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return f"{about['machine']}, {about['threads']} threads; {versions}\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tatami bench", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))

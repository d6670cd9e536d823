"""Everything that is to be known of the CUDA kernels, in one run on a GPU:

    python benchmarks/gpu.py --out FOLDER

wants CuPy and, to compare with, PyTorch. Its stages, each with an end to its time:

    limits      bytes/s of a copy; host time of a small call
    primitives  shuffles, ldmatrix, mma.sync, cp.async and conversions: this GPU's bits against the
                emulator's, by tests/cpp/primitives_test.cpp, which nvcc and the C++ compiler build
    check       every case of tests/cases at several sizes against NumPy in float64, three times
                over with the same bits
    sanitize    the small cases under compute-sanitizer: memcheck, then racecheck
    time        the cases of `tatami bench` in turns with PyTorch (float32 is float32 in both), its
                products in float16 too, and in float32 where both may use TF32
    graphs      training steps captured by tatami.jit as one graph, in turns with the same not
                captured: whether losses and weights have the same bits, and the times of both
    profile     ncu on the kernels of the two worst ratios

FOLDER/gpu.json is written after every stage, and a table at the end. --dry-run goes the same way on
the emulator and the tests' stand-in for CuPy, to test this script: its times mean nothing.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import numpy as np

HERE = Path(__file__).resolve().parent
CACHES = 128 << 20  # bytes: twice the second-level cache of the largest GPU
ROUNDS, LAUNCHES = 7, 20
PRODUCTS = ("matmul", "linear", "conv2d", "conv2d_input_grad", "conv2d_weight_grad")
PRECISIONS = ("float32", "tf32", "float16")
CAPS = {  # seconds
    "limits": 20,
    "primitives": 120,
    "check": 180,
    "sanitize": 120,
    "time": 240,
    "graphs": 60,
    "profile": 60,
}


class Gpu:
    """The device through CuPy: moving arrays, and timing what is launched."""

    def __init__(self, cupy):
        self.cupy = cupy
        self.stream = cupy.cuda.Stream(non_blocking=True)

    def about(self):
        runtime = self.cupy.cuda.runtime
        name = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
        return {"device": name, "driver": runtime.driverGetVersion()}

    def put(self, value):
        return self.cupy.asarray(value) if isinstance(value, np.ndarray) else value

    def get(self, value):
        return self.cupy.asnumpy(value)

    def replay(self, calls):
        """One function that launches all calls, by a CUDA graph where they can be captured."""
        with self.stream:
            for call in calls:
                call()  # what memory they need is in the pool from now on
            self.stream.synchronize()
            self.stream.begin_capture()
            for call in calls:
                call()
            graph = self.stream.end_capture()
        return lambda: graph.launch(self.stream)

    def seconds(self, launch):
        """The GPU's time of what a function launches."""
        start, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        with self.stream:
            start.record(self.stream)
            launch()
            end.record(self.stream)
        end.synchronize()
        return self.cupy.cuda.get_elapsed_time(start, end) / 1e3


class Emulated(Gpu):
    """The stand-in: nothing runs later than when it is called."""

    def about(self):
        return {"device": "emulator, a dry run: no time means anything"}

    def replay(self, calls):
        return lambda: [call() for call in calls]

    def seconds(self, launch):
        start = time.perf_counter()
        launch()
        return time.perf_counter() - start


class Torch:
    """PyTorch on the same GPU."""

    def __init__(self):
        import torch

        self.torch = torch
        torch.backends.cudnn.benchmark = True

    def allow_tf32(self, on):
        backends = self.torch.backends
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = on

    def calls(self, operation, inputs):
        with self.torch.device("cuda"):
            tensors = {k: self.torch.from_numpy(a).cuda() for k, a in inputs.items()}
            return operation.torch(self.torch, **tensors)

    def replay(self, calls):
        graph = self.torch.cuda.CUDAGraph()
        for call in calls:
            call()
        self.torch.cuda.synchronize()
        with self.torch.cuda.graph(graph):
            for call in calls:
                call()
        return graph.replay

    def seconds(self, launch):
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        launch()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3


# Stages: stage(gpu, deadline, results of those before) -> results


def limits(gpu, deadline, _):
    from tatami import kernels as K

    x = gpu.put(np.zeros(1 << 12 if isinstance(gpu, Emulated) else 1 << 28, np.float32))
    y = gpu.cupy.empty_like(x)
    copy = min(gpu.seconds(lambda: gpu.cupy.copyto(y, x)) for _ in range(ROUNDS))
    small, count = gpu.put(np.zeros(64, np.float32)), 1000
    K.relu(small)
    start = time.perf_counter()
    for _ in range(count):
        K.relu(small)
    return {
        "copy bytes/s": 2 * x.nbytes / copy,
        "host seconds a call": (time.perf_counter() - start) / count,
    }


def primitives(gpu, deadline, _):
    """The primitives whose bits differ; the emulator alone where the GPU is one."""
    root = HERE.parent
    source = root / "tests" / "cpp" / "primitives_test.cpp"
    emulator = [str(path) for path in sorted((root / "csrc" / "cuda" / "emulator").glob("*.cpp"))]
    flags = ["-std=c++20", "-O1", "-I", str(root / "csrc"), str(source)]
    builds = {"emulator": ["c++", *flags, *emulator]}
    if not isinstance(gpu, Emulated):
        builds["gpu"] = ["nvcc", "-arch=native", "-x", "cu", *flags]
    words = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, command in builds.items():
            if not shutil.which(command[0]):
                return {"skipped": f"no {command[0]}"}
            program, results = f"{folder}/{name}", f"{folder}/{name}.txt"
            for step in ([*command, "-o", program], [program, results]):
                if (said := _run(step, deadline))["status"] != 0:
                    return {"error": said}
            lines = (line.split() for line in Path(results).read_text().splitlines())
            words[name] = {first: rest for first, *rest in lines}
    wanted = words["emulator"]
    found = words.get("gpu", wanted)
    differ = {
        name: [f"{i}: {a} instead of {b}" for i, (a, b) in enumerate(pairs) if a != b][:5]
        for name in wanted
        for pairs in [list(zip(found[name], wanted[name], strict=True))]
        if found[name] != wanted[name]
    }
    return {"compared": list(wanted), "differ": differ}


def check(gpu, deadline, _, sizes=(1, 3, 33)):
    """The cases that are wrong, with the reason; `done` of `all`."""
    import reference
    from cases import CASES
    from support import assert_close, assert_same_bits
    from tatami import kernels as K

    runs = [(c, t, n) for n in sizes for t in (np.float32, np.float64) for c in CASES]
    wrong, done = {}, 0
    for case, dtype, n in runs:
        if time.perf_counter() > deadline:
            break
        label = f"{case} {np.dtype(dtype)} n={n}"
        try:
            arrays = case.inputs(dtype, n, seed=n)
            found = [
                [gpu.get(y) for y in case.run(K, [gpu.put(a) for a in arrays])] for _ in range(3)
            ]
            wanted, bounds = case.run(reference, arrays), case.bounds(arrays)
            for k, (y, ref, bound) in enumerate(zip(found[0], wanted, bounds, strict=True)):
                assert_close(y.astype(dtype) if y.dtype.kind == "f" else y, ref, bound, label)
                for again in found[1:]:
                    assert_same_bits(again[k], y, label)
        except Exception as error:
            wrong[label] = f"{type(error).__name__}: {error}"[:500]
        done += 1
    return {"done": done, "all": len(runs), "wrong": wrong}


def sanitize(gpu, deadline, _):
    """The exit status and the end of what each tool says."""
    program = shutil.which("compute-sanitizer")
    if not program:
        return {"skipped": "no compute-sanitizer"}
    said = {}
    for tool in ("memcheck", "racecheck"):
        command = [program, "--tool", tool, "--error-exitcode", "9", sys.executable, __file__]
        said[tool] = _run([*command, "--small", "--out", os.devnull], deadline)
    return said


def timings(gpu, deadline, _):
    from tatami import kernels as K
    from tatami.bench.shapes import CASES

    try:
        torch = None if isinstance(gpu, Emulated) else Torch()
    except ImportError:
        torch = None
    rows = {}
    for case in CASES:
        if time.perf_counter() > deadline:
            break
        if isinstance(gpu, Emulated) and not case.over_numpy:  # the tiny ones alone
            continue
        for precision in PRECISIONS if case.operation.kernel in PRODUCTS else ["float32"]:
            inputs = case.operation.inputs(np.random.default_rng(0))
            name = case.name if precision == "float32" else f"{case.name} {precision}"
            try:
                rows[name] = _timed(gpu, torch, K, case.operation, inputs, precision)
            except Exception as error:
                rows[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
    return rows


def _timed(gpu, torch, K, operation, inputs, precision):
    """Medians of both, in turns; the arrays are too many to stay in the caches."""
    import tatami

    if precision == "float16":
        inputs = {k: a.astype(np.float16) if a.dtype.kind == "f" else a for k, a in inputs.items()}
    if torch:
        torch.allow_tf32(precision == "tf32")
    with tatami.tf32() if precision == "tf32" else nullcontext():
        return _timed_in_turns(gpu, torch, K, operation, inputs)


def _timed_in_turns(gpu, torch, K, operation, inputs):
    size = sum(a.nbytes for a in inputs.values())
    copies = 1 if isinstance(gpu, Emulated) else min(LAUNCHES, -(-CACHES // size))
    ours = [
        operation.tatami(K, **{k: gpu.put(a) for k, a in inputs.items()}) for _ in range(copies)
    ]
    sides = {"tatami": (gpu, ours)}
    if torch:
        sides["torch"] = torch, [torch.calls(operation, inputs) for _ in range(copies)]
    row = {"bytes read": size, "flops": operation.flops}
    launches = {}
    for name, (side, calls) in sides.items():
        calls = [calls[i % copies] for i in range(max(LAUNCHES, copies))]
        try:
            launches[name] = side, side.replay(calls), len(calls)
        except Exception as error:
            row[f"{name} without a graph"] = f"{type(error).__name__}: {error}"[:200]
            launches[name] = side, lambda calls=calls: [call() for call in calls], len(calls)
    samples = {name: [] for name in launches}
    for _ in range(ROUNDS):
        for name, (side, launch, count) in launches.items():
            samples[name].append(side.seconds(launch) / count)
    for name, taken in samples.items():
        row[name] = median(taken)
        row[f"{name} spread"] = (max(taken) - min(taken)) / median(taken)
    if torch:
        row["ratio"] = row["torch"] / row["tatami"]
    return row


def graphs(gpu, deadline, _):
    dry = isinstance(gpu, Emulated)
    rows = {}
    for name in ["tiny"] if dry else ["mlp", "lenet", "lstm"]:
        if time.perf_counter() > deadline:
            break
        try:
            rows[name] = _captured_in_turns(gpu, name, 1 if dry else LAUNCHES)
        except Exception as error:
            rows[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
    return rows


def _captured_in_turns(gpu, name, count):
    """Seconds of a step, both ways; losses and weights after as many steps, compared bit by bit."""
    from steps import networks

    batch = [gpu.put(a) for a in networks.batch(name)]
    sides = {"plain": _training(name, False), "captured": _training(name, True)}
    samples = {side: [] for side in sides}
    ends = {}
    for k in range(ROUNDS + 1):  # the first to warm up
        for side, (params, step) in sides.items():
            start = time.perf_counter()
            for _ in range(max(count, 4)):
                loss = step(*batch)
            gpu.cupy.cuda.get_current_stream().synchronize()
            samples[side] += [(time.perf_counter() - start) / max(count, 4)] * (k > 0)
            ends[side] = [gpu.get(a).tobytes() for a in (loss.data, *(p.data for p in params))]
    row = {side: median(taken) for side, taken in samples.items()}
    return {
        **row,
        "ratio": row["plain"] / row["captured"],
        "equal": ends["plain"] == ends["captured"],
    }


def _training(name, captured):
    """(the parameters of a network, its step of training with clipped gradients)."""
    from steps import networks

    import tatami
    from tatami import functional, nn, optim

    tatami.manual_seed(0)
    model = networks.network(nn, name).to("cuda")
    params = list(model.parameters())
    optimizer = optim.Adam(params)

    def step(x, y):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        return loss

    return params, tatami.jit(step) if captured else step


def profile(gpu, deadline, results):
    """ncu's summary of the two cases that lose most to PyTorch."""
    program = shutil.which("ncu")
    rated = {name: row["ratio"] for name, row in results["time"].items() if "ratio" in row}
    if not program or not rated:
        return {"skipped": "no ncu" if not program else "nothing to compare with"}
    command = [program, "--set", "basic", "--launch-count", "8", sys.executable, __file__]
    return {
        name: _run([*command, "--one", name, "--out", os.devnull], deadline)
        for name in sorted(rated, key=rated.get)[:2]
    }


def _run(command, deadline):
    try:
        left = max(1, deadline - time.perf_counter())
        done = subprocess.run(command, capture_output=True, text=True, timeout=left)
        return {"status": done.returncode, "end": (done.stdout + done.stderr)[-4000:]}
    except subprocess.TimeoutExpired:
        return {"status": "out of time"}


STAGES = {
    "limits": limits,
    "primitives": primitives,
    "check": check,
    "sanitize": sanitize,
    "time": timings,
    "graphs": graphs,
    "profile": profile,
}


def one(gpu, name):
    """A single case of bench, a few times: for ncu."""
    from tatami import kernels as K
    from tatami.bench.shapes import CASES

    operation = next(case.operation for case in CASES if case.name == name)
    inputs = operation.inputs(np.random.default_rng(0))
    call = operation.tatami(K, **{k: gpu.put(a) for k, a in inputs.items()})
    for _ in range(3):
        call()


def table(results):
    lines = [f"{'kernel':<44}{'tatami us':>12}{'torch us':>12}{'ratio':>8}"]
    for name, row in results.get("time", {}).items():
        times = [f"{row[k] * 1e6:.1f}" if k in row else "" for k in ("tatami", "torch")]
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        lines.append(f"{name:<44}{times[0]:>12}{times[1]:>12}{ratio:>8}{row.get('error', '')}")
    for name, row in results.get("graphs", {}).items():
        lines.append(f"step of {name}, captured: {row}")
    checked = results.get("check", {})
    lines.append(f"checked: {checked.get('done')} of {checked.get('all')} cases, wrong:")
    lines += [f"  {label}: {why.splitlines()[0]}" for label, why in checked["wrong"].items()]
    lines.append(f"primitives: {results.get('primitives')}")
    return "\n".join(lines)


def device(dry):
    """The GPU, or the emulator and its arrays."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    if not dry:
        import cupy

        return Gpu(cupy)
    os.environ["TATAMI_CUDA"] = "emulate"
    import fake_cupy
    from tatami import _core

    fake_cupy.install(str(Path(_core.__file__).with_name("libtatami_cuda_emulated.so")))
    return Emulated(fake_cupy)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--small", action="store_true", help="check the smallest cases alone")
    parser.add_argument("--one", metavar="CASE", help="run one case of bench alone")
    args = parser.parse_args()
    gpu = device(args.dry_run)
    if args.one:
        return one(gpu, args.one)
    if args.small:
        found = check(gpu, time.perf_counter() + CAPS["sanitize"], {}, sizes=(1,))
        return print(found) if not found["wrong"] else sys.exit(f"wrong: {found['wrong']}")
    results = {"about": {**gpu.about(), "python": platform.python_version()}}
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.stages:
        start = time.perf_counter()
        cap = 100 if args.dry_run else CAPS[name]
        results[name] = STAGES[name](gpu, start + cap, results)
        results["about"][f"{name} seconds"] = time.perf_counter() - start
        (args.out / "gpu.json").write_text(json.dumps(results, indent=1, default=float))
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    if {"check", "time"} <= results.keys():  # what the table is made of
        (args.out / "gpu.txt").write_text(table(results) + "\n")
        print(table(results))


if __name__ == "__main__":
    main()

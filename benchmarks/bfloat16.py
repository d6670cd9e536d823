"""Products of bfloat16 next to those of float32, in turn: python benchmarks/bfloat16.py

--torch PYTHON times PyTorch's bfloat16 too, in an environment of its own. Times are the least of
some rounds: of the wall, or of one thread's processor time (--cpu), on which other programs have
less influence.
"""

import argparse
import subprocess
import sys
import time

import numpy as np

THREE = ("conv2d", "conv2d_input_grad", "conv2d_weight_grad")
# (kernel, sizes): matmul (m, k, n), linear (n, i, o), convolutions (n, c, size, o, kernel),
# lstm (t, n, i, h)
CASES = [
    *(("matmul", (n, n, n)) for n in (128, 512, 1024, 2048)),
    ("matmul", (1, 4096, 4096)),
    ("linear", (128, 784, 512)),
    *((kernel, (8, 64, 56, 64, 3)) for kernel in THREE),
    *((kernel, (8, 128, 28, 128, 3)) for kernel in THREE),
    *((kernel, (8, 256, 14, 256, 3)) for kernel in THREE),
    *((kernel, (8, 64, 56, 256, 1)) for kernel in THREE),
    ("conv2d", (8, 3, 224, 64, 7)),
    ("lstm", (35, 20, 200, 200)),
    ("lstm", (35, 20, 650, 650)),
]


def arrays(kernel, sizes):
    rng = np.random.default_rng(0)
    if kernel == "matmul":
        m, k, n = sizes
        shapes = [(m, k), (k, n)]
    elif kernel == "linear":
        n, i, o = sizes
        shapes = [(n, i), (o, i), (o,)]
    elif kernel == "lstm":
        t, n, i, h = sizes
        shapes = [(t, n, i), (4 * h, i), (4 * h, h), (4 * h,), (4 * h,)]
    else:
        n, c, size, o, k = sizes
        x, w, y = (n, c, size, size), (o, c, k, k), (n, o, size, size)
        shapes = {"conv2d": [x, w], "conv2d_input_grad": [y, w]}.get(kernel, [y, x])
    return [rng.standard_normal(shape, dtype=np.float32) / 8 for shape in shapes]


def of_tatami(kernel, sizes, given):
    from tatami import kernels as K

    function = getattr(K, kernel)
    if not kernel.startswith("conv"):
        return lambda: function(*given)
    n, c, size, o, k = sizes
    shape = {"conv2d_input_grad": [(n, c, size, size)], "conv2d_weight_grad": [(o, c, k, k)]}
    return lambda: function(*given, *shape.get(kernel, []), padding=k // 2)


def of_torch(kernel, sizes, given):
    import torch

    given = [torch.from_numpy(a).to(torch.bfloat16) for a in given]
    if kernel == "lstm":
        layer = torch.nn.LSTM(*sizes[2:]).to(torch.bfloat16)
        return lambda: layer(given[0])
    if not kernel.startswith("conv"):
        function = getattr(torch, kernel, torch.nn.functional.linear)
        return lambda: function(*given)
    n, c, size, o, k = sizes
    if kernel == "conv2d":
        return lambda: torch.nn.functional.conv2d(*given, padding=k // 2)
    if kernel == "conv2d_input_grad":
        return lambda: torch.nn.grad.conv2d_input((n, c, size, size), given[1], given[0], 1, k // 2)
    return lambda: torch.nn.grad.conv2d_weight(given[1], (o, c, k, k), given[0], 1, k // 2)


def least(calls, clock, seconds):
    """The least time of each call, all in turn."""
    best = [float("inf")] * len(calls)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, call in enumerate(calls):
            begin = clock()
            call()
            best[i] = min(best[i], clock() - begin)
    return best


def peer(options, clock):
    import torch

    torch.set_num_threads(options.threads)
    with torch.inference_mode():
        for kernel, sizes in CASES:
            if options.filter in kernel:
                call = of_torch(kernel, sizes, arrays(kernel, sizes))
                print(*least([call], clock, options.seconds), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--torch", help="a Python that has PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each line")
    parser.add_argument("--filter", default="", help="part of a kernel's name")
    parser.add_argument("--cpu", action="store_true", help="processor time, on one thread")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.threads = 1 if options.cpu else options.threads
    clock = time.process_time if options.cpu else time.perf_counter
    if options.peer:
        return peer(options, clock)
    import ml_dtypes

    import tatami

    theirs = []
    if options.torch:
        command = [options.torch, __file__, "--peer", *sys.argv[1:]]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        theirs = [float(line) for line in done.stdout.split()]
    print(f"{tatami.isa()}, {options.threads} threads, ms: float32, bfloat16, PyTorch's bfloat16")
    with tatami.threads(options.threads):
        for kernel, sizes in CASES:
            if options.filter not in kernel:
                continue
            wide = arrays(kernel, sizes)
            narrow = [a.astype(ml_dtypes.bfloat16) for a in wide]
            calls = [of_tatami(kernel, sizes, given) for given in (wide, narrow)]
            f32, bf16 = least(calls, clock, options.seconds)
            line = f"{kernel:<20}{sizes!s:<22}{1e3 * f32:8.3f}{1e3 * bf16:8.3f}{f32 / bf16:7.2f}x"
            if theirs:
                other = theirs.pop(0)
                line += f"{1e3 * other:10.3f}{other / bf16:7.2f}x"
            print(line, flush=True)


if __name__ == "__main__":
    main()

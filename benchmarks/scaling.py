"""How kernels scale: with threads, with more threads than cores, and with size.

    python benchmarks/scaling.py [threads] [crowd] [size]

``threads``: the speed-up from one thread to all cores, both in turn. ``crowd``: the processor time
of a call cut for 4, 16 and 64 threads on the cores that there are, over that of one thread: what is
packed or read more than once, and what is spent handing over. A machine with so many cores loses at
least as much; what it loses to uneven shares and to memory is not seen here. ``size``: time a FLOP,
over the least, of larger and larger matrix products and batches.
"""

import argparse
import time

import numpy as np

import tatami
from tatami import kernels as K

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape, dtype=np.float32)


def product(m, k, n):
    a, b = normal(m, k), normal(k, n)
    out = np.empty((m, n), np.float32)
    return (lambda: K.matmul(a, b, out=out)), 2 * m * k * n


def convolution(n, c, size, o, kernel=3):
    x, w = normal(n, c, size, size), normal(o, c, kernel, kernel)
    padding = kernel // 2
    out = K.conv2d(x, w, padding=padding)
    flops = 2 * out.size * c * kernel * kernel
    return (lambda: K.conv2d(x, w, padding=padding, out=out)), flops


def weight_gradient(n, c, size, o):
    x, dy = normal(n, c, size, size), normal(n, o, size, size)
    call = lambda: K.conv2d_weight_grad(dy, x, (o, c, 3, 3), padding=1)  # noqa: E731
    return call, 2 * dy.size * c * 9


def lstm(steps, batch, inputs, hidden):
    x = normal(steps, batch, inputs)
    weights = [normal(4 * hidden, size) / 16 for size in (inputs, hidden)]
    flops = 8 * steps * batch * hidden * (inputs + hidden)
    return (lambda: K.lstm(x, *weights)), flops


KERNELS = {
    "matmul 256": lambda: product(256, 256, 256),
    "matmul 1024": lambda: product(1024, 1024, 1024),
    "matmul 128x784x512": lambda: product(128, 784, 512),
    "conv2d 8x64@56": lambda: convolution(8, 64, 56, 64),
    "conv2d 8x256@14": lambda: convolution(8, 256, 14, 256),
    "conv2d 8x256@28 1x1": lambda: convolution(8, 256, 28, 256, kernel=1),
    "conv2d_weight_grad 8x128@28": lambda: weight_gradient(8, 128, 28, 128),
    "lstm T35 B20 H200": lambda: lstm(35, 20, 200, 200),
    "lstm T35 B64 H650": lambda: lstm(35, 64, 650, 650),
}
SIZES = {
    "matmul": [512, 1024, 2048, 4096, 8192],
    "conv2d 64@56 of batch": [1, 4, 16, 64, 256],
    "conv2d 256@14 of batch": [1, 4, 16, 64, 256],
}


def seconds(call, threads, clock=time.perf_counter, at_least=0.1):
    """Of a call, by ``clock``."""
    with tatami.threads(threads):
        call()
        calls, start, begun = 0, clock(), time.perf_counter()
        while calls == 0 or time.perf_counter() - begun < at_least:
            call()
            calls += 1
        return (clock() - start) / calls


def by_threads():
    all_cores = tatami.get_num_threads()
    print(f"{'speed-up':<32}{'1':>10}{all_cores:>10}{'ratio':>8}")
    for name, make in KERNELS.items():
        call, _ = make()
        pairs = [(seconds(call, 1), seconds(call, all_cores)) for _ in range(7)]
        one, many = np.median(pairs, axis=0)
        ratio = np.median([a / b for a, b in pairs])
        print(f"{name:<32}{1e3 * one:>7.2f} ms{1e3 * many:>7.2f} ms{ratio:>7.2f}x")


def by_crowd(crowds=(4, 16, 64)):
    print(f"{'processor time over one thread':<32}" + "".join(f"{n:>8}" for n in crowds))
    for name, make in KERNELS.items():
        call, _ = make()
        ratios = []
        for n in crowds:
            pairs = [[seconds(call, t, time.process_time) for t in (n, 1)] for _ in range(5)]
            ratios.append(np.median([a / b for a, b in pairs]))
        print(f"{name:<32}" + "".join(f"{ratio:>7.2f}x" for ratio in ratios), flush=True)


def by_size():
    threads = tatami.get_num_threads()
    for name, sizes in SIZES.items():
        rates = {}
        for size in sizes:
            if name == "matmul":
                call, flops = product(size, size, size)
            else:
                channels, edge = (64, 56) if "64@56" in name else (256, 14)
                call, flops = convolution(size, channels, edge, channels)
            rates[size] = flops / min(seconds(call, threads) for _ in range(5))
        best = max(rates.values())
        print(
            f"{name + ', time a FLOP over the least':<52}"
            + "".join(f"{size}: {best / rate:.2f}   " for size, rate in rates.items()),
            flush=True,
        )


PARTS = {"threads": by_threads, "crowd": by_crowd, "size": by_size}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="part", help=str([*PARTS])
    )
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()

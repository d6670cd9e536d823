"""What is spent around small kernels: by the tape, 200 operations on 4 floats, and by Adam's step.

python benchmarks/overhead.py           # us an operation and a step, processor time of one thread
python benchmarks/overhead.py --torch   # PyTorch's, where it is installed
"""

import argparse
import statistics
import time

OPERATIONS = 200
PARAMETERS = 10  # of 4 floats each


def chain(x, w, b, tanh):
    """``x * w``, ``+ b`` and ``tanh`` in turn."""
    for _ in range(OPERATIONS // 3):
        x = x * w
        x = x + b
        x = tanh(x)
    return x * w + b


def tatami_pass():
    import numpy as np

    from tatami import Tensor
    from tatami.functional import tanh

    arrays = [np.linspace(low, 1, 4, dtype=np.float32) for low in (0.1, 0.9, -0.1)]
    start, w, b = (Tensor(a, requires_grad=True) for a in arrays)
    gradient = np.ones(4, np.float32)

    def run():
        start.grad = w.grad = b.grad = None
        chain(start, w, b, tanh).backward(gradient)

    return run


def tatami_step():
    import numpy as np

    from tatami import Tensor, nn, optim

    params = [nn.Parameter(np.ones(4, np.float32)) for _ in range(PARAMETERS)]
    for p in params:
        p.grad = Tensor(np.ones(4, np.float32))
    return optim.Adam(params).step


def torch_pass():
    import torch

    torch.set_num_threads(1)
    limits = ((0.1, 1), (0.9, 1), (-0.1, 1))
    start, w, b = (torch.linspace(*pair, 4, requires_grad=True) for pair in limits)
    gradient = torch.ones(4)

    def run():
        start.grad = w.grad = b.grad = None
        chain(start, w, b, torch.tanh).backward(gradient)

    return run


def torch_step():
    import torch

    params = [torch.nn.Parameter(torch.ones(4)) for _ in range(PARAMETERS)]
    for p in params:
        p.grad = torch.ones(4)
    return torch.optim.Adam(params).step


def microseconds(run, rounds=30, repeats=20):
    """A call, the median over rounds."""
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        for _ in range(repeats):
            run()
        times.append((time.process_time() - begin) / repeats * 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", action="store_true", help="measure PyTorch instead")
    peer = parser.parse_args().torch
    run, step = (torch_pass(), torch_step()) if peer else (tatami_pass(), tatami_step())
    print(f"{microseconds(run) / OPERATIONS:.2f} us an operation, forward and backward")
    print(f"{microseconds(step):.1f} us a step of Adam with {PARAMETERS} parameters")

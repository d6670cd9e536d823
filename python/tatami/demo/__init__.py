"""Trains a small convolutional network on 1,797 handwritten digits, several times over.

Three quarters of scikit-learn's digits (8x8 pixels) are learnt from, 450 only tested on. The
weights, the training curves and a confusion matrix are written, and the kernels that did the work
are timed against NumPy.
"""

import argparse
from pathlib import Path


def _count(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def add_arguments(parser):
    add = parser.add_argument
    add("--seeds", type=_count, metavar="N", help="networks to train (default: 5)")
    add("--epochs", type=_count, metavar="N", help="passes over the digits (default: 20)")
    add("--quick", action="store_true", help="one network, three epochs, unless given otherwise")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="where to train (default: cpu)")
    add("--out", type=Path, default=Path("runs/demo"), metavar="FOLDER", help="default: runs/demo")


def run(args):
    from .show import show

    show(
        seeds=args.seeds or (1 if args.quick else 5),
        epochs=args.epochs or (3 if args.quick else 20),
        folder=args.out,
        device=args.device,
    )

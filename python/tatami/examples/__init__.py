"""Small programs, each read from top to bottom in a minute, each with a picture.

``python -m tatami example NAME`` (or ``python -m tatami.examples.NAME``) runs one: it prints the
numbers that are its point and writes its picture. ``--quick`` makes it short enough for a test.
"""

import argparse
from importlib import import_module
from pathlib import Path

GENERATIVE = (  # these train for minutes
    "autoencoder",
    "denoising",
    "anomaly",
    "sparse_codes",
    "vae",
    "cvae",
    "gan_ring",
    "dcgan",
    "cgan",
    "wgan",
    "unet",
    "pix2pix",
    "wavenet",
    "diffusion",
    "avatar",
)
NAMES = (
    "perceptron",
    "line",
    "logistic",
    "mlp",
    "activations",
    "initial_values",
    "normalization",
    "optimizer_race",
    "overfitting",
    "early_stopping",
    "augmentation",
    "whitening",
    "k_fold",
    "studies",
    "inside",
    "grid_search",
    "optuna_search",
    *GENERATIVE,
)


def about(name):
    """The first line of an example's text."""
    return import_module(f"{__name__}.{name}").__doc__.split("\n")[0]


def main(run, arguments=None):
    """Runs one example with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=import_module(run.__module__).__doc__)
    _add_settings(parser)
    args = parser.parse_args(arguments)
    _start(run, args)


def _add_settings(parser):
    folder = Path("runs/examples")
    add = parser.add_argument
    add("--out", type=Path, default=folder, metavar="FOLDER", help=f"default: {folder}")
    add("--quick", action="store_true", help="as short as it can be: for tests")


def _start(run, args):
    args.out.mkdir(parents=True, exist_ok=True)
    run(args.out, args.quick)


def add_arguments(parser):
    """For ``tatami example``."""
    parser.add_argument("name", nargs="?", choices=NAMES, help="without it, all are listed")
    _add_settings(parser)


def run(args):
    """For ``tatami example``."""
    if args.name is None:
        for name in NAMES:
            print(f"{name:<16}{about(name)}")
        return
    _start(import_module(f"{__name__}.{args.name}").run, args)

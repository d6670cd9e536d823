"""Train a generative model and watch its samples get better.

``tatami generate dcgan`` learns from data that is at hand and keeps ``samples.png``, ``losses.png``
and ``checkpoint.safetensors`` in ``runs/dcgan`` up to date. The same command again goes on where
the last one stood. ``--data FOLDER`` learns from your own images.
"""

from pathlib import Path

from . import recipes


def add_arguments(parser):
    """For ``tatami generate``."""
    add = parser.add_argument
    add("model", nargs="?", choices=recipes.NAMES, help="without it, all are listed")
    add("--data", type=Path, metavar="FOLDER", help="your own files instead of the data at hand")
    add("--size", type=int, metavar="PIXELS", help="edge of the images that --data is cut to")
    add("--epochs", type=int, metavar="N", help="passes over the data; each model has a default")
    add("--seed", type=int, default=0, help="of initial weights, noise and order (default: 0)")
    add("--out", type=Path, metavar="FOLDER", help="default: runs/MODEL")
    add("--fresh", action="store_true", help="begin anew instead of going on")


def run(args):
    """For ``tatami generate``."""
    if args.model is None:
        for name in recipes.NAMES:
            print(f"{name:<16}{recipes.about(name)}")
        return
    from .train import train

    settings = {"recipe": args.model, "size": args.size, "seed": args.seed}
    settings["data"] = None if args.data is None else str(args.data.resolve())
    train(settings, args.epochs, args.out or Path("runs") / args.model, args.fresh)

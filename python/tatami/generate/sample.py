"""Draw samples from a model that ``tatami generate`` trained."""

from pathlib import Path

from . import recipes
from .pictures import COUNT, draw
from .settings import loader


def add_arguments(parser):
    """For ``tatami sample``."""
    add = parser.add_argument
    add("checkpoint", type=Path, help="checkpoint.safetensors of a run, or its folder")
    add("--count", type=int, default=COUNT, metavar="N", help=f"default: {COUNT}")
    add("--seed", type=int, default=0, help="of the noise (default: 0)")
    add("--out", type=Path, metavar="FILE", help="default: sampled.png beside the checkpoint")


def run(args):
    """For ``tatami sample``."""
    path = args.checkpoint
    path = path / "checkpoint.safetensors" if path.is_dir() else path
    settings, model = load(path)
    out = args.out or path.with_name("sampled.png")
    out.parent.mkdir(parents=True, exist_ok=True)
    recipe = recipes.recipe(settings["recipe"])
    draw(recipe, model, loader(settings), out, args.count, args.seed)
    print(f"{args.count} samples of {settings['recipe']}: {out}")


def load(path):
    """Settings and model of a checkpoint that ``tatami generate`` wrote."""
    from ..nn import from_config
    from ..training.checkpoint import read_checkpoint

    state = read_checkpoint(path)
    if "settings" not in state or state["settings"]["recipe"] not in recipes.NAMES:
        raise ValueError(f"{path} was not written by `tatami generate`")
    model = from_config(state["architecture"])
    model.load_state_dict(state["model"])
    return state["settings"], model

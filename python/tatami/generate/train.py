"""Training by a recipe: what is printed, and what is kept in the folder."""

from .. import random, training
from ..training.checkpoint import read_checkpoint
from . import recipes
from .keep import Keep
from .pictures import Pictures
from .settings import loader


def train(settings, epochs, folder, fresh=False):
    """Trains from the beginning, or from the folder's checkpoint; returns the model."""
    recipe = recipes.recipe(settings["recipe"])
    checkpoint = folder / "checkpoint.safetensors"
    resume = checkpoint if checkpoint.exists() and not fresh else None
    if resume is not None:
        done = _same_run(read_checkpoint(resume), settings, resume)
        print(f"going on after epoch {done}: {resume} (--fresh begins anew)")
    folder.mkdir(parents=True, exist_ok=True)
    random.manual_seed(settings["seed"])
    data = loader(settings)
    model = recipe.model(*data())
    epochs = recipe.EPOCHS if epochs is None else epochs
    print(_introduction(settings, data(), folder))
    model.fit(
        *data(),
        batch_size=recipe.BATCH_SIZE,
        epochs=epochs,
        verbose=0,
        resume=resume,
        callbacks=[
            training.Progress(settings["recipe"], images=len(_first(data())), one_line=True),
            Pictures(recipe, data, folder, settings["seed"]),
            Keep(checkpoint, settings),
        ],
    )
    print(f"written to {folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}")
    return model


def _same_run(state, settings, path):
    """The epochs that are done, if the checkpoint is of such a run."""
    saved = state.get("settings")
    if saved != settings:
        given = {k: v for k, v in settings.items() if not saved or saved.get(k) != v}
        raise ValueError(
            f"{path} is of another run (now {', '.join(f'{k} {v}' for k, v in given.items())}); "
            "--fresh begins anew, --out takes another folder"
        )
    return state["epoch"]


def _introduction(settings, data, folder):
    rows = _first(data)
    shape = "x".join(map(str, rows.shape[1:]))
    source = f" of {settings['data']}" if settings["data"] else ""
    name = settings["recipe"]
    return (
        f"{name}: {recipes.about(name)}\n"
        f"{len(rows):,} examples of {shape}{source}; Ctrl-C stops, the same command goes on\n"
        f"samples, as it learns: {folder}"
    )


def _first(data):
    """The first input of the arrays for ``fit``."""
    return data[0][0] if isinstance(data[0], tuple) else data[0]

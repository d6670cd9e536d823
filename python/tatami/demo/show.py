"""What the demo prints and writes, from first line to last."""

import time

import numpy as np

import tatami

from .. import metrics, nn, training, viz
from ..examples._digits import load
from . import compare, digits


def show(seeds, epochs, folder, device="cpu"):
    train, test = load()
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"tatami {tatami.__version__} ({tatami.isa()}, {tatami.get_num_threads()} threads)\n"
        f"{len(train[1]):,} handwritten digits to learn from, {len(test[1]):,} to be tested on\n"
    )
    start = time.perf_counter()
    runs = [digits.train(seed, epochs, train, test, device=device) for seed in range(seeds)]
    seconds = time.perf_counter() - start
    models, histories = zip(*runs, strict=True)
    accuracies = [history["val_accuracy"][-1] for history in histories]
    print(
        f"\ntest accuracy  {'  '.join(f'{a:.2%}' for a in accuracies)}\n"
        f"          mean  {np.mean(accuracies):.2%}  ({seconds:.1f} s for everything)\n"
    )
    print(compare.table())
    nn.save_weights(models[0], folder / "weights.safetensors")
    curves(histories, folder / "curves.png")
    guesses = np.concatenate([training.predict(model, test[0]) for model in models])
    counts = metrics.confusion_matrix(np.tile(test[1], len(models)), guesses)
    viz.confusion_matrix(counts, path=folder / "confusion.png")
    print(f"\nwritten to {folder}: weights.safetensors (seed 0), curves.png, confusion.png")


def curves(histories, path):
    """Loss and accuracies by epoch, the latter where they have settled."""
    last = np.mean([history["val_accuracy"][-1] for history in histories])
    title = f"handwritten digits: test accuracy {last:.2%}"
    with viz.panels(2, size=(4.8, 3.8), title=title, path=path) as (loss, accuracy):
        viz.curve(histories, "loss", log=True, ax=loss)
        labels = ("training (shifted images, dropout)", "test")
        viz.curve(histories, "accuracy", labels=labels, ax=accuracy)
        accuracy.set_ylim(0.85, 1.005)

"""What the demo prints and writes, from first line to last."""

import time

import numpy as np

import tatami

from .. import nn, training
from . import compare, digits, pictures


def show(seeds, epochs, folder):
    train, test = digits.load()
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"tatami {tatami.__version__} ({tatami.isa()}, {tatami.get_num_threads()} threads)\n"
        f"{len(train):,} handwritten digits to learn from, {len(test):,} to be tested on\n"
    )
    start = time.perf_counter()
    runs = [digits.train(seed, epochs, train, test) for seed in range(seeds)]
    seconds = time.perf_counter() - start
    models, histories = zip(*runs, strict=True)
    accuracies = [history["test"][-1] for history in histories]
    print(
        f"\ntest accuracy  {'  '.join(f'{a:.2%}' for a in accuracies)}\n"
        f"          mean  {np.mean(accuracies):.2%}  ({seconds:.1f} s for everything)\n"
    )
    print(compare.table())
    nn.save_weights(models[0], folder / "weights.safetensors")
    pictures.curves(folder / "curves.png", histories)
    guesses = [training.predict(m, test.images).argmax(axis=1) for m in models]
    pictures.confusion(folder / "confusion.png", test.targets, guesses)
    print(f"\nwritten to {folder}: weights.safetensors (seed 0), curves.png, confusion.png")

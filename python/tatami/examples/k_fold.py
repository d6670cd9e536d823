"""k-fold cross-validation: how much of a score is luck.

The rows are cut into k parts, and k networks learn from all parts but one, each tested on the part
that it has not seen: every row is tested exactly once. A single split gives one of those k scores,
and nobody knows which; their mean depends much less on how the rows were cut.
"""

from functools import partial

import numpy as np

from tatami import manual_seed, nn, optim, viz
from tatami.data import KFold, Standardize
from tatami.data.datasets import wine
from tatami.examples import main


def score(x, y, train, test):
    """Accuracy on the test rows; the scale too is learnt from the others alone."""
    scale = Standardize().fit(x[train])
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    model.compile(partial(optim.Adam, lr=0.01), metrics=["accuracy"])
    model.fit(scale.transform(x[train]), y[train], batch_size=16, epochs=6, verbose=0)
    return model.evaluate(scale.transform(x[test]), y[test])[1]


def run(out, quick=False):
    manual_seed(0)
    x, y = wine()
    scores, tested = [], np.zeros(len(x), int)
    for cut in range(3 if quick else 20):
        scores.append([])
        for train, test in KFold(5, shuffle=True, seed=cut).split(x):
            scores[-1].append(score(x, y, train, test))
            tested[test] += 1
    scores = np.array(scores)
    means = scores.mean(axis=1)
    print("one cut into five parts:", "  ".join(f"{s:.1%}" for s in scores[0]))
    print(f"{len(scores)} cuts: a single split says {scores.min():.1%} to {scores.max():.1%},")
    print(f"         the mean of five parts {means.min():.1%} to {means.max():.1%}")

    with viz.panels(1, size=(6.5, 3.8), path=out / "k_fold.png") as (ax,):
        cuts = np.arange(1, len(scores) + 1)
        viz.lines(
            cuts,
            {"mean of five parts": means},
            xlabel="way of cutting the rows",
            ylabel="accuracy on rows not seen",
            ax=ax,
        )
        ax.plot(cuts, scores, "o", color="black", ms=4, alpha=0.4)
        ax.plot([], [], "o", color="black", ms=4, alpha=0.4, label="each part")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
    return {"scores": scores, "tested": tested}


if __name__ == "__main__":
    main(run)

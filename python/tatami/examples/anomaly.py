"""Anomaly detection: what an autoencoder cannot give back, it has not seen before.

It learns from all digits but one, and gives back that one badly: the error tells the strange from
the known, without one example of the strange. The area under the ROC curve is how often a strange
digit has the larger error of the two, of all pairs of a strange and a known one.
"""

import numpy as np

from tatami import manual_seed, metrics, viz
from tatami.data import PCA
from tatami.examples import _digits, main
from tatami.models import Autoencoder


def network(x, epochs=60):
    model = Autoencoder((64, 256, 8))
    _digits.annealed(model, x, epochs=epochs, lr=3e-3)
    return model


def without(strange):
    """Known digits to learn from; known ones and all strange ones to judge, and which those are."""
    (x, y), (test, digits) = _digits.load()
    known = test[digits != strange]
    judged = np.concatenate([known, x[y == strange], test[digits == strange]])
    return x[y != strange], judged, np.arange(len(judged)) >= len(known)


def run(out, quick=False):
    area = {"8 principal axes": [], "8 codes": []}
    for strange in range(10):
        x, judged, is_strange = without(strange)
        manual_seed(strange)
        pca, model = PCA(8).fit(x), network(x, 5 if quick else 60)
        off = (pca.inverse(pca.transform(judged)) - judged).reshape(len(judged), -1)
        for row, errors in zip(area.values(), (np.mean(off**2, axis=1), model.errors(judged))):
            row.append(metrics.auc(is_strange, errors))
        print(f"never seen {strange}: AUC {row[-1]:.3f}")
    for name, row in area.items():
        print(f"{name:<17}mean AUC {np.mean(row):.3f}")

    shown = {}
    for name, images in (("known", judged[~is_strange][:8]), ("strange", judged[is_strange][:8])):
        shown |= {name: images, f"{name}, back": model.predict(images).clip(0, 1)}
    with viz.panels(2, path=out / "anomaly.png", size=(4.4, 3.6)) as axes:
        words = {"title": "never seen while learning", "ylabel": "area under the ROC curve"}
        viz.bars(range(10), area, **words, xlabel="digit", ax=axes[0])
        axes[0].set(ylim=(0.5, 1.1), yticks=np.linspace(0.5, 1, 6))
        axes[0].legend(loc="upper center", ncols=2)
        viz.image_rows(shown, title="given back; 9 was never seen", ax=axes[1])
    return area


if __name__ == "__main__":
    main(run)

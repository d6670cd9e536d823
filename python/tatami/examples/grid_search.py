"""Widths and learning rates compared by cross-validation, with scikit-learn's GridSearchCV.

178 wines from three growers are told apart by 13 measurements. Scaling belongs into the pipeline:
each of the five folds then scales by its own training rows alone, and the rows that it is tested on
stay unseen.
"""

from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tatami import viz
from tatami.examples import main
from tatami.sklearn import TatamiClassifier

WIDTHS = [2, 8, 32, 128]
RATES = [1e-3, 1e-2]


def run(out, quick=False):
    x, y = load_wine(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, stratify=y, random_state=0)
    network = TatamiClassifier(epochs=8 if quick else 30, batch_size=16, random_state=0)
    grid = {
        "tatamiclassifier__hidden": [(width,) for width in WIDTHS],
        "tatamiclassifier__lr": RATES,
    }
    search = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=5)
    search.fit(x, y)
    scores = search.cv_results_["mean_test_score"].reshape(len(WIDTHS), len(RATES))
    for width, row in zip(WIDTHS, scores):
        for rate, score in zip(RATES, row):
            print(f"{width:>4} hidden units  learning rate {rate:<6g} accuracy {score:.3f}")
    accuracy = search.score(x_test, y_test)
    print(f"the best, on {len(y_test)} wines kept aside: {accuracy:.3f}")
    viz.lines(
        WIDTHS,
        {f"learning rate {rate:g}": scores[:, k] for k, rate in enumerate(RATES)},
        title="accuracy over five folds",
        xlabel="hidden units",
        ylabel="accuracy",
        log="x",
        path=out / "grid_search.png",
    )
    return {"scores": scores, "accuracy": accuracy}


if __name__ == "__main__":
    main(run)

"""Pictures: what is drawn is what was given, on the axes or to the file that was named."""

import numpy as np
import pytest

from tatami import functional as F
from tatami import viz
from test_import import python

pytest.importorskip("matplotlib")
RNG = np.random.default_rng(0)
HISTORY = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0], "accuracy": [0.1, 0.5, 0.9]}
BOWL = viz.Landscape(
    "bowl", lambda x, y: x**2 + y**2, (-2, 2), (-1, 1), {"SGD": np.array([[1, 1], [0.5, 0.5]])}
)
PATCH = np.arange(4.0).reshape(2, 2)
SIDES = {"left": np.arange(9.0), "right": -np.arange(9.0)}

# name -> a picture that goes onto one pair of axes
ON_AXES = {
    "activation": lambda **at: viz.activation(F.sigmoid, **at),
    "bars": lambda **at: viz.bars("ab", {"one": [1.0, 2.0], "two": [3.0, 4.0]}, **at),
    "confusion_matrix": lambda **at: viz.confusion_matrix([[5, 1], [0, 4]], **at),
    "curve": lambda **at: viz.curve(HISTORY, **at),
    "distributions": lambda **at: viz.distributions([RNG.normal(size=99)] * 3, **at),
    "feature_maps": lambda **at: viz.feature_maps(RNG.normal(size=(5, 4, 4)), **at),
    "image_rows": lambda **at: viz.image_rows({"a": [PATCH], "b": [PATCH]}, **at),
    "images": lambda **at: viz.images(RNG.random((6, 3, 8, 8)), list("abcdef"), **at),
    "lines": lambda **at: viz.lines(range(9), SIDES, points=([1, 2], [3, 4]), **at),
    "matrix": lambda **at: viz.matrix(RNG.normal(size=(4, 5)), label="covariance", **at),
    "regions": lambda **at: viz.regions(lambda x: x[:, 0] > 0, np.eye(2), [0, 1], **at),
    "scatter": lambda **at: viz.scatter(RNG.normal(size=(9, 2)), np.arange(9) % 3, **at),
    "surface": lambda **at: viz.surface(BOWL, **at),
    "weights": lambda **at: viz.weights(RNG.normal(size=(6, 64)), (8, 8), **at),
}
# name -> a picture that fills a figure
FIGURES = {
    "history": lambda **at: viz.history(HISTORY, title="three epochs", **at),
    "race": lambda **at: viz.race([BOWL, BOWL], title="twice", **at),
}


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 1000


def test_every_function_is_here():
    assert {*ON_AXES, *FIGURES, "Landscape", "animation", "panels", "sampled"} == set(viz.__all__)


@pytest.mark.parametrize("name", ON_AXES)
def test_axes_given_are_drawn_on_and_returned(name):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert ON_AXES[name](ax=ax) is ax
    assert ax.has_data()


@pytest.mark.parametrize("name", [*ON_AXES, *FIGURES])
def test_a_path_gets_the_picture_and_pyplot_does_not(name, tmp_path):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    made = (ON_AXES | FIGURES)[name](path=tmp_path / "it.png")
    assert made is not None and is_png(tmp_path / "it.png")
    assert pyplot.get_fignums() == before


def test_without_a_path_pyplot_shows_it(monkeypatch):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure = viz.history(HISTORY)
    assert pyplot.gcf() is figure
    pyplot.close(figure)


def test_settings_of_others_are_left_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    viz.history(HISTORY, path=tmp_path / "it.png")
    assert dict(matplotlib.rcParams) == before


def test_history_has_a_panel_a_measure_and_a_line_a_kind(tmp_path):
    figure = viz.history(HISTORY, path=tmp_path / "it.png")
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy"]
    training, validation = figure.axes[0].lines
    np.testing.assert_array_equal(training.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(validation.get_ydata(), HISTORY["val_loss"])


def test_several_runs_are_thin_lines_and_their_mean(tmp_path):
    runs = [{"loss": [1.0, 2.0]}, {"loss": [3.0]}]
    ax = viz.curve(runs, path=tmp_path / "it.png")
    np.testing.assert_array_equal(ax.lines[-1].get_ydata(), [2, 2])
    assert len(ax.lines) == 3


@pytest.mark.filterwarnings("error")
def test_runs_and_layers_that_have_diverged_are_drawn(tmp_path):
    path = tmp_path / "it.png"
    ax = viz.curve([{"loss": [1.0, 2.0, np.nan]}, {"loss": [3.0, np.nan, np.nan]}], path=path)
    np.testing.assert_array_equal(ax.lines[-1].get_ydata().filled(-1), [2, 2, -1])
    ax = viz.distributions([np.array([-1.0, 1.0]), np.array([0.5, np.nan])], path=path)
    assert [text.get_text() for text in ax.texts] == ["1.00", "nan"]
    viz.distributions([np.full(3, np.nan)], path=path)


def test_the_steepest_slope_of_an_activation_is_its_title(tmp_path):
    ax = viz.activation(F.sigmoid, "sigmoid", path=tmp_path / "it.png")
    assert ax.get_title("left") == "sigmoid: |f'| ≤ 0.25"


def test_images_lie_row_by_row_with_room_between(tmp_path):
    x = np.arange(12.0).reshape(3, 2, 2)
    ax = viz.images(x, columns=2, path=tmp_path / "it.png")
    shown = ax.images[0].get_array().filled(-1)
    expected = [
        [0, 1, -1, 4, 5],
        [2, 3, -1, 6, 7],
        [-1, -1, -1, -1, -1],
        [8, 9, -1, -1, -1],
        [10, 11, -1, -1, -1],
    ]
    np.testing.assert_array_equal(shown, expected)


def test_rows_of_images_are_named(tmp_path):
    ax = viz.image_rows({"a": [PATCH, PATCH], "b": [PATCH + 4] * 2}, path=tmp_path / "it.png")
    shown = ax.images[0].get_array().filled(-1)
    np.testing.assert_array_equal(shown[:2], [[0, 1, -1, 0, 1], [2, 3, -1, 2, 3]])
    np.testing.assert_array_equal(shown[3:, :2], PATCH + 4)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_yticks().tolist() == [0.5, 3.5]


def test_weights_share_one_scale_around_zero(tmp_path):
    ax = viz.weights(np.array([[1.0, -4], [2, 0]]), (1, 2), path=tmp_path / "it.png")
    assert ax.images[0].get_clim() == (-4, 4)


def test_each_label_stands_amid_its_points(tmp_path):
    x = np.array([[0.0, 0], [2, 0], [1, 6], [9, 9]])
    ax = viz.scatter(x, [5, 5, 5, 7], path=tmp_path / "it.png")
    placed = {text.get_text(): text.get_position() for text in ax.texts}
    assert placed == {"5": (1, 0), "7": (9, 9)}


def test_an_animation_has_all_its_frames(tmp_path):
    from PIL import Image

    viz.animation([BOWL], tmp_path / "it.gif", frames=2, fps=10, hold=4)
    with Image.open(tmp_path / "it.gif") as picture:
        assert picture.format == "GIF" and picture.n_frames == 2
        picture.seek(1)
        assert picture.info["duration"] == 500


@pytest.mark.parametrize(
    "call, what",
    [
        (lambda: viz.images(np.zeros((2, 5, 4, 4))), r"images: .*\(2, 5, 4, 4\)"),
        (lambda: viz.images(np.zeros((0, 4, 4))), r"images: .*\(0, 1, 4, 4\)"),
        (lambda: viz.weights(np.zeros((10, 64))), r"weights: .*\(10, 64\).*shape=\(H, W\)"),
        (lambda: viz.matrix(np.zeros(3)), r"matrix: .*\(3,\)"),
        (lambda: viz.feature_maps(np.zeros((1, 5, 4, 4))), "feature_maps: .* one image"),
        (lambda: viz.confusion_matrix(np.zeros((2, 3))), "confusion_matrix: .* square"),
        (lambda: viz.confusion_matrix(np.zeros((0, 0))), r"confusion_matrix: .*\(0, 0\)"),
        (lambda: viz.distributions([]), "distributions: there are no layers"),
        (
            lambda: viz.image_rows({"a": np.zeros((2, 4, 4)), "b": np.zeros((3, 4, 4))}),
            r"image_rows: .*\(2, 1, 4, 4\), \(3, 1, 4, 4\)",
        ),
        (lambda: viz.images(np.zeros((2, 4, 4)), "abc"), "images: 3 labels for 2 images"),
        (lambda: viz.matrix(np.zeros((0, 3))), r"matrix: .*\(0, 3\)"),
        (lambda: viz.regions(sum, np.zeros((4, 3)), np.zeros(4)), r"regions: .*\(4, 3\)"),
        (lambda: viz.scatter(np.zeros((4, 2)), np.zeros(3)), r"scatter: .*\(4, 2\) and \(3,\)"),
        (lambda: viz.weights(np.zeros((0, 1, 3, 3))), r"weights: .*\(0, 1, 3, 3\)"),
    ],
)
def test_wrong_shapes_are_errors_that_say_what_fits(call, what):
    with pytest.raises(ValueError, match=what):
        call()


def test_matplotlib_is_loaded_at_the_first_picture():
    code = "import sys, tatami.viz; print('matplotlib' in sys.modules)"
    assert python(code) == "False"


def test_without_matplotlib_the_extra_is_named():
    code = "import sys; sys.modules['matplotlib'] = None\n"
    code += "import tatami; tatami.viz.curve({'loss': [1.0]})"
    assert 'pip install "tatami[viz]"' in python(code)

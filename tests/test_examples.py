"""Every example runs in its short form, writes its picture, and shows what it says it shows."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tatami import examples
from test_cli import run as tatami_command

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def result(folder):
    """What the examples return, each run once."""
    results = {}

    def of(name):
        if name not in results:
            results[name] = import_module(f"tatami.examples.{name}").run(folder, quick=True)
        picture = folder / f"{name}.png"
        assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 5000
        return results[name]

    return of


def test_every_file_is_an_example_and_is_shown_here():
    files = Path(examples.__file__).parent.glob("*.py")
    assert sorted(p.stem for p in files if p.stem[0] != "_") == sorted(examples.NAMES)
    for name in examples.NAMES:
        assert f"test_{name}" in globals(), name
        assert examples.about(name).endswith(".")


def test_perceptron(result):
    shown = result("perceptron")
    assert 0 < sum(shown["mistakes"]) <= shown["bound"], "Novikoff's bound"
    assert shown["mistakes"][-1] == 0
    assert min(shown["never"]) > 0, "exclusive or is never learnt"


def test_line(result):
    shown = result("line")
    np.testing.assert_allclose(shown["found"], shown["exact"], atol=0.05)
    assert (np.diff(shown["losses"]) <= 1e-6).all(), "downhill all the way"


def test_logistic(result):
    shown = result("logistic")
    assert shown["accuracy"] > 0.9
    # Where the loss is least its derivative is zero: the errors cancel, by every feature.
    errors = shown["probabilities"] - shown["y"]
    np.testing.assert_allclose(errors.sum(), 0, atol=1e-2)
    np.testing.assert_allclose(errors @ shown["x"], 0, atol=2e-2)


def test_activations(result):
    steepest = result("activations")
    assert steepest["sigmoid"] == pytest.approx(0.25)
    assert steepest["softmax of (x, 0)"] == pytest.approx(0.25)
    assert steepest["tanh"] == pytest.approx(1)
    for name in ("ReLU", "leaky ReLU (0.01)", "PReLU (slope learnt)", "RReLU (slope drawn)"):
        assert steepest[name] == 1
    assert steepest["GELU"] > 1 and steepest["SiLU"] > 1 > steepest["softplus"]


def test_initial_values(result):
    kept = result("initial_values")
    assert 0.5 < kept["relu, He"] < 2, "He keeps the mean square through ReLU"
    assert kept["relu, Xavier"] < 0.01, "Xavier halves it ten times"
    assert kept["tanh, Xavier"] > 0.05
    assert max(kept["relu, ±0.05"], kept["tanh, ±0.05"]) < 1e-5


def test_normalization(result):
    shown = result("normalization")
    accuracy, off = shown["accuracy"], shown["off"]
    assert accuracy.pop("none") < 0.2, "the signal has died"
    assert min(accuracy.values()) > 0.4
    assert max(off.pop("none")) > 1
    for name, (mean, variance) in off.items():
        assert mean < 1e-5 and variance < 1e-4, name


def test_optimizer_race(result, folder):
    ends = result("optimizer_race")
    assert (folder / "optimizer_race.gif").read_bytes()[:6] == b"GIF89a"
    adaptive = ("Adagrad", "Adadelta", "RMSprop", "Adam", "AMSGrad", "Nadam")
    for place in ("a saddle", "a plateau"):
        assert all(ends[place][name] < -0.99 for name in adaptive)
        assert ends[place]["SGD"] > -0.2, "where the slope is small it is slow"
    for place, deep in (("a local minimum", -1.5), ("all in one", -1.2)):
        assert ends[place]["momentum"] < deep and ends[place]["Nesterov"] < deep
        assert all(ends[place][name] > deep / 2 for name in (*adaptive, "SGD"))


def test_mlp(result):
    accuracy = result("mlp")
    assert accuracy[0] < 0.9, "no line separates the moons"
    assert min(accuracy[1], accuracy[2]) > 0.95


def test_overfitting(result):
    errors = result("overfitting")
    assert errors["straight line"] < 0.1 < errors["large network"] < errors["degree 10"]
    for remedy in list(errors)[3:]:
        assert errors["straight line"] < errors[remedy] < errors["large network"], remedy


def test_early_stopping(result):
    shown = result("early_stopping")
    losses = shown["history"]["val_loss"]
    assert int(np.argmin(losses)) == shown["best"] == len(losses) - 11, "ten epochs of patience"
    np.testing.assert_allclose(shown["kept"], min(losses), rtol=1e-5)


def test_augmentation(result):
    plain, augmented = result("augmentation").values()
    assert plain["as they are"] > 0.9 and augmented["as they are"] > 0.85
    assert augmented["moved"] > plain["moved"] + 0.1 and augmented["turned"] > plain["turned"]


def test_whitening(result):
    shown = result("whitening")
    variances = shown["variances"]
    kept = variances / (variances + 0.001)  # what eps leaves of each
    rows = {name: x.reshape(len(x), -1) for name, x in shown["whitened"].items()}
    np.testing.assert_allclose(np.cov(rows["PCA"], rowvar=False), np.diag(kept), atol=1e-3)
    by_size = np.linalg.eigvalsh(np.cov(rows["ZCA"], rowvar=False))[::-1]
    np.testing.assert_allclose(by_size, np.sort(kept)[::-1], atol=1e-3)
    centred = rows["digits"] - rows["digits"].mean(axis=0)
    moved = {name: np.linalg.norm(rows[name] - centred) for name in ("PCA", "ZCA")}
    assert moved["ZCA"] < moved["PCA"], "of all that whiten it moves the data least"


def test_k_fold(result):
    shown = result("k_fold")
    scores = shown["scores"]
    assert (shown["tested"] == len(scores)).all(), "each cut tests every row once"
    assert np.ptp(scores.mean(axis=1)) < np.ptp(scores) and scores.mean() > 0.9


def test_studies(result):
    accuracy = result("studies")
    assert max(accuracy["lr"], key=accuracy["lr"].get) in (0.01, 0.1)
    assert accuracy["lr"][10.0] < 0.3 and accuracy["width"][2] < accuracy["width"][32]
    assert accuracy["batch_size"][1024] < accuracy["batch_size"][16]


def test_inside(result):
    shown = result("inside")
    assert shown["accuracy"] > 0.85
    _, maps, _, second, smaller, _, scores = shown["outputs"]
    assert maps.shape == (1, 8, 8, 8) and maps.min() == 0 < maps.max()
    blocks = second.reshape(1, 16, 4, 2, 4, 2)
    np.testing.assert_array_equal(smaller, blocks.max(axis=(3, 5)))
    exponentials = np.exp(scores - scores.max())[0]
    np.testing.assert_allclose(shown["probabilities"], exponentials / exponentials.sum(), rtol=1e-5)


def test_grid_search(result):
    shown = result("grid_search")
    assert shown["accuracy"] > 0.9
    assert (shown["scores"][1:, 1] > 0.9).all() and shown["scores"][0, 0] < 0.8


def test_optuna_search(result):
    pytest.importorskip("optuna")
    shown = result("optuna_search")
    assert shown["best"] > 0.9
    assert min(map(len, shown["reached"])) < 4, "some are given up early"


def test_autoencoder(result):
    shown = result("autoencoder")
    errors = {name: np.array(row) for name, row in shown["errors"].items()}
    np.testing.assert_allclose(errors["linear network"], errors["PCA"], rtol=0.02)
    assert (errors["deep network"] < 0.8 * errors["PCA"]).all()
    assert shown["clusters"]["deep 2"] > shown["clusters"]["PCA 2"]
    assert shown["losses"]["level by level"][-1] < shown["losses"]["from scratch"][-1]


def test_denoising(result):
    for before, by_axes, by_network in result("denoising").values():
        assert before < by_network and by_axes < by_network


def test_anomaly(result):
    by_axes, by_network = (np.array(area) for area in result("anomaly").values())
    assert by_network.mean() > 0.9 and by_network.mean() > by_axes.mean()


def test_sparse_codes(result):
    (free, all_active), *penalised = result("sparse_codes").values()
    for error, active in penalised:
        assert free < error < 0.04 and active < all_active / 4


def test_gan_ring(result):
    shown = result("gan_ring")
    assert shown["clouds"] >= 7


def test_dcgan(result):
    shown = result("dcgan")
    losses = np.array(shown["history"]["d_loss"])
    assert (losses > 0.3).all() and (losses < 1.5).all(), "neither wins"


def test_cgan(result):
    shown = result("cgan")
    assert shown["agreement"] > 0.5, "chance is 0.1"


def test_wgan(result):
    shown = result("wgan")
    assert np.isfinite(shown["history"]["distance"]).all()


def test_unet(result):
    shown = result("unet")
    overlap, error = shown["overlap"], shown["error"]
    assert overlap["U-Net"] > 0.45 > 0.3 > max(overlap["threshold"], overlap["all of it"])
    for way in ("grey", "blurred grey"):
        assert sum(error["U-Net"]) < sum(error[way])


def test_pix2pix(result):
    shown = result("pix2pix")
    alone, critic = shown["L1 alone"], shown["L1 and critic"]
    assert max(alone["error"], critic["error"]) < shown["edges"]["error"]
    assert critic["error"] < shown["blurred edges"]["error"]
    assert critic["histogram"] < alone["histogram"], "closer to how steep real photographs are"


def test_vae(result):
    nats = result("vae")
    assert all(
        nats["floor"] < nats[codes] < nats["mean image"] - 1 for codes in ("2 codes", "8 codes")
    )


def test_cvae(result):
    shown = result("cvae")
    assert shown["agreement"] > 0.7
    assert shown["asked"] < 0.4 < shown["plain"], "what the label says is not in the code"


def test_wavenet(result):
    shown = result("wavenet")
    assert shown["WaveNet"] < shown["bigrams"] < shown["uniform"]


def test_diffusion(result):
    shown = result("diffusion")
    asked = [shown[f"guidance {g}"]["as asked"] for g in (0, 1, 3)]
    assert asked[0] < 0.3 < asked[1] < asked[2] and asked[2] > 0.7


def test_avatar(result, folder):
    shown = result("avatar")
    assert (folder / "avatar.gif").read_bytes()[:6] == b"GIF89a"
    psnr = shown["psnr"]
    assert psnr["both layers"] > psnr["the picture as it was"] > 10
    assert shown["frame"] < shown["meeting"], "dear once a person, cheap for each frame"


def test_from_the_command_line(tmp_path):
    listed = tatami_command("example")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(examples.NAMES)
    done = tatami_command("example", "line", "--quick", "--out", str(tmp_path / "new"))
    assert done.returncode == 0 and done.stderr == ""
    assert "least squares" in done.stdout
    assert (tmp_path / "new" / "line.png").exists()
    wrong = tatami_command("example", "dance")
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


def test_as_a_module(tmp_path, capsys):
    module = import_module("tatami.examples.line")
    examples.main(module.run, ["--quick", "--out", str(tmp_path)])
    assert "least squares" in capsys.readouterr().out

"""Generative models on real data, over several seeds, next to the same networks in PyTorch.

    python benchmarks/generative.py diffusion

PyTorch's numbers were measured once, with the same seeds: reference/NAME.py says how and
reference/NAME.json what came out. Ours are written to results/generative-NAME.json.
"""

import argparse
import json
from pathlib import Path

import autoencoders
import gans
import numpy as np

import tatami
from reference import record
from tatami import metrics, models
from tatami.examples import _digits
from tatami.examples import avatar as avatar_example
from tatami.examples import pix2pix as pix2pix_example
from tatami.examples import unet as unet_example
from tatami.examples import wavenet as wavenet_example
from tatami.generate import recipes
from tatami.generate.subjects import photos, sounds

HERE = Path(__file__).parent


def judged(made, train, test):
    """Samples of the test digits' classes next to these, by a classifier that learnt the others."""
    images, labels = test
    eye = _digits.eye(*train)
    real, features = eye.features(images), eye.features(made)
    probabilities = eye.probabilities(made)
    precision, recall = metrics.precision_recall(real, features)
    return {
        "agreement": np.mean(probabilities.argmax(axis=1) == labels),
        "frechet_distance": metrics.frechet_distance(real, features),
        "classifier_score": metrics.classifier_score(probabilities),
        "precision": precision,
        "recall": recall,
    }


def trained(recipe, data):
    """The recipe's model of the data, after its epochs."""
    model = recipe.model(*data)
    model.fit(*data, batch_size=recipe.BATCH_SIZE, epochs=recipe.EPOCHS, verbose=0)
    return model


def diffusion(seed):
    tatami.manual_seed(seed)
    train, test = _digits.load()
    model = trained(recipes.recipe("diffusion"), train)
    made = model.sample(len(test[1]), test[1], rng=np.random.default_rng(seed))
    return judged(made, train, test)


def vae(seed):
    """Negative evidence lower bounds of the test digits, and whether those asked for are seen."""
    tatami.manual_seed(seed)
    train, test = _digits.load()
    shape = train[0].shape[1:]
    networks = {
        "dense": models.DenseVAE(shape, 8),
        "conv": models.ConvVAE(shape, 8),
        "conditional": models.ConditionalVAE(10, shape, 8),
    }
    numbers = {}
    for name, model in networks.items():
        parts = 2 if name == "conditional" else 1  # with labels, or without
        model.compile()
        model.fit(*train[:parts], batch_size=64, epochs=60, verbose=0)
        found = model.evaluate(*test[:parts], batch_size=len(test[1]), return_dict=True)
        numbers[f"negative_elbo_{name}"] = found["loss"]
    made = model.sample(len(test[1]), test[1], rng=np.random.default_rng(seed))
    return {**numbers, "agreement": judged(made, train, test)["agreement"]}


def unet(seed):
    train, (x, masks) = unet_example.grass()
    found = unet_example.segmenting(*train, seed=seed).predict(x) > 0
    model = unet_example.colouring(*recipes.recipe("unet").data(None, None), seed=seed)
    return {
        "overlap": unet_example.overlap(found, masks),
        **{
            f"{name}_l1": np.abs(recipes.recipe("unet").coloured(model, photos.grey(x)) - x).mean()
            for name, x in zip(photos.HELD_OUT, unet_example.held_out())
        },
    }


def pix2pix(seed):
    recipe = recipes.recipe("pix2pix")
    train, (x, real) = recipe.data(None, None), recipe.held_out()
    numbers = {}
    for name, critic in (("l1_alone", False), ("with_critic", True)):
        model = pix2pix_example.learnt(*train, recipe.EPOCHS, critic, seed)
        found = pix2pix_example.judged(model.translate(x), real)
        numbers |= {f"{name}_{key}": value for key, value in found.items()}
    return numbers


def wavenet(seed):
    tatami.manual_seed(seed)
    model = trained(recipes.recipe("wavenet"), recipes.recipe("wavenet").data(None, None))
    test = sounds.sounds(70, np.random.default_rng(1))
    asked = wavenet_example.asked(model, test[1])
    return {"nll": model.evaluate(*test, batch_size=7), "as_asked": asked}


def avatar(seed):
    """128 people who were never seen before, each in another pose."""
    recipe = recipes.recipe("avatar")
    tatami.manual_seed(seed)
    model = trained(recipe, recipe.data(None, None)).eval()
    x, real = recipe.pairs(128, recipe.HELD_OUT_SEED)
    numbers = {}
    for name, made in zip(("coarse", "both"), avatar_example.layers(model, x)):
        numbers |= {
            f"psnr_{name}": metrics.psnr(made, real),
            f"l1_{name}": np.abs(made - real).mean(),
        }
    return numbers


FAMILIES = {
    **autoencoders.FAMILIES,
    "vae": vae,
    **gans.FAMILIES,
    "unet": unet,
    "pix2pix": pix2pix,
    "wavenet": wavenet,
    "diffusion": diffusion,
    "avatar": avatar,
}


def measure(name):
    reference = json.loads((HERE / "reference" / f"{name}.json").read_text())
    runs = []
    for seed in reference["seeds"]:
        runs.append(FAMILIES[name](seed))
        print(f"seed {seed}: " + ", ".join(f"{k} {v:.4g}" for k, v in runs[-1].items()), flush=True)
    path = HERE / "results" / f"generative-{name}.json"
    ours = record.write(path, reference["seeds"], runs)
    print(f"{name + ', mean and spread':<32}{'tatami':>20}{'PyTorch':>20}")
    for number in runs[0]:
        columns = [shown(each["mean"][number], each["std"][number]) for each in (ours, reference)]
        print(f"{number:<32}{columns[0]:>20}{columns[1]:>20}")


def shown(mean, spread):
    return f"{mean:.4g}" if spread is None else f"{mean:.4g} ± {spread:.2g}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAMILIES))
    for name in parser.parse_args().names or FAMILIES:
        measure(name)

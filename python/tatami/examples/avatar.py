"""One-shot avatars: a face seen once turns its head, speaks and blinks.

Two networks share the work. One looks at a picture of a person, once, and takes its time: it draws
a texture with all that is fine and tunes the other. That one is light and runs for every frame: of
the pose it makes a coarse image, and the places where the texture is to be read. Both layers added
are the frame. Freckles and stripes come from the texture; the coarse layer alone is a blur.
"""

import time

import numpy as np

from tatami import Tensor, manual_seed, metrics, no_grad, viz
from tatami.examples import main
from tatami.generate.recipes import avatar as recipe
from tatami.generate.subjects import faces


@no_grad()
def layers(model, x):
    """The coarse layer and the frame, as arrays, of people seen once."""
    coarse, fine = model.layers(model.meet(*x[:2]), Tensor(x[2]))
    return coarse.data.clip(0, 1), (coarse.data + fine.data).clip(0, 1)


def clock(work, times):
    """The median time of a call, seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def film(model, x, frames):
    """(frames, 3, size, size) of the first person, who is looked at once."""
    who = faces.people(1, np.random.default_rng(recipe.HELD_OUT_SEED))
    poses = faces.nodding(frames)
    person = model.meet(x[0][:1], x[1][:1])
    at = [
        faces.points(who, faces.Poses(*(part[k : k + 1] for part in poses))) for k in range(frames)
    ]
    return np.concatenate([model.frame(person, points) for points in at])


def animate(pictures, path):
    """An endless GIF."""
    from PIL import Image

    pixels = (255 * np.moveaxis(pictures, 1, 3)).round().astype(np.uint8).repeat(3, 1).repeat(3, 2)
    first, *rest = map(Image.fromarray, pixels)
    first.save(path, save_all=True, append_images=rest, duration=40, loop=0)


def run(out, quick=False):
    manual_seed(0)
    x, y = recipe.pairs(48 if quick else recipe.PEOPLE, recipe.LEARNING_SEED)
    model = recipe.model(x, y)
    model.fit(x, y, batch_size=recipe.BATCH_SIZE, epochs=6 if quick else recipe.EPOCHS, verbose=0)
    model.eval()

    x, y = recipe.pairs(16 if quick else 128, recipe.HELD_OUT_SEED)
    coarse, made = layers(model, x)
    shown = {"the picture as it was": x[0], "coarse layer": coarse, "both layers": made}
    psnr = {name: metrics.psnr(picture, y) for name, picture in shown.items()}
    for name, value in psnr.items():
        print(f"{name:<24}{value:6.2f} dB, {np.abs(shown[name] - y).mean():.4f} off a channel")
    one = [part[:1] for part in x]
    person = model.meet(*one[:2])
    meeting = clock(lambda: model.meet(*one[:2]), 10)
    frame = clock(lambda: model.frame(person, one[2]), 50)
    print(f"a person takes {1e3 * meeting:.1f} ms, a frame {1e3 * frame:.1f} ms: {1 / frame:.0f}/s")

    count = 8
    rows = (x[0], y, coarse, made)
    labels = ("seen once", "in another pose", "coarse layer", "with texture")
    with viz.panels(4, size=(2.4, 4.6), path=out / "avatar.png") as axes:
        for ax, row, label in zip(axes, rows, labels):
            viz.images(row[:count], columns=2, title=label, ax=ax)
    animate(film(model, x, 12 if quick else 75), out / "avatar.gif")
    return {"psnr": psnr, "meeting": meeting, "frame": frame}


if __name__ == "__main__":
    main(run)

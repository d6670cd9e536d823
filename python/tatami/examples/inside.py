"""A look inside: weights, feature maps and activations of one digit.

A small convolutional network learns handwritten digits. The weights of its first layer are small
pictures: what a unit answers to. The feature maps are its answers, one picture for each unit: edges
and strokes first, parts of digits after. In the end there are ten numbers, and the softmax makes
probabilities of them.
"""

from functools import partial

from tatami import Tensor, manual_seed, nn, no_grad, optim, viz
from tatami import functional as F
from tatami.examples import _digits, main


def network():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


@no_grad()
def layers(model, x):
    """What comes out of each layer, as arrays."""
    x, outputs = Tensor(x), []
    for layer in model:
        x = layer(x)
        outputs.append(x.data)
    return outputs


def run(out, quick=False):
    manual_seed(0)
    train, test = _digits.load()
    model = network()
    model.compile(partial(optim.Adam, lr=3e-3), metrics=["accuracy"])
    model.fit(*train, epochs=2 if quick else 20, verbose=0)
    _, accuracy = model.evaluate(*test)
    image, digit = test[0][:1], test[1][0]
    outputs = layers(model.eval(), image)
    probabilities = F.softmax(outputs[-1], axis=1)[0]
    print(f"{accuracy:.1%} of {len(test[0])} test images are right")
    print(f"this {digit} is taken for a {probabilities.argmax()}: {probabilities.max():.1%} sure")

    with viz.panels(3, 2, size=(3.6, 2.9), path=out / "inside.png") as axes:
        viz.images(image, title="one digit", ax=axes[0])
        viz.weights(model[0].weight, columns=4, title="weights of the first layer", ax=axes[1])
        viz.feature_maps(outputs[1][0], columns=4, title="its feature maps", ax=axes[2])
        viz.feature_maps(outputs[3][0], columns=4, title="of the second layer", ax=axes[3])
        viz.feature_maps(outputs[4][0], columns=4, title="the largest of each 2x2", ax=axes[4])
        viz.bars(range(10), probabilities, xlabel="digit", ylabel="probability", ax=axes[5])
    return {"accuracy": accuracy, "outputs": outputs, "probabilities": probabilities}


if __name__ == "__main__":
    main(run)

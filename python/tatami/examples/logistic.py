"""Logistic regression: a line, and how sure it is.

The sigmoid turns ``w . x + b`` into a probability, and the loss is the cross-entropy of what
happened under it. Its derivative by the output is the error itself, probability minus target: so
where the loss is least, the probabilities add up to exactly the number of ones that there were, and
so does every feature weighted by them.
"""

import numpy as np

from tatami import Tensor, manual_seed, nn, optim, viz
from tatami import functional as F
from tatami.examples import main


def clouds(rng, count=100):
    """Two clouds that overlap: no line separates them."""
    y = np.arange(count) % 2
    x = rng.normal(0, 1, (count, 2)) * [1.0, 0.7] + np.outer(y - 0.5, [2.0, 1.6])
    return x.astype(np.float32), y


def run(out, quick=False):
    manual_seed(0)
    x, y = clouds(np.random.default_rng(0))
    target = y.astype(np.float32)[:, None]
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(Tensor(x)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    def probability(points):
        return F.sigmoid(F.linear(points, model.weight.data, model.bias.data))[:, 0]

    p = probability(x)
    right = np.mean((p > 0.5) == y)
    print(f"{right:.0%} of {len(x)} points on their side, loss {losses[-1]:.4f}")
    print(f"probabilities add up to {p.sum():.3f}, there are {y.sum()} of class 1")

    with viz.panels(2, path=out / "logistic.png") as (left, beside):
        viz.regions(probability, x, y, title="probability of class 1", ax=left)
        viz.lines(
            np.arange(1, len(losses) + 1),
            {"": losses},
            title="the loss",
            xlabel="step",
            ylabel="cross-entropy (nats)",
            log="xy",
            ax=beside,
        )
    return {"accuracy": right, "probabilities": p, "x": x, "y": y, "losses": losses}


if __name__ == "__main__":
    main(run)

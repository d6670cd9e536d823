"""Linear regression: y = a x + b, found by going downhill.

The loss is the mean square of what the line misses. Its derivatives by ``a`` and ``b`` come from
the tape (``backward``), and every step goes against them: ``a -= rate * da``. After enough steps
the line is the one of least squares, which algebra gives at once. From here to any network nothing
is new but the function in the middle.
"""

import numpy as np

from tatami import Tensor, viz
from tatami.examples import main


def descend(x, y, rate=0.05, steps=200):
    """``a`` and ``b`` before every step, and the loss there."""
    a, b = Tensor(0.0, requires_grad=True), Tensor(0.0, requires_grad=True)
    way = []
    for _ in range(steps):
        loss = ((a * x + b - y) ** 2).mean()
        loss.backward()
        way.append((a.item(), b.item(), loss.item()))
        for parameter in (a, b):
            parameter.data -= rate * parameter.grad.data
            parameter.grad = None
    return np.array(way)


def run(out, quick=False):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 4, 40).astype(np.float32)
    y = (1.5 * x - 2 + rng.normal(0, 0.6, 40)).astype(np.float32)

    way = descend(x, y)
    exact = np.polyfit(x, y, 1)
    print(f"downhill, {len(way)} steps  y = {way[-1, 0]:.4f} x {way[-1, 1]:+.4f}")
    print(f"least squares        y = {exact[0]:.4f} x {exact[1]:+.4f}")

    with viz.panels(2, path=out / "line.png") as (left, right):
        ends = np.array([0.0, 4.0])
        shown = {f"step {k}": way[k, 0] * ends + way[k, 1] for k in (0, 2, 20, len(way) - 1)}
        viz.lines(ends, shown, points=(x, y), title="the line", xlabel="x", ylabel="y", ax=left)
        viz.lines(
            range(len(way)),
            {"mean square": way[:, 2]},
            title="the loss",
            xlabel="step",
            ylabel="mean square of what is missed",
            log="y",
            ax=right,
        )
    return {"found": way[-1, :2], "exact": exact, "losses": way[:, 2]}


if __name__ == "__main__":
    main(run)

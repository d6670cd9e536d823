"""Images read at any places."""

from cases.grid_sample import SETTINGS, H, W, _places
from rules.rule import Rule


def _rule(settings):
    return Rule(
        f"grid_sample {settings}",
        lambda K, *arrays: K.grid_sample(*arrays, **settings),
        lambda K, grads, *arrays: K.grid_sample_grad(grads[0], *arrays, **settings),
        lambda source: [source(2, 3, H, W), _places(source, 2)],
        linear=(0,),
        exact=False,
        uses=("grid_sample", "grid_sample_grad"),
    )


RULES = [_rule(settings) for settings in SETTINGS]

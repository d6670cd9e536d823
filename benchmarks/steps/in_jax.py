"""The training steps in JAX: pure functions of parameters, compiled whole by jit.

Written as JAX's users write them: parameters in lists and dicts, a scan over time, Adam by hand.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import TEXTS
from .networks import CELLS, RESNET, VOCABULARY, batch

RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8
zeros = partial(jax.tree.map, jnp.zeros_like)


class Draws:
    """Uniform parameters within 1 / sqrt(fan in), of one seed."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, *shape, fan_in):
        return jnp.asarray(self.rng.uniform(-1, 1, shape) / fan_in**0.5, jnp.float32)

    def layer(self, out, *inputs):
        fan_in = int(np.prod(inputs))
        return {"weight": self(out, *inputs, fan_in=fan_in), "bias": self(out, fan_in=fan_in)}


def linear(p, x):
    return x @ p["weight"].T + p["bias"]


def conv(weight, x, stride=1, padding=None):
    edge = weight.shape[-1] // 2 if padding is None else padding
    how = {"dimension_numbers": ("NCHW", "OIHW", "NCHW")}
    return lax.conv_general_dilated(x, weight, (stride, stride), [(edge, edge)] * 2, **how)


def conv_relu(p, x, padding=None):
    return jax.nn.relu(conv(p["weight"], x, 1, padding) + p["bias"][:, None, None])


def halved(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def mlp(draw):
    params = [draw.layer(512, 784), draw.layer(512, 512), draw.layer(10, 512)]
    return params, dense


def tiny(draw):
    return [draw.layer(32, 16), draw.layer(10, 32)], dense


def dense(params, x):
    for p in params[:-1]:
        x = jax.nn.relu(linear(p, x))
    return linear(params[-1], x)


def lenet(draw):
    convs = [draw.layer(6, 1, 5, 5), draw.layer(16, 6, 5, 5)]
    denses = [draw.layer(120, 400), draw.layer(84, 120), draw.layer(10, 84)]

    def run(params, x):
        first, second = params["convs"]
        x = halved(conv_relu(first, x))
        x = halved(conv_relu(second, x, padding=0))
        return dense(params["denses"], x.reshape(len(x), -1))

    return {"convs": convs, "denses": denses}, run


def vgg(draw):
    pairs = [(3, 64), (64, 128), (128, 256)]
    convs = [p for c, o in pairs for p in (draw.layer(o, c, 3, 3), draw.layer(o, o, 3, 3))]

    def run(params, x):
        for k, p in enumerate(params["convs"]):
            x = conv_relu(p, x)
            x = halved(x) if k % 2 else x
        return linear(params["last"], x.reshape(len(x), -1))

    return {"convs": convs, "last": draw.layer(10, 256 * 16)}, run


def up(weight, x, stride=2, edge=1):
    """Transposed convolution by 4x4 windows; weight (O, C, 4, 4)."""
    how = {"dimension_numbers": ("NCHW", "OIHW", "NCHW"), "lhs_dilation": (stride, stride)}
    return lax.conv_general_dilated(x, weight, (1, 1), [(3 - edge, 3 - edge)] * 2, **how)


def normalized(p, x):
    """Batch normalization by the batch's own moments."""
    mean = x.mean((0, 2, 3), keepdims=True)
    variance = jnp.square(x - mean).mean((0, 2, 3), keepdims=True)
    x = (x - mean) * lax.rsqrt(variance + 1e-5)
    return x * p["scale"][:, None, None] + p["shift"][:, None, None]


def normed(p, x, stride=1):
    return normalized(p, conv(p["weight"], x, stride))


def resnet18(draw):
    def layer(o, c, size):
        weight = draw(o, c, size, size, fan_in=c * size * size)
        return {"weight": weight, "scale": jnp.ones(o), "shift": jnp.zeros(o)}

    blocks, strides, before = [], [], 64
    for channels, stride in RESNET:
        for c, s in ((before, stride), (channels, 1)):
            block = {"first": layer(channels, c, 3), "second": layer(channels, channels, 3)}
            if c != channels or s != 1:
                block["short"] = layer(channels, c, 1)
            blocks.append(block)
            strides.append(s)
        before = channels

    def run(params, x):
        x = jax.nn.relu(normed(params["first"], x))
        for block, stride in zip(params["blocks"], strides):
            y = normed(block["second"], jax.nn.relu(normed(block["first"], x, stride)))
            short = normed(block["short"], x, stride) if "short" in block else x
            x = jax.nn.relu(y + short)
        return linear(params["last"], x.mean((2, 3)))

    return {"first": layer(64, 3, 3), "blocks": blocks, "last": draw.layer(10, 512)}, run


def lstm_cell(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + h @ p["weight"].T, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru_cell(p, state, x):
    (h,) = state
    r, z, n = jnp.split(h @ p["weight"].T + p["bias"], 3, axis=1)
    of_r, of_z, of_n = jnp.split(x, 3, axis=1)
    r, z = jax.nn.sigmoid(of_r + r), jax.nn.sigmoid(of_z + z)
    h = (1 - z) * jnp.tanh(of_n + r * n) + z * h
    return (h,), h


def characters(draw, cell, gates, states):
    layers = [
        {"input": draw.layer(gates * CELLS, size), "hidden": draw.layer(gates * CELLS, CELLS)}
        for size in (64, CELLS)
    ]

    def run(params, text):
        x = params["embedding"][text]
        for p in params["layers"]:
            start = (jnp.zeros((x.shape[1], CELLS)),) * states
            _, x = lax.scan(partial(cell, p["hidden"]), start, linear(p["input"], x))
        return linear(params["output"], x.reshape(-1, CELLS))

    embedding = draw(VOCABULARY, 64, fan_in=1)
    output = draw.layer(VOCABULARY, CELLS)
    return {"embedding": embedding, "layers": layers, "output": output}, run


def network(name):
    draw = Draws()
    if name in TEXTS:
        return characters(draw, *((lstm_cell, 4, 2) if name == "lstm" else (gru_cell, 3, 1)))
    return globals()[name](draw)


def adam(params, grads, moments, step, rate=RATE, betas=BETAS):
    """The parameters after a step, and their moments."""
    means, squares = moments
    means = jax.tree.map(lambda m, g: m + (1 - betas[0]) * (g - m), means, grads)
    squares = jax.tree.map(lambda v, g: v + (1 - betas[1]) * (g * g - v), squares, grads)
    by_mean, by_square = 1 - betas[0] ** step, 1 - betas[1] ** step
    params = jax.tree.map(
        lambda p, m, v: p - rate / by_mean * m / (jnp.sqrt(v / by_square) + EPS),
        params,
        means,
        squares,
    )
    return params, (means, squares)


def repeated(update, *state):
    """A step: ``update(number, *state)``, compiled, gives a loss and the next state."""
    update = jax.jit(update, donate_argnums=tuple(range(1, 1 + len(state))))
    count = 0

    def step():
        nonlocal state, count
        count += 1
        value, *state = update(float(count), *state)
        return value.block_until_ready()

    return step


def jax_step(name):
    params, run = network(name)
    x, y = map(jnp.asarray, batch(name))

    def loss(params):
        logits = jax.nn.log_softmax(run(params, x))
        return -jnp.take_along_axis(logits, y[:, None], 1).mean()

    def update(number, params, moments):
        value, grads = jax.value_and_grad(loss)(params)
        return value, *adam(params, grads, moments, number)

    return repeated(update, params, (zeros(params), zeros(params)))

"""Training steps of generative models, in each library."""

from itertools import pairwise

import numpy as np


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def tatami_dcgan():
    """DCGAN of 64x64 colour images, widths 64, a batch of 32: one step of either network."""
    return _own_steps("DCGAN", {"size": 64, "width": 64}, images(32, 3, 64, 64))


def tatami_vae():
    """Convolutional VAE of 28x28 grey images, a batch of 128."""
    return _own_steps("ConvVAE", {"shape": (1, 28, 28)}, images(128, 1, 28, 28))


def _own_steps(name, settings, x):
    import tatami
    from tatami import models
    from tatami.training.optimizers import made

    tatami.manual_seed(0)
    model = getattr(models, name)(**settings)
    model.compile()
    optimizer = made(model.compiled.given, model)
    x = tatami.Tensor(x)
    return lambda: model.train_step(optimizer, x)


def torch_dcgan(compiled=False):
    """The same networks and losses; D's weights get no gradients in G's step here either."""
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    def up(many, few):
        return nn.BatchNorm2d(many), nn.ReLU(), nn.ConvTranspose2d(many, few, 4, 2, 1, bias=False)

    def down(few, many):
        return nn.Conv2d(few, many, 4, 2, 1, bias=False), nn.BatchNorm2d(many), nn.LeakyReLU(0.2)

    first = nn.ConvTranspose2d(100, 512, 4, bias=False)
    layers = (*up(512, 256), *up(256, 128), *up(128, 64), *up(64, 3), nn.Tanh())
    generator = nn.Sequential(first, *layers)
    first = nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)
    layers = *down(64, 128), *down(128, 256), *down(256, 512), nn.Conv2d(512, 1, 4, bias=False)
    discriminator = nn.Sequential(*first, *layers, nn.Flatten())
    how = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True}
    g_adam = torch.optim.Adam(generator.parameters(), **how)
    d_adam = torch.optim.Adam(discriminator.parameters(), **how)
    g, d = (
        map(torch.compile, (generator, discriminator)) if compiled else (generator, discriminator)
    )
    x = torch.from_numpy(images(32, 3, 64, 64))

    def step():
        made = 0.5 + 0.5 * g(torch.randn(len(x), 100, 1, 1))
        d_adam.zero_grad()
        real, fake = d(2 * x - 1), d(2 * made.detach() - 1)
        (softplus(-real).mean() + softplus(fake).mean()).backward()
        d_adam.step()
        g_adam.zero_grad()
        discriminator.requires_grad_(False)
        softplus(-d(2 * made - 1)).mean().backward()
        discriminator.requires_grad_(True)
        g_adam.step()

    return step


def torch_vae(compiled=False):
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits

    halving = nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU()
    encoder = nn.Sequential(*halving, nn.Flatten(), nn.Linear(3136, 64))
    doubling = nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)
    decoder = nn.Sequential(nn.Linear(32, 3136), nn.Unflatten(1, (64, 7, 7)), nn.ReLU(), *doubling)
    params = [*encoder.parameters(), *decoder.parameters()]
    adam = torch.optim.Adam(params, fused=True)
    x = torch.from_numpy(images(128, 1, 28, 28))

    def loss():
        mean, log_variance = encoder(x).chunk(2, 1)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        error = binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()
        return (error + kl) / len(x)

    run = torch.compile(loss) if compiled else loss

    def step():
        adam.zero_grad()
        run().backward()
        adam.step()

    return step


def jax_vae():
    import jax
    import jax.numpy as jnp

    from .in_jax import Draws, adam, conv, linear, repeated, up, zeros

    draw = Draws()
    params = {
        "down": [draw.layer(32, 1, 4, 4), draw.layer(64, 32, 4, 4)],
        "code": draw.layer(64, 3136),
        "decode": draw.layer(3136, 32),
        "up": [draw.layer(32, 64, 4, 4), draw.layer(1, 32, 4, 4)],
    }
    x = jnp.asarray(images(128, 1, 28, 28))

    def loss(params, key):
        y = x
        for p in params["down"]:
            y = jax.nn.relu(conv(p["weight"], y, 2, padding=1) + p["bias"][:, None, None])
        mean, log_variance = jnp.split(linear(params["code"], y.reshape(len(x), -1)), 2, 1)
        z = mean + jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape)
        y = jax.nn.relu(linear(params["decode"], z)).reshape(-1, 64, 7, 7)
        first, second = params["up"]
        y = jax.nn.relu(up(first["weight"], y) + first["bias"][:, None, None])
        y = up(second["weight"], y) + second["bias"]
        error = (jax.nn.softplus(y) - x * y).sum()
        kl = 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1).sum()
        return (error + kl) / len(x)

    def update(number, params, moments, key):
        key, now = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(params, now)
        return value, *adam(params, grads, moments, number), key

    return repeated(update, params, (zeros(params), zeros(params)), jax.random.key(0))


def jax_dcgan():
    import jax
    import jax.numpy as jnp

    from .in_jax import Draws, adam, conv, normalized, repeated, up, zeros

    draw = Draws()
    widths = [512, 256, 128, 64]

    def layer(o, c):
        weight = draw(o, c, 4, 4, fan_in=c * 16)
        return {"weight": weight, "scale": jnp.ones(o), "shift": jnp.zeros(o)}

    g = {
        "first": layer(512, 100),
        "up": [layer(o, c) for c, o in pairwise(widths)],
        "last": draw(3, 64, 4, 4, fan_in=1024),
    }
    d = {
        "first": draw(64, 3, 4, 4, fan_in=48),
        "down": [layer(o, c) for c, o in pairwise(widths[::-1])],
        "last": draw(1, 512, 4, 4, fan_in=8192),
    }
    x = jnp.asarray(images(32, 3, 64, 64))

    def generated(g, z):
        y = jax.nn.relu(normalized(g["first"], up(g["first"]["weight"], z, 1, 0)))
        for p in g["up"]:
            y = jax.nn.relu(normalized(p, up(p["weight"], y)))
        return jnp.tanh(up(g["last"], y))

    def judged(d, y):
        y = jax.nn.leaky_relu(conv(d["first"], y, 2, padding=1), 0.2)
        for p in d["down"]:
            y = jax.nn.leaky_relu(normalized(p, conv(p["weight"], y, 2, padding=1)), 0.2)
        return conv(d["last"], y, 1, padding=0)

    def told(d, made):
        real, fake = judged(d, 2 * x - 1), judged(d, made)
        return (jax.nn.softplus(-real) + jax.nn.softplus(fake)).mean()

    def update(number, g, d, of_g, of_d, key):
        key, now = jax.random.split(key)
        z = jax.random.normal(now, (len(x), 100, 1, 1))
        # both networks by the same images: they are made once
        made, back = jax.vjp(lambda g: generated(g, z), g)
        value, grads = jax.value_and_grad(told)(d, made)
        d, of_d = adam(d, grads, of_d, number, 2e-4, (0.5, 0.999))
        of_made = jax.grad(lambda y: jax.nn.softplus(-judged(d, y)).mean())(made)
        (grads,) = back(of_made)
        g, of_g = adam(g, grads, of_g, number, 2e-4, (0.5, 0.999))
        return value, g, d, of_g, of_d, key

    moments = [(zeros(p), zeros(p)) for p in (g, d)]
    return repeated(update, g, d, *moments, jax.random.key(0))

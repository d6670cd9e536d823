"""Training steps of generative models, in either library: what training_steps.py measures."""

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

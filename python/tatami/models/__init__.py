"""Whole models, one file a family: each is a module with its training step and its samples.

Compile one with its default optimizers, fit it on images (N, C, H, W) from 0 to 1, save and load it
as any other module.
"""

from .autoencoder import Autoencoder, ConvAutoencoder, SparseAutoencoder, rate_penalty
from .avatar import Avatar
from .classifier import Classifier
from .dcgan import DCGAN, ConditionalGAN
from .diffusion import Diffusion
from .gan import GAN
from .pix2pix import PatchGAN, Pix2Pix, Pix2PixGenerator
from .unet import UNet
from .vae import VAE, ConditionalVAE, ConvVAE, DenseVAE
from .wavenet import WaveNet, mu_law_decode, mu_law_encode
from .wgan import WGAN

__all__ = [
    "DCGAN",
    "GAN",
    "VAE",
    "WGAN",
    "Autoencoder",
    "Avatar",
    "Classifier",
    "ConditionalGAN",
    "ConditionalVAE",
    "ConvAutoencoder",
    "ConvVAE",
    "DenseVAE",
    "Diffusion",
    "PatchGAN",
    "Pix2Pix",
    "Pix2PixGenerator",
    "SparseAutoencoder",
    "UNet",
    "WaveNet",
    "mu_law_decode",
    "mu_law_encode",
    "rate_penalty",
]

"""kerasgan: generative adversarial networks that are plain Keras models."""

from kerasgan import callbacks, datasets, latents, layers, losses, metrics, pictures
from kerasgan.factorization import directions
from kerasgan.gan import GAN
from kerasgan.pictures import image_grid
from kerasgan.pretrained import load_pretrained
from kerasgan.projection import project
from kerasgan.stacks import frozen
from kerasgan.zoo import (
    build_acgan,
    build_biggan,
    build_cgan,
    build_dcgan,
    build_deconv_gan,
    build_dragan,
    build_fastgan,
    build_flag_gan,
    build_infogan,
    build_lsgan,
    build_mlp_gan,
    build_mnist_gan,
    build_pacgan,
    build_projection_gan,
    build_r3gan,
    build_ragan,
    build_sagan,
    build_sgan,
    build_sngan,
    build_stylegan2,
    build_wgan,
    build_wgan_gp,
)

__all__ = [
    "GAN",
    "build_acgan",
    "build_biggan",
    "build_cgan",
    "build_dcgan",
    "build_deconv_gan",
    "build_dragan",
    "build_fastgan",
    "build_flag_gan",
    "build_infogan",
    "build_lsgan",
    "build_mlp_gan",
    "build_mnist_gan",
    "build_pacgan",
    "build_projection_gan",
    "build_r3gan",
    "build_ragan",
    "build_sagan",
    "build_sgan",
    "build_sngan",
    "build_stylegan2",
    "build_wgan",
    "build_wgan_gp",
    "callbacks",
    "datasets",
    "directions",
    "frozen",
    "image_grid",
    "latents",
    "layers",
    "load_pretrained",
    "losses",
    "metrics",
    "pictures",
    "project",
]

__version__ = "0.1.0"

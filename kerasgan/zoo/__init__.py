"""The models: each has one file and one `build_NAME` function."""

from kerasgan.zoo.acgan import build_acgan
from kerasgan.zoo.biggan import build_biggan
from kerasgan.zoo.cgan import build_cgan
from kerasgan.zoo.dcgan import build_dcgan
from kerasgan.zoo.deconv_gan import build_deconv_gan
from kerasgan.zoo.dragan import build_dragan
from kerasgan.zoo.fastgan import build_fastgan
from kerasgan.zoo.flag_gan import build_flag_gan
from kerasgan.zoo.infogan import build_infogan
from kerasgan.zoo.lsgan import build_lsgan
from kerasgan.zoo.mlp_gan import build_mlp_gan
from kerasgan.zoo.mnist_gan import build_mnist_gan
from kerasgan.zoo.pacgan import build_pacgan
from kerasgan.zoo.projection_gan import build_projection_gan
from kerasgan.zoo.r3gan import build_r3gan
from kerasgan.zoo.ragan import build_ragan
from kerasgan.zoo.sagan import build_sagan
from kerasgan.zoo.sgan import build_sgan
from kerasgan.zoo.sngan import build_sngan
from kerasgan.zoo.stylegan2 import build_stylegan2
from kerasgan.zoo.wgan import build_wgan
from kerasgan.zoo.wgan_gp import build_wgan_gp

__all__ = [
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
]

"""What the three oldest tutorials' models have of their own: numbers, sizes, normalisation."""

import functools

import keras
import numpy as np
import pytest
from models import pictures, same, values

from kerasgan import latents
from kerasgan.zoo.deconv_gan import build_deconv_gan
from kerasgan.zoo.mlp_gan import build_mlp_gan
from kerasgan.zoo.mnist_gan import build_mnist_gan

BUILDERS = [build_mlp_gan, build_mnist_gan, build_deconv_gan]
# Standard deviation of N(0, 1) cut at two deviations.
TRUNCATED = 0.8796


@functools.cache
def default(builder):
    """To be looked at only."""
    return builder()


def tiny(builder, image_shape=(16, 16, 1)):
    return builder(image_shape=image_shape, latent_dim=12, filters=8)


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def weights(model, name):
    """Initial kernels or biases, layer by layer."""
    return [
        keras.ops.convert_to_numpy(variable)
        for variable in model.trainable_variables
        if variable.name == name
    ]


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("builder", "counts"),
    [
        # Dense; its one offset; convolutions, each with its offsets; the last one.
        (build_mnist_gan, (316_736, 1, 500, 50, 11_275, 25, 26)),
        # Transposed convolutions, each with its scales and offsets; the last one.
        (build_deconv_gan, (160_256, 512, 819_328, 256, 204_864, 128, 1_601)),
        (build_mlp_gan, (12_928, 101_136)),
    ],
)
def test_the_generators_layers_have_the_tutorials_sizes(builder, counts):
    layers = default(builder).generator.layers
    assert tuple(layer.count_params() for layer in layers if layer.weights) == counts


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("builder", "counts"),
    [
        (build_mnist_gan, (832, 51_264, 3_212_288, 1_025)),
        (build_deconv_gan, (208, 3_216, 25_120, 33)),
        (build_mlp_gan, (100_480, 129)),
    ],
)
def test_the_discriminators_layers_have_the_tutorials_sizes(builder, counts):
    layers = default(builder).discriminator.layers
    assert tuple(layer.count_params() for layer in layers if layer.weights) == counts


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("builder", "side", "deviation"),
    [
        (build_mnist_gan, "generator", 0.02),
        (build_mnist_gan, "discriminator", 0.02),
        (build_deconv_gan, "generator", 0.1),
        (build_deconv_gan, "discriminator", 0.02),
    ],
)
def test_kernels_start_from_a_truncated_normal(builder, side, deviation):
    for kernel in weights(getattr(default(builder), side), "kernel"):
        assert kernel.any()
        # On PyTorch, Keras draws four times at most: 4 in a million are beyond.
        assert np.mean(np.abs(kernel) > 2 * deviation) < 1e-4
        if kernel.size > 10_000:
            assert kernel.std() == pytest.approx(TRUNCATED * deviation, rel=0.03)


@pytest.mark.any_backend
def test_biases_start_as_in_the_tutorials():
    mnist_gan, deconv_gan = default(build_mnist_gan), default(build_deconv_gan)
    for bias in weights(mnist_gan.generator, "bias"):
        assert bias.any() and np.abs(bias).max() <= 0.04
        if bias.size > 1000:
            assert bias.std() == pytest.approx(TRUNCATED * 0.02, rel=0.05)
    for bias in weights(deconv_gan.generator, "bias"):
        assert np.all(bias == np.float32(0.1))
    for gan in (mnist_gan, deconv_gan):
        assert not any(bias.any() for bias in weights(gan.discriminator, "bias"))


def test_the_mlp_starts_as_tensorflows_dense_layers():
    gan = default(build_mlp_gan)
    for model in (gan.generator, gan.discriminator):
        for layer in layers_of(model, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            limit = np.sqrt(6 / sum(kernel.shape))
            assert 0.9 * limit < np.abs(kernel).max() <= limit
            assert not bias.any()


def test_mnist_gan_has_an_optimizer_for_each_of_its_discriminators_updates():
    names = [optimizer.name for optimizer in default(build_mnist_gan).d_optimizer]
    assert names == ["d_optimizer_real", "d_optimizer_fake"]


def test_deconv_gans_latents_are_around_minus_one():
    gan = tiny(build_deconv_gan)
    drawn = latents.draw(gan.latents, (1000, gan.latent_dim), np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(-1.0, abs=0.05)
    assert drawn.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("builder", "scale", "epsilon"),
    [(build_mnist_gan, False, 1e-5), (build_deconv_gan, True, 1e-3)],
)
def test_normalisation_is_by_the_statistics_of_the_batch_always(builder, scale, epsilon):
    generator = tiny(builder).generator
    layers = layers_of(generator, keras.layers.GroupNormalization)
    assert [(layer.scale, layer.epsilon) for layer in layers] == 3 * [(scale, epsilon)]
    z = np.random.default_rng(0).normal(size=(4, 12)).astype("float32")
    for layer in layers:
        inputs, outputs = (
            keras.Model(generator.input, tensor).predict_on_batch(z)[0]
            for tensor in (layer.input, layer.output)
        )
        mean, variance = inputs.mean((0, 1, 2)), inputs.var((0, 1, 2))
        expected = (inputs - mean) / np.sqrt(variance + epsilon)
        np.testing.assert_allclose(outputs, expected, atol=1e-4)


@pytest.mark.any_backend
@pytest.mark.parametrize("builder", [build_mnist_gan, build_deconv_gan])
def test_sampling_is_as_training_and_changes_no_state(builder):
    gan = tiny(builder)
    before = values(gan.generator)
    assert len(before) == len(gan.generator.trainable_variables)
    z = np.random.default_rng(0).normal(size=(4, 12)).astype("float32")
    predicted = gan.generator.predict_on_batch(z)
    trained = values(gan.generator(z, training=True))[0]
    np.testing.assert_allclose(predicted, trained, atol=1e-5)
    # In other company an image is another one.
    assert not np.allclose(gan.generator.predict_on_batch(z[:2]), predicted[:2], atol=1e-4)
    gan.sample(4, seed=0)
    assert same(values(gan.generator), before)


@pytest.mark.any_backend
@pytest.mark.parametrize("builder", BUILDERS)
def test_odd_shapes_and_batches_of_one(builder):
    gan = tiny(builder, image_shape=(17, 30, 3))
    logs = gan.train_on_batch(pictures(1, gan))
    assert np.isfinite(list(logs.values())).all()
    assert {int(optimizer.iterations) for optimizer in gan.optimizer.optimizers} == {1}
    assert gan.sample(1, seed=0).shape == (1, 17, 30, 3)


@pytest.mark.any_backend
def test_mnist_gan_takes_its_widths_from_the_latents():
    generator = build_mnist_gan(image_shape=(16, 20, 3), latent_dim=3).generator
    shapes = [layer.output.shape[1:] for layer in layers_of(generator, keras.layers.Conv2D)]
    assert shapes == [(16, 20, 1), (16, 20, 1), (16, 20, 3)]
    sizes = [layer.output.shape[1:3] for layer in layers_of(generator, keras.layers.UpSampling2D)]
    assert sizes == [(32, 40), (32, 40)]


@pytest.mark.parametrize(
    ("image_shape", "sizes"),
    [
        ((28, 28, 1), [(2, 2), (3, 3), (6, 6), (12, 12), (28, 28)]),
        ((17, 64, 3), [(1, 4), (2, 8), (4, 15), (7, 30), (17, 64)]),
    ],
)
def test_deconv_gans_sizes(image_shape, sizes):
    generator = tiny(build_deconv_gan, image_shape).generator
    found = [layer.output.shape[1:3] for layer in layers_of(generator, keras.layers.ReLU)]
    assert [*found, generator.output_shape[1:3]] == sizes


def test_deconv_gan_crops_as_tensorflow_does():
    # Given a size of 3, TensorFlow's transposed convolution is the transpose of the "same"
    # convolution of 3 pixels to 2: <convolution(y), x> = <y, transposed(x)> for all x, y.
    generator = tiny(build_deconv_gan, (28, 28, 1)).generator
    transposed = layers_of(generator, keras.layers.Conv2DTranspose)[0]
    crop = layers_of(generator, keras.layers.Cropping2D)[0]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, *transposed.input.shape[1:])).astype("float32")
    y = rng.normal(size=(1, *crop.output.shape[1:])).astype("float32")
    convolved = keras.ops.conv(y, transposed.kernel.value, strides=2, padding="same")
    convolved, cropped = values(convolved, crop(transposed(x)))
    assert np.sum(convolved * x) == pytest.approx(np.sum((cropped - 0.1) * y), rel=1e-3)


def test_deconv_gans_last_row_and_column_of_an_even_size_are_made_too():
    gan = tiny(build_deconv_gan, (28, 20, 1))
    images = gan.generator.predict_on_batch(np.ones((2, 12), "float32"))
    assert same([images[:, -1], images[:, :, -1]], [images[:, -2], images[:, :, -2]])
    assert images[:, -1].std() > 0.01 and images[:, :, -1].std() > 0.01
    odd = tiny(build_deconv_gan, (29, 17, 1)).generator.predict_on_batch(np.ones((2, 12)))
    assert not same([odd[:, -1], odd[:, :, -1]], [odd[:, -2], odd[:, :, -2]])


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("image_shape", "latent_dim", "multiple", "example"),
    [
        ((28, 28, 1), 102, 4, 104),
        ((28, 28, 1), 2, 4, 4),
        ((128, 128, 3), 100, 64, 128),
    ],
)
def test_latents_that_deconv_gan_cannot_reshape(image_shape, latent_dim, multiple, example):
    message = (
        f"`latent_dim` must be a multiple of {multiple} for .* Received: "
        f"latent_dim={latent_dim}. For example, pass latent_dim={example}."
    )
    with pytest.raises(ValueError, match=message):
        build_deconv_gan(image_shape=image_shape, latent_dim=latent_dim)
    build_deconv_gan(image_shape=image_shape, latent_dim=example, filters=2)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("image_shape", "latent_dim"), [((28, 28, 1), 100), ((64, 64, 3), 96), ((128, 128, 3), 128)]
)
def test_deconv_gans_latents_are_about_a_hundred(image_shape, latent_dim):
    assert build_deconv_gan(image_shape, filters=2).latent_dim == latent_dim

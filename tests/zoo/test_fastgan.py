"""What is particular to FastGAN: excitation, patches, and images that are drawn again."""

import keras
import numpy as np
import pytest
from models import MODELS, pictures, values

import kerasgan
from kerasgan.layers import SkipLayerExcitation, SpectralNormalization
from kerasgan.zoo.fastgan import Quarter, _score, reconstruction_loss


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.fixture(scope="module")
def gan():
    return kerasgan.build_fastgan((64, 32, 3), latent_dim=4, filters=2)


def test_each_image_gives_another_quarter():
    x = noise(6, 4, 5, 2)
    found = numbers(Quarter()(x))
    places = [(0, 0), (0, 2), (2, 0), (2, 2)]
    assert Quarter().compute_output_shape(x.shape) == found.shape == (6, 2, 3, 2)
    for index, quarter in enumerate(found):
        row, column = places[index % 4]
        assert np.array_equal(quarter, x[index, row : row + 2, column : column + 3])


def test_a_score_is_the_mean_over_patches():
    inputs = keras.Input((8, 6, 3))
    model = keras.Model(inputs, _score(inputs))
    x, (_, kernel) = noise(2, 8, 6, 3), values(model)
    kernel = kernel / np.linalg.norm(kernel)  # one column: its norm is its singular value
    patches = keras.ops.conv(x, kernel.reshape(4, 4, 3, 1))
    expected = numbers(patches).mean(axis=(1, 2))
    np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.any_backend
def test_sizes_of_the_excited_maps(gan):
    sizes = [
        [
            layer.output.shape[1:3]
            for layer in model.layers
            if isinstance(layer, SpectralNormalization)
            and isinstance(layer.layer, SkipLayerExcitation)
        ]
        for model in (gan.generator, gan.discriminator)
    ]
    assert sizes == [[(64, 32)], [(8, 4)]]


@pytest.mark.any_backend
def test_the_discriminator_gives_what_it_should_redraw(gan):
    x = noise(2, 64, 32, 3)
    _, drawn, whole, drawn_part, part = map(numbers, gan.discriminator(x))
    assert drawn.shape == whole.shape and drawn_part.shape == part.shape == (2, 32, 16, 3)
    assert np.array_equal(whole, x) and np.array_equal(part[1], x[1, :32, 16:])
    large = kerasgan.build_fastgan((256, 20, 1), filters=1).discriminator
    assert [output.shape[1:3] for output in large.outputs[1:]] == 4 * [(128, 10)]


def test_the_reconstruction_loss_by_hand():
    outputs = [np.zeros((1, 1)), *(np.full((1, 2, 2, 3), v, "float32") for v in (0.5, 1, -1, 1))]
    assert float(reconstruction_loss({}, outputs, None)) == 0.5 + 2.0
    assert float(reconstruction_loss({}, None, outputs)) == 0.0


def test_only_real_images_are_redrawn():
    gan = MODELS["fastgan"][0]()
    real, fake = (
        gan.train_discriminator_on_batch(pictures(2, gan), sides=side) for side in ("real", "fake")
    )
    assert real["reconstruction_loss"] > 0 and fake["reconstruction_loss"] == 0
    assert "reconstruction_loss" not in gan.train_generator_on_batch(pictures(2, gan))


def test_the_registered_names_stay():
    names = [keras.saving.get_registered_name(kind) for kind in (Quarter, reconstruction_loss)]
    assert names == ["kerasgan>Quarter", "kerasgan>reconstruction_loss"]

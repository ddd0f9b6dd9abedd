"""Directions of latents, against known kernels, and for every model."""

import keras
import numpy as np
import pytest
from models import MODELS, own_pair, same, state

import kerasgan
from kerasgan.factorization import factorize
from kerasgan.graphs import entries

pytestmark = pytest.mark.any_backend

KERNEL = np.random.default_rng(0).standard_normal((3, 12)).astype("float32")


def generator(*layers):
    """Passes latents through layers without weights to the kernel, and on to a curved layer."""
    kernel = keras.layers.Dense(12, bias_initializer="ones")
    curved = [keras.layers.ReLU(), keras.layers.Dense(4, activation="tanh")]
    model = keras.Sequential(
        [keras.Input((3,)), *layers, kernel, *curved, keras.layers.Reshape((2, 2, 1))]
    )
    kernel.kernel.assign(KERNEL)
    return model


def test_directions_are_the_singular_vectors_of_the_first_kernel():
    directions, strengths = factorize(generator())
    _, expected_strengths, expected = np.linalg.svd(KERNEL.T)
    np.testing.assert_allclose(strengths, expected_strengths, rtol=1e-5)
    # Up to their signs, of which the largest number's is positive.
    np.testing.assert_allclose(np.abs(np.sum(directions * expected, axis=1)), 1.0, rtol=1e-5)
    assert (directions.max(axis=1) == np.abs(directions).max(axis=1)).all()
    few = factorize(generator(), 2)
    np.testing.assert_array_equal(few[0], directions[:2])
    np.testing.assert_array_equal(few[1], strengths[:2])


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.Dropout(0.5, seed=0), keras.layers.Reshape((1, 3)), keras.layers.Flatten()],
        [keras.layers.UnitNormalization()],  # as in a StyleGAN2
    ],
)
def test_layers_without_weights_are_passed(layers):
    (found,) = entries(generator(*layers))
    np.testing.assert_allclose(found, KERNEL, rtol=1e-5)


def test_chunks_enter_where_they_are_read():
    """As in a BigGAN: the second chunk of the latents, with an embedding, scales the features."""
    latents, labels = (
        keras.Input((4,), name="latents"),
        keras.Input((), name="labels", dtype="int32"),
    )
    head, chunk = keras.ops.split(latents, 2, axis=1)
    inner_input = keras.Input((2,))
    dense = keras.layers.Dense(2, kernel_initializer="identity", bias_initializer="ones")
    inner = keras.Model(inner_input, dense(inner_input))
    x = keras.layers.Reshape((1, 1, 2))(inner(head))
    code = keras.layers.Concatenate()([keras.layers.Embedding(2, 1)(labels), chunk])
    norm = kerasgan.layers.ConditionalBatchNormalization(epsilon=1e-6)
    model = keras.Model([latents, labels], norm([x, code]))
    gamma = np.array([[9, 9], [1, 2], [3, 4]], dtype="float32")
    beta = np.array([[9, 9], [5, 6], [7, 8]], dtype="float32")
    norm.gamma.kernel.assign(gamma)
    norm.beta.kernel.assign(beta)
    first, second = entries(model)
    np.testing.assert_allclose(first, [[1, 0], [0, 1], [0, 0], [0, 0]])
    # At latents of 0, the features are the biases, 1.
    np.testing.assert_allclose(second[2:], gamma[1:] + beta[1:], rtol=1e-5)
    np.testing.assert_array_equal(second[:2], 0)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_directions_and_mixes_its_classes(name):
    gan = MODELS[name][0]()
    rng = np.random.default_rng(0)  # weights at which labels matter
    gan.generator.set_weights(
        [w + rng.normal(0, 0.2, w.shape) for w in gan.generator.get_weights()]
    )
    before = state(gan)
    directions, strengths = kerasgan.directions(gan)
    assert directions.shape == (gan.latent_dim, gan.latent_dim) and directions.dtype == "float32"
    np.testing.assert_allclose(directions @ directions.T, np.eye(gan.latent_dim), atol=1e-5)
    assert strengths[0] > 0 and (np.diff(strengths) <= 0).all()
    if len(gan.generator.inputs) > 1:
        latents, classes = gan.sample_latents(3, seed=0), np.eye(10)
        whole = gan.sample(3, latents=latents, labels=[3, 3, 7])
        shares = classes[[3, 3, 7]]
        np.testing.assert_array_equal(whole, gan.sample(3, latents=latents, labels=shares))
        mixed = gan.sample(3, latents=latents, labels=(shares + shares[::-1]) / 2)
        assert not np.array_equal(mixed[0], whole[0]) and not np.array_equal(mixed[2], whole[2])
    assert same(before, state(gan))


def test_averaged_weights_are_factorised():
    gan = own_pair()
    gan.compile(ema=0.9)
    kernel = gan.generator.layers[0].kernel
    kernel.assign(kernel * 2.0)
    halved = kerasgan.directions(gan)[1] / factorize(gan.generator)[1]
    np.testing.assert_allclose(halved, 0.5, rtol=1e-5)


def test_a_generator_without_weights_has_no_directions():
    images = keras.Sequential([keras.Input((4,)), keras.layers.Reshape((2, 2, 1))])
    scores = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(images, scores)
    with pytest.raises(ValueError, match="that passes its latents to a layer with weights"):
        kerasgan.directions(gan)

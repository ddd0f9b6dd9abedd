"""Paths between latents, against their closed forms."""

import keras
import numpy as np
import pytest

from kerasgan.latents import path


def test_a_quarter_of_a_circle_is_walked_at_one_speed():
    frames = path(np.eye(2), "normal", frames_between=3)
    degrees = np.deg2rad([0, 30, 60, 90, 60, 30])
    np.testing.assert_allclose(frames, np.stack([np.cos(degrees), np.sin(degrees)], 1), atol=1e-7)
    assert frames.dtype == "float32"


def test_lengths_change_evenly_along_an_arc():
    # Half-way between orthogonal latents: each weighs sin(45 degrees).
    frames = path(np.array([[2.0, 0.0], [0.0, 4.0]]), "normal", frames_between=2)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(frames[1], [2 * half, 4 * half], rtol=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "symmetric_uniform", lambda shape, seed: None])
def test_other_latents_are_joined_by_lines(distribution):
    frames = path(np.array([[0.0, 1.0], [1.0, -1.0]]), distribution, frames_between=4)
    shares = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25])
    np.testing.assert_array_equal(frames, np.stack([shares, 1 - 2 * shares], axis=1))


def test_arcs_lie_around_the_mean():
    latents = np.random.default_rng(0).standard_normal((3, 100))
    around_zero = path(latents, "normal")
    around_five = path(2 * latents + 5, ("normal", 5.0, 2.0))
    np.testing.assert_allclose(around_five, 2 * around_zero + 5, rtol=1e-4)


def test_a_path_keeps_normal_latents_at_their_length():
    latents = np.random.default_rng(0).standard_normal((3, 100)).astype("float32")
    frames = path(latents, "normal", frames_between=16)
    assert frames.shape == (48, 100)
    np.testing.assert_allclose(frames[::16], latents, rtol=1e-6)
    assert 8 < np.linalg.norm(frames, axis=1).min() < 12


@pytest.mark.parametrize(
    ("latents", "expected"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]]),  # to itself
        ([[1.0], [3.0]], [[1.0], [2.0], [3.0], [2.0]]),  # parallel
        ([[1.0], [-1.0]], [[1.0], [0.0], [-1.0], [0.0]]),  # opposite
    ],
)
def test_where_there_is_no_one_arc_there_is_a_line(latents, expected):
    np.testing.assert_allclose(path(np.array(latents), "normal", frames_between=2), expected)


def test_a_latent_at_the_mean_has_no_direction():
    frames = path(np.array([[0.0, 0.0], [2.0, 0.0]]), "normal", frames_between=2)
    assert np.isfinite(frames).all()
    np.testing.assert_array_equal(frames[::2], [[0.0, 0.0], [2.0, 0.0]])


def test_the_kind_of_path_can_be_chosen():
    latents = np.array([[2.0, 0.0], [0.0, 2.0]])
    line = path(latents, "normal", frames_between=2, kind="linear")
    np.testing.assert_array_equal(line, [[2, 0], [1, 1], [0, 2], [1, 1]])
    arc = path(latents, "uniform", frames_between=2, kind="spherical")
    np.testing.assert_allclose(arc, path(latents, "normal", frames_between=2))
    np.testing.assert_array_equal(path(latents, kind="linear"), path(latents, "uniform"))


def test_the_latents_of_a_gan_can_be_set(own):
    own.train_on_batch(np.zeros((4, 8, 8, 3), "uint8"))
    own.latents = lambda shape, seed: np.ones(shape, "float32")
    images = own.sample(2)
    assert np.array_equal(images[0], images[1])
    with pytest.raises(ValueError, match="`latents` must be one of"):
        own.latents = "gaussian"
    assert np.array_equal(own.sample(2), images)


def test_a_layer_is_refused_as_latents_and_not_kept(own):
    count = len(own.weights)
    layer = keras.layers.Dense(4)
    layer.build((None, 4))
    with pytest.raises(ValueError, match="`latents` must be"):
        own.latents = layer
    assert own.latents == "normal" and len(own.weights) == count

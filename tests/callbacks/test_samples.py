"""Pictures and animations of training."""

import numpy as np
import pytest
from PIL import Image
from tiny_gan import build_gan, read_png, train

import kerasgan
from kerasgan import callbacks, pictures
from kerasgan.callbacks import samples

pytestmark = pytest.mark.any_backend


def test_sample_grid_draws_the_same_latents_at_the_beginning_and_at_the_end(tmp_path):
    gan = build_gan()
    untrained = gan.sample(5, seed=3)
    train(gan, 5, callbacks.SampleGrid(tmp_path / "a" / "b", every=2, count=5, seed=3, columns=3))
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == [f"step_000000{step}.png" for step in (0, 2, 4, 5)]
    expected = pictures.grid(untrained, columns=3, scale=8)
    np.testing.assert_array_equal(read_png(tmp_path / "a" / "b" / names[0]), expected)
    expected = pictures.grid(gan.sample(5, seed=3), columns=3, scale=8)
    np.testing.assert_array_equal(read_png(tmp_path / "a" / "b" / names[-1]), expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sample_grid_prints_scores_under_the_pictures(tmp_path, channels):
    gan = build_gan(channels)
    grid = callbacks.SampleGrid(tmp_path, count=3, columns=3, scores=True)
    grid.set_model(gan)
    grid.on_train_begin()
    grid.on_train_end()
    picture = read_png(tmp_path / "step_0000000.png").reshape(2 + 64 + 12 + 2, 3 * 66 + 2, channels)
    images = gan.sample(3, seed=0).repeat(8, axis=1).repeat(8, axis=2)
    captions = []
    for index, image in enumerate(images):
        columns = slice(2 + 66 * index, 66 * (index + 1))
        np.testing.assert_array_equal(picture[2:66, columns], image)
        captions.append(picture[66:78, columns].tobytes())
        # Black on white, and whole: nothing touches the edges.
        assert picture[66:78, columns, 0].min() < 100
        assert (picture[66:78, [columns.start, columns.stop - 1]] == 255).all()
    assert len(set(captions)) == 3


def test_sample_grid_prints_the_score_of_a_pack_under_all_its_pictures(tmp_path):
    gan = kerasgan.build_pacgan((16, 16, 1), latent_dim=4, filters=2)
    gan.discriminator.set_weights([1000 * weight for weight in gan.discriminator.get_weights()])
    grid = callbacks.SampleGrid(tmp_path, count=4, columns=4, scores=True)
    grid.set_model(gan)
    grid.on_train_begin()
    grid.on_train_end()
    picture = read_png(tmp_path / "step_0000000.png")
    size = picture.shape[1] // 4
    captions = [picture[-14:-2, size * i + 2 : size * (i + 1)].tobytes() for i in range(4)]
    assert captions[0] == captions[1] and captions[2] == captions[3]
    assert captions[1] != captions[2]


def test_animation_thins_out(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "MOST_FRAMES", 4)
    gan = build_gan()
    train(gan, 11, callbacks.Animation(tmp_path / "a.gif", count=4))
    assert len(list((tmp_path / ".a.gif.frames").iterdir())) == 2  # at step 0 and at the end
    train(gan, 14, callbacks.Animation(tmp_path / "b.gif", every=1, count=4))
    frames = sorted(path.name for path in (tmp_path / ".b.gif.frames").iterdir())
    assert frames == ["step_0000012.png", "step_0000014.png"]
    gan = build_gan()
    train(gan, 14, callbacks.Animation(tmp_path / "c.gif", every=1, count=4))
    frames = sorted(path.name for path in (tmp_path / ".c.gif.frames").iterdir())
    assert frames == [f"step_{step:07d}.png" for step in (0, 4, 8, 12, 14)]
    with Image.open(tmp_path / "c.gif") as gif:
        # Two rows of two 8-pixel images with 2-pixel lines, enlarged by a whole number.
        assert (gif.n_frames, gif.size) == (5, (22 * 23, 22 * 23))


def test_a_broken_frame_and_strangers_among_them_are_left_out_of_the_animation(tmp_path):
    gan = build_gan()
    train(gan, 2, callbacks.Animation(tmp_path / "a.gif", every=1, count=4))
    frames = tmp_path / ".a.gif.frames"
    (frames / "step_0000001.png").write_bytes(b"broken")
    (frames / "step_copy.png").write_bytes(b"not one of ours")
    pictures.save_png(frames / "step_0000000.png", np.zeros((5, 5, 3), "uint8"))
    train(gan, 3, callbacks.Animation(tmp_path / "a.gif", every=1, count=4))
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 2
    assert (frames / "step_copy.png").exists()


def test_sample_grid_refuses_a_scale_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="`scale` must be a whole number from 1 to 64"):
        callbacks.SampleGrid(tmp_path, scale=0.5)


def build_conditional(build=kerasgan.build_cgan):
    gan = build((16, 16, 3), latent_dim=4, filters=2, num_classes=3)
    gan.class_names = ["cat", "dog", "eel"]
    return gan


def rows_of(gan, columns, scale=None):
    """The picture of a grid with a row for each class."""
    images = gan.sample(3 * columns, seed=0, labels=np.repeat(np.arange(3), columns))
    grid = pictures.grid(images, columns, scale=scale)
    return pictures.named(grid, ["cat", "dog", "eel"])


def test_pictures_have_a_named_row_for_each_class(tmp_path):
    gan = build_conditional()
    for callback in (callbacks.SampleGrid(tmp_path), callbacks.Animation(tmp_path / "a.gif")):
        callback.set_model(gan)
        callback.on_train_begin()
    np.testing.assert_array_equal(read_png(tmp_path / "step_0000000.png"), rows_of(gan, 8))
    frame = read_png(tmp_path / ".a.gif.frames" / "step_0000000.png")
    np.testing.assert_array_equal(
        frame[:, -6 * 74 :], rows_of(gan, 4, 1).repeat(6, 0).repeat(6, 1)[:, -6 * 74 :]
    )
    assert frame.shape[1] > 6 * 74 + 10 and (frame[:, : -6 * 74] < 100).any()


@pytest.mark.parametrize("build", [kerasgan.build_projection_gan, kerasgan.build_acgan])
def test_scores_are_those_of_the_images_with_their_labels(tmp_path, build, monkeypatch):
    gan = build_conditional(build)
    shown = []
    captioned = pictures.captioned
    monkeypatch.setattr(
        pictures, "captioned", lambda images, texts: shown.extend(texts) or captioned(images, texts)
    )
    grid = callbacks.SampleGrid(tmp_path, count=3, scores=True)
    grid.set_model(gan)
    grid.on_train_begin()
    labels = np.repeat(np.arange(3), 2)
    scores = gan.score((gan.sample(6, seed=0, labels=labels), labels))
    assert shown == [f"{score:.2f}" for score in scores]

import os

import numpy as np
import pytest
from keras import ops

from kerasgan import files, images, latents


def test_every_uint8_survives_the_way_to_float_and_back():
    values = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    for value_range in ((-1, 1), (0, 1)):
        floats = np.asarray(images.to_float(values, value_range))
        assert floats.min() == pytest.approx(value_range[0])
        assert floats.max() == pytest.approx(value_range[1])
        assert np.array_equal(images.to_uint8(floats, value_range), values)


def test_values_beyond_the_range_are_clipped_not_wrapped():
    assert list(images.to_uint8([-1.5, 1.5, 0.0], (-1, 1))) == [0, 255, 128]


def test_tensors_of_the_backend_are_checked_too():
    tensor = ops.convert_to_tensor(np.full((2, 4, 4, 1), 0.5, "float32"))
    if hasattr(tensor, "requires_grad_"):
        tensor.requires_grad_()
    checked = images.check(tensor, (4, 4, 1), (-1, 1))
    assert isinstance(checked, np.ndarray) and (checked == 0.5).all()


@pytest.mark.parametrize("batch", [{"images": np.zeros((2, 4, 4, 1))}, None, [{}, {}]])
def test_what_is_no_array_is_called_by_its_type(batch):
    with pytest.raises(ValueError, match=f"Received: images of type {type(batch).__name__}"):
        images.check(batch, (4, 4, 1), (-1, 1))


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_the_first_image_that_is_not_finite_is_named(value, kind):
    batch = np.zeros((5, 4, 4, 1), "float32")
    batch[3:, 2, 1] = value
    with pytest.raises(ValueError, match=f"where image 3 has {kind}. To leave such images out"):
        images.check(batch, (4, 4, 1), (-1, 1))
    with pytest.raises(ValueError, match=f"`more` must be .* where image 13 has {kind}"):
        images.check(batch, (4, 4, 1), (-1, 1), "more", first=10)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with files.replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
    mine = tmp_path / f".model.{os.getpid()}.tmp.keras"
    mine.write_text("left by a process that was killed and had this one's number")
    files.remove_stale(tmp_path, is_shared=True)
    assert mine.exists()
    files.remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_and_what_lies_beside_it_are_replaced_together(tmp_path):
    path = tmp_path / "x"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(RuntimeError):
        with files.replacing_all(path) as temporary:
            temporary.mkdir()
            raise RuntimeError
    assert [each.name for each in tmp_path.rglob("*")] == ["x", "old"]
    with files.replacing_all(path) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("new")
        temporary.with_suffix(".bin").write_text("weights")
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["new", "x", "x.bin"]


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation", "low", "high"),
    [
        ("normal", 0, 1, -6, 6),
        ("uniform", 0.5, 12**-0.5, 0, 1),
        ("symmetric_uniform", 0, 3**-0.5, -1, 1),
        (("normal", -1, 0.5), -1, 0.5, -4, 2),
        (lambda shape, seed: np.full(shape, seed % 2 * 2 - 1), 0, 1, -1, 1),
    ],
)
def test_latents(distribution, mean, deviation, low, high):
    distribution = latents.standardize(distribution)
    if callable(distribution):
        values = np.concatenate(
            [latents.draw(distribution, (2, 3), np.random.default_rng(i)) for i in range(2000)]
        )
    else:
        values = latents.draw(distribution, (2000, 5), np.random.default_rng(0))
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(mean, abs=0.05)
    assert values.std() == pytest.approx(deviation, abs=0.05)
    assert low <= values.min() and values.max() <= high


def test_wrong_latents_are_refused():
    for wrong in ("gaussian", ("normal", 0), ("normal", 0, 0), 3, None):
        with pytest.raises(ValueError, match="`latents` must be one of.*Received: latents="):
            latents.standardize(wrong)
    with pytest.raises(ValueError, match="`latents` must return one vector per image"):
        latents.draw(lambda shape, seed: np.zeros(3), (2, 3), np.random.default_rng(0))

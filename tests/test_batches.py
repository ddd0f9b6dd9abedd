"""Whatever holds images becomes batches: their form, their order, and what is refused."""

import itertools
import threading

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan.batches import Batches
from kerasgan.datasets import ImageFolder


def numbered(count):
    """Images that say which they are, and labels that say the same."""
    labels = np.arange(count)
    images = np.broadcast_to(labels.astype("uint8")[:, None, None, None], (count, 2, 2, 1))
    return images, labels


def taken(batches, count, epoch=0, start=0):
    stream = batches.stream(epoch, start)
    found = list(itertools.islice(stream, count))
    stream.close()
    return found


def test_labels_stay_with_their_images():
    images, labels = numbered(10)
    sources = (
        Batches(images, labels, batch_size=4, seed=3),
        Batches((images, labels), batch_size=4, seed=3),
        Batches({"images": images, "labels": list(labels)}, batch_size=4, seed=3),
    )
    alone = Batches(images, batch_size=4, seed=3)
    for source in sources:
        assert source.is_array and source.num_batches == 3
        for (batch, *position), (expected, *place) in zip(
            taken(source, 7), taken(alone, 7), strict=True
        ):
            if isinstance(batch, dict):
                assert list(batch) == ["images", "labels"]
                batch = tuple(batch.values())
            found, its_labels = batch
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(found[:, 0, 0, 0], its_labels)
            assert position == place


def found_in(batch):
    """The numbers of a batch's images."""
    return batch[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("start", [0, 2])
def test_a_short_last_batch_is_filled_up_with_images_of_the_first(tmp_path, start):
    images, labels = numbered(10)
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    folder = ImageFolder(tmp_path, (2, 2, 1), batch_size=4, cache=False)
    for x in (images, {"images": images}, folder):
        batches = Batches(x, batch_size=None if x is folder else 4)
        found = [
            found_in(batch["images"] if isinstance(batch, dict) else batch)
            for batch, *_ in taken(batches, 6 - start, start=start)
        ]
        assert batches.num_batches == 3 and [len(batch) for batch in found] == [4] * len(found)
        *_, first, second, last = found
        assert set(first) | set(second) | set(last) == set(range(10))
        assert len(set(last)) == 4 and len(set(last) & set(first)) == 2
    # The folder itself holds what there is.
    assert [len(batch) for batch in folder] == [4, 4, 2]
    # Fewer images than a batch are one batch.
    [(batch, *position)] = taken(Batches(images, batch_size=64), 1)
    assert sorted(found_in(batch)) == list(range(10)) and position == [1, 0]


def test_a_filled_batch_has_the_labels_of_its_images(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    for number, image in enumerate(numbered(6)[0]):
        Image.fromarray(image[..., 0]).save(tmp_path / "ab"[number % 2] / f"{number}.png")
    folder = ImageFolder(tmp_path, (2, 2, 1), batch_size=4, cache=False)
    for (images, labels), *_ in taken(Batches(folder), 4):
        assert labels.tolist() == [number % 2 for number in found_in(images)] and len(labels) == 4


def test_parts_are_all_of_an_array_in_the_streams_form(monkeypatch):
    monkeypatch.setattr("kerasgan.batches._PART", 4)
    images, labels = numbered(10)
    assert [found_in(part) for part in Batches(images).parts()] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]
    *_, (last, its_labels) = Batches((images, labels)).parts()
    assert found_in(last) == its_labels.tolist() == [8, 9]
    *_, last = Batches({"images": images, "labels": labels}).parts()
    assert found_in(last["images"]) == last["labels"].tolist() == [8, 9]
    assert not [*Batches([images]).parts()] and not [*Batches(Prepared(images)).parts()]


@pytest.mark.parametrize("start", [0, 2])
def test_reading_ahead_changes_neither_order_nor_positions(start):
    images, labels = numbered(10)
    batches = Batches(images, labels, batch_size=4, seed=1)
    found = taken(batches, 8, epoch=5, start=start)
    expected = []
    for epoch in (5, 6, 7):
        begin = start if epoch == 5 else 0
        for index, batch in enumerate(batches.one_pass(epoch, begin), begin + 1):
            expected.append((batch, epoch + index // 3, index % 3))
    for (batch, *position), (wanted, *place) in zip(found, expected, strict=False):
        np.testing.assert_array_equal(batch[1], wanted[1])
        assert position == place


def test_a_stream_that_is_closed_leaves_no_thread():
    before = set(threading.enumerate())
    stream = Batches(numbered(10)[0]).stream()
    next(stream)
    assert len(set(threading.enumerate()) - before) == 1
    stream.close()
    assert not set(threading.enumerate()) - before


def test_tensors_are_taken_to_the_host():
    images, labels = (keras.ops.convert_to_tensor(part) for part in numbered(6))
    for source in (Batches(images, labels), Batches({"images": images, "labels": labels})):
        (part,) = source.parts()
        assert all(isinstance(array, np.ndarray) for array in keras.tree.flatten(part))


@pytest.mark.parametrize("form", ["images", "(images,)", "pairs", "triples", "dicts"])
def test_batches_of_others_pass_through(form):
    images, labels = numbered(6)
    make = {
        "images": lambda part: images[part],
        "(images,)": lambda part: (images[part],),
        "pairs": lambda part: (images[part], labels[part]),
        "triples": lambda part: (images[part], labels[part], np.ones(2)),
        "dicts": lambda part: {"images": images[part], "labels": labels[part]},
    }[form]
    batches = [make(slice(i, i + 2)) for i in (0, 2, 4)]
    for source in (batches, Prepared(batches)):
        for (batch, *_), expected in zip(taken(Batches(source), 3), batches, strict=True):
            assert type(batch) is type(expected)
            keras.tree.map_structure(np.testing.assert_array_equal, batch, expected)


def test_an_iterator_may_fill_one_array_again_and_again():
    def refilled():
        batch = np.zeros((2, 4, 4, 1), "uint8")
        for value in range(3):
            batch[:] = value
            yield batch

    assert [batch.max() for batch, *_ in taken(Batches(refilled()), 2)] == [0, 1]


def test_an_iterator_is_read_one_batch_ahead_and_no_more():
    read = []
    batches = (read.append(number) or number for number in itertools.count())
    stream = Batches(batches).stream()
    for number in range(3):
        assert next(stream) == (number, 0, number + 1)
        assert read == list(range(number + 2))
    stream.close()
    assert next(batches) == 4  # still open


class Prepared(keras.utils.PyDataset):
    """A data set that can give batches only after `on_epoch_begin`."""

    def __init__(self, batches):
        super().__init__(workers=2)
        self.batches, self.prepared = batches, None
        self.epochs = []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.prepared[index]

    def set_epoch(self, epoch):
        self.epochs.append(epoch)

    def on_epoch_begin(self):
        self.prepared = self.batches

    def on_epoch_end(self):
        self.prepared = None


def test_a_dataset_is_asked_for_batches_between_begin_and_end_alone():
    dataset = Prepared([1, 2, 3])
    found = taken(Batches(dataset), 5, epoch=4, start=1)
    assert found == [(2, 4, 2), (3, 5, 0), (1, 5, 1), (2, 5, 2), (3, 6, 0)]
    assert dataset.epochs == [4, 5]


IMAGES, LABELS = numbered(6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": 3}, "`x` must be a uint8 array"),
        ({"x": None}, "`x` must be a uint8 array"),
        ({"x": b"folder"}, "`x` must be a uint8 array"),
        ({"x": IMAGES[:0]}, "`x` must contain images"),
        ({"x": np.float32(3)}, "`x` must contain images"),
        ({"y": LABELS[:5]}, "`y` must contain one label per image.*5 labels for 6 images"),
        ({"y": 5}, "`y` must contain one label per image.*y=5"),
        ({"batch_size": 2.5}, "`batch_size` must be a whole number"),
        ({"x": [IMAGES], "y": LABELS}, "`y` must be left out unless `x` is an array"),
        ({"x": [IMAGES], "batch_size": 2}, "`batch_size` must be left out"),
        ({"x": list(IMAGES)}, r"`x` must be one array of all images.*\(2, 2, 1\).*numpy\.stack"),
        ({"x": (IMAGES, LABELS), "y": LABELS}, "`y` must be left out if `x` is a pair"),
        (
            {"x": ((IMAGES, LABELS), (IMAGES, LABELS))},
            r"`x` must be a pair \(images, labels\).*a tuple \(tuple, tuple\).*training pair",
        ),
        ({"x": (IMAGES, IMAGES)}, r"a pair .*shape \(6, 2, 2, 1\), array.*batches as a list"),
        ({"x": (IMAGES, LABELS[:5])}, "`x` must be a pair"),
        ({"x": (IMAGES[..., 0], LABELS)}, "`x` must be a pair"),
        ({"x": (IMAGES, LABELS, LABELS)}, "`x` must be a pair"),
        ({"x": (IMAGES,)}, "`x` must be a pair"),
        ({"x": ()}, "`x` must be a pair"),
        ({"x": {}}, "`x` must contain the array `images`"),
        ({"x": {"labels": LABELS}}, r"`x` must contain the array `images`.*\['labels'\]"),
        ({"x": {"images": IMAGES}, "y": LABELS}, "`y` must be left out if `x` is a dict"),
        ({"x": {"images": IMAGES[:0]}}, "`x` must contain images"),
        (
            {"x": {"images": IMAGES, "labels": LABELS[:5]}},
            "`x` must contain arrays of equal length",
        ),
        ({"x": {"images": IMAGES, "labels": 5}}, "`x` must contain arrays of equal length"),
    ],
)
def test_what_holds_no_images_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batches(**({"x": IMAGES} | arguments))


def test_one_picture_passed_for_many_is_checked_whole():
    """Not in parts, whose shapes nobody would know."""
    photo = np.zeros((3000, 4, 3), "uint8")
    assert [part.shape for part in Batches(photo).parts()] == [photo.shape]

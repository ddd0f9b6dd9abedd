"""`load_mnist` from files, intact ones and damaged ones."""

import gzip
import re
import struct

import keras
import numpy as np
import pytest

from kerasgan.datasets import load_mnist

pytestmark = pytest.mark.any_backend

COUNTS = {"train": 5, "t10k": 3}


def idx(array, magic):
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def digits(prefix):
    rng = np.random.default_rng(len(prefix))
    images = rng.integers(0, 256, (COUNTS[prefix], 28, 28), dtype=np.uint8)
    return images, np.arange(COUNTS[prefix], dtype=np.uint8)


def write_idx(folder, dot="-", gzipped=False):
    for prefix in COUNTS:
        images, labels = digits(prefix)
        for name, content in (
            (f"{prefix}-images{dot}idx3-ubyte", idx(images, 2051)),
            (f"{prefix}-labels{dot}idx1-ubyte", idx(labels, 2049)),
        ):
            if gzipped:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)


def write_npz(path, **changes):
    (x_train, y_train), (x_test, y_test) = digits("train"), digits("t10k")
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(path, **(arrays | changes))


def check_split(images, labels, prefix):
    expected_images, expected_labels = digits(prefix)
    assert images.dtype == np.uint8 and labels.dtype == np.uint8
    assert images.shape == (COUNTS[prefix], 28, 28, 1)
    np.testing.assert_array_equal(images[..., 0], expected_images)
    np.testing.assert_array_equal(labels, expected_labels)
    images[0] = 0  # must be the caller's own to change


@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("gzipped", [False, True])
def test_reads_a_folder_of_idx_files(tmp_path, dot, gzipped):
    write_idx(tmp_path, dot, gzipped)
    check_split(*load_mnist(path=tmp_path), "train")
    check_split(*load_mnist("test", path=str(tmp_path)), "t10k")


def test_reads_a_folder_with_npz_and_the_file_itself(tmp_path):
    write_npz(tmp_path / "mnist.npz")
    check_split(*load_mnist("test", path=tmp_path), "t10k")
    (tmp_path / "mnist.npz").rename(tmp_path / "renamed.npz")
    check_split(*load_mnist("train", path=tmp_path / "renamed.npz"), "train")


def test_reads_one_idx_file_with_its_labels_beside_it(tmp_path):
    write_idx(tmp_path)
    check_split(*load_mnist("train", path=tmp_path / "train-images-idx3-ubyte"), "train")
    with pytest.raises(ValueError, match='Pass split="train"'):
        load_mnist("test", path=tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(ValueError, match='"images" in its name'):
        load_mnist("train", path=tmp_path / "train-labels-idx1-ubyte")


def test_unpacked_file_that_kept_its_gz_name(tmp_path):
    write_idx(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(f"{path}.gz")
    check_split(*load_mnist(path=tmp_path), "train")


def test_default_is_keras(monkeypatch):
    monkeypatch.setattr(
        keras.datasets.mnist, "load_data", lambda: (digits("train"), digits("t10k"))
    )
    check_split(*load_mnist("test"), "t10k")


@pytest.mark.parametrize("split", ["validation", None, ["train"], 0])
def test_unknown_split(tmp_path, split):
    with pytest.raises(
        ValueError, match=f"`split` must be 'train' or 'test'.*{re.escape(repr(split))}"
    ):
        load_mnist(split, path=tmp_path)


@pytest.mark.parametrize("path", [5, "", b"folder", ["folder"]])
def test_a_value_that_is_no_path(path):
    with pytest.raises(ValueError, match="`path` must be a folder of MNIST files.*path="):
        load_mnist(path=path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_mnist(path=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        load_mnist(path=tmp_path)
    write_idx(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        load_mnist("test", path=tmp_path)


def test_truncated_files_are_named(tmp_path):
    write_idx(tmp_path, gzipped=True)
    write_npz(tmp_path / "whole.npz")
    sources = [
        (tmp_path / "train-images-idx3-ubyte.gz", tmp_path),
        (tmp_path / "train-labels-idx1-ubyte.gz", tmp_path),
        (tmp_path / "whole.npz", tmp_path / "whole.npz"),
    ]
    for file, path in sources:
        whole = file.read_bytes()
        for length in (0, 3, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=file.name):
                load_mnist(path=path)
        file.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", idx(digits("train")[0], 2049), "magic number 2049"),
        ("train-labels-idx1-ubyte", idx(digits("train")[1], 2051), "magic number 2051"),
        ("train-images-idx3-ubyte", idx(digits("train")[0], 2051) + b"x", "truncated or too long"),
        ("train-images-idx3-ubyte", idx(digits("train")[0][:, :14], 2051), r"\(n, 28, 28\)"),
        ("train-images-idx3-ubyte", idx(digits("train")[0][:0], 2051), r"\(0, 28, 28\)"),
        ("train-labels-idx1-ubyte", idx(digits("train")[1][:4], 2049), "4 labels for the 5 images"),
        ("train-images-idx3-ubyte", b"<html>not found</html>", "magic number"),
    ],
)
def test_wrong_idx_files(tmp_path, name, content, message):
    write_idx(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load_mnist(path=tmp_path)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((5, 28, 28))}, "must be uint8"),
        ({"x_train": np.zeros((5, 32, 32), np.uint8)}, r"\(5, 32, 32\)"),
        ({"y_train": np.zeros(4, np.uint8)}, "must be 5 integers"),
        ({"y_train": np.zeros(5)}, "must be 5 integers"),
        ({"x_train": np.array([{"a": 1}], object)}, "pickle"),
    ],
)
def test_wrong_npz_files(tmp_path, changes, message):
    write_npz(tmp_path / "mnist.npz", **changes)
    with pytest.raises(ValueError, match=message) as error:
        load_mnist(path=tmp_path)
    assert "mnist.npz" in str(error.value)
    np.savez(tmp_path / "mnist.npz", images=np.zeros(3))
    with pytest.raises(ValueError, match="x_train"):
        load_mnist(path=tmp_path)
    with open(tmp_path / "mnist.npz", "wb") as stream:
        np.save(stream, digits("train")[0])
    with pytest.raises(ValueError, match="not a complete mnist.npz"):
        load_mnist(path=tmp_path)


def test_without_a_network_it_says_where_to_put_the_files(monkeypatch):
    def load_data():
        raise Exception("URL fetch failure on https://example.org/mnist.npz: None")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(OSError, match="`path` must point to .* URL fetch failure"):
        load_mnist()

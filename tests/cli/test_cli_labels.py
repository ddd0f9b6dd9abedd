"""Labels in the commands: from class folders or MNIST into the run, its pictures and samples."""

import inspect
import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from commands import TINY, errors, read_png, sample, train
from models import state
from PIL import Image

from kerasgan import callbacks, cli, datasets, pictures, zoo
from kerasgan.cli._data import load_to_compare, load_to_train, survey

pytestmark = pytest.mark.any_backend

LABELED = [
    name.removeprefix("build_")
    for name in zoo.__all__
    if "num_classes" in inspect.signature(getattr(zoo, name)).parameters
]


def rows_of(gan, names, columns, seed=0):
    """A grid with a row for each of these labels."""
    labels = np.repeat(list(names), columns)
    images = gan.sample(len(labels), seed=seed, labels=labels)
    grid = pictures.grid(images, columns, scale=None)
    return pictures.named(grid, list(names.values())).squeeze()


def test_a_run_has_the_classes_of_its_data_and_a_row_for_each(run_of_pets):
    config = json.loads((run_of_pets / "config.json").read_text())
    assert (config["num_classes"], config["class_names"]) == (2, ["cat", "dog"])
    assert config["generator_inputs"] == ["latents", "labels"]
    gan = callbacks.load_checkpoint(run_of_pets)
    assert (gan.num_classes, gan.class_names) == (2, ["cat", "dog"])
    expected = rows_of(gan, {0: "cat", 1: "dog"}, 8)
    assert expected.shape[1] > 8 * (8 * 16 + 2) + 2  # there is room for the names
    np.testing.assert_array_equal(read_png(run_of_pets / "samples.png"), expected)
    names = sorted(path.name for path in (run_of_pets / "samples").iterdir())
    np.testing.assert_array_equal(read_png(run_of_pets / "samples" / names[-1]), expected)
    with Image.open(run_of_pets / "training.gif") as gif:
        # Two rows of four images, enlarged by 6, beside names of at least 16 pixels.
        width, height = gif.size
        assert gif.n_frames > 1 and height == 6 * (2 * 18 + 2) and width > 6 * 74 + 16


def test_files_that_are_no_images_are_counted(pets, tmp_path, capsys):
    shutil.copytree(pets, tmp_path / "pets")
    for name in ("a.mov", "b.MOV", "cat/notes"):
        (tmp_path / "pets" / name).write_bytes(b"no image")
    given = {"data": str(tmp_path / "pets"), "size": [16, 16], "channels": 3, "batch_size": 12}
    given |= {"seed": 5, "fit": "crop", "background": "white", "mirror": False}
    load_to_train(given, labels=True)
    assert capsys.readouterr().out == "Files that are no images: 2 .mov, 1 without a suffix.\n"


def test_images_come_with_the_labels_of_their_folders(pets, photos):
    given = {"data": str(pets), "size": [16, 16], "channels": 3, "batch_size": 12, "seed": 5}
    given |= {"fit": "crop", "background": "white", "mirror": False}
    images, labels = load_to_train(given, labels=True)[0]
    assert sorted(labels) == [0] * 7 + [1] * 5
    for image, label in zip(images, labels, strict=True):
        folder = pets / ("cat", "dog")[label]
        assert any(np.array_equal(image, read_png(path)) for path in folder.iterdir())
    assert load_to_train(given)[0].shape == (12, 16, 16, 3)


def test_an_archive_is_trained_on_as_its_folder(pets, run_of_pets, tmp_path, monkeypatch, capsys):
    archive = shutil.make_archive(tmp_path / "pets", "zip", pets.parent, "pets")
    monkeypatch.chdir(tmp_path)
    assert train("pets.zip", *TINY, "--model", "cgan", "--steps", 4) == 0
    run = tmp_path / "runs" / "pets-cgan"
    np.testing.assert_array_equal(
        read_png(run / "samples.png"), read_png(run_of_pets / "samples.png")
    )
    assert load_to_compare(archive, None, (16, 16, 3)).num_images == 12
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("pets/dataset.json", '{"labels": null}')
    capsys.readouterr()
    assert train(archive, *TINY, "--model", "cgan", "--out", tmp_path / "none") == 2
    assert "`dataset.json` must have labels for its images" in errors(capsys)
    assert survey(archive) == (12, 0)  # without --model, it is not refused
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("model", [name for name in LABELED if name != "cgan"])
def test_every_model_with_labels_is_trained_and_sampled(pets, tmp_path, capsys, model):
    run = tmp_path / "run"
    assert train(pets, *TINY, "--model", model, "--steps", 1, "--out", run) == 0
    assert "on 12 images of pets (16x16x3, 2 classes)" in capsys.readouterr().out
    gan = callbacks.load_checkpoint(run)
    assert gan.class_names == ["cat", "dog"]
    takes_labels = "labels" in [tensor.name for tensor in gan.generator.inputs]
    assert takes_labels or model == "sgan"
    for name in ("model.keras", "generator.keras"):
        out = tmp_path / f"{name}.png"
        assert sample(run / name, "--count", 4, "--out", out) == 0
        expected = pictures.grid(gan.sample(4, seed=0), scale=None)
        if takes_labels:
            expected = rows_of(gan, {0: "cat", 1: "dog"}, 2)
        np.testing.assert_array_equal(read_png(out), expected)
    if not takes_labels:
        assert sample(run, "--labels", "cat", "--out", tmp_path / "cat.png") == 2
        assert "`--labels` must be left out for a model that makes" in errors(capsys)


def tiny_mnist(num_labels=10):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype="uint8")
    return ((images, np.arange(20, dtype="uint8") % num_labels),) * 2


def test_mnist_comes_with_its_labels(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keras.datasets.mnist, "load_data", tiny_mnist)
    run = tmp_path / "run"
    arguments = ["mnist", "--model", "cgan", "--filters", 2, "--batch-size", 10, "--out", run]
    assert train(*arguments, "--epochs", 1) == 0
    gan = callbacks.load_checkpoint(run)
    assert (gan.step, gan.class_names) == (2, list("0123456789"))
    expected = rows_of(gan, {digit: str(digit) for digit in range(10)}, 7)
    np.testing.assert_array_equal(read_png(run / "samples.png"), expected)
    assert sample(run, "--labels", "3,3,7", "--out", tmp_path / "digits") == 0
    expected = gan.sample(3, seed=0, labels=[3, 3, 7])
    for index, path in enumerate(sorted((tmp_path / "digits").iterdir())):
        np.testing.assert_array_equal(read_png(path), expected[index, ..., 0])
    assert train("--resume", "--out", run, "--epochs", 2) == 0
    assert callbacks.load_checkpoint(run).step == 4


def test_files_of_more_than_ten_classes_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: tiny_mnist(11))
    assert train("mnist", "--model", "cgan", "--filters", 2, "--out", tmp_path / "run") == 2
    assert "`--data-path` must have labels from 0 to 9" in errors(capsys)
    assert not (tmp_path / "run").exists()


def make_flat(folder):
    for path in folder.glob("*/*.png"):
        path.rename(folder / f"{path.parent.name}-{path.name}")


def make_one_stray(folder):
    (folder / "dog" / "0.png").rename(folder / "stray.png")


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (make_flat, "12 images outside subfolders, such as 'cat-0.png'"),
        (make_one_stray, "1 image outside subfolders, such as 'stray.png'"),
        (lambda folder: shutil.rmtree(folder / "dog"), "images in only one, 'cat'"),
    ],
)
def test_another_layout_is_refused_before_images_are_decoded(
    pets, tmp_path, monkeypatch, capsys, change, received
):
    folder, run = tmp_path / "pets", tmp_path / "run"
    shutil.copytree(pets, folder)
    change(folder)
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "ImageFolder", None)
        assert train(folder, *TINY, "--model", "cgan", "--out", run) == 2
    text = errors(capsys)
    assert "`DATA` must have a subfolder for each of two or more classes" in text
    assert received in text and "such as DATA/cats and DATA/dogs" in text
    assert len(text.splitlines()) == 1 and not run.exists()
    # Without labels, nothing is asked of the layout.
    assert train(folder, *TINY, "--steps", 1, "--out", run) == 0


def test_other_arguments_are_checked_before_images_are_decoded(pets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "ImageFolder", None)
    for model in LABELED:
        arguments = ["--model", model, "--size", 8, "--out", tmp_path / "run"]
        assert train(pets, *arguments) == 2
        assert "`--size` must" in errors(capsys)
    assert train(tmp_path / "none", "--model", "cgan", "--out", tmp_path / "run") == 2
    assert "`DATA` must be an existing folder" in errors(capsys)


def test_a_resumed_run_with_labels_equals_an_uninterrupted_one(run_of_pets, pets, tmp_path):
    other = tmp_path / "parts"
    assert train(pets, *TINY, "--model", "cgan", "--steps", 2, "--out", other) == 0
    assert train("--resume", "--out", other, "--steps", 4) == 0
    expected, found = map(callbacks.load_checkpoint, (run_of_pets, other))
    for one, two in zip(state(expected), state(found), strict=True):
        np.testing.assert_array_equal(one, two)
    for name in ("log.csv", "samples.png", "training.gif"):
        assert (run_of_pets / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_data_of_other_classes_are_refused_on_resume(
    run_of_pets, pets, tmp_path, monkeypatch, capsys, has_checkpoint
):
    run, folder = tmp_path / "run", tmp_path / "pets"
    run.mkdir()
    for name in ["config.json"] + ["model.keras"] * has_checkpoint:
        (run / name).write_bytes((run_of_pets / name).read_bytes())
    shutil.copytree(pets, folder)
    (folder / "dog").rename(folder / "fox")
    files = {path: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr(datasets, "ImageFolder", None)
    assert train(folder, "--resume", "--out", run, "--steps", 6) == 2
    text = errors(capsys)
    assert f"have the classes of the run in {run}: cat, dog. " in text
    assert "Received: DATA without dog and with fox." in text and len(text.splitlines()) == 1
    (folder / "fox").rename(folder / "dog")
    (folder / "fox").mkdir()
    shutil.copy(folder / "cat" / "0.png", folder / "fox")
    assert train(folder, "--resume", "--out", run, "--steps", 6) == 2
    assert "Received: DATA with fox." in errors(capsys)
    assert {path: path.read_bytes() for path in run.iterdir() if path.name != ".lock"} == files
    # A finished run needs no data.
    if has_checkpoint:
        assert train("--resume", "--out", run) == 0


def test_sample_draws_the_classes_asked_for(run_of_pets, tmp_path, capsys):
    gan = callbacks.load_checkpoint(run_of_pets)

    def drawn(*arguments, source="model.keras"):
        out = tmp_path / "grid.png"
        assert sample(run_of_pets / source, *arguments, "--out", out, "--overwrite") == 0
        return read_png(out)

    in_order = pictures.grid(gan.sample(3, seed=2, labels=[1, 1, 0]), scale=None)
    for source in ("model.keras", "generator.keras"):
        for text in ("dog,dog,cat", "1,1,0", " dog, 1 ,cat"):
            picture = drawn("--labels", text, "--seed", 2, source=source)
            np.testing.assert_array_equal(picture, in_order)
    # Repeated, they are the rows.
    expected = rows_of(gan, {1: "dog", 0: "cat"}, 3)
    np.testing.assert_array_equal(drawn("--labels", "dog,cat", "--count", 6), expected)
    np.testing.assert_array_equal(drawn("--labels", "dog,cat", "--count", 5), expected)
    expected = pictures.grid(gan.sample(4, seed=0, labels=[1] * 4), scale=None)
    np.testing.assert_array_equal(drawn("--labels", "dog", "--count", 4), expected)
    expected = rows_of(gan, {0: "cat", 1: "dog"}, 8)
    np.testing.assert_array_equal(drawn(), expected)


def test_sample_takes_turns_in_a_folder_and_on_a_walk(run_of_pets, tmp_path):
    gan = callbacks.load_checkpoint(run_of_pets)
    for arguments, labels in (
        (["--count", 3], [0, 1, 0]),
        (["--count", 3, "--labels", "dog,cat"], [1, 0, 1]),
        (["--labels", "dog,dog"], [1, 1]),
    ):
        out = tmp_path / "single"
        assert sample(run_of_pets, *arguments, "--out", out, "--overwrite") == 0
        expected = gan.sample(len(labels), seed=0, labels=labels)
        paths = sorted(out.iterdir())
        assert len(paths) == len(labels)
        for path, image in zip(paths, expected, strict=True):
            np.testing.assert_array_equal(read_png(path), image)


def test_a_walk_keeps_the_class_from_stop_to_stop(run_of_pets, tmp_path, monkeypatch):
    frames = {}

    def keep(path, images, seconds_per_frame):
        frames[path.name] = np.stack(images)

    monkeypatch.setattr(pictures, "save_gif", keep)
    for name, arguments in {"dog.gif": ["--labels", "dog"], "all.gif": []}.items():
        arguments += ["--count", 2, "--scale", 1, "--out", tmp_path / name]
        assert sample(run_of_pets, *arguments) == 0
    gan = callbacks.load_checkpoint(run_of_pets)
    for name, labels in (("dog.gif", [1, 1]), ("all.gif", [0, 1])):
        assert len(frames[name]) == 32
        np.testing.assert_array_equal(frames[name][::16], gan.sample(2, seed=0, labels=labels))
    np.testing.assert_array_equal(frames["dog.gif"][16:], frames["all.gif"][16:])
    assert not np.array_equal(frames["dog.gif"][:16], frames["all.gif"][:16])


def test_wrong_labels_are_one_line_that_lists_the_classes(run_of_pets, run, tmp_path, capsys):
    for text, part in (("bird", "bird"), ("cat,,dog", ""), ("cat,2", "2"), ("", ""), ("-1", "-1")):
        assert sample(run_of_pets, f"--labels={text}", "--out", tmp_path / "grid.png") == 2
        line = errors(capsys)
        assert "`--labels` must be classes of the model, separated by commas: cat, dog." in line
        assert f"--labels {text}, with {part!r}" in line and "numbers from 0 to 1." in line
        assert len(line.splitlines()) == 1
    assert sample(run, "--labels", "cat", "--out", tmp_path / "grid.png") == 2
    assert "`--labels` must be left out for a model that makes" in errors(capsys)
    assert not list(tmp_path.iterdir())


def test_numbers_are_names_where_a_class_has_one_as_its_name(tmp_path, capsys):
    gan = zoo.build_cgan((16, 16, 1), latent_dim=4, filters=2, num_classes=2)
    gan.class_names = ["1", "b\u00e4r"]
    gan.save(tmp_path / "model.keras")
    out = tmp_path / "grid.png"
    assert sample(tmp_path, "--labels", "1,b\u00e4r", "--out", out) == 0
    expected = pictures.grid(gan.sample(2, seed=0, labels=[0, 1]), scale=None)
    np.testing.assert_array_equal(read_png(out), expected[..., 0])
    assert sample(tmp_path, "--labels", "0", "--out", out, "--overwrite") == 2
    assert errors(capsys).endswith("Write them as they stand here.\n")


@pytest.mark.parametrize(
    "change",
    [
        {"num_classes": None},
        {"num_classes": "2"},
        {"num_classes": 3},
        {"class_names": ["cat"]},
        {"class_names": "ab"},
    ],
)
def test_a_generator_with_classes_that_are_not_its_own_is_refused(
    run_of_pets, tmp_path, capsys, change
):
    config = json.loads((run_of_pets / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    shutil.copy(run_of_pets / "generator.keras", tmp_path)
    assert sample(tmp_path / "generator.keras", "--out", tmp_path / "grid.png") == 2
    assert "config.json, which cannot be used (ValueError: num_classes is" in errors(capsys)


def test_a_run_with_labels_is_evaluated_on_all_its_classes(run_of_pets, pets, capsys):
    for source in (run_of_pets, run_of_pets / "generator.keras"):
        arguments = ["evaluate", str(source), "--data", str(pets)]
        assert cli.main(arguments) == 0
        printed = capsys.readouterr().out
        assert "frechet distance" in printed and "6 images each" in printed


def test_train_measures_with_labels(pets, tmp_path):
    run = tmp_path / "run"
    arguments = ["--model", "cgan", "--evaluate", "pyramid", "--steps", 1, "--out", run]
    assert train(pets, *TINY, *arguments) == 0
    assert [row["step"] for row in callbacks.read_log(run / "evaluation.csv")] == ["0", "1"]


@pytest.mark.filterwarnings("always::UserWarning")
def test_classes_of_very_unequal_size_are_a_note(tmp_path, capsys):
    for name, count in (("ant", 23), ("bee", 5), ("cow", 2)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(count):
            pictures.save_png(
                tmp_path / "data" / name / f"{index}.png", np.zeros((16, 16, 3), "uint8")
            )
    arguments = [tmp_path / "data", *TINY, "--steps", 1]
    assert train(*arguments, "--model", "cgan", "--out", tmp_path / "run") == 0
    text = capsys.readouterr().err
    assert text.count("note: The classes differ a lot in size: the smallest, cow, has 2 ") == 1
    assert "the largest, ant, has 23" in text
    assert train(*arguments, "--out", tmp_path / "other") == 0
    assert "classes" not in capsys.readouterr().err

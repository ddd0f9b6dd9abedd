"""The scripts that measure: what they share, and that they run."""

import importlib
import json
import pathlib
import random
import sys

import keras
import numpy as np
import pytest
from models import write_mnist
from PIL import Image

import kerasgan
from kerasgan import pictures

pytestmark = pytest.mark.any_backend

SCRIPTS = pathlib.Path(__file__).parent.parent / "scripts" / "measure"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


def test_a_run_that_is_recorded_is_not_run_again(script, tmp_path):
    results = script("results")
    path = tmp_path / "made" / "runs.jsonl"
    calls = []

    def square(number):
        calls.append(number)
        return {"square": number**2}

    for number in (2, 3, 2):
        found = results.measure(path, {"number": number}, square, number)
        assert found["square"] == number**2 and found["cores"] >= 1
    assert calls == [2, 3]
    assert [run["number"] for run in results.read(path)] == [2, 3]


def test_tables_show_mean_and_deviation(script):
    results = script("results")
    assert results.spread([1.0, 2.0, 3.0], 1) == "2.0 ± 1.0"
    assert results.spread([4.0], 0) == "4"
    assert results.table(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"


def test_a_spike_is_five_times_the_best_before(script):
    has_spiked = script("stability").has_spiked
    assert has_spiked([9.0, 1.0, 5.1, 1.0])
    assert not has_spiked([9.0, 1.0, 5.0])
    assert not has_spiked([60.0, 2.0, 1.0])


def test_points_are_counted(script, tmp_path, monkeypatch, capsys):
    out = tmp_path / "points.jsonl"
    points = script("points")
    for _ in range(2):
        run(points, monkeypatch, "ring", "--seeds", 0, "--steps", 2, "--out", out)
    lines = records(out)
    assert [line["gan"] for line in lines] == ["plain", "paired"]
    assert all(0 <= line["modes"] <= 8 for line in lines)
    assert "| ring | paired | 1 |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run(points, monkeypatch, "cube")


def test_stacks_are_counted(script, tmp_path, monkeypatch):
    write_mnist(tmp_path, 70)
    out = tmp_path / "stacked.jsonl"
    tiny = ["--steps", 1, "--samples", 20, "--filters", 1, "--data-path", tmp_path, "--out", out]
    stacked = script("stacked_mnist")
    monkeypatch.setattr(stacked, "NUM_STACKS", 64)
    run(stacked, monkeypatch, "paired", *tiny)
    (line,) = records(out)
    assert line["gan"] == "paired" and 1 <= line["modes"] <= 20
    for name in stacked.GANS:
        assert stacked.build(name, 1).image_shape == (28, 28, 3)


def test_rates_stand_beside_widths(script, tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path, 70)
    out = tmp_path / "rates.jsonl"
    few = ["--filters", 1, 2, "--rates", 1e-3, "--minutes", 1e-6, "--data-path", tmp_path]
    run(script("rates"), monkeypatch, *few, "--out", out)
    lines = records(out)
    assert [(line["filters"], line["rate"], line["steps"]) for line in lines] == [
        (1, 1e-3, 1),
        (2, 1e-3, 1),
    ]
    distance = lines[1]["scores"]["frechet_distance"]
    assert f"| 2 | {distance:.2f} |" in capsys.readouterr().out


def test_updates_are_compared_at_equal_steps_and_time(script, tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path, 70)
    out = tmp_path / "updates.jsonl"
    few = ["--seeds", 0, "--steps", 2, "--filters", 1, "--data-path", tmp_path, "--out", out]
    run(script("updates"), monkeypatch, *few)
    joint, other = [json.loads(line)["at"] for line in out.read_text().splitlines()]
    assert joint["equal steps"]["steps"] == other["equal steps"]["steps"] == 2
    assert other["equal time"]["steps"] >= 2
    assert "| simultaneous, equal time |" in capsys.readouterr().out


def test_models_with_and_without_labels_learn_from_class_folders(
    script, tmp_path, monkeypatch, capsys
):
    rng = np.random.default_rng(0)
    for number in range(10):
        folder = tmp_path / "data" / f"class {number}"
        folder.mkdir(parents=True)
        for index, image in enumerate(rng.integers(0, 256, (3, 32, 32, 3), "uint8")):
            pictures.save_png(folder / f"{index}.png", image)
    cifar10 = script("cifar10")
    monkeypatch.setattr(cifar10, "EPOCHS", 1)
    few = ["--minutes", 1e-6, "--data-path", tmp_path / "data", "--out", tmp_path / "out"]
    few += ["--encoders", tmp_path]
    for _ in range(2):  # what is recorded is not trained again
        run(cifar10, monkeypatch, "dcgan", "projection_gan", *few)
    lines = records(tmp_path / "out" / "cifar10.jsonl")
    assert 0 <= records(tmp_path / "encoders.jsonl")[0]["accuracy"] <= 1
    assert [line["model"] for line in lines] == ["dcgan", "projection_gan"]
    assert "agreement" not in lines[0] and len(lines[1]["agreement"]) == 10
    assert "| projection_gan | " in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*.png"))) == 4
    tiny = {"filters": 2, "batch_size": 2}
    settings = {name: tiny for name in ("biggan", "r3gan", "stylegan2")}
    monkeypatch.setattr(cifar10, "GPU_SETTINGS", settings)
    run(cifar10, monkeypatch, *settings, "--gpu", *few)
    *_, last = records(tmp_path / "out" / "cifar10.jsonl")
    assert last["gpu"] and last["model"] == "stylegan2" and last["steps"] >= 1


def test_models_learn_from_few_images_with_and_without_augmentation(
    script, tmp_path, monkeypatch, capsys
):
    few_images = script("few_images")
    monkeypatch.setattr(few_images, "COUNT", 8)
    tiny = {"filters": 2, "batch_size": 2, "steps": 9}
    monkeypatch.setattr(few_images, "MODELS", dict.fromkeys(few_images.MODELS, tiny))
    out = tmp_path / "few_images.jsonl"
    few = ["--seeds", 0, "--steps", 1, "--out", out]
    run(few_images, monkeypatch, *few_images.MODELS, *few)
    found = [(line["model"], line["augment"], line["steps"]) for line in records(out)]
    policies = few_images.POLICIES.items()
    assert found == [(name, how, 1) for name, policy in policies for how in ("none", policy)]
    assert "| (half against half) | " in capsys.readouterr().out
    assert (tmp_path / "flags-fastgan-color-translation-0.png").exists()


def test_a_classifier_learns_from_samples_alone(script, tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path, 20)
    gan = kerasgan.build_cgan((28, 28, 1), filters=1)
    gan.save(tmp_path / "mine.keras")
    few = ["--count", 20, "--epochs", 1, "--seeds", 0, "--data-path", tmp_path]
    train_on_samples = script("train_on_samples")
    run(
        train_on_samples,
        monkeypatch,
        tmp_path / "mine.keras",
        *few,
        "--out",
        tmp_path / "runs.jsonl",
    )
    lines = records(tmp_path / "runs.jsonl")
    assert [line["images"] for line in lines] == ["mine", "real images"]
    assert all(0 <= line["accuracy"] <= 1 for line in lines)
    with pytest.raises(SystemExit):
        run(train_on_samples, monkeypatch, "flags", *few)
    assert "flags takes no labels" in capsys.readouterr().err


def test_digits_are_projected(script, tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path, 3)
    kerasgan.build_cgan((28, 28, 1), filters=1).save(tmp_path / "mine.keras")
    few = ["--count", 2, "--steps", 1, "--data-path", tmp_path]
    run(script("projections"), monkeypatch, tmp_path / "mine.keras", *few)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| real test digits", "| own samples"]


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="Linux tells")
def test_a_long_training_is_watched(script, tmp_path, monkeypatch):
    steady = script("steady")
    monkeypatch.setattr(steady, "SETTLE", 25)
    monkeypatch.setattr(steady, "PAIRS", 3)
    monkeypatch.setattr(steady.AdversarialStep, "_check", steady.AdversarialStep._check)
    monkeypatch.setattr(steady.AdversarialStep, "_make", steady.AdversarialStep._make)
    arguments = ["--steps", 80, "--filters", 1, "--out", tmp_path / "steady.jsonl"]
    run(steady, monkeypatch, *arguments)
    (line,) = records(tmp_path / "steady.jsonl")
    before, after = line["traces"]
    assert 0 < before <= after <= 80 and len(line["megabytes"]) == 2
    median, low, high = line["watch"]
    assert -1 < low <= median <= high


def test_pretrained_models_are_trained_with_their_settings(script, tmp_path, monkeypatch):
    write_mnist(tmp_path, 20)
    pretrain = script("pretrain")
    monkeypatch.setitem(pretrain.SETTINGS["mnist-conditional"], "filters", 1)
    folders = ["--data-path", tmp_path, "--out", tmp_path / "models", "--log", tmp_path / "log"]
    run(pretrain, monkeypatch, "mnist-conditional", "--epochs", 1, *folders)
    (line,) = records(tmp_path / "log" / "pretrained.jsonl")
    assert line["steps"] == 1 and 0 <= line["digits"]["agreement"] <= 1
    generator = keras.models.load_model(tmp_path / "models" / "mnist-conditional_generator.keras")
    assert [tuple(part.shape[1:]) for part in generator.inputs] == [(100,), ()]
    with pytest.raises(SystemExit):
        run(pretrain, monkeypatch, "emoji")


def test_scale_counts_what_devices_add_up(script):
    scale = script("scale")
    gan = kerasgan.build_wgan((16, 16, 1), latent_dim=8, filters=4)
    weights = [model.count_params() for model in (gan.generator, gan.discriminator)]
    found = scale.counts(gan)
    assert found["discriminator"] <= weights[1] and found["updates"] == 5
    assert found["step_bytes"] == 4 * (found["generator"] + 5 * found["discriminator"])
    assert found["checkpoint_bytes"] >= 4 * sum(weights)
    assert found["image_bytes"] == 5 * 16 * 16
    # Two devices send each other half of the gradients, then half of the sums.
    assert scale.exchange_seconds(1e9, 2, 0.5) == 2.0
    assert scale.exchange_seconds(1e9, 1, 0.5) == 0.0


def test_scale_counts_exchanges(script, tmp_path):
    (tmp_path / "pure.after_optimizations.txt").write_text(
        "  %a = (f32[2,3]{1,0}, f32[]) all-reduce(%x, %y), to_apply=%add\n"
        "  %b = bf16[4]{0} all-reduce(%z), to_apply=%add\n  %c = f32[9]{0} add(%x, %y)\n"
    )
    assert script("scale").exchanged(tmp_path) == {"all-reduce": (2, 36)}


def test_scale_shows_rates(script, monkeypatch, capsys):
    options = ["--size", 28, "--channels", 1, "--filters", 4, "--step-ms", 10, "--devices", 1]
    run(script("scale"), monkeypatch, "mlp_gan", *options, "--batch-size", 5, "--link", 1)
    assert "| `mlp_gan` | 1 | 1 | 0.00 | 500 | 100% |" in capsys.readouterr().out


def test_scale_times_what_stops_the_devices(script, monkeypatch, tmp_path, capsys):
    options = ["--size", 28, "--channels", 1, "--filters", 4, "--pauses", "--folder", tmp_path]
    run(script("scale"), monkeypatch, "mlp_gan", *options)
    assert not [*tmp_path.iterdir()]
    cells = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    assert cells[0] == "`mlp_gan`" and all(float(cell) >= 0 for cell in cells[1:])


def test_augmentations_make_a_picture(script, tmp_path, monkeypatch):
    run(script("augmentations"), monkeypatch, "--out", tmp_path / "made" / "picture.png")
    with Image.open(tmp_path / "made" / "picture.png") as picture:
        assert picture.size == (8 * 66 + 2, 8 * 66 + 2)


def test_files_to_be_changed_are_valid(script, tmp_path, monkeypatch):
    fuzz = script("fuzz")
    monkeypatch.setattr(fuzz, "change_bytes", lambda data, rng: data)
    monkeypatch.setattr(fuzz, "change_json", lambda text, rng: text)
    readers = fuzz.Readers(tmp_path, random.Random(0))
    for kind in fuzz.KINDS:
        getattr(readers, kind)()


def test_changed_files_are_refused_in_words(script, tmp_path):
    counts, findings = script("fuzz").fuzz(3, seed=1, folder=tmp_path)
    assert findings == {}
    assert all(counter.total() for counter in counts.values())
    assert counts["picture"]["read"] > 0  # not refused for a reason of the script's own


on_torch = pytest.mark.skipif(keras.config.backend() != "torch", reason="counts its tensors")


@on_torch
def test_memory_gives_the_largest_batch(script, tmp_path, monkeypatch, capsys):
    run(script("memory"), monkeypatch, "mlp_gan", "--out", tmp_path / "memory.jsonl")
    (line,) = records(tmp_path / "memory.jsonl")
    # Weights, two states of the optimizers for each, and a network's gradients.
    weights = kerasgan.build_mlp_gan().count_params() * 4 / 2**20
    assert 3 * weights < line["fixed_megabytes"] < 8 * weights
    fixed, per_image = line["fixed_megabytes"], line["megabytes_per_image"]
    largest = int((3000 - fixed) / per_image)  # in 4 GB without 1 GB for libraries
    row = f"| `mlp_gan` | 28x28x1 | float32 | {fixed} | {per_image} | {largest} |"
    assert row in capsys.readouterr().out


@on_torch
def test_memory_counts_tensors_that_are_left(script):
    memory = script("memory")
    import torch

    with memory.Tensors() as tensors:
        kept = torch.ones(1000)
        view, gone = kept[10:], torch.ones(500)
        product = torch.ones(3, 5) @ torch.ones(5, 4)
        del gone
    assert product.shape == (3, 4) and not product.any() and view.shape == (990,)
    assert tensors.bytes == 4 * (1000 + 12) and tensors.most == 4 * (1000 + 500 + 15 + 20 + 12)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only on JAX do devices share a batch")
def test_devices_are_compared(script):
    devices = script("devices")
    found = devices.compare("mlp_gan", 4)  # on as many devices as there are
    assert 0 <= found["logs"] < 1e-4 and 0 <= found["weights"] < 1e-4
    assert devices.difference([3.0, 4.0], [3.0, 5.0]) == 0.25


def test_rematerialisation_is_tried(script, monkeypatch):
    remat = script("remat")
    monkeypatch.setattr(remat, "STEPS", 1)
    for way in remat.WAYS:
        line = remat.measure_one("mlp_gan", way, "none", 16, 2, 4)
        assert "error" not in line and line["megabytes"] >= 0 and line["ms"] > 0, line
    line = remat.measure_one("mlp_gan", "gan", "full", 16, 2, 4)
    assert "must be built outside keras.RematScope" in line["error"]
    assert remat.first_sentence(ValueError("Told.\n\n\x1b[1mThe cause. More\x1b[0m")) == "The cause"


def test_images_are_made_worse(script, tmp_path, monkeypatch, capsys):
    degraded = script("degraded")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 16, 16, 3), dtype="uint8")
    found = dict(degraded.degrade(images[:12], images[12:]))
    assert all(made.shape == (12, 16, 16, 3) and made.dtype == np.uint8 for made in found.values())
    shuffled = found["4x4 pieces in random order"]
    assert not np.array_equal(shuffled, images[12:])
    assert np.array_equal(*(np.sort(x.reshape(12, -1)) for x in (shuffled, images[12:])))
    assert len(np.unique(found["the same 10 images"], axis=0)) == 10

    for index, image in enumerate(images):
        pictures.save_png(tmp_path / f"{index}.png", image)
    run(degraded, monkeypatch, tmp_path, "--size", 16)
    _, _, *rows, protocol = capsys.readouterr().out.splitlines()
    scores = {row.split(" | ")[0]: row.split(" | ")[1:] for row in rows}
    assert len(scores) == 1 + len(found) and "'count': 12" in protocol
    assert float(scores["| the real images themselves"][0]) == 0  # the Frechet distance

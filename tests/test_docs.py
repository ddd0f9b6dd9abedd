"""The code of the pages runs as it stands there, with small numbers, and their commands exist."""

import os
import pathlib
import re
import shlex

import keras
import pytest
from examples import code_blocks, fill, load_tiny_mnist, shorten

import kerasgan
from kerasgan import cli

ROOT = pathlib.Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("datasets/*.md"))
)
WITH_PYTHON = [
    "README.md",
    "docs/adding-a-model.md",
    "docs/callbacks.md",
    "docs/choosing.md",
    "docs/examples.md",
    "docs/export.md",
    "docs/first-afternoon.md",
    "docs/freezing.md",
    "docs/index.md",
    "docs/latents.md",
    "docs/migration.md",
    "docs/models.md",
    "docs/results.md",
    "docs/scale.md",
    "docs/sessions.md",
    "docs/steps.md",
]
# Programs of others that the pages call.
OTHERS = {"apt-get"}
COMMANDS = [
    "cache",
    "directions",
    "evaluate",
    "export",
    "models",
    "project",
    "report",
    "sample",
    "train",
]


def run(page, folder, monkeypatch, without=()):
    """Runs a page's Python in a folder, but blocks with words in `without`; returns its names."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_tiny_mnist)
    names = fill(folder)
    for number, block in enumerate(code_blocks((ROOT / page).read_text(), "python")):
        if any(word in block for word in without):
            continue
        exec(compile(shorten(block), f"{page}, block {number}", "exec"), names)
    return names


@pytest.mark.any_backend
def test_no_python_is_left_out():
    found = [page for page in PAGES if code_blocks((ROOT / page).read_text(), "python")]
    assert found == WITH_PYTHON


def test_the_readme(tmp_path, monkeypatch):
    names = run("README.md", tmp_path, monkeypatch)
    assert keras.models.load_model("digits.keras").step == 4
    assert names["images"].shape == (16, 16, 16, 3) and names["images"].dtype == "uint8"
    assert names["gan"].discriminator_steps == 1
    assert names["scores"].keys() == names["evaluator"].floor.keys()


@pytest.mark.any_backend
def test_the_first_afternoon(tmp_path, monkeypatch):
    names = run("docs/first-afternoon.md", tmp_path, monkeypatch)
    assert names["images"].shape == (16, 16, 16, 3)


@pytest.mark.any_backend
def test_the_start(tmp_path, monkeypatch):
    assert run("docs/index.md", tmp_path, monkeypatch)["samples"].shape == (16, 28, 28, 1)


@pytest.mark.any_backend
def test_the_model_to_add(tmp_path, monkeypatch):
    names = run("docs/adding-a-model.md", tmp_path, monkeypatch)
    assert names["gan"].step == 1 and names["gan"].image_shape == (16, 16, 3)


@pytest.mark.any_backend
@pytest.mark.parametrize(("page", "steps"), [("callbacks", 2), ("examples", 2), ("freezing", 0)])
def test_guides(page, steps, tmp_path, monkeypatch):
    assert run(f"docs/{page}.md", tmp_path, monkeypatch)["gan"].step == steps


@pytest.mark.any_backend
def test_moving_to_kerasgan(tmp_path, monkeypatch):
    names = run("docs/migration.md", tmp_path, monkeypatch)
    assert names["gan"].step == 1
    assert (tmp_path / "runs/images/step_0000002.png").is_file()


@pytest.mark.any_backend
def test_choosing(tmp_path, monkeypatch):
    names = run("docs/choosing.md", tmp_path, monkeypatch)
    assert names["scores"].keys() == names["evaluator"].floor.keys()
    assert (tmp_path / "runs" / "watched" / "evaluation.csv").is_file()


def test_a_step_can_be_changed(tmp_path, monkeypatch):
    names = run("docs/steps.md", tmp_path, monkeypatch)
    assert names["gan"].step == 1 + 4 and "brightness" in names["logs"]


def test_the_codes_of_a_trained_infogan(tmp_path, monkeypatch):
    path = tmp_path / "runs" / "learn" / "infogan.keras"
    path.parent.mkdir(parents=True)
    kerasgan.build_infogan((16, 16, 1), filters=2).save(path)
    names = run("docs/models.md", tmp_path, monkeypatch)
    assert names["codes"].shape == (182, 182, 1)  # 10 x 10 images of 16 pixels, 2 between them
    assert (tmp_path / "codes.png").is_file()


@pytest.mark.any_backend
def test_latents(tmp_path, monkeypatch):
    names = run("docs/latents.md", tmp_path, monkeypatch)
    assert names["frames"].shape == (64, 16, 16, 3) and names["morph"].shape == (32, 28, 28, 1)
    assert names["found"].shape == names["latents"].shape == (8, 100)
    assert names["row"].shape == (7, 16, 16, 3)


@pytest.mark.any_backend
def test_the_results(tmp_path, monkeypatch):
    names = run("docs/results.md", tmp_path, monkeypatch)
    assert names["scores"].keys() == names["evaluator"].floor.keys()
    assert names["codes"].shape == (302, 602, 1)  # 10 x 20 images of 28 pixels, 2 between them


def test_exports(tmp_path, monkeypatch):
    others = {"tensorflow": ["torch"], "jax": ["torch", "onnx"], "torch": ["tensorflow"]}
    without = others[keras.config.backend()]
    images = run("docs/export.md", tmp_path, monkeypatch, without)["images"]
    assert images.shape == (16, 16, 16, 3) and images.dtype == "uint8"


@pytest.mark.skipif(keras.config.backend() != "jax", reason="refused elsewhere")
def test_several_devices(tmp_path, monkeypatch):
    try:
        # Several processes are for tests/test_processes.py.
        names = run("docs/scale.md", tmp_path, monkeypatch, without=["distribution.initialize"])
        assert names["gan"].step == 1
    finally:
        keras.distribution.set_distribution(None)


@pytest.mark.any_backend
def test_the_tutorials_sessions(tmp_path, monkeypatch):
    names = run("docs/sessions.md", tmp_path, monkeypatch)
    assert names["pictures"].shape == (10, 28, 28, 1) and names["estimates"].shape == (10,)
    made = {str(path.relative_to(tmp_path)) for path in (tmp_path / "runs").rglob("*.*")}
    assert {
        "runs/mlp/samples/step_0000002.png",
        "runs/mnist/model.keras",
        "runs/mnist/samples/step_0000002.png",
        "runs/deconv/samples/step_0000002.png",
        "runs/flags/samples/step_0000004.png",
        "runs/flags/losses.png",
        "runs/flags/model.keras",
    } <= made
    assert any("tensorboard" in path for path in made)


def command_lines(text):
    """The commands of a page: the lines of its blocks without a language, and those in a line."""
    lines = [line for block in code_blocks(text, "") for line in block.splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines += re.findall(r"`(kerasgan \w+ [^`]+|python [^`]+|(?:\./)?scripts/[^`]+)`", prose)
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def check_command(words, monkeypatch):
    """Checks that a program exists and, if it is `kerasgan` or its script, takes the arguments."""
    while "=" in words[0] or words[0] == "python":  # a setting of the environment
        words = words[1:]
    program, *arguments = words
    if program in OTHERS:
        return
    if program != "kerasgan":
        path = ROOT / program
        assert path.is_file() and (path.suffix == ".py" or os.access(path, os.X_OK)), program
        if path.stem not in COMMANDS or not arguments:
            return
        arguments = [path.stem, *arguments]
    given = []
    monkeypatch.setattr(getattr(cli, arguments[0]), "run", given.append)
    cli.main(arguments)
    assert given, words


@pytest.mark.any_backend
@pytest.mark.parametrize("page", PAGES)
def test_commands(page, monkeypatch):
    for words in command_lines((ROOT / page).read_text()):
        check_command(words, monkeypatch)


def outputs(commands):
    """The files that calls of `kerasgan sample` write, in order."""
    found = (words[2:] for words in commands if words[:2] == ["kerasgan", "sample"])
    return [rest[rest.index("--out") + 1] if "--out" in rest else "grid.png" for rest in found]


@pytest.mark.any_backend
@pytest.mark.parametrize("page", PAGES)
def test_no_two_commands_of_a_page_write_one_file(page):
    files = outputs(command_lines((ROOT / page).read_text()))
    assert len(files) == len(set(files))


@pytest.mark.any_backend
def test_every_test_that_a_page_names_exists():
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`(tests/[\w/]+\.py::\w+)`", (ROOT / page).read_text())
    }
    assert len(named) > 60
    for name in named:
        path, test = name.split("::")
        assert re.search(rf"^def {test}\(", (ROOT / path).read_text(), re.MULTILINE), name


@pytest.mark.any_backend
@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_help(command, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    examples = re.findall(r"^  (kerasgan .+)$", capsys.readouterr().out, re.MULTILINE)
    assert examples
    commands = [shlex.split(example, comments=True) for example in examples]
    assert len(outputs(commands)) == len(set(outputs(commands)))
    for words in commands:
        check_command(words, monkeypatch)

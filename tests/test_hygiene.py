"""What every module promises: its public names, their types, and the version."""

import importlib
import inspect
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import kerasgan

pytestmark = pytest.mark.any_backend

ROOT = pathlib.Path(__file__).parent.parent
MODULES = ["kerasgan"] + [
    found.name
    for found in pkgutil.walk_packages(kerasgan.__path__, "kerasgan.")
    if not any(part.startswith("_") for part in found.name.split("."))
]
# Losses take tensors, which have no type that the backends share.
TYPED = (
    kerasgan,
    kerasgan.callbacks,
    kerasgan.datasets,
    kerasgan.latents,
    kerasgan.layers,
    kerasgan.metrics,
    kerasgan.pictures,
)


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_the_public_names(name):
    module = importlib.import_module(name)
    assert module.__all__ == sorted(set(module.__all__))
    assert not [each for each in module.__all__ if not hasattr(module, each)]
    defined = {
        each
        for each, value in vars(module).items()
        if not each.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
    }
    assert defined - set(module.__all__) == set()


def test_the_changelog_begins_with_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)[1]
    assert newest == kerasgan.__version__


def _functions(name, value):
    """The function that a call of `value` runs; the constructor and `__call__` of a class."""
    if not callable(value):
        return []
    if inspect.isfunction(value):
        return [(name, value)]
    called = (part for part in ("__init__", "__call__") if part in vars(value))
    return [(f"{name}.{part}", vars(value)[part]) for part in called]


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(function, id=f"{module.__name__}.{called}")
        for module in TYPED
        for name in module.__all__
        for called, function in _functions(name, getattr(module, name))
    ],
)
def test_parameters_have_types(function):
    untyped = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.annotation is parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
        and name != "self"
    ]
    assert untyped == []


def test_a_type_checker_sees_the_types_of_the_installed_package(tmp_path):
    script = tmp_path / "script.py"
    expressions = {
        "gan.image_shape": "tuple[int, int, int]",
        "gan.latents": "str | tuple[Any, ...] | (def (*Any, **Any) -> Any)",
        "gan.latent_dim": "int | None",
        "gan.num_classes": "int | None",
        "gan.class_names": "typing.Sequence[str] | None",
        "gan.seed + gan.step + gan.epoch + gan.epoch_step": "int",
        "gan.discriminator_steps + gan.steps_per_execution": "int",
        "kerasgan.latents.path(gan.sample_latents(2)).ndim": "int",
        "kerasgan.pictures.grid(gan.sample(2)).ndim": "int",
    }
    lines = ["import kerasgan", "gan = kerasgan.build_dcgan()", "gan.fit([], epochs='ten')"]
    lines += [f"reveal_type({expression})" for expression in expressions]
    script.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", str(script)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    error, *notes = found.stdout.splitlines()[: 1 + len(expressions)]
    assert 'Argument "epochs" to "fit" of "GAN" has incompatible type "str"' in error
    assert [note.split('"')[1] for note in notes] == list(expressions.values())

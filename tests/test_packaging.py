"""scripts/install, with a stand-in for Python that writes down how it is called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# `-c` asks for the version or for a module: FAILS holds a word of the question to say no to.
PYTHON = """#!/bin/sh
echo "$*" >>"$LOG"
case "$1 $2" in
"-c "*"${FAILS:-nothing}"*) exit 1 ;;
"-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""

pytestmark = [
    pytest.mark.any_backend,
    pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell"),
]


class Checkout:
    """A copy of what scripts/install needs, on a machine with these commands alone."""

    def __init__(self, folder):
        self.root = folder / "check out"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        for tool in ("sh", "cat", "cksum", "cp", "dirname", "grep", "head", "mkdir", "rm"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name in ("scripts/install", "setup.cfg", "pyproject.toml"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)

    def add_python(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PYTHON)
        path.chmod(0o755)
        return path

    def install(self, *arguments, **environment):
        """Runs the script; returns its result and the arguments of each installation it made."""
        self.log.write_text("")
        result = subprocess.run(
            [self.root / "scripts" / "install", *arguments],
            env={"PATH": str(self.bin), "LOG": str(self.log), **environment},
            cwd="/",
            capture_output=True,
            text=True,
        )
        calls = self.log.read_text().splitlines()
        return result, [c.split("--editable ")[1] for c in calls if "pip install" in c]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_makes_a_virtual_environment_and_installs_once(checkout):
    checkout.add_python(checkout.bin / "python3")
    python = f"{checkout.root}/.venv/bin/python\n"
    result, installed = checkout.install("plots")
    assert (result.returncode, result.stdout, installed) == (0, python, [".[plots]"])
    assert ".venv" in result.stderr
    result, installed = checkout.install("plots")
    assert (result.returncode, result.stdout, result.stderr, installed) == (0, python, "", [])


def test_installs_each_request_once(checkout):
    checkout.add_python(checkout.bin / "python3")
    requests = [("plots",), ("test,torch", "torch==2.13.0"), (), ("plots",), ()]
    installed = [checkout.install(*request)[1] for request in requests]
    assert installed == [[".[plots]"], [".[test,torch] torch==2.13.0"], ["."], [], []]


def test_installs_again_when_the_requirements_change(checkout):
    checkout.add_python(checkout.bin / "python3")
    assert checkout.install("plots")[1] == [".[plots]"]
    with open(checkout.root / "setup.cfg", "a") as file:
        file.write("# another\n")
    assert checkout.install("plots")[1] == [".[plots]"]
    assert checkout.install("plots")[1] == []


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_uses_the_active_environment(checkout, tmp_path, variable):
    python = checkout.add_python(tmp_path / "active" / "bin" / "python")
    result, installed = checkout.install("plots", **{variable: str(tmp_path / "active")})
    assert (result.stdout, installed) == (f"{python}\n", [".[plots]"])
    assert not (checkout.root / ".venv").exists()


def test_refuses_an_active_environment_with_another_python(checkout, tmp_path):
    checkout.add_python(tmp_path / "active" / "bin" / "python")
    result, installed = checkout.install(VIRTUAL_ENV=str(tmp_path / "active"), FAILS="version_info")
    assert (result.returncode, installed) == (1, [])
    assert "needs Python 3.11, 3.12 or 3.13" in result.stderr


def test_says_which_python_is_needed(checkout):
    result, installed = checkout.install()
    assert (result.returncode, installed) == (1, [])
    assert "No Python 3.11, 3.12 or 3.13 was found" in result.stderr


def test_says_which_package_is_missing_for_virtual_environments(checkout):
    checkout.add_python(checkout.bin / "python3")
    result, installed = checkout.install(FAILS="ensurepip")
    assert (result.returncode, installed) == (1, [])
    assert "apt-get install python3-venv" in result.stderr

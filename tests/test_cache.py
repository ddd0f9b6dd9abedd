"""Where the user's cache lies, and what clearing it removes."""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from kerasgan import cache, cli
from kerasgan.datasets import ImageFolder, clear_cache

pytestmark = pytest.mark.any_backend


def test_clear_cache_removes_our_files_only(tmp_path, cache_folder):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    ImageFolder(tmp_path, (8, 8, 3))
    ImageFolder(tmp_path, (8, 8, 3), cache=tmp_path / "other")
    (cache_folder / "mine.npy").write_bytes(b"keep")
    clear_cache()
    assert [path.name for path in cache_folder.iterdir()] == ["mine.npy"]
    assert len(list((tmp_path / "other").iterdir())) == 1
    clear_cache(tmp_path / "other")
    assert not list((tmp_path / "other").iterdir())
    clear_cache(tmp_path / "never there")


def test_the_command_shows_and_clears_the_cache(tmp_path, cache_folder, capsys):
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "decoded images: 0 files, 0.0 MB"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    ImageFolder(tmp_path, (512, 256, 3))
    for arguments, left in (([], 1), (["--clear"], 0)):
        assert cli.main(["cache", *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:2] == [str(cache_folder), "decoded images: 1 file, 0.4 MB"]
        assert len(list(cache_folder.iterdir())) == left
    assert lines[-1] == "Deleted."


def test_where_the_cache_lies(tmp_path, monkeypatch):
    monkeypatch.delenv("KERASGAN_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if os.name == "posix":
        assert cache.cache_folder(True) == tmp_path / "xdg" / "kerasgan"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert cache.cache_folder(True) == tmp_path / "home" / ".cache" / "kerasgan"
        monkeypatch.setattr(sys, "platform", "darwin")
        assert cache.cache_folder(True) == tmp_path / "home" / "Library" / "Caches" / "kerasgan"
    assert cache.cache_folder("elsewhere") == Path("elsewhere")


@pytest.mark.parametrize("bad", [5, "", None, False, b"folder", ["folder"]])
def test_clear_cache_refuses_what_names_no_folder(bad):
    with pytest.raises(ValueError, match="`cache` must be True"):
        clear_cache(bad)

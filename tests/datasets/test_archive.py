"""`ImageFolder` of a .zip archive, and classes from a dataset.json."""

import io
import json
import os
import stat
import zipfile

import numpy as np
import pytest
from PIL import Image

from kerasgan.datasets import ImageFolder

pytestmark = pytest.mark.any_backend


def picture(number, suffix="png"):
    """The bytes of an image file of one colour, which tells its number."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (10 * number, 0, 0)).save(buffer, suffix)
    return buffer.getvalue()


def packed(path, members, method=zipfile.ZIP_DEFLATED):
    """A .zip archive of these members, a dict from names to contents."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def unpacked(path, members):
    """A folder of these members."""
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def numbers(dataset):
    """The numbers of the pictures in a pass (and their labels)."""
    images, *labels = dataset[0] if isinstance(dataset[0], tuple) else (dataset[0],)
    found = (images[:, 0, 0, 0] // 10).tolist()
    return (found, labels[0].tolist()) if labels else found


def labels_file(labels):
    return json.dumps({"labels": labels})


def load(path, **options):
    return ImageFolder(path, (8, 8, 3), shuffle=False, **options)


PETS = {"dog/2.png": picture(2), "cat/0.png": picture(0), "cat/deep/1.png": picture(1)}


@pytest.mark.parametrize("pack", [packed, unpacked])
@pytest.mark.parametrize(
    ("members", "class_names", "expected"),
    [
        (PETS, ["cat", "dog"], ([0, 1, 2], [0, 0, 1])),
        ({f"a/{name}": content for name, content in PETS.items()}, None, [0, 1, 2]),
        ({"1.png": picture(1), "a/2.png": picture(2), "b/3.png": picture(3)}, None, [1, 2, 3]),
        ({"a/1.png": picture(1), "a/2.png": picture(2)}, None, [1, 2]),
        # As in StyleGAN: folders that are no classes.
        (PETS | {"dataset.json": labels_file(None)}, None, [0, 1, 2]),
        (
            PETS
            | {
                "dataset.json": labels_file(
                    [["dog/2.png", 0], ["cat/0.png", 3], ["cat/deep/1.png", 0]]
                )
            },
            ["0", "1", "2", "3"],
            ([0, 1, 2], [3, 0, 0]),
        ),
        (PETS | {"dataset.json": '["of another program"]'}, ["cat", "dog"], ([0, 1, 2], [0, 0, 1])),
    ],
)
def test_an_archive_is_read_as_a_folder(tmp_path, pack, members, class_names, expected):
    dataset = load(pack(tmp_path / "data.zip", members))
    if pack is packed and set(members) == {f"a/{name}" for name in PETS}:
        # Packing a folder puts all names into it.
        class_names, expected = ["cat", "dog"], ([0, 1, 2], [0, 0, 1])
    assert dataset.class_names == class_names
    assert numbers(dataset) == expected


def test_an_archive_of_one_folder_with_labels(tmp_path):
    members = {"d/00/a.png": picture(1), "d/00/b.png": picture(2), "d/01/a.png": picture(3)}
    labels = labels_file([["00/a.png", 1], ["00/b.png", 0], ["01/a.png", 1]])
    dataset = load(packed(tmp_path / "d.zip", members | {"d/dataset.json": labels}))
    assert numbers(dataset) == ([1, 2, 3], [1, 0, 1]) and dataset.class_sizes == [1, 2]
    one = packed(tmp_path / "one.zip", {"cat/a.png": picture(1)})
    assert load(one).class_names is None and load(one, labels=True).class_names == ["cat"]


def test_members_that_are_no_images_are_counted(tmp_path):
    members = {
        "a.png": picture(1),
        "b.dat": picture(2, "jpeg"),
        "sub\\c.png": picture(3),
        "./d.png": picture(4),
        "__MACOSX/._a.png": b"no image",
        ".hidden/e.png": picture(5),
        "notes.txt": "text",
        "LICENSE": "text",
        "empty/": "",
    }
    path = packed(tmp_path / "data.zip", members)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "a.png")
    dataset = load(path)
    assert numbers(dataset) == [1, 2, 4, 3]
    assert dataset.ignored == {".txt": 1, "no suffix": 1} and dataset.skipped == {}


def test_nothing_is_written_but_the_cache(tmp_path, cache_folder):
    packed(tmp_path / "data.zip", PETS)
    before = sorted(tmp_path.iterdir())
    load(tmp_path / "data.zip")
    assert sorted(tmp_path.iterdir()) == before and len(list(cache_folder.iterdir())) == 1


def test_a_changed_archive_is_decoded_again(tmp_path, cache_folder):
    path = packed(tmp_path / "data.zip", {"a.bmp": picture(1, "bmp")}, zipfile.ZIP_STORED)
    assert numbers(load(path)) == numbers(load(path)) == [1]
    assert len(list(cache_folder.iterdir())) == 1
    status = path.stat()
    while path.stat().st_ctime_ns == status.st_ctime_ns:
        packed(path, {"a.bmp": picture(2, "bmp")}, zipfile.ZIP_STORED)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size and numbers(load(path)) == [2]


def test_damaged_members_are_skipped_and_reported(tmp_path):
    members = {f"{number}.png": picture(number) for number in range(5)}
    path = packed(tmp_path / "data.zip", members | {"5.png": b"", "6.png": b"no image"})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        infos = {info.filename: info for info in archive.infolist()}
    content[infos["1.png"].header_offset] ^= 1  # its local header
    content[infos["2.png"].header_offset + 60] ^= 1  # its content
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="4 of 7 image files in .*data.zip"):
        dataset = load(path)
    assert numbers(dataset) == [0, 3, 4]
    assert list(dataset.skipped) == ["1.png", "2.png", "5.png", "6.png"]
    assert all("damaged" in dataset.skipped[name] for name in ("1.png", "2.png"))
    assert dataset.skipped["5.png"].startswith("the file is empty")


def test_members_that_could_fill_the_memory_are_not_read(tmp_path):
    path = packed(tmp_path / "data.zip", {"a.png": picture(1), "b.png": picture(2)})
    packed(tmp_path / "lzma.zip", {"a.png": picture(1)}, zipfile.ZIP_LZMA)
    content = path.read_bytes()
    # The size of b.png in the list of members.
    position = content.rindex(b"PK\x01\x02") + 24
    for size, reason in ((2**30, "more than the limit"), (20, "damaged")):
        path.write_bytes(content[:position] + size.to_bytes(4, "little") + content[position + 4 :])
        with pytest.warns(UserWarning, match=f"1 of 2 .*'b.png' .*{reason}"):
            assert numbers(load(path)) == [1]
    with pytest.raises(ValueError, match="'a.png' .packed with another method than Deflate"):
        load(tmp_path / "lzma.zip")


def test_encrypted_members_are_refused(tmp_path):
    path = packed(tmp_path / "data.zip", {"a.png": picture(1), "b.png": picture(2)})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="1 of 2 .*'b.png' .encrypted"):
        assert numbers(load(path)) == [1]


@pytest.mark.parametrize("damage", ["empty", "half", "list"])
def test_a_damaged_archive_is_refused(tmp_path, damage):
    path = packed(tmp_path / "data.zip", PETS)
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "half": content[: len(content) // 2],
            "list": content.replace(b"PK\x01\x02", b"PK\x01\x03"),
        }[damage]
    )
    with pytest.raises(ValueError, match=r"`folder` must be .*data.zip'\), which cannot be opened"):
        load(path)


def test_an_archive_without_images_is_refused(tmp_path):
    path = packed(tmp_path / "data.zip", {"a.txt": "text", "b.mov": b"x"})
    with pytest.raises(ValueError, match="no image of a known format, but: 1 .mov, 1 .txt"):
        load(path)
    packed(path, {})
    with pytest.raises(ValueError, match="no image of a known format, but: nothing"):
        load(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([["a.png", 0]], "no label for images that are there: 1, such as 'b.png'"),
        ([["a.png", 0], ["b.png", 1], ["c.png", 1]], "images that are not there: 1, .*'c.png'"),
        ([["a.png", 0], ["b.png", -1]], "whole numbers from 0 .*-1 for 'b.png'"),
        ([["a.png", 0], ["b.png", 1.0]], "whole numbers .*1.0 for 'b.png'"),
        ([["a.png", 0], ["b.png", True]], "whole numbers .*True for 'b.png'"),
        ([["a.png", 0], ["b.png", [0, 1]]], "whole numbers"),
        ([["a.png", 0], ["b.png", 10**12]], "whole numbers"),
        ([["a.png", 0], ["b.png", 1], ["a.png", 1]], "two for 'a.png'"),
        ({"a.png": 0, "b.png": 1}, "NAME, LABEL"),
        ([["a.png"], ["b.png"]], "NAME, LABEL"),
        ([[["a"], 0]], "NAME, LABEL"),
        (5, "NAME, LABEL"),
    ],
)
def test_wrong_labels_are_refused(tmp_path, labels, message):
    members = {"a.png": picture(1), "b.png": picture(2), "dataset.json": labels_file(labels)}
    path = packed(tmp_path / "data.zip", members)
    with pytest.raises(ValueError, match=f"`dataset.json` must .*{message}.*labels=False"):
        load(path)
    assert numbers(load(path, labels=False)) == [1, 2]


def test_a_broken_labels_file_is_refused(tmp_path):
    for text in ("[" * 100_000, '{"labels": '):
        path = packed(tmp_path / "data.zip", PETS | {"dataset.json": text})
        with pytest.raises(ValueError, match="`dataset.json` must be a JSON file"):
            load(path)
    packed(path, PETS | {"dataset.json": labels_file(None)})
    with pytest.raises(ValueError, match="`dataset.json` must have labels for its images"):
        load(path, labels=True)


def test_large_members_are_read_in_parts(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (2400, 2400, 3), "uint8")
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "bmp")  # 17 MB
    path = packed(tmp_path / "data.zip", {"a.bmp": buffer.getvalue()}, zipfile.ZIP_STORED)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.bmp").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(load(path)[0], load(tmp_path / "d")[0])

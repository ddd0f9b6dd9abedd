"""How messages are worded."""

import pytest

from kerasgan.checks import counted

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (12_000, "image", "12,000 images"),
        (1, "class", "1 class"),
        (2, "class", "2 classes"),
    ],
)
def test_counts_agree_with_their_nouns(number, noun, expected):
    assert counted(number, noun) == expected

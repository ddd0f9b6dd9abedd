"""Render the flag emoji of the Noto Color Emoji font into `datasets/flags`.

    python scripts/measure/render_flags.py                  # rewrite datasets/flags
    python scripts/measure/render_flags.py --check          # write nothing, only compare
    python scripts/measure/render_flags.py --out my/flags   # write, or compare with, another folder

Needs only Pillow and the font: on Debian, `apt-get install fonts-noto-color-emoji`.
The versions in `VERSIONS` reproduce the same bytes.
"""

import argparse
import io
import sys
from itertools import product
from pathlib import Path
from string import ascii_lowercase

from PIL import Image, ImageDraw, ImageFont, __version__, features

FLAGS = Path(__file__).resolve().parents[2] / "datasets" / "flags"
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
FONT_SHA256 = "e5899ed38b8ed83e08bd3ac5de09791e9d19d288333a796de1d35ad17396f1ec"
PILLOW = "13.0.0"
VERSIONS = f"fonts-noto-color-emoji 2.042-0+deb12u1 (SHA-256 {FONT_SHA256}) and Pillow {PILLOW}"

STRIKE = 109  # the only size of the pictures in the font: a cell of 136 x 128 pixels
NO_FLAG = "zz"  # "unknown region": every pair without a flag shows the same picture


def render(code, font):
    """Draw one flag: two letters to a 64 x 64 RGBA image, the flag 63 pixels wide and centred."""
    regional_indicators = "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in code)
    cell = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(cell).text((-4, 0), regional_indicators, font=font, embedded_color=True)
    # On a canvas of transparent black, this leaves each colour multiplied by its alpha, which is
    # Pillow's mode "RGBa". Halving in that mode gives the edges neither dark nor bright fringes.
    return Image.frombytes("RGBa", cell.size, cell.tobytes()).reduce(2).convert("RGBA")


def render_all(font_path=FONT):
    """Draw every flag in the font.

    Args:
        font_path: Path of `NotoColorEmoji.ttf`.

    Returns:
        A dict from file name (`"ad.png"`, by country code) to the bytes of the PNG file.

    Raises:
        FileNotFoundError: If there is no such file.
        RuntimeError: If Pillow cannot join two letters into a flag (it was built without Raqm).
    """
    if not Path(font_path).is_file():
        raise FileNotFoundError(
            f"`font_path` must be the Noto Color Emoji font. Received: font_path={font_path}, "
            "which is not a file. Install it with `apt-get install fonts-noto-color-emoji`."
        )
    if not features.check("raqm"):
        raise RuntimeError("This Pillow has no Raqm layout. Install Pillow's wheel from PyPI.")
    font = ImageFont.truetype(font_path, STRIKE, layout_engine=ImageFont.Layout.RAQM)
    no_flag = render(NO_FLAG, font)
    files = {}
    for code in map("".join, product(ascii_lowercase, repeat=2)):
        flag = render(code, font)
        if flag != no_flag:
            file = io.BytesIO()
            flag.save(file, "PNG", optimize=True)
            files[f"{code}.png"] = file.getvalue()
    return files


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=FLAGS, help="the folder to write or check")
    parser.add_argument("--font", type=Path, default=FONT, help="path of NotoColorEmoji.ttf")
    parser.add_argument(
        "--check", action="store_true", help="only compare; exit with 1 if any differs"
    )
    args = parser.parse_args(argv)
    try:
        files = render_all(args.font)
    except (FileNotFoundError, RuntimeError) as error:
        return str(error)
    if not args.check:
        args.out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (args.out / name).write_bytes(content)
        print(f"{len(files)} flags, {sum(map(len, files.values())):,} bytes: {args.out}")
        return 0
    there = {path.name: path.read_bytes() for path in args.out.glob("*.png")}
    different = sorted(n for n in files | there if files.get(n) != there.get(n))
    if different:
        return (
            f"{len(different)} files differ from {args.out}; the first is {different[0]}. The same "
            f"bytes need {VERSIONS}; this is Pillow {__version__} with {args.font}."
        )
    print(f"{len(files)} flags, the same bytes: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

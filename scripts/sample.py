"""Draw new images from a trained GAN.

    python scripts/sample.py runs/flags

`--help` lists the arguments. `kerasgan sample` is the same command.
"""

import sys

from kerasgan_command import main

if __name__ == "__main__":
    sys.exit(main(["sample", *sys.argv[1:]]))

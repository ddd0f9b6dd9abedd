"""Train a GAN on a folder of images.

    python scripts/train.py datasets/flags --model dcgan --size 32 --channels 3

`--help` lists the arguments. `kerasgan train` is the same command.
"""

import sys

from kerasgan_command import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))

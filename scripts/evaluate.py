"""Measure how good and how varied a trained GAN's images are.

    python scripts/evaluate.py runs/flags --data datasets/flags

`--help` lists the arguments. `kerasgan evaluate` is the same command.
"""

import sys

from kerasgan_command import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))

"""`python -m kerasgan.cli`, for when the command `kerasgan` is not on the path."""

import sys

from kerasgan.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m prominence`: the command without its script."""

import sys

from prominence.cli import main

if __name__ == "__main__":
    sys.exit(main())

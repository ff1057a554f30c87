"""`python -m api --show-config FILE`: the settings in force, with the source of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from api.settings import SettingsError, load, shown


def main() -> int:
    """Prints the settings of a file; 1 and a sentence where they cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m api")
    parser.add_argument("--show-config", type=Path, metavar="FILE", required=True)
    try:
        print(shown(load(parser.parse_args().show_config)))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

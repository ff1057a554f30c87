"""What an unpacked image says of itself: the variables and the command that its registry's configuration gave it.

Apptainer leaves both in ``.singularity.d`` when it unpacks an image: the variables as lines of a shell script of its own
making, the command as a script. The lines are read here, not run. An image that was never in a registry has neither.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, Tuple

_VARIABLES = Path(".singularity.d/env/10-docker2singularity.sh")
_COMMAND = Path(".singularity.d/runscript")
_SHELL = ("/bin/sh",)
_LARGEST = 1 << 20
AS_IN_THE_REGISTRY = {"SINGULARITY_NO_EVAL": "1"}
"""With this the command's script takes the words of the registry's configuration as they are; else a shell evaluates them."""
# export NAME="VALUE", or export NAME="${NAME:-"VALUE"}" for one that may be given from outside; values may span lines.
_EXPORT = re.compile(
    r"^export ([A-Za-z_][A-Za-z0-9_]*)=(?:\"\$\{\1:-\"((?:[^\"\\]|\\.)*)\"\}\"|\"((?:[^\"\\]|\\.)*)\")[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\\"`$])")


def variables(root: Path) -> Dict[str, str]:
    """The variables that the image in the directory ``root`` gives to what runs in it."""
    text = _read(root / _VARIABLES)
    return {name: _plain(given or fixed) for name, given, fixed in _EXPORT.findall(text)}


def command(root: Path) -> Tuple[str, ...]:
    """The image's own command, to be run with ``AS_IN_THE_REGISTRY``; a shell where it has none."""
    return (f"/{_COMMAND}",) if os.access(root / _COMMAND, os.X_OK) else _SHELL


def _plain(escaped: str) -> str:
    """The value that Apptainer escaped: once for its template, once for the shell."""
    return _ESCAPED.sub(r"\1", _ESCAPED.sub(r"\1", escaped))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""

"""What the hypervisor gets wrong on purpose: rules in a file that tests write, in a server's metadata, in an image.

A rule in metadata or in a property of the image is called `fault`, and says `build:fail:TEXT`, `delete:wait:SECONDS`...
"""

import fnmatch
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """What is to happen: `does` is `fail`, `hang`, `wait`, `deaf` or `walled`, `with_` the text or the seconds."""

    does: str
    with_: str = ""
    rule: str | None = None
    """Id of the rule in the file, None for a mark of the server."""


@dataclass(frozen=True)
class Rules:
    """The rules in `file`, of which some are for a number of times; `used` counts these."""

    file: Path
    used: Counter[str]

    def fault(self, at: str, name: str, marks: Mapping[str, str]) -> Fault | None:
        """What is to go wrong `at` (`build`, `delete`) for the server `name`, whose metadata and properties are `marks`."""
        moment, _, rest = marks.get("fault", "").partition(":")
        if moment == at:
            does, _, with_ = rest.partition(":")
            return Fault(does, with_)
        for rule in self._read():
            if rule["at"] == at and fnmatch.fnmatch(name, rule["servers"]) and self._has_left(rule):
                self.used[rule["id"]] += 1
                return Fault(rule["does"], str(rule["with"]), rule["id"])
        return None

    def holds(self, fault: Fault) -> bool:
        """Whether what wanted this still does."""
        return fault.rule is None or any(rule["id"] == fault.rule for rule in self._read())

    def _read(self) -> list[dict[str, str]]:
        try:
            found: list[dict[str, str]] = json.loads(self.file.read_text())
        except FileNotFoundError:
            return []
        return found

    def _has_left(self, rule: Mapping[str, object]) -> bool:
        times = rule["times"]
        return times is None or self.used[str(rule["id"])] < int(str(times))

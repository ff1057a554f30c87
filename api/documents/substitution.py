"""What parameters make of the texts of a job: refused where an instance would get a text that no job may have.

The texts of the instances are not made for this. A text grows by the longest value of a parameter as often as its name stands
there; and the values of a parameter that is used in a path must be fit for one.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from api.documents import patterns
from api.documents.base import broken
from api.documents.factories import Factory
from api.documents.job import Job
from api.documents.parameters import Parameter, text
from api.documents.references import SCHEME
from api.documents.text import MAX_LINE, MAX_TEXT
from api.documents.wording import shown
from worker import parameters as worker_parameters

LONGEST_NUMBER = 110
"""Characters of a computed number at most: 100 digits, zeros in front of them, sign, point and exponent."""

_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""", re.DOTALL)


class _Unfit(NamedTuple):
    """Values that must not come into a text: those in which the pattern is found, in words ``says``."""

    pattern: re.Pattern[str]
    says: str


_IN_URL = _Unfit(
    re.compile(f"[{patterns.CONTROLS}]|^job:"), f"a value may have no control characters and not begin with {SCHEME}"
)
_IN_MOUNTPOINT = _Unfit(re.compile(f"[{patterns.CONTROLS}:,]"), "a value may have no ':', ',' or control characters")
_IN_OUTPUT = _Unfit(re.compile(r"\x00|(?:^|/)\.\.(?:/|$)"), "a value may not have '..'")


class _Text(NamedTuple):
    """A text in which parameters are replaced, its place in the job, and the characters that it may have."""

    at: tuple[int | str, ...]
    text: str
    limit: int
    unfit: _Unfit | None = None


class _Values:
    """The values of a parameter, looked at once for each question."""

    def __init__(self, parameter: Parameter) -> None:
        self._values = [text(value) for value in parameter.values or ()]
        self.longest = max(map(len, self._values), default=LONGEST_NUMBER)
        self.first_unfit = cache(self._first_unfit)

    def _first_unfit(self, unfit: _Unfit) -> str | None:
        return next((value for value in self._values if unfit.pattern.search(value)), None)


class Substitution:
    """The parameters of a factory, as what they do to the jobs that it makes."""

    def __init__(self, factory: Factory) -> None:
        self._values = {parameter.name: _Values(parameter) for parameter in factory.parameters}

    def check(self, job: Job, *at: int | str) -> None:
        """Refuse a job with a text that could become too long or unfit; ``at`` is where the job stands, for the sentence."""
        for one in _texts(job) if self._values else ():
            names = [name for name in worker_parameters.names(one.text) if name in self._values]
            length = len(one.text) + sum(self._values[name].longest - len(name) - 1 for name in names)  # with its $
            if names and length > one.limit:
                raise broken(
                    f"must have at most {one.limit} characters with its parameters replaced, but could have {length}",
                    *at,
                    *one.at,
                )
            if one.unfit is not None:
                self._check_fit((*at, *one.at), dict.fromkeys(names), one.unfit)

    def _check_fit(self, at: tuple[int | str, ...], names: dict[str, None], unfit: _Unfit) -> None:
        for name in names:
            value = self._values[name].first_unfit(unfit)
            if value is not None:
                raise broken(f"must not get the value {shown(value)} of the parameter {shown(name)}: {unfit.says}", *at)


def _texts(job: Job) -> Iterator[_Text]:
    """The texts that ``worker.parameters.for_instance`` replaces parameters in."""
    for index, task in enumerate(job.tasks):
        yield _Text(("tasks", index, "cmd"), _unquoted(task.cmd or ""), MAX_TEXT)
        for name, value in task.env.items():
            yield _Text(("tasks", index, "env", name), value, MAX_TEXT)
    for index, artifact in enumerate(job.artifacts):
        yield _Text(("artifacts", index, "url"), artifact.url, MAX_LINE, _IN_URL)
        yield _Text(("artifacts", index, "mountpoint"), artifact.mountpoint or "", MAX_LINE, _IN_MOUNTPOINT)
    for field, outputs in (("outputFiles", job.output_files), ("outputDirs", job.output_dirs)):
        for index, output in enumerate(outputs):
            yield _Text((field, index), output, MAX_LINE, _IN_OUTPUT)


def _unquoted(command: str) -> str:
    """The command without its quotation marks: its words have the names of parameters that this has."""
    return _QUOTED.sub(lambda found: found[found.lastindex or 0], command) if "$" in command else command

"""Descriptions of jobs and workflows: made from the options of `prominence run`, or read from a file."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from prominence.errors import InvalidInput
from prominence.jobs import Document

MAX_INPUT_BYTES = 1024 * 1024
"""Bytes of an input file which the API takes inside a job's description."""


def command(words: Sequence[str]) -> str | None:
    """Return the task's `cmd` for the words after the image: None for none.

    A single word with blanks in it is a whole command already; otherwise each word stays one argument.
    """
    if not words:
        return None
    if len(words) == 1 and any(character.isspace() for character in words[0]):
        return words[0]
    return shlex.join(words)


def one_task_job(
    image: str,
    words: Sequence[str],
    *,
    resources: Mapping[str, int | float | None],
    name: str | None = None,
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    inputs: Sequence[Document] = (),
    workdir: str | None = None,
    runtime: str | None = None,
    retries: int | None = None,
) -> Document:
    """Return the description of a job with one task. What is None or empty the service decides."""
    task = _given(image=image, cmd=command(words), runtime=runtime, workdir=workdir, env=dict(env or {}) or None)
    return _given(
        name=name,
        labels=dict(labels or {}) or None,
        resources={key: value for key, value in resources.items() if value is not None},
        tasks=[task],
        inputs=list(inputs) or None,
        policies=None if retries is None else {"maximumRetries": retries},
    )


def _given(**fields: object) -> Document:
    return {key: value for key, value in fields.items() if value is not None}


def input_files(paths: Sequence[str]) -> list[Document]:
    """Return files as `inputs` of a job: each keeps its last name component and whether it is executable.

    Raises InvalidInput where a file cannot be read, is too large, or has the name of another one.
    """
    inputs: dict[str, Document] = {}
    for path in paths:
        entry = _input_file(Path(path))
        if entry["filename"] in inputs:
            raise InvalidInput(
                f"Two input files are called {entry['filename']}: they would land in one place.",
                field="inputs",
            )
        inputs[entry["filename"]] = entry
    return list(inputs.values())


def _input_file(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_INPUT_BYTES + 1)
            executable = bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
    except OSError as error:
        raise InvalidInput(f"Cannot read the input file {path}: {error.strerror}.", field="inputs") from error
    if len(content) > MAX_INPUT_BYTES:
        raise InvalidInput(
            f"The input file {path} is larger than 1 MB: put it into a storage and let the job fetch it.",
            field="inputs",
        )
    entry: Document = {"filename": path.name, "content": base64.b64encode(content).decode()}
    if executable:
        entry["executable"] = True
    return entry


@dataclass(frozen=True)
class Description:
    """What a file describes: decoded JSON or, as it stands, YAML; and whether that is a workflow rather than a job."""

    content: Any
    workflow: bool


def read_description(source: str, stdin: BinaryIO) -> Description:
    """Return the description in the file `source`, or in `stdin` where it is `-`. Raises InvalidInput.

    A workflow has `jobs`, or is a list of jobs. YAML is left to the service: it is looked at only to see which of both it is.
    """
    where = "The standard input" if source == "-" else source
    try:
        data = stdin.read() if source == "-" else Path(source).read_bytes()
        text = data.decode()
    except OSError as error:
        raise InvalidInput(f"Cannot read {source}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where} is neither JSON nor YAML in UTF-8.") from error
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        if _is_yaml(source, text):
            return Description(data, _is_yaml_workflow(text))
        if isinstance(error, RecursionError):
            raise InvalidInput(f"{where} is not JSON that can be read.") from error
        raise InvalidInput(f"{where} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from error
    if not isinstance(content, (dict, list)):
        raise InvalidInput(f"{where} does not hold a job or a workflow: its description is a JSON object.")
    return Description(content, isinstance(content, list) or "jobs" in content)


def _is_yaml(source: str, text: str) -> bool:
    """Tell whether a text that is no JSON is meant as YAML: by the name of the file, else by how it begins."""
    if Path(source).suffix in (".yaml", ".yml", ".json"):
        return Path(source).suffix != ".json"
    return ":" in text and text.lstrip()[0] not in "{["


_YAML_BEGIN = re.compile(r"(?:[ \t]*(?:#.*|%.*|---(?:[ \t].*)?)?\n)*([ ]*)(.?)")
"""Blank lines, comments and directives; then the indent and the first character of what counts."""


def _is_yaml_workflow(text: str) -> bool:
    found = _YAML_BEGIN.match(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    indent, first = found.groups() if found else ("", "")
    if first in ("-", "["):
        return True
    before = r"[{,\s]" if first == "{" else f"^{indent}"
    return re.search(rf"{before}(?:jobs|'jobs'|\"jobs\")[ ]*:", text, re.MULTILINE) is not None

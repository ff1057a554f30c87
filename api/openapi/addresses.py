"""What an application answers at: its URL map as methods and path templates, to hold against the operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from werkzeug.routing import Map, Rule

from api.openapi.operation import Operation

_PARAMETER = re.compile(r"<(?:(?P<converter>[a-z_]+)(?:\((?P<choices>[^)]*)\))?:)?(?P<name>\w+)>")


def addresses(urls: Map, prefix: str) -> set[tuple[str, str]]:
    """Method and template of every rule below `prefix`, which is cut off as is a slash at the end; `{}` is each parameter.

    HEAD and OPTIONS, which come by themselves, are left out. A parameter with a choice of words (`any`) becomes one
    address for each of them.
    """
    return {
        (method, path.removeprefix(prefix).rstrip("/"))
        for rule in urls.iter_rules()
        for path in _templates(rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if path.startswith(f"{prefix}/")
    }


def served(operations: Iterable[Operation], urls: Map, prefix: str) -> tuple[Operation, ...]:
    """Those of the operations that an application answers: some resources are there only where they are configured."""
    there = addresses(urls, prefix)
    return tuple(operation for operation in operations if (operation.method, template(operation.path)) in there)


def template(path: str) -> str:
    """The template of an operation's path, comparable to those of `addresses`."""
    return re.sub(r"\{\w+\}", "{}", path)


def _templates(rule: Rule) -> Iterator[str]:
    texts = [rule.rule]
    for match in _PARAMETER.finditer(rule.rule):
        words = ["{}"]
        if match["converter"] == "any":
            words = [word.strip(" \"'") for word in match["choices"].split(",")]
        texts = [text.replace(match[0], word, 1) for text in texts for word in words]
    yield from texts

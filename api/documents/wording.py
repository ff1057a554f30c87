"""How values and places in a document are called in sentences: short, escaped, and the same everywhere."""

import re

MAX_SHOWN = 60
"""Characters of a user's text that an error message may repeat."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def kind(value: object) -> str:
    """What JSON calls this value: ``a string``, ``null``. Strings and numbers, maybe secret, are not shown."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list | tuple) else "an object"


def shown(value: object) -> str:
    """The value as a message may repeat it: a number, text quoted and cut, anything else by its kind."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if not isinstance(value, str):
        return kind(value)
    return repr(value) if len(value) <= MAX_SHOWN else repr(value[:MAX_SHOWN]) + "..."


def path(parts: tuple[int | str, ...]) -> str:
    """The place in a document, as its writer would say it: ``tasks[0].env.HOME``, ``labels['a key']``."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text

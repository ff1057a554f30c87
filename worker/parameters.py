"""The parameters of a factory's instances, and their names replaced in the document of a job.

A factory is told in the form that the service makes of it, small whatever it stands for:

    {"type": "grid", "axes": [AXIS, …]}    every combination; the first axis varies slowest, the last one fastest
    {"type": "zip", "axes": [AXIS, …]}     the values of all axes side by side; all have the same length
    {"type": "repeat", "number": 3}        without parameters

    AXIS is {"name": "x", "values": ["a", "b"]}                              these texts
         or {"name": "x", "start": "0", "step": "0.1", "number": 11}         0, 0.1, … 1
         or {"name": "x", "start": "0", "end": "1", "number": 11}            the same, told by both ends

Numbers stand as decimal texts and are computed with as such, so that three steps of 0.1 are 0.3 everywhere. An instance is
computed from its number alone, without a look at the others: a factory may make any number of them.

All functions are pure. A factory or a job that is not of its form gives KeyError, TypeError or ValueError.
"""

from __future__ import annotations

import re
import shlex
from decimal import Context, Decimal
from typing import Any, Dict, List, Mapping, Tuple

Factory = Mapping[str, Any]
Axis = Mapping[str, Any]
Parameters = Mapping[str, str]

_EXACT = Context(prec=100)
_FLOAT_DIGITS = 17
"""Digits that tell every float from every other; a number with more of them that is none of a user's is shown as a float."""
_PLAIN = range(-7, 33)
"""Powers of ten of a first digit with which a number is written without an exponent."""
_NAME = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def count(factory: Factory) -> int:
    """How many instances the factory makes."""
    kind = factory["type"]
    if kind == "repeat":
        return int(factory["number"])
    lengths = [_length(axis) for axis in factory["axes"]]
    if kind == "zip":
        return min(lengths)
    if kind != "grid":
        raise ValueError(f"factory type {kind!r} is not known here")
    product = 1
    for length in lengths:
        product *= length
    return product


def instance(factory: Factory, number: int) -> Dict[str, str]:
    """The parameters of one instance, by name; ``number`` counts from 0. Raises IndexError where there is none such."""
    if not 0 <= number < count(factory):
        raise IndexError(f"instance {number} of {count(factory)}")
    if factory["type"] == "repeat":
        return {}
    axes: List[Axis] = list(factory["axes"])
    if factory["type"] == "zip":
        return {axis["name"]: _value(axis, number) for axis in axes}
    chosen: Dict[str, str] = {}
    for axis in reversed(axes):
        number, place = divmod(number, _length(axis))
        chosen[axis["name"]] = _value(axis, place)
    return {axis["name"]: chosen[axis["name"]] for axis in axes}


def substituted(value: Any, parameters: Parameters) -> Any:
    """The value with ``$name`` and ``${name}`` replaced in its strings, also in those in lists and in values of dicts.

    A name is as long as it can be: ``$ab`` never means the parameter a. One that is no parameter stays as it is, and what was
    put in is not looked at again.
    """
    if isinstance(value, str):
        return _NAME.sub(lambda found: _replacement(found, parameters), value) if "$" in value else value
    if isinstance(value, list):
        return [substituted(entry, parameters) for entry in value]
    if isinstance(value, dict):
        return {key: substituted(entry, parameters) for key, entry in value.items()}
    return value


def names(text: str) -> List[str]:
    """What stands in the text as the name of a parameter, in order and as often as it does."""
    return [braced or bare for braced, bare in _NAME.findall(text)]


def for_instance(job: Mapping[str, Any], parameters: Parameters) -> Dict[str, Any]:
    """The job's document as one instance has it: parameters replaced where the contract says so, and nowhere else.

    That is in ``cmd`` and the values of ``env`` of its tasks, in ``url`` and ``mountpoint`` of its artifacts, in
    ``outputFiles`` and in ``outputDirs``.

    A command is split into words before the parameters are put in, and quoted again: a word stays one word whatever the
    values have in them, blanks, quotation marks or nothing at all, so a file name with a blank needs no quoting and no value
    can add an option. Quotation marks in the command do not keep a name from being replaced. Whoever wants a value to be
    several words has a shell split it: ``sh -c "prog $options"``.
    """
    made = dict(job)
    if parameters:
        made["tasks"] = [_task(task, parameters) for task in job["tasks"]]
        if job.get("artifacts"):
            made["artifacts"] = [_with(artifact, ("url", "mountpoint"), parameters) for artifact in job["artifacts"]]
        made = _with(made, ("outputFiles", "outputDirs"), parameters)
    return made


def _task(task: Mapping[str, Any], parameters: Parameters) -> Dict[str, Any]:
    made = _with(task, ("env",), parameters)
    command = made.get("cmd")
    if command and "$" in command:
        words = shlex.split(command)
        replaced = substituted(words, parameters)
        if replaced != words:
            made["cmd"] = shlex.join(replaced)
    return made


def _with(document: Mapping[str, Any], fields: Tuple[str, ...], parameters: Parameters) -> Dict[str, Any]:
    """The document with the parameters replaced in those of the fields that it has."""
    return {**document, **{field: substituted(document[field], parameters) for field in fields if field in document}}


def _replacement(found: re.Match[str], parameters: Parameters) -> str:
    return parameters.get(found.group(1) or found.group(2), found.group())


def _length(axis: Axis) -> int:
    return len(axis["values"]) if "values" in axis else int(axis["number"])


def _value(axis: Axis, place: int) -> str:
    if "values" in axis:
        return str(axis["values"][place])
    start = Decimal(axis["start"])
    if "step" in axis:
        return _text(_EXACT.add(start, _EXACT.multiply(Decimal(axis["step"]), Decimal(place))))
    end, steps = Decimal(axis["end"]), axis["number"] - 1
    if place in (0, steps):
        return _text(end if place else start)
    way = _EXACT.divide(_EXACT.multiply(_EXACT.subtract(end, start), Decimal(place)), Decimal(steps))
    return _text(_rounded(_EXACT.add(start, way)))


def _rounded(value: Decimal) -> Decimal:
    """The value itself if it has few digits or no fraction, else the nearest float as Python writes it."""
    value = value.normalize(_EXACT)
    if len(value.as_tuple().digits) <= _FLOAT_DIGITS or value == value.to_integral_value():
        return value
    return Decimal(repr(float(value)))


def _text(value: Decimal) -> str:
    value = value.normalize(_EXACT)
    if not value:
        return "0"
    return f"{value:f}" if value.adjusted() in _PLAIN else f"{value:e}"

"""The parameters of a factory: swept through a range, or listed value by value.

Numbers are the decimals that were written, so that 0 to 1 in steps of 0.1 has 11 values, the last of them 1; how many there
are is computed from both ends and the step, exactly and without making them.
"""

import math
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from api.documents import patterns
from api.documents.base import Document, broken
from api.documents.text import MAX_LINE, MAX_NAME, matching, saying
from api.documents.wording import kind, shown

MAX_VALUES = 1_000_000
"""Values of one parameter in a list."""

Place = tuple[int | str, ...]


def _number(value: object) -> int | float:
    # An integer stays an integer: as a float it could be another number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise broken(f"must be a number, not {kind(value)}")
    if not math.isfinite(value):
        raise broken("must be a finite number")
    return value


def _value(value: object) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise broken(f"must be a string or a number, not {kind(value)}")
    if not isinstance(value, str):
        return _number(value)
    if len(value) > MAX_LINE or "\0" in value:
        raise broken(f"must have at most {MAX_LINE} characters, and no NUL among them")
    return value


Number = Annotated[int | float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
ParameterValue = Annotated[
    str | int | float,
    PlainValidator(_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "maxLength": MAX_LINE, "pattern": patterns.whole(patterns.TEXT)},
            ]
        }
    ),
]
ParameterName = Annotated[
    str,
    Field(max_length=MAX_NAME),
    AfterValidator(
        matching(patterns.ENV_NAME, "must be a name of letters, digits and '_' that does not begin with a digit")
    ),
    saying(patterns.ENV_NAME),
]


class Parameter(Document):
    """A parameter: in a parameterSweep it has start, end and one of step and number, in a zip a list of values.

    A step that is not 0 leads from start towards end; number is 1 where both are equal, and only there.
    """

    name: ParameterName = Field(
        description="Name of the parameter: $name and ${name} stand for its value in the factory's jobs."
    )
    start: Number | None = Field(default=None, description="The first value.")
    end: Number | None = Field(
        default=None, description="Where the values end: itself the last if a step lands on it, always so with number."
    )
    step: Number | None = Field(
        default=None,
        description="From each value to the next; negative where end is below start.",
        json_schema_extra={"not": {"const": 0}},
    )
    number: int | None = Field(default=None, ge=1, description="How many values, evenly from start to end.")
    values: Annotated[tuple[ParameterValue, ...], Field(strict=False, fail_fast=True)] | None = Field(
        default=None, min_length=1, max_length=MAX_VALUES, description="The values in a zip, texts or numbers."
    )

    def check_swept(self, *at: int | str) -> None:
        """Refuse what cannot be swept; ``at`` is where the parameter stands, for the sentence."""
        if self.values is not None:
            raise broken("does not belong to a parameterSweep: remove it, or make the factory a zip", *at, "values")
        for field in ("start", "end"):
            if getattr(self, field) is None:
                raise broken(f"is required: {self._called} needs start, end, and step or number", *at, field)
        if (self.step is None) == (self.number is None):
            has = "neither" if self.step is None else "both"
            raise broken(f"needs exactly one of step and number, but {self._called} has {has}", *at)
        if self.step is not None:
            self._check_step(self.step, *at, "step")
        else:
            self._check_number(*at, "number")

    def _check_step(self, step: int | float, *at: int | str) -> None:
        if step == 0:
            raise broken(f"must not be 0: {self._called} would never reach its end", *at)
        way = _exact(self.end) - _exact(self.start)
        if way and (step > 0) != (way > 0):
            raise broken(
                f"must be {'above' if way > 0 else 'below'} 0, not {shown(step)}: {self._called} goes from "
                f"{shown(self.start)} to {shown(self.end)}",
                *at,
            )

    def _check_number(self, *at: int | str) -> None:
        one_value = _exact(self.start) == _exact(self.end)
        if self.number == 1 and not one_value:
            raise broken(f"must be at least 2: both ends of {self._called} are among its values", *at)
        if self.number != 1 and one_value:
            raise broken(
                f"must be 1: start and end of {self._called} are equal; a factory of type repeat runs a job several times",
                *at,
            )

    def check_listed(self, *at: int | str) -> None:
        """Refuse what has no list of values and nothing else; ``at`` is where the parameter stands."""
        if self.values is None:
            raise broken(f"is required: {self._called} of a zip needs a list of values", *at, "values")
        for field in ("start", "end", "step", "number"):
            if getattr(self, field) is not None:
                raise broken("does not belong to a zip: remove it, or make the factory a parameterSweep", *at, field)

    @property
    def _called(self) -> str:
        return f"the parameter {shown(self.name)}"


def axis(parameter: Parameter) -> dict[str, Any]:
    """The parameter as ``worker.parameters`` reads it: small where it is swept, whatever the number of values."""
    if parameter.values is not None:
        return {"name": parameter.name, "values": [text(value) for value in parameter.values]}
    swept = {"name": parameter.name, "start": text(parameter.start)}
    if parameter.step is None:
        return swept | {"end": text(parameter.end), "number": parameter.number}
    way = _exact(parameter.end) - _exact(parameter.start)
    return swept | {"step": text(parameter.step), "number": way // _exact(parameter.step) + 1}


def text(value: str | int | float | None) -> str:
    """A value as text: a number as in JSON, with the fewest digits that tell it from all others."""
    return value if isinstance(value, str) else repr(value)


def _exact(value: int | float | None) -> Fraction:
    return Fraction(repr(value))

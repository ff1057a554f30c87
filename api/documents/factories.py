"""Factories: jobs of a workflow that are run many times, with other parameters each time.

Nothing is expanded here, so a factory that would make more instances than there may be costs no more than another.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.documents.base import Document, Says, broken
from api.documents.errors import InvalidDocument
from api.documents.parameters import Parameter, axis
from api.documents.text import JobName
from api.documents.wording import shown
from worker import parameters as worker_parameters

MAX_INSTANCES = 100_000
"""Instances of all factories of a workflow together, where no setting says otherwise."""
MAX_PARAMETERS = 100
MAX_FACTORY_JOBS = 10_000
_MAX_COUNTED = 10**15
"""A message gives no number of instances above this."""


def _not_empty(value: str) -> str:
    if not value:
        raise broken("must not be empty: give the name of a job")
    return value


JobReference = Annotated[JobName, AfterValidator(_not_empty), Says({"minLength": 1})]
"""The name of a job of the workflow."""


def _of_type(kind: str, needs: str, without: str, parameter: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema's words for a factory of one type."""
    parameters = {"minItems": 1, "items": parameter} if parameter else {"maxItems": 0}
    properties = {"type": {"const": kind}, "parameters": parameters} | ({without: False} if without else {})
    return {"properties": properties, "required": [needs]}


_SWEPT = {
    "properties": {"values": False},
    "required": ["start", "end"],
    "oneOf": [{"required": ["step"]}, {"required": ["number"]}],
}
_LISTED = {"properties": dict.fromkeys(("start", "end", "step", "number"), False), "required": ["values"]}


class Factory(Document):
    """How some jobs of the workflow are run many times; the instances of each are numbered from 0.

    A parameterSweep has every combination of its parameters' values: the first parameter varies slowest, the last one fastest.
    In a zip all parameters have equally many values, and instance i has the i-th of each. A repeat runs its jobs number times
    as they are. A job is made by one factory at most, and a factory's parameters have different names.
    """

    rules: ClassVar[Mapping[str, Any]] = {
        "oneOf": [
            _of_type("parameterSweep", "parameters", "number", _SWEPT),
            _of_type("zip", "parameters", "number", _LISTED),
            _of_type("repeat", "number", "", {}),
        ]
    }

    name: JobName = Field(default="", description="Name of the factory, unlike those of others where it is given.")
    type: Literal["parameterSweep", "zip", "repeat"] = Field(description="How instances differ from one another.")
    jobs: Annotated[tuple[JobReference, ...], Field(strict=False, fail_fast=True)] = Field(
        min_length=1, max_length=MAX_FACTORY_JOBS, description="Names of the jobs of which it makes instances."
    )
    parameters: Annotated[tuple[Parameter, ...], Field(strict=False, fail_fast=True)] = Field(
        default=(), max_length=MAX_PARAMETERS, description="The parameters of a parameterSweep or a zip."
    )
    number: int | None = Field(default=None, ge=1, description="How many instances a repeat makes of each job.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "repeat":
            self._check_repeat()
        else:
            self._check_parameters()
        if self.type == "zip":
            self._check_lengths()
        return self

    def _check_repeat(self) -> None:
        if self.number is None:
            raise broken("is required in a factory of type repeat: how many instances it makes of each job", "number")
        if self.parameters:
            raise broken("does not belong to a factory of type repeat: remove it", "parameters")

    def _check_parameters(self) -> None:
        if self.number is not None:
            raise broken(f"does not belong to a factory of type {self.type}: remove it", "number")
        if not self.parameters:
            raise broken(f"must have at least one entry in a factory of type {self.type}", "parameters")
        seen: set[str] = set()
        for index, parameter in enumerate(self.parameters):
            if parameter.name in seen:
                raise broken(
                    f"is {shown(parameter.name)} as that of an earlier parameter: give it another name",
                    *("parameters", index, "name"),
                )
            seen.add(parameter.name)
            check = parameter.check_listed if self.type == "zip" else parameter.check_swept
            check("parameters", index)

    def _check_lengths(self) -> None:
        lengths = [len(parameter.values or ()) for parameter in self.parameters]
        for index, length in enumerate(lengths):
            if length != lengths[0]:
                raise broken(
                    f"must be as many as those of the other parameters: {shown(self.parameters[0].name)} has "
                    f"{lengths[0]}, {shown(self.parameters[index].name)} has {length}",
                    *("parameters", index, "values"),
                )


def expanded(factory: Factory) -> dict[str, Any]:
    """The factory as ``worker.parameters`` reads it: JSON that says how each instance's parameters are computed."""
    if factory.type == "repeat":
        return {"type": "repeat", "number": factory.number}
    return {
        "type": "grid" if factory.type == "parameterSweep" else "zip",
        "axes": [axis(parameter) for parameter in factory.parameters],
    }


def count(factory: Factory) -> int:
    """How many instances the factory makes of each of its jobs."""
    if factory.type == "zip":
        return len(factory.parameters[0].values or ())  # without a text for each of them
    return worker_parameters.count(expanded(factory))


def check_instances(factories: Sequence[Factory], most: int = MAX_INSTANCES) -> None:
    """Refuse factories that make more than ``most`` instances together. Raises InvalidDocument."""
    total = 0
    for index, factory in enumerate(factories):
        made = count(factory) * len(factory.jobs)
        total += made
        if total > most:
            field = f"factories[{index}]"
            others = "" if len(factory.jobs) == 1 else f" and {len(factory.jobs) - 1} other jobs"
            together = "" if total == made else f", {_said(total)} with those of the factories before it"
            raise InvalidDocument(
                field,
                f"{field} must not bring the workflow to more than {most} instances: it makes {_said(made)} of "
                f"{shown(factory.jobs[0])}{others}{together}",
            )


def _said(number: int) -> str:
    return str(number) if number <= _MAX_COUNTED else f"more than {_MAX_COUNTED}"

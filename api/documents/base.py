"""The base of all documents: strict, closed, frozen, and in camelCase on the wire.

Two things go beyond pydantic's own settings. A field that may be left out is not a field that may be null:
null is refused except where a document names the field in ``nullable``, and the JSON schema says the same.
And a rule that spans fields (``broken``) says which inner field it means, so that an error is always about
something the user wrote.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

RULE = "rule"
"""The pydantic error type of all rules of our own."""


def broken(says: str, *at: int | str) -> PydanticCustomError:
    """The error to raise from a validator: ``says`` follows the field's path in the sentence.

    ``at`` is the way from the place of the validator to the field that is meant, by wire names.
    """
    return PydanticCustomError(RULE, "{says}", {"says": says, "at": at})


def at_most(limit: int) -> Callable[[Any], Any]:
    """A check, before any other, that a mapping has no more entries than ``limit``.

    Pydantic looks at the length of a mapping only after all of its entries, which lets a body with a million of
    them keep the service busy.
    """

    def check(value: Any) -> Any:
        if isinstance(value, dict) and len(value) > limit:
            raise broken(f"must have at most {limit} entries, not {len(value)}")
        return value

    return check


@dataclass(frozen=True, eq=False)
class Says:
    """JSON-schema keywords for what a validator of our own checks; stands beside it in an annotation.

    Compared by identity: what stands in an annotation has to be hashable.
    """

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), **self.keywords}


def _as_on_the_wire(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Make the JSON schema say what is true outside of Python.

    Null, which only means "left out" here, goes from the fields that refuse it; so do titles made of names. A document
    that may be left out stands for its own defaults. Rules that span fields come from the model's ``rules``.
    """
    nullable: frozenset[str] = model.nullable if issubclass(model, Document) else frozenset()
    schema.update(model.rules if issubclass(model, Document) else {})
    for name, field in model.model_fields.items():
        listed = schema["properties"][field.alias or name]
        listed.pop("title", None)
        if name not in nullable and not field.is_required() and field.default is None:
            del listed["default"]
            listed.update(listed.pop("anyOf")[0])  # what the field holds; the other choice is null
        if isinstance(field.default, Document):
            listed["default"] = {}
        if "patternProperties" in listed:
            listed["additionalProperties"] = False


class Document(BaseModel):
    """A JSON object of the API: no unknown fields, no conversions, no changes after validation."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        json_schema_extra=_as_on_the_wire,
    )

    nullable: ClassVar[frozenset[str]] = frozenset()
    """Python names of the fields in which an explicit null is allowed."""

    rules: ClassVar[Mapping[str, Any]] = {}
    """JSON-schema keywords for the rules that span fields, as far as there are any for them."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.nullable:
            raise broken("must not be null: give a value, or leave out the fields that may be left out")
        return value

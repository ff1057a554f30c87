"""Every attribute that stands in an ad is documented, and nothing else."""

from __future__ import annotations

from enum import EnumType, StrEnum

import pytest

from pool import attributes
from tests.unit.docs.reference import compare, names

FILE = "attributes.md"
HEADINGS = {"Job": "Attributes of jobs", "Machine": "Attributes of workers"}
KINDS = [
    value
    for value in vars(attributes).values()
    if isinstance(value, EnumType) and issubclass(value, StrEnum) and value is not StrEnum
]
OTHERS = [value for name, value in vars(attributes).items() if name.isupper() and isinstance(value, str)]
"""What HTCondor itself sets: reasons of removals, attributes."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_attribute_is_documented(kind: type[StrEnum]) -> None:
    assert kind.__name__ in HEADINGS, f"{FILE} needs a heading for the attributes in pool.attributes.{kind.__name__}"
    heading = HEADINGS[kind.__name__]
    compare(f"{FILE}, {heading}", names(FILE, heading), list(kind))


def test_what_htcondor_itself_sets_is_documented() -> None:
    documented = [*names(FILE, "Reasons of removals"), *names(FILE, "Attributes that HTCondor sets")]
    compare(FILE, documented, OTHERS)

"""What stands in a cloud's lists: entries that can be used, and odd ones, which take nothing from the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from cloud_provisioner.drivers.openstack import saying

_NAMED = 5


class Shown(BaseModel):
    """A thing as a cloud shows it. A null says what a field that is left out says."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, one: Any) -> Any:
        return {name: value for name, value in one.items() if value is not None} if isinstance(one, dict) else one


_S = TypeVar("_S", bound=Shown)


@dataclass(frozen=True, slots=True)
class Entries(Generic[_S]):
    """A whole list; `odd` are the entries that are not as OpenStack shows them, as they came."""

    usable: tuple[_S, ...] = ()
    odd: tuple[object, ...] = ()

    def notes(self, key: str) -> tuple[str, ...]:
        """A sentence about those that are left out of what a key of the description selects from, where there are some."""
        if not self.odd:
            return ()
        names = [saying.cleaned(_called(one)) for one in self.odd[:_NAMED]]
        more = ", ..." if len(self.odd) > _NAMED else ""
        says = f"{len(self.odd)} in the cloud's list cannot be understood and are left out"
        return (f"`{key}`: {says}: {', '.join(names)}{more}.",)


def name_of(one: object) -> str:
    """The id of an entry; empty where it has none."""
    found = one.get("id") if isinstance(one, Mapping) else None
    return str(found) if isinstance(found, (str, int)) else ""


def _called(one: object) -> str:
    name = one.get("name") if isinstance(one, Mapping) else None
    return name if isinstance(name, str) and name else name_of(one) or "one without a name"

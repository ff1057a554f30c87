"""Secrets of sites by reference: an environment variable or a file; a description never holds one itself.

A secret is read anew at each use, so that a file can be changed without a restart, and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, model_validator

from cloud_provisioner.errors import BrokenRule, SecretUnusable
from cloud_provisioner.sites.base import FilePath, Section, Variable
from identity.errors import Misconfigured
from identity.private_files import read_private

_REMEDY = "must not stand here itself: put it into a file (0600) and write {file: /its/path}, or {env: VARIABLE}"


class SecretReference(Section):
    """Where a secret is: exactly one of the two."""

    env: Variable | None = Field(None, description="name of an environment variable of the provisioner")
    file: FilePath | None = Field(
        None, description="path of a file that the provisioner's account alone can read (0600)"
    )

    @model_validator(mode="before")
    @classmethod
    def _is_no_secret(cls, value: Any) -> Any:
        # What stands in braces without a colon is a key to YAML, so an unknown key may be the secret.
        if isinstance(value, str) or (isinstance(value, dict) and value.keys() - cls.model_fields.keys()):
            raise BrokenRule(_REMEDY)
        return value

    @model_validator(mode="after")
    def _is_one(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise BrokenRule("must have either `env` or `file`")
        return self

    def __str__(self) -> str:
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"

    def read(self, environ: Mapping[str, str]) -> str:
        """The secret, without the line feed at its end. SecretUnusable: not there, empty, others may read it, no UTF-8."""
        secret = environ.get(self.env, "") if self.env else self._of_file()
        if not secret:
            raise SecretUnusable(str(self), "it is empty or not set")
        return secret

    def _of_file(self) -> str:
        try:
            return read_private(Path(self.file or ""), "secret").decode().rstrip("\r\n")
        except Misconfigured as error:
            raise SecretUnusable(str(self), error.why) from None
        except UnicodeDecodeError:
            raise SecretUnusable(str(self), "it is not UTF-8") from None


def references(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], SecretReference]]:
    """All references below a model, each with its place."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretReference):
            yield (*path, name), value
        elif isinstance(value, BaseModel):
            yield from references(value, (*path, name))

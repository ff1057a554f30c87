"""Files of settings: TOML, checked by a model. What is wrong is told by file and key, never by a value, maybe a secret."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from identity.settings_sentences import sentences

_Settings = TypeVar("_Settings", bound=BaseModel)


def read(file: Path, model: type[_Settings], unusable: Callable[[str], Exception]) -> _Settings:
    """The settings in `file`. Raises what `unusable` makes of a sentence, or of a line for each thing that is wrong."""
    try:
        return model.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise unusable(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise unusable(f"{file} is not TOML: it is no text in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise unusable(f"{file} is not TOML: {error}.") from None
    except ValidationError as error:
        raise unusable("\n".join(f"{file}: {sentence}" for sentence in sentences(error, model))) from None

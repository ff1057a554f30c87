"""The settings of the records: which database, and where the recorder finds what it records."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from api.notifications.settings import MailSettings
from api.records.errors import SettingsUnusable
from database.address import Address
from identity.settings_file import read


class Retention(BaseModel):
    """For how many days things are kept; 0: for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_folder_days: float = Field(
        30, ge=0, le=36_500, description="The files of a job, from its end on: output, report, what a clone is made of."
    )
    series_days: float = Field(90, ge=0, le=36_500, description="The series of a job, from its end on.")
    abandoned_days: float = Field(
        1, ge=0, le=36_500, description="The files of a submission that never came into the queue."
    )


class RecordsSettings(BaseModel):
    """Everything that an operator may choose for the records. The address may hold a password: the file is private."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Address = Field(
        description="sqlite:////path/of/a/file, or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE."
    )
    departed: Path = Field(
        description="Folder in which the access point leaves a file for each job that left the queue."
    )
    sandboxes: Path = Field(description="Folder for the files of jobs, as in the settings of the API.")
    service: Path | None = Field(
        None, description="Settings file of the API: where its storage, its queue and its small files are."
    )
    retention: Retention = Field(
        default_factory=lambda: Retention.model_validate({}), description="For how long things are kept."
    )
    mail: MailSettings | None = Field(
        None, description="How messages to users are sent; without it none are, and jobs that ask for one are refused."
    )


def load(file: Path) -> RecordsSettings:
    """The settings in a TOML file; raises SettingsUnusable with the key and what is wrong with it, never with its value."""
    return read(file, RecordsSettings, SettingsUnusable)


def shown(settings: RecordsSettings) -> str:
    """Each setting, a line each; the address of the database without what is in it."""
    fields = RecordsSettings.model_fields
    return "\n".join(f"{name} = {getattr(settings, name)!r}  # {fields[name].description}" for name in fields)

"""The API's settings: one schema, read from one TOML file; an unknown key is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from api.objects.settings import Storage
from identity.settings_file import read
from pool.numbers import MOST_INSTANCES


class SettingsError(Exception):
    """The settings cannot be used; the message names file and key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IssuerSettings(_Section):
    """An OpenID Connect provider whose access tokens are accepted."""

    issuer: str = Field(description="Exactly what its tokens carry as `iss`.")
    audiences: tuple[str, ...] = Field(min_length=1, description="A token must be for one of these (`aud`).")
    jwks_uri: str | None = Field(None, description="Where its keys are; found by discovery when left out.")
    jwks_file: Path | None = Field(None, description="A file with its keys, instead.")
    groups_claim: str | None = Field(
        None, description="A claim that lists the user's groups, where this issuer is trusted with that."
    )
    userinfo: bool = Field(
        False, description="Ask its userinfo endpoint about holders of tokens that carry no entitlements."
    )


class WorkerTokenSettings(_Section):
    """Tokens with which users add workers of their own (`POST /token`)."""

    signing_key: Path = Field(description="The pool's signing key (0600), as HTCondor keeps it.")
    domain: str = Field(min_length=1, description="HTCondor's TRUST_DOMAIN.")
    lifetime: int = Field(24 * 3600, ge=60, description="Seconds for which such a token is good.")


class LimitSettings(_Section):
    """What may be asked of the service: the first five by one user, the rest by one request or of one process."""

    requests_per_minute: int = Field(3000, ge=0, le=10**6, description="Requests on average; 0: any number.")
    request_burst: int = Field(600, ge=1, le=10**6, description="Requests at once.")
    queued_jobs: int = Field(100_000, ge=1, description="Jobs in the queue, running ones included.")
    keys: int = Field(100_000, ge=1, description="Pairs in the key-value store.")
    command_seconds: float = Field(60, ge=1, le=3600, description="Of a command in a running job that names no limit.")
    longest_command: float = Field(600, ge=1, le=3600, description="Seconds that a command in a running job may take.")
    snapshot_seconds: float = Field(600, ge=1, le=3600, description="Seconds that a snapshot may take.")
    commands_at_once: int = Field(8, ge=1, description="Commands and snapshots that one process waits for at a time.")
    follow_seconds: float = Field(12 * 3600, ge=1, description="Seconds for which output is followed in one request.")
    followers: int = Field(110, ge=1, description="Streams that one process follows at a time; fewer than its threads.")


class WorkflowSettings(_Section):
    """How workflows run. DAGMan is a process for each at the access point."""

    dagman: str = Field("/usr/bin/condor_dagman", description="The program, as the access point sees it.")
    configuration: str = Field(
        "/etc/condor/condor_config", description="HTCondor's configuration of the access point, as it sees it."
    )
    instances: int = Field(
        100_000, ge=1, le=MOST_INSTANCES, description="Instances that all jobs of one workflow may have together."
    )
    idle_jobs: int = Field(
        1000, ge=1, description="Jobs of one workflow that wait in the queue at a time; the others follow by and by."
    )


class Settings(_Section):
    """Everything that an operator may choose for the REST API."""

    url: HttpUrl = Field(description="Address under which users and jobs reach the API, with /prominence/v1.")
    sandboxes: Path = Field(description="Folder for the files of jobs; the access point sees it under the same path.")
    worker_program: Path = Field(
        description="The executor that is sent to workers; the access point sees it under the same path."
    )
    job_token_secret: Path = Field(description="File (0600) with the secret that signs job tokens.")
    run: Path = Field(description="Folder for small state that the processes of this host share; may be lost.")
    schedd: str = Field("prominence@", description="Name of the access point's schedd.")
    issuers: tuple[IssuerSettings, ...] = Field(
        min_length=1, description="Who is believed; the first one's subjects are Owners as they are."
    )
    vos: dict[Annotated[str, StringConstraints(min_length=1)], tuple[str, ...]] = Field(
        min_length=1, description="Virtual organisation -> entitlements that its members must all have."
    )
    records: Path = Field(description="Settings file of the records (database), which the recorder reads as well.")
    worker_tokens: WorkerTokenSettings | None = Field(
        None, description="How users' own workers get their tokens; without it there are none."
    )
    limits: LimitSettings = Field(
        default_factory=lambda: LimitSettings.model_validate({}), description="What one user may ask for."
    )
    workflows: WorkflowSettings = Field(
        default_factory=lambda: WorkflowSettings.model_validate({}), description="How workflows run."
    )
    metrics_token: Path | None = Field(
        None, description="File (0600) with the bearer token for /metrics; without it there is no such address."
    )
    storage: Storage | None = Field(None, description="Object storage; without it there are no addresses for data.")
    max_body: int = Field(4 * 2**20, ge=2**16, description="Largest request body in bytes.")


def load(file: Path) -> Settings:
    """The settings in `file`; raises SettingsError with the key and what is wrong with it."""
    return read(file, Settings, SettingsError)


def shown(settings: Settings) -> str:
    """Each setting with its value and where the value comes from, a line each."""
    lines = []
    for name in Settings.model_fields:
        source = "file" if name in settings.model_fields_set else "default"
        lines.append(f"{name} = {getattr(settings, name)!r}  # {source}: {Settings.model_fields[name].description}")
    return "\n".join(lines)

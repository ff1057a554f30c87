"""What can be done with a running job, and what happened to one: `exec`, `snapshot`, `events`."""

from api.documents.answers_data import CommandOutput, DownloadLink, Event
from api.openapi.operation import (
    ANY_TEXT,
    DONE,
    JSON,
    NOT_A_NUMBER,
    TEXT,
    Body,
    Listed,
    Operation,
    Parameter,
    Reply,
    job_id,
    refusals,
    reply,
)

TAG = "Running jobs"

_NOT_YOURS = refusals(_403="The job belongs to somebody else.")
_SECONDS = {"type": "number", "minimum": 1, "maximum": 600}
_COMMAND = {
    "type": "object",
    "properties": {
        "command": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": 1000,
            "description": "The program and its arguments.",
        },
        "timeout": _SECONDS | {"description": "Seconds after which it is ended."},
    },
    "required": ["command"],
    "additionalProperties": False,
}

OPERATIONS = (
    Operation(
        "POST",
        "/jobs/{id}/exec",
        TAG,
        "Run a command in a running job",
        {
            200: Reply(
                "What it wrote.",
                {TEXT: ANY_TEXT, JSON: CommandOutput},
                {"Prominence-Exit-Code": "The command's exit code."},
            ),
            **refusals(_400="The job does not run, or the command cannot be started or took too long."),
            **_NOT_YOURS,
            **NOT_A_NUMBER,
        },
        says="In the job's container and its directory. The command is in `command` or in the body.",
        parameters=(
            job_id(),
            Parameter(
                "command", "The program and its arguments, separated by commas.", {"type": "string", "minLength": 1}
            ),
            Parameter("timeout", "Seconds after which it is ended; 60 if left out.", _SECONDS),
        ),
        body=Body({JSON: _COMMAND}, "Instead of `command`, where arguments have commas.", required=False),
    ),
    Operation(
        "PUT",
        "/jobs/{id}/snapshot",
        TAG,
        "Archive files of a running job",
        {
            200: DONE,
            **refusals(_400="The job does not run, or it has no such file."),
            **_NOT_YOURS,
            **NOT_A_NUMBER,
        },
        parameters=(
            job_id(),
            Parameter(
                "path",
                "File or directory, in the job's directory.",
                {"type": "string", "minLength": 1, "maxLength": 4096},
                required=True,
            ),
        ),
    ),
    Operation(
        "GET",
        "/jobs/{id}/snapshot",
        TAG,
        "Download the archive",
        {
            200: reply("Where it is.", DownloadLink),
            **refusals(_400="There is none."),
            **_NOT_YOURS,
            **NOT_A_NUMBER,
        },
        parameters=(job_id(),),
    ),
    Operation(
        "GET",
        "/jobs/{id}/events",
        TAG,
        "Ask what happened to a job",
        {
            200: Reply("What happened, oldest first.", {JSON: Listed(Event)}),
            **refusals(_400="There is no such job."),
            **_NOT_YOURS,
            **NOT_A_NUMBER,
        },
        parameters=(job_id(),),
    ),
)

"""`/jobs/<id>/stdout` and `/stderr`: what a job writes."""

from api.openapi.operation import (
    ANY_TEXT,
    NOT_A_NUMBER,
    TEXT,
    Operation,
    Parameter,
    Reply,
    flag,
    job_id,
    refusals,
)
from api.openapi.operations.jobs import TAG

_COUNT = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
PARAMETERS = (
    Parameter("node", "Number of the node, from 0 on.", _COUNT),
    Parameter("offset", "Byte to begin with.", _COUNT),
    flag("follow", "The answer goes on with what the job goes on writing, until it has ended."),
    Parameter(
        "run",
        "With the `Prominence-Run` and the offset of an earlier answer the text goes on from there; it begins anew where "
        "the job has started again meanwhile.",
        {"type": "string", "pattern": "^[0-9a-f]{0,64}$"},
    ),
    Parameter("Last-Event-ID", "The last `id` of an event stream, to go on from there.", {"type": "string"}, "header"),
)
TEXT_REPLY = Reply(
    "What the job wrote so far, and with `follow` what it goes on writing; as events where they are asked for by `Accept`.",
    {TEXT: ANY_TEXT, "text/event-stream": ANY_TEXT},
    {"Prominence-Run": "Names the run of the job that wrote it."},
)


def _output(stream: str, what: str) -> Operation:
    return Operation(
        "GET",
        f"/jobs/{{id}}/{stream}",
        TAG,
        f"Read a job's {what}",
        {
            200: TEXT_REPLY,
            **refusals(
                _400="There is no such job, or it has no such output (yet), or a parameter is wrong.",
                _403="The job belongs to somebody else.",
            ),
            **NOT_A_NUMBER,
        },
        says="Works while the job runs and after it has ended.",
        parameters=(job_id(), *PARAMETERS),
    )


OPERATIONS = (_output("stdout", "standard output"), _output("stderr", "standard error"))

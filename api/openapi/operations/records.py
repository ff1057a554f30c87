"""`/ts` and `/accounting`: series that jobs write, and what was used."""

from api.documents.answers import Empty
from api.documents.answers_data import Series, Usage
from api.openapi.operation import (
    JSON,
    NOT_A_NUMBER,
    Body,
    Listed,
    Operation,
    Parameter,
    Reply,
    Token,
    flag,
    job_id,
    refusals,
    reply,
)
from api.routes.series import PointDocument

TAG = "Records"

_TOKENS: tuple[Token, ...] = ("user", "job")
_YEAR = 366 * 24 * 60
_MINUTES = {"type": "number", "minimum": 0, "maximum": _YEAR}
_DAY = {"type": "string", "format": "date"}

OPERATIONS = (
    Operation(
        "POST",
        "/ts",
        TAG,
        "Write a point of a series",
        {201: reply("Stored.", Empty), **refusals(_400="The point is not valid, or the job has written too many.")},
        says="For running jobs: the series are the job's.",
        body=Body({JSON: PointDocument}),
        tokens=("job",),
    ),
    Operation(
        "GET",
        "/ts/{id}",
        TAG,
        "Read a job's series",
        {
            200: Reply("The series.", {JSON: Listed(Series)}),
            **refusals(
                _400="There is no such job, a parameter is wrong, or there are too many values.",
                _403="The job belongs to somebody else.",
            ),
            **NOT_A_NUMBER,
        },
        parameters=(
            job_id(),
            Parameter("start", "Only points from so many minutes ago on.", _MINUTES),
            Parameter("stop", "Only points up to so many minutes ago.", _MINUTES),
            Parameter(
                "mean",
                "Averages over windows of so many minutes.",
                {"type": "number", "exclusiveMinimum": 0, "maximum": _YEAR},
            ),
        ),
        tokens=_TOKENS,
    ),
    Operation(
        "GET",
        "/accounting",
        TAG,
        "Ask what was used",
        {200: reply("What was used.", Usage), **refusals(_400="`start` or `end` is missing or is no day.")},
        says="By jobs that ended from the first day to the last, in UTC.",
        parameters=(
            Parameter("start", "First day, as YYYY-MM-DD.", _DAY, required=True, example="2027-01-01"),
            Parameter("end", "Last day, as YYYY-MM-DD.", _DAY, required=True, example="2027-01-31"),
            flag("by_group", "By group; then by user only with `show_all_users`."),
            flag("show_all_users", "All users of your groups instead of yourself."),
        ),
    ),
)

"""`/jobs`: create, list, describe, delete, clone."""

from api.documents import patterns
from api.documents.answers import Created, ShownJob
from api.documents.job import Job
from api.openapi.operation import (
    DONE,
    JOBS,
    JSON,
    NOT_A_NUMBER,
    YAML,
    Body,
    Listed,
    Operation,
    Parameter,
    Reply,
    flag,
    job_id,
    refusals,
    reply,
)
from pool.numbers import LARGEST_ID

TAG = "Jobs"

_MOSTIDS = 1000
IDS = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
    "minItems": 1,
    "maxItems": _MOSTIDS,
}
_LABEL = patterns.whole(f"{patterns.LABEL_KEY}={patterns.LABEL_VALUE}")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "Makes a retry safe: with the same key and the same document a caller gets the same job again.",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    "header",
)
LIST_PARAMETERS = (
    flag("completed", "Finished jobs, newest first, instead of active ones."),
    flag("all", "Active and finished jobs, without limit."),
    Parameter("num", "How many finished jobs; 1 if left out.", {"type": "integer", "minimum": 1, "maximum": 9_999_999}),
    Parameter(
        "status",
        "Only jobs in this state; those that are deploying are among the idle ones.",
        {"type": "string", "enum": ["idle", "deploying", "running"]},
    ),
    Parameter("constraint", "Only jobs with this label, as `label=value`.", {"type": "string", "pattern": _LABEL}),
    Parameter("name", "Only jobs of this name.", {"type": "string", "pattern": r"^[^\x00]*$"}),
    Parameter("id", "Only these jobs: ids separated by commas.", IDS),
    flag("detail", "Describe each job in full."),
    flag(
        "workflow", "The jobs of the workflow whose id is `id`, those that are not in the queue yet among the active."
    ),
)
OPERATIONS = (
    Operation(
        "POST",
        "/jobs",
        TAG,
        "Create a job",
        {
            201: reply("The job is in the queue.", Created),
            **refusals(
                _400="The document is not valid, or asks for what this server does not offer: `field` names it."
            ),
        },
        says="The answer comes when the job is safely in the queue. The document is JSON or YAML.",
        parameters=(IDEMPOTENCY_KEY,),
        body=Body({JSON: Job, YAML: Job}),
    ),
    Operation(
        "GET",
        "/jobs",
        TAG,
        "List your jobs",
        {200: JOBS, **refusals(_400="A parameter cannot be used: `Invalid constraint` and the like.")},
        says="Active jobs, or finished ones, or both.",
        parameters=LIST_PARAMETERS,
    ),
    Operation(
        "DELETE",
        "/jobs",
        TAG,
        "Delete jobs",
        {
            200: DONE,
            **refusals(
                _400="There is no such job, or it has ended already, or `id` is wrong.",
                _403="A job belongs to somebody else.",
            ),
        },
        says="Removes them from the queue; what runs is ended. All are checked before the first is removed.",
        parameters=(Parameter("id", "The jobs: ids separated by commas.", IDS, required=True),),
    ),
    Operation(
        "GET",
        "/jobs/{id}",
        TAG,
        "Describe a job",
        {200: Reply("The job, or nothing.", {JSON: Listed(ShownJob, at_most=1)}), **NOT_A_NUMBER},
        says="A list of one, active or finished; an empty list where you have no such job.",
        parameters=(job_id(),),
    ),
    Operation(
        "DELETE",
        "/jobs/{id}",
        TAG,
        "Delete a job",
        {
            200: DONE,
            **refusals(_400="There is no such job, or it has ended already.", _403="The job belongs to somebody else."),
            **NOT_A_NUMBER,
        },
        says="Removes it from the queue; if it runs, it is ended. Deleting twice is fine.",
        parameters=(job_id(),),
    ),
    Operation(
        "PUT",
        "/jobs/{id}/remove",
        TAG,
        "Take a finished job out of the queue",
        {
            200: DONE,
            **refusals(
                _400="There is no such job, or it is not a finished one that was left in the queue.",
                _403="The job belongs to somebody else.",
            ),
            **NOT_A_NUMBER,
        },
        says="For jobs with the policy `leaveInQueue`. Doing it twice is fine.",
        parameters=(job_id(),),
    ),
    Operation(
        "PUT",
        "/jobs/{id}/clone",
        TAG,
        "Submit a job again",
        {
            201: reply("The new job is in the queue.", Created),
            **refusals(
                _400="There is no such job, its files are no longer kept, or what it asks for is not offered any more.",
                _403="The job belongs to somebody else.",
            ),
            **NOT_A_NUMBER,
        },
        says="Queues what the job asked for as a new job.",
        parameters=(job_id(), IDEMPOTENCY_KEY),
    ),
)

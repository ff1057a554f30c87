"""`/workflows`: create, list, describe, delete, run again, and the output of their jobs by name."""

from dataclasses import replace

from api.documents.answers import Created
from api.documents.answers_workflow import ShownWorkflow
from api.documents.workflow import Workflow
from api.openapi.operation import (
    DONE,
    JSON,
    NOT_A_NUMBER,
    YAML,
    Body,
    Listed,
    Operation,
    Parameter,
    Reply,
    refusals,
    reply,
)
from api.openapi.operations import output
from api.openapi.operations.jobs import IDEMPOTENCY_KEY, IDS, LIST_PARAMETERS

TAG = "Workflows"
NAME = {"type": "string", "minLength": 1}

_ID = Parameter("id", "Id of the workflow.", {"type": "integer", "minimum": 0}, "path", True, 1042)
_MINE = "The workflow belongs to somebody else."


def _output(stream: str, what: str) -> Operation:
    job = Parameter(
        "job", "Name of the job, and `/` and the instance where it has a factory.", NAME, "path", True, "fit/3"
    )
    return Operation(
        "GET",
        f"/workflows/{{id}}/{{job}}/{stream}",
        TAG,
        f"Read the {what} of a workflow's job",
        {
            200: output.TEXT_REPLY,
            **refusals(_400="There is no such workflow or job, or it has no such output (yet).", _403=_MINE),
            **NOT_A_NUMBER,
        },
        says="As for jobs, by name instead of id.",
        parameters=(_ID, job, *output.PARAMETERS),
    )


OPERATIONS = (
    Operation(
        "POST",
        "/workflows",
        TAG,
        "Create a workflow",
        {
            201: reply("The workflow is in the queue.", Created),
            **refusals(
                _400="The document is not valid, or asks for what this server does not offer: `field` names it."
            ),
        },
        says="A workflow, or a list of jobs that do not depend on one another; in JSON or YAML.",
        parameters=(IDEMPOTENCY_KEY,),
        body=Body({JSON: Workflow, YAML: Workflow}),
    ),
    Operation(
        "GET",
        "/workflows",
        TAG,
        "List your workflows",
        {
            200: Reply("The workflows.", {JSON: Listed(ShownWorkflow)}),
            **refusals(_400="A parameter cannot be used: `Invalid constraint` and the like."),
        },
        says="Active workflows, or finished ones, or both.",
        parameters=tuple(
            replace(parameter, says=parameter.says.replace("job", "workflow"))
            for parameter in LIST_PARAMETERS
            if parameter.name != "workflow"
        ),
    ),
    Operation(
        "DELETE",
        "/workflows",
        TAG,
        "Delete workflows",
        {
            200: DONE,
            **refusals(_400="There is no such workflow, or it has ended already, or `id` is wrong.", _403=_MINE),
        },
        says="Removes them with all of their jobs. All are checked before the first is removed.",
        parameters=(Parameter("id", "The workflows: ids separated by commas.", IDS, required=True),),
    ),
    Operation(
        "GET",
        "/workflows/{id}",
        TAG,
        "Describe a workflow",
        {200: Reply("The workflow, or nothing.", {JSON: Listed(ShownWorkflow, at_most=1)}), **NOT_A_NUMBER},
        says="A list of one, active or finished; an empty list where you have no such workflow.",
        parameters=(_ID,),
    ),
    Operation(
        "DELETE",
        "/workflows/{id}",
        TAG,
        "Delete a workflow",
        {
            200: DONE,
            **refusals(_400="There is no such workflow, or it has ended already.", _403=_MINE),
            **NOT_A_NUMBER,
        },
        says="Removes it with all of its jobs; what runs is ended. Deleting twice is fine.",
        parameters=(_ID,),
    ),
    Operation(
        "PUT",
        "/workflows/{id}",
        TAG,
        "Run what failed and what never ran again",
        {
            201: reply("The new workflow is in the queue.", Created),
            **refusals(
                _400="There is no such workflow, it has not ended, nothing of it failed, or its files are no longer kept.",
                _403=_MINE,
            ),
            **NOT_A_NUMBER,
        },
        says="Makes a new workflow, in which what ended well before counts as done.",
        parameters=(_ID, IDEMPOTENCY_KEY),
    ),
    Operation(
        "PUT",
        "/workflows/{id}/remove",
        TAG,
        "Take a finished workflow out of the queue",
        {
            200: DONE,
            **refusals(
                _400="There is no such workflow, or it is not a finished one that was left in the queue.", _403=_MINE
            ),
            **NOT_A_NUMBER,
        },
        says="For workflows with the policy `leaveInQueue`. Doing it twice is fine.",
        parameters=(_ID,),
    ),
    Operation(
        "PUT",
        "/workflows/{id}/clone",
        TAG,
        "Submit a workflow again",
        {
            201: reply("The new workflow is in the queue.", Created),
            **refusals(
                _400="There is no such workflow, or its files are no longer kept, or it asks for what is not offered.",
                _403=_MINE,
            ),
            **NOT_A_NUMBER,
        },
        says="Queues what the workflow asked for as a new workflow.",
        parameters=(_ID, IDEMPOTENCY_KEY),
    ),
    _output("stdout", "standard output"),
    _output("stderr", "standard error"),
)

"""`/resources` and `/token`: the workers there are, and how a user adds one."""

from api.documents.answers_data import Workers, WorkerToken
from api.openapi.operation import Operation, refusals, reply

TAG = "Workers"

OPERATIONS = (
    Operation(
        "GET",
        "/resources",
        TAG,
        "List the workers that your jobs may run on",
        {200: reply("The workers.", Workers)},
    ),
    Operation(
        "POST",
        "/token",
        TAG,
        "Get a token for a worker of your own",
        {201: reply("The token.", WorkerToken), **refusals(_400="This server gives no such tokens.")},
        says="A worker that joins the pool with it serves your jobs alone. It opens nothing else.",
    ),
)

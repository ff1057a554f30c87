"""`/data` and `/objects`: uploads, lists, deletion, and what the links lead to."""

from api.documents.answers_data import ArtifactFiles, CheckpointLink, Link, StoredObject
from api.objects.requests import ArtifactRequest, CheckpointRequest, OutputRequest, UploadRequest
from api.openapi.operation import (
    ANY_BYTES,
    BYTES,
    JSON,
    NO_PATH,
    PATH,
    Body,
    Listed,
    Operation,
    Parameter,
    Reply,
    Token,
    refusals,
    reply,
)

TAG = "Data"

_NAME = Parameter(
    "name",
    "Name of the object, or of a group of yours, which may have '/' and the name of a folder or object in it after it.",
    PATH,
    "path",
    True,
    "astro/a.dat",
)
_KEY = Parameter("key", "What the link names.", PATH, "path", True, "users/ada/a.dat")
_OBJECTS = Reply("The objects, by name.", {JSON: Listed(StoredObject)})
_NOT_IN_GROUP = refusals(_403="A name with '/' belongs to a group, and you are not in it.")
_LINK = refusals(_403="The link is not one of this service's, was changed, or has expired.")


def _upload(
    path: str,
    summary: str,
    model: type[UploadRequest | OutputRequest | CheckpointRequest],
    token: Token,
    says: str,
    refused: dict[int, Reply],
) -> Operation:
    return Operation(
        "POST",
        path,
        TAG,
        summary,
        {
            201: reply("Where to PUT the bytes.", Link),
            **refusals(
                _400="The document is not valid, the name is none, or no room is left.", _413="The object is too large."
            ),
            **refused,
        },
        says=says,
        body=Body({JSON: model}),
        tokens=(token,),
    )


_UPLOAD_SAYS = "A name without '/' is your own; with it, the first part is one of your groups, which shares the object."

OPERATIONS = (
    _upload("/data/upload", "Upload an object", UploadRequest, "user", _UPLOAD_SAYS, _NOT_IN_GROUP),
    _upload(
        "/data", "Upload an object (another address for the same)", UploadRequest, "user", _UPLOAD_SAYS, _NOT_IN_GROUP
    ),
    _upload("/data/output", "Store an output of a job", OutputRequest, "job", "For running jobs.", {}),
    _upload(
        "/checkpoint",
        "Save the checkpoint of a job",
        CheckpointRequest,
        "job",
        "For running jobs: an archive (.tar.gz), which takes the place of the one before when all of it has come.",
        {},
    ),
    Operation(
        "GET",
        "/checkpoint",
        TAG,
        "Find the checkpoint of a job",
        {200: reply("Where to fetch it.", CheckpointLink), **refusals(_404="The job has saved none.")},
        says="For running jobs: the one that was saved last, by whichever run of the job.",
        tokens=("job",),
    ),
    Operation(
        "POST",
        "/data/artifact",
        TAG,
        "Fetch an artifact of a job",
        {
            200: reply("Where to GET its files.", ArtifactFiles),
            **refusals(
                _400="The document is not valid, or it names none of the job's artifacts.",
                _403="The upload belongs to a group that the job's user is not in.",
                _404="The other job of the workflow did not leave it.",
                _503="The storage cannot be used at the moment.",
            ),
        },
        says="For running jobs: uploads, and what other jobs of the same workflow leave, as the job's document names them.",
        body=Body({JSON: ArtifactRequest}),
        tokens=("job",),
    ),
    Operation("GET", "/data", TAG, "List your objects", {200: _OBJECTS}),
    Operation(
        "GET",
        "/data/{name}",
        TAG,
        "List the objects of a group, or of a folder in it",
        {200: _OBJECTS, **refusals(_400="The name is none."), **_NOT_IN_GROUP, **NO_PATH},
        parameters=(_NAME,),
    ),
    Operation(
        "DELETE",
        "/data/{name}",
        TAG,
        "Delete an object",
        {
            204: Reply("It is gone, or was not there."),
            **refusals(_400="The name is none."),
            **_NOT_IN_GROUP,
            **NO_PATH,
        },
        parameters=(_NAME,),
    ),
)

OBJECTS = (
    Operation(
        "PUT",
        "/objects/{key}",
        TAG,
        "Send the bytes of an upload",
        {
            200: Reply("Stored.", headers={"ETag": "Changes with the bytes."}),
            **refusals(
                _400="The bytes are not those that were announced, or the upload ended early.",
                _408="The upload took too long.",
                _413="The object is too large.",
                _503="The storage cannot be used at the moment.",
            ),
            **_LINK,
            **NO_PATH,
        },
        says="Use the link as it was given. All or nothing: an upload that breaks leaves what was there.",
        parameters=(_KEY,),
        body=Body({BYTES: ANY_BYTES}),
        tokens=(),
    ),
    Operation(
        "GET",
        "/objects/{key}",
        TAG,
        "Fetch the bytes of an object",
        {
            200: Reply("The bytes.", {BYTES: ANY_BYTES}, {"ETag": "Changes with the bytes."}),
            206: Reply("The range of bytes that was asked for.", {BYTES: ANY_BYTES}),
            **NO_PATH,
            **refusals(
                _404="There is no such object.",
                _416="There is no such range in it.",
                _503="The storage cannot be used at the moment.",
            ),
            **_LINK,
        },
        says="Use the link as it was given. Ranges and conditions work as in HTTP.",
        parameters=(_KEY,),
        tokens=(),
    ),
)
"""For the store of the service itself; the links of other stores lead elsewhere."""

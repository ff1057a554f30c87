"""`/workflows/{id}/graph`: the jobs of a workflow and their order."""

from api.documents.answers_graph import ShownGraph
from api.openapi.operation import ANY_TEXT, JSON, NOT_A_NUMBER, Operation, Parameter, Reply, refusals
from api.openapi.operations.workflows import TAG
from api.workflows.graph import dot, svg

OPERATIONS = (
    Operation(
        "GET",
        "/workflows/{id}/graph",
        TAG,
        "See the graph of a workflow",
        {
            200: Reply("The graph.", {JSON: ShownGraph, dot.MEDIA_TYPE: ANY_TEXT, svg.MEDIA_TYPE: ANY_TEXT}),
            **refusals(
                _400="There is no such workflow, its files are no longer kept, it is too large to draw, or the format is "
                "not known.",
                _403="The workflow belongs to somebody else.",
            ),
            **NOT_A_NUMBER,
        },
        says="Its jobs with their states, and which waits for which; a job with a factory is one node. Without `format` "
        "the Accept header decides.",
        parameters=(
            Parameter("id", "Id of the workflow.", {"type": "integer", "minimum": 0}, "path", True, 1042),
            Parameter(
                "format",
                "JSON, the language of Graphviz, or a drawing.",
                {"type": "string", "enum": ["json", "dot", "svg"]},
                example="svg",
            ),
        ),
    ),
)

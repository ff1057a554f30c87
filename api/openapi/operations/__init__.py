"""All operations of the API, a module for each resource. A resource is in the document when it stands in this list."""

from api.openapi.operation import Operation
from api.openapi.operations import data, graphs, health, jobs, kv, output, records, running, workers, workflows

OPERATIONS: tuple[Operation, ...] = (
    *jobs.OPERATIONS,
    *output.OPERATIONS,
    *running.OPERATIONS,
    *workflows.OPERATIONS,
    *graphs.OPERATIONS,
    *data.OPERATIONS,
    *data.OBJECTS,
    *kv.OPERATIONS,
    *records.OPERATIONS,
    *workers.OPERATIONS,
    *health.OPERATIONS,
)
"""In the order of the document."""

"""What the API answers about the graph of a workflow: models for the documentation and for tests, not on a request's way."""

from typing import Literal

from pydantic import Field

from api.documents.answers import Answer, JobId, Status

State = Literal["waiting", "queued", "running", "done", "failed"]


class ShownStates(Answer):
    """How many instances of a job are where."""

    waiting: int = Field(ge=0, description="Those that wait for others, or for a place in the queue, or never ran.")
    queued: int = Field(ge=0, description="Those in the queue that do not run.")
    running: int = Field(ge=0, description="Those that run.")
    done: int = Field(ge=0, description="Those that ended well, in this workflow or in the one that it runs again.")
    failed: int = Field(ge=0, description="Those whose last try failed, or that were ended with the workflow.")


class ShownNode(Answer):
    """A job of the workflow, with all of its instances."""

    name: str = Field(description="Name of the job.")
    id: JobId = Field(description="Id of its first instance; those of the others follow, one by one.")
    instances: int = Field(ge=1, description="How many instances it has.")
    factory: bool = Field(description="Whether a factory makes them.")
    state: State = Field(
        description="All in a word: running if one of them runs, else failed if one failed, else queued if one is; done if "
        "all are."
    )
    states: ShownStates = Field(description="How its instances stand.")


class ShownEdge(Answer):
    """A dependency."""

    before: str = Field(alias="from", description="Name of the job that comes first.")
    after: str = Field(alias="to", description="Name of the job that waits for it.")


class ShownGraph(Answer):
    """The jobs of a workflow and their order."""

    id: int = Field(ge=0, description="Id of the workflow.")
    name: str = Field(description="Name of the workflow.")
    status: Status = Field(description="The state it is in.")
    nodes: list[ShownNode] = Field(description="The jobs, in the order of the request.")
    edges: list[ShownEdge] = Field(description="The dependencies, those that follow from artifacts among them.")

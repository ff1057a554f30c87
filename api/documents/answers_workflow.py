"""What the API answers about workflows: models for the documentation and for tests, not on a request's way."""

from typing import ClassVar

from pydantic import Field

from api.documents.answers import Answer, Events, Status
from api.documents.factories import Factory
from api.documents.workflow_parts import WorkflowNotification, WorkflowPolicies


class ShownProgress(Answer):
    """How many instances of the workflow's jobs are where."""

    total: int = Field(ge=0, description="All instances.")
    done: int = Field(ge=0, description="Those that ended well.")
    failed: int = Field(ge=0, description="Those that failed.")
    queued: int = Field(ge=0, description="Those that are in the queue or run.")
    waiting: int = Field(ge=0, description="Those that wait for others, or for a place in the queue.")


class ShownWorkflow(Answer):
    """A workflow. Those of its fields that describe it in full come with `detail` or when one workflow is asked for."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    id: int = Field(ge=0, description="The id, the ClusterId of its DAGMan job.")
    name: str = Field(description="The workflow's name.")
    status: Status = Field(description="The state it is in.")
    status_reason: str | None = Field(
        default=None, description="A sentence about the state: which job failed first, and why."
    )
    events: Events = Field(description="When things happened.")
    progress: ShownProgress = Field(description="How far it is.")
    labels: dict[str, str] | None = Field(default=None, description="The labels.")
    jobs: list[dict[str, object]] | None = Field(default=None, description="The jobs as submitted, without secrets.")
    dependencies: dict[str, list[str]] | None = Field(default=None, description="Which jobs wait for which.")
    factories: list[Factory] | None = Field(default=None, description="Which jobs are run many times.")
    policies: WorkflowPolicies | None = Field(default=None, description="How the workflow is treated.")
    notifications: list[WorkflowNotification] | None = Field(default=None, description="Messages to be sent.")

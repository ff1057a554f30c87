"""What can be wrong with a request for a workflow."""

from __future__ import annotations

from api.documents.wording import shown
from api.errors import ApiError


class NoSuchWorkflow(ApiError):
    """No workflow with that id, or no such job in it; the contract answers 400."""

    code = "noSuchWorkflow"


class NotAnArtifact(ApiError):
    """A job asks for something that its document does not name as an artifact."""

    code = "notAnArtifact"

    def __init__(self, url: str) -> None:
        super().__init__(
            f"This job has no artifact {shown(url)}: it may ask for the artifacts of its own document.", "url"
        )
        self.url = url


class BadArtifact(ApiError):
    """The values of a job's parameters make of its artifact what names nothing; `says` follows the name of the field."""

    code = "badArtifact"

    def __init__(self, says: str) -> None:
        super().__init__(f"url {says}", "url")
        self.says = says


class NothingLeft(ApiError):
    """A job of the workflow, or an instance of one, did not leave the file that another has as an artifact."""

    status = 404
    code = "nothingLeft"

    def __init__(self, job: str, file: str) -> None:
        super().__init__(
            f"The job {shown(job)} of this workflow left no {shown(file)}: see its outputFiles and outputDirs."
        )
        self.job = job
        self.file = file


class NotYourWorkflow(ApiError):
    """The workflow belongs to somebody else."""

    status = 403
    code = "notYours"

    def __init__(self, workflow: int) -> None:
        super().__init__(f"Workflow {workflow} is not yours.")


class TooLargeToDraw(ApiError):
    """The graph of the workflow has more nodes or edges than a drawing has at most."""

    code = "tooLargeToDraw"

    def __init__(self, nodes: int, edges: int, most_nodes: int, most_edges: int) -> None:
        super().__init__(
            f"The workflow has {nodes} jobs and {edges} dependencies, more than the {most_nodes} and {most_edges} that a "
            "drawing has at most: ask for format=dot or format=json.",
            "format",
        )

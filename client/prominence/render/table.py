"""Lists of jobs and workflows, and the graph of one, as a table that fits the terminal.

Columns are as wide as their content. Where the line is too long for the terminal, the widest of the columns
that may be cut gives way first, so that short values stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prominence.jobs import Document, elapsed
from prominence.render.text import clipped, duration, local_time, printable, width_of

GAP = "  "
LEAST = 5
"""Columns that a cut value keeps at least."""


@dataclass(frozen=True)
class Column:
    """A column: its header, whether values may be cut to fit, and whether they stand at its right edge."""

    header: str
    cut: bool = False
    right: bool = False


COLUMNS = (
    Column("ID", right=True),
    Column("NAME", cut=True),
    Column("CREATED"),
    Column("STATUS"),
    Column("ELAPSED", right=True),
    Column("IMAGE", cut=True),
    Column("CMD", cut=True),
)


REASON = Column("REASON", cut=True)
WAITING = ("idle", "deploying")
"""States of jobs that wait, of which a table says why."""


def job_table(jobs: Sequence[Document], *, now: float, width: int | None) -> list[str]:
    """Return a table of jobs as lines: `now` in epoch seconds, `width` in columns, None for any length."""
    rows = [job_row(job, now) for job in jobs]
    reasons = [_waits(job) for job in jobs]
    if not any(reasons):
        return table(COLUMNS, rows, width)
    return table((*COLUMNS, REASON), [[*row, reason] for row, reason in zip(rows, reasons)], width)


def _waits(job: Document) -> str:
    """Return why a job waits, where it does and the service says so."""
    reason = str(job.get("statusReason") or "") if job.get("status") in WAITING else ""
    return reason[len("waiting: ") :] if reason.startswith("waiting: ") else reason


def job_row(job: Document, now: float) -> list[str]:
    """Return one job's cells, in the order of COLUMNS."""
    task = (job.get("tasks") or [{}])[0]
    created = (job.get("events") or {}).get("createTime")
    return [
        str(job["id"]),
        job.get("name") or "",
        "-" if created is None else local_time(created, "%Y-%m-%d %H:%M"),
        job["status"],
        duration(elapsed(job, now)),
        task.get("image") or "",
        task.get("cmd") or "",
    ]


WORKFLOW_COLUMNS = (
    Column("ID", right=True),
    Column("NAME", cut=True),
    Column("CREATED"),
    Column("STATUS"),
    Column("ELAPSED", right=True),
    Column("DONE", right=True),
    Column("FAILED", right=True),
    Column("QUEUED", right=True),
    Column("WAITING", right=True),
)


def workflow_table(workflows: Sequence[Document], *, now: float, width: int | None) -> list[str]:
    """Return a table of workflows as lines; as `job_table`."""
    return table(WORKFLOW_COLUMNS, [workflow_row(workflow, now) for workflow in workflows], width)


def workflow_row(workflow: Document, now: float) -> list[str]:
    """Return one workflow's cells, in the order of WORKFLOW_COLUMNS; its instances are counted, not its jobs."""
    events, progress = workflow.get("events") or {}, workflow.get("progress") or {}
    created = events.get("createTime")
    # A workflow has no start of its own: its jobs start one by one.
    lasting = {**workflow, "events": {"startTime": created, **events}}
    return [
        str(workflow["id"]),
        workflow.get("name") or "",
        "-" if created is None else local_time(created, "%Y-%m-%d %H:%M"),
        workflow["status"],
        duration(elapsed(lasting, now)),
        f"{progress.get('done', '-')}/{progress.get('total', '-')}",
        *(str(progress.get(name, "-")) for name in ("failed", "queued", "waiting")),
    ]


STATES = ("waiting", "queued", "running", "done", "failed")
GRAPH_COLUMNS = (
    Column("JOB", cut=True),
    Column("STATE"),
    Column("INSTANCES", right=True),
    *(Column(state.upper(), right=True) for state in STATES),
    Column("AFTER", cut=True),
)


def graph_table(graph: Document, *, width: int | None) -> list[str]:
    """Return the graph of a workflow as lines, one for each job; `width` as in `job_table`."""
    before: dict[str, list[str]] = {node["name"]: [] for node in graph["nodes"]}
    for edge in graph["edges"]:
        before.setdefault(edge["to"], []).append(edge["from"])
    rows = [
        [
            node["name"],
            node["state"],
            str(node["instances"]),
            *(str(node["states"].get(state, "-")) for state in STATES),
            ", ".join(before[node["name"]]),
        ]
        for node in graph["nodes"]
    ]
    return table(GRAPH_COLUMNS, rows, width)


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return a header line and one line for each row, none longer than `width` where one is given."""
    cells = [[column.header for column in columns], *([printable(cell) for cell in row] for row in rows)]
    widths = [max(width_of(row[index]) for row in cells) for index in range(len(columns))]
    if width is not None:
        _shrink(columns, widths, width - len(GAP) * (len(columns) - 1))
    lines = [_line(columns, widths, row) for row in cells]
    return lines if width is None else [clipped(line, max(width, 1)) for line in lines]


def _shrink(columns: Sequence[Column], widths: list[int], available: int) -> None:
    """Take from the widest column that may be cut, until the sum is `available` or nothing can give."""
    excess = sum(widths) - available
    while excess > 0:
        wide = [index for index, column in enumerate(columns) if column.cut and widths[index] > LEAST]
        if not wide:
            return
        widest = max(wide, key=lambda index: widths[index])
        others = [widths[index] for index in wide if index != widest]
        # To the next widest at once, then by single columns in turn: a long command costs no long loop.
        step = max(1, widths[widest] - max([*others, LEAST]))
        taken = min(step, excess)
        widths[widest] -= taken
        excess -= taken


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    return GAP.join(_cell(column, widths[index], row[index]) for index, column in enumerate(columns)).rstrip()


def _cell(column: Column, width: int, text: str) -> str:
    shown = clipped(text, width)
    blanks = " " * (width - width_of(shown))
    return blanks + shown if column.right else shown + blanks

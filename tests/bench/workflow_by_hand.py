"""What the API makes of a workflow, made beforehand and given to HTCondor's own tools: the bare side of comparisons."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import htcondor2

from api.documents.parse import parse_workflow
from api.documents.redact import as_submitted, redacted
from api.jobs.translate import Context
from api.settings import load
from api.workflows import dag, files, translate
from api.workflows.plan import Plan, workflow_name
from deploy import nodes, service
from deploy.namespaces import remove_tree
from identity.caller import Caller
from identity.job_tokens import JobTokens
from pool.dagman import DAG_FILE, NODES_LOG
from tests.bench.submit import INSTANCE
from tests.bench.workflow_instance import USER, Document, discard, remove, schedd
from tests.pool.seeing import head_of

DAGMAN_LOG = f"{DAG_FILE}.dagman.log"
"""Event log of the DAGMan job, as condor_submit_dag names it."""
_DAY = 24 * 3600.0
_SUBMIT_PATIENCE = 120
_OPERATOR = "/pool/tokens/operator"


@dataclass(frozen=True)
class Prepared:
    """The files of a workflow that was not submitted."""

    folder: Path
    plan: Plan


@contextmanager
def prepared(document: Document) -> Iterator[Prepared]:
    """The files that the API makes of a workflow, until the block ends; nothing of it may be in the queue by then."""
    home, settings = INSTANCE.home, INSTANCE.settings
    workflow = parse_workflow(json.dumps(document).encode())
    submission = workflow_name(uuid.uuid4().hex)
    folder = home.sandboxes / submission
    caller = Caller(USER, service.issuer_name(settings), USER, ("users",))
    context = Context(caller, caller.issuer, submission, folder, home.worker_program, settings.url)
    plan = translate.plan(workflow, submission)
    parts = []
    for job, part in zip(workflow.jobs, plan.parts, strict=True):
        described = translate.node_description(job, f"{plan.name}/{part.name}", context, home.sandboxes)
        parts.append((described, translate.node_file(job, part, context)))
    tokens = JobTokens.from_file(home.keys / "job-tokens")
    try:
        files.fill(folder, plan, (as_submitted(workflow), redacted(workflow)), parts, dag.lines(plan, 0))
        files.make_instances(folder, plan, lambda name: tokens.mint(caller, job=name, lifetime=_DAY))
        yield Prepared(folder, plan)
    finally:
        discard(submission)


@contextmanager
def submitted_sweep(made: Prepared) -> Iterator[int]:
    """The instances of the first job, queued at once with late materialisation; their ClusterId. Removed at the end."""
    lines = (made.folder / dag.submit_file(0)).read_text().splitlines()
    description = dict(line.split(" = ", 1) for line in lines if " = " in line)
    # All jobs of a cluster have one log. This is the one that a shadow sees beside its job's folder (condor_config/shadow).
    del description["log"]
    most = str(_idle_jobs())
    description |= {"dagman_log": str(made.folder / NODES_LOG), "max_materialize": most, "max_idle": most}
    # The names that DAGMan gives to what is not the same in all instances.
    items = [{"JOB": made.plan.instance_name(number), "number": str(number)} for number in made.plan.parts[0].numbers]
    number = int(schedd().submit(htcondor2.Submit(description), itemdata=iter(items)).cluster())
    try:
        yield number
    finally:
        remove(number)


@contextmanager
def submitted_dag(made: Prepared) -> Iterator[int]:
    """The DAG, given to condor_submit_dag on the head; DAGMan's ClusterId. Removed with its jobs at the end."""
    number = _submit_dag(made.folder)
    try:
        yield number
    finally:
        remove(number)


def _submit_dag(folder: Path) -> int:
    head = head_of(INSTANCE)
    disk = head.folder.parent / "disk-bench"
    disk.mkdir(exist_ok=True)
    machine = replace(nodes.tool(head), disk=disk, binds=head.machine.binds)
    # The token of an operator may submit; that of the daemons, which this program would take, may not.
    rights = [f"_CONDOR_SEC_TOKEN{kind}DIRECTORY={_OPERATOR}" for kind in ("_", "_SYSTEM_")]
    program = ["env", *rights, "condor_submit_dag", "-maxidle", str(_idle_jobs()), DAG_FILE]
    command = machine.command(["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(folder), *program])
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SUBMIT_PATIENCE, check=False)
    finally:
        remove_tree(disk)
    found = re.search(r"submitted to cluster ([0-9]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"condor_submit_dag failed: {done.stdout}{done.stderr}")
    return int(found[1])


def _idle_jobs() -> int:
    """How many jobs of a workflow the API lets wait in the queue."""
    return load(INSTANCE.home.service_settings).workflows.idle_jobs

"""`why`: why a job waits, by its ad, by each site, and by each worker. It changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cloud_provisioner.admin.errors import NotInQueue
from cloud_provisioner.admin.lending import lending
from cloud_provisioner.admin.offers import asked
from cloud_provisioner.admin.pool import Ad, Matcher, asking, connected, matcher
from cloud_provisioner.admin.service import Service, opened
from cloud_provisioner.admin.tables import counted, gigabytes, moment, table
from cloud_provisioner.admin.why_sites import Verdict, at_sites
from cloud_provisioner.admin.why_workers import Seat, at_workers, free_text, summary
from cloud_provisioner.observing.demand import grouped, kind
from cloud_provisioner.observing.workers import seen
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.supply import supply
from pool.attributes import Job
from pool.demand import ATTRIBUTES
from pool.numbers import instance_of
from pool.submission import unescaped

if TYPE_CHECKING:
    from pool.head import Head

MOST = 30
"""Workers that are shown one by one."""
_IDLE = 1
_STATES = {2: "runs", 3: "is being removed", 4: "has completed", 5: "is held", 6: "runs", 7: "is suspended"}
_PROJECTION = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "QDate",
    "EnteredCurrentStatus",
    "NumJobStarts",
    "RemoteHost",
    "HoldReason",
    Job.DEMAND,
    Job.REASON,
    Job.REASON_TEXT,
    Job.REASON_SITE,
    *ATTRIBUTES,
)


def add(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "why", help="why a job waits", description="Say why a job waits: what each site and each worker has against it."
    )
    parser.add_argument("job", type=int, metavar="JOB", help="the job's id")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with opened(args) as service:
        head = connected(service.settings.pool.schedd, service.environ)
        with asking():
            ads = head.query(_constraint(args.job), _PROJECTION)
        if not ads:
            raise NotInQueue(args.job)
        print("\n".join(told(args.job, ads[0], service.clock())))
        if ads[0]["JobStatus"] == _IDLE and ads[0].get(Job.DEMAND) is None:
            print(
                "It is a workflow, whose jobs have ids of their own, or no job of PROMINENCE: no worker is made for it."
            )
        elif ads[0]["JobStatus"] == _IDLE:
            _look_everywhere(service, head, ads[0])
    return 0


def _look_everywhere(service: Service, head: Head, ad: Ad) -> None:
    silent, now = service.silence(), service.clock()
    if silent:
        print(silent)
    group = grouped([ad], {ad[Job.DEMAND]: kind(ad)}).groups[0]
    print(f"It needs {needs(group)}.\n")
    with asking():
        found = head.collected(now)
    pool, static, _ = seen(found.slots, found.up_since, now)
    intents = service.reader.intents()
    with lending(service.settings) as rights:
        sites = asked(service, service.described().sites.values(), intents, rights, group.user)
    servers = (*supply(intents, pool), *static)
    verdicts = at_sites(group, servers, sites, service.reader.past(), now, _policy(service))
    print("\n".join(site_lines(verdicts)) + "\n")
    seats = at_workers(group, found.slots)
    match = matcher(service.settings.pool.schedd)
    print("\n".join(worker_lines(seats, (ad["ClusterId"], ad["ProcId"]), match)))


def _constraint(number: int) -> str:
    instance = instance_of(number)
    if instance is None:
        return f"ClusterId == {number} && ProcId == 0"
    return f"DAGManJobId == {instance[0]} && {Job.NUMBER} == {instance[1]}"


def told(number: int, ad: Ad, now: float) -> Iterator[str]:
    """What the ad itself says."""
    who = f"Job {number} of {ad.get('Owner')} in {ad.get('AcctGroup') or 'no VO'}"
    since = moment(float(ad.get("EnteredCurrentStatus") or ad.get("QDate") or now), now)
    status = int(ad["JobStatus"])
    if status != _IDLE:
        where = f" on {ad['RemoteHost']}" if ad.get("RemoteHost") else ""
        why = f": {ad['HoldReason']}" if ad.get("HoldReason") else ""
        yield f"{who} {_STATES.get(status, 'is in another state')}{where} since {since}{why}."
        return
    starts = int(ad.get("NumJobStarts") or 0)
    before = f", and was started {counted(starts, 'time')} before" if starts else ""
    yield f"{who} is idle since {since}{before}."
    if ad.get(Job.REASON) is None:
        yield "Its ad gives no reason: the provisioner has not looked at it yet."
    else:
        site = f" ({unescaped(ad[Job.REASON_SITE])})" if ad.get(Job.REASON_SITE) else ""
        yield f"Its ad says: {ad[Job.REASON]}{site}: {unescaped(str(ad.get(Job.REASON_TEXT) or ''))}"


def needs(group: Group) -> str:
    """What a job asks for, in words."""
    wants, least = group.needs, group.needs.smallest
    cores = counted(least.cpus, "core") if wants.cpus_max == least.cpus else f"{least.cpus} to {wants.cpus_max} cores"
    if wants.options:
        cores = f"{' or '.join(map(str, wants.options))} cores"
    each = f"{cores}, {gigabytes(least.memory):g} GB of memory and {gigabytes(least.disk):g} GB of disk"
    nodes = counted(wants.nodes, "node")
    own = "a worker of its own for each" if group.own else "beside other jobs"
    return f"{nodes} with {each}, {own}{'; a worker may be taken away' if group.preemptible else ''}"


def site_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """The table of sites."""
    if not verdicts:
        return ["No site is described: no worker can be made for it."]
    rows = [(one.site, one.code, one.phrase) for one in verdicts]
    return table(("SITE", "A WORKER?", "WHY"), rows)


def worker_lines(seats: Sequence[Seat], job: tuple[int, int], match: Matcher) -> list[str]:
    """The table of workers; `match` tells HTCondor's verdict on those against which we know nothing."""
    if not seats:
        return ["There is no worker in the pool."]
    shown = seats[:MOST]
    verdicts = match(job, [seat.name for seat in shown if not seat.why])
    rows = [(seat.name, free_text(seat.free), seat.why or verdicts.get(seat.name, "has just gone")) for seat in shown]
    lines = table(("WORKER", "FREE", "THE WORKER"), rows)
    return [*lines, summary(seats[MOST:])] if len(seats) > MOST else lines


def _policy(service: Service) -> Policy:
    ours = service.settings.policy
    return Policy(ours.hold_after, ours.pressed_keep_alive, shared_cpus=ours.shared_cpus)

"""A pool on a virtual clock: workers that join, jobs that are matched, run and come back when their worker dies."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.servers.record import Intent, Purpose
from cloud_provisioner.servers.views import PoolView, Worker


@dataclass
class Job:
    group: Group
    runtime: float
    idle_since: float
    on: list[str] = field(default_factory=list)
    ends_at: float = 0.0
    done: bool = False

    @property
    def idle(self) -> bool:
        return not self.done and not self.on


@dataclass
class Member:
    intent: Intent
    cloud_id: str
    free: Amount
    jobs: int = 0
    draining: bool = False
    visible_at: float = 0.0


@dataclass
class FakePool:
    jobs: list[Job]
    members: dict[str, Member] = field(default_factory=dict)
    up_since: float = -1000.0

    def view(self, now: float) -> PoolView:
        workers = {
            uuid: Worker(one.intent.room, one.free, one.cloud_id, one.jobs, one.draining)
            for uuid, one in self.members.items()
            if one.visible_at <= now
        }
        return PoolView(workers, self.up_since)

    def restart(self, now: float, offset: float, silences: list[float]) -> None:
        """The collector forgets everything; workers report again after their silence (seconds), jobs go on. `offset`: by
        how much the clock is ahead by which it tells of its start."""
        self.up_since = now + offset
        for member, silence in zip(self.members.values(), silences, strict=False):
            member.visible_at = now + silence

    def join(self, intent: Intent, cloud_id: str) -> None:
        self.members.setdefault(intent.uuid, Member(intent, cloud_id, intent.room))

    def lose(self, uuid: str, now: float) -> None:
        """A worker dies; its jobs are idle again, those of several nodes with all their nodes."""
        self.members.pop(uuid, None)
        for job in self.jobs:
            if uuid in job.on:
                self._release(job)
                job.idle_since = now

    def _release(self, job: Job) -> None:
        node = job.group.needs.smallest
        for uuid in job.on:
            if uuid in self.members:
                member = self.members[uuid]
                member.jobs -= 1
                member.free = Amount(*(mine + back for mine, back in zip(member.free, node, strict=True)))
        job.on = []

    def tick(self, now: float) -> None:
        for job in self.jobs:
            if job.on and now >= job.ends_at:
                self._release(job)
                job.done = True
        for job in self.jobs:
            if job.idle and job.idle_since <= now:
                self._match(job, now)

    def _match(self, job: Job, now: float) -> None:
        node = job.group.needs.smallest
        by_site: dict[str, list[str]] = {}
        for uuid, member in self.members.items():
            if member.draining or member.visible_at > now or not self._admits(member, job.group):
                continue
            own = member.intent.purpose is Purpose.OWN
            if member.free.holds(node):
                nodes = (0 if member.jobs else 1) if own else member.free.times_of(node)
                by_site.setdefault(member.intent.site, []).extend([uuid] * nodes)
        for places in by_site.values():
            if len(places) >= job.group.needs.nodes:
                job.on = places[: job.group.needs.nodes]
                job.ends_at = now + job.runtime
                for uuid in job.on:
                    self.members[uuid].jobs += 1
                    self.members[uuid].free = self.members[uuid].free.less(node)
                return

    @staticmethod
    def _admits(member: Member, group: Group) -> bool:
        if not member.intent.binding.admits(group.user, group.vo):
            return False
        own = member.intent.purpose is Purpose.OWN
        return group.own if own else (not group.own or not group.needs.single)

    def busy(self, uuid: str) -> bool:
        return uuid in self.members and self.members[uuid].jobs > 0

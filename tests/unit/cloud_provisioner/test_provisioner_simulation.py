"""Clouds, pool and provisioner on a virtual clock under random faults: what must hold at every tick and at the end.

Among the faults: the provisioner is away for longer than its time limits, as after a kill or while it cannot use its
database, and the pool and the clouds go on; the collector does not answer for as long; the calendar's clock is set.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from cloud_provisioner.planning.demand import Group, Needs, Scaling
from cloud_provisioner.planning.plan import Plan
from cloud_provisioner.servers.views import Status
from tests.unit.cloud_provisioner.fake_cloud import FakeCloud, Machine
from tests.unit.cloud_provisioner.fake_pool import FakePool, Job
from tests.unit.cloud_provisioner.provisioner_loop import TIMES, Disk, Killed, Provisioner, described, numbered

TICK = 10.0
FAULTY = 600.0
END = 9000.0
SCHEDULES = 1000
PARTS = 10
LONG = (60.0, 450.0)
"""Seconds of a pause: up to twice the time limits of servers."""
STEPS = (-86_400.0, -3600.0, -100.0, 100.0, 3600.0, 86_400.0)
CORES = 8
"""Of each cloud's quota at its best."""


class World:
    """One schedule of faults, all of it from one seed."""

    def __init__(self, seed: int, late: tuple[float, float] = (5, 40), meddling: float = 0.0) -> None:
        self.chance = chance = random.Random(seed)
        self.now = 0.0
        self.late = late
        self.meddling = meddling
        """How often in a tick an admin switches a site off or on, or gives a server back."""
        rate = chance.choice((0.0, 0.02, 0.05, 0.15))
        self.kill_rate = chance.choice((0.0, 0.01, 0.03))
        self.lose_rate = chance.choice((0.0, 0.01, 0.04))
        self.pause_rate = chance.choice((0.0, 0.0, 0.01, 0.03))
        self.step_rate = chance.choice((0.0, 0.0, 0.01, 0.03))
        self.offset = self.away_until = self.silent_until = 0.0
        self.clouds = {name: FakeCloud(name, chance, rate, CORES, late) for name in ("A", "B")}
        self.sites = [
            described("A", keep_alive="60", vos={"vo": {}}, boot_timeout=TIMES.building),
            described("B", tier="1", keep_alive="120", boot_timeout=TIMES.building),
        ]
        self.pool = FakePool([self._job(number) for number in range(chance.randint(2, 8))])
        self.disk = Disk()
        self.ids = numbered()
        self.kills = self.losses = self.pauses = self.steps = 0
        self.unwanted: set[str] = set()
        self.process = self._start()

    def _job(self, number: int) -> Job:
        chance = self.chance
        cpus = chance.choice((1, 1, 2))
        needs = Needs(cpus, cpus, memory=1000, disk=1000, nodes=chance.choice((1, 1, 1, 2, 3)))
        scaling = chance.choice((Scaling.SHARED, Scaling.SHARED, Scaling.DEDICATED))
        arrives = chance.uniform(0, 300)
        group = Group(f"j{number}", 1, needs, chance.choice("xy"), "vo", arrives, scaling=scaling)
        return Job(group, chance.uniform(20, 200), arrives)

    def _start(self) -> Provisioner:
        rate = self.kill_rate if self.now < FAULTY else 0.0
        return Provisioner(
            self.disk, self.clouds, self.pool, self.sites, self.ids, self.chance, rate, self.now, self.offset
        )

    def run(self) -> None:
        while self.now < END:
            self.now += TICK
            self._faults()
            self._move()
            demand = [
                replace(job.group, since=job.idle_since + self.offset)
                for job in self.pool.jobs
                if job.idle and job.idle_since <= self.now
            ]
            made = self._cycle(demand)
            if made is not None:
                self._every_idle_job_has_a_reason(demand, made)
            self._no_server_without_a_reservation()
            if all(job.done for job in self.pool.jobs) and not self.disk.intents and not self._machines():
                return
        raise AssertionError(f"not at rest: {[job for job in self.pool.jobs if not job.done]}, {self.disk.intents}")

    def _cycle(self, demand: list[Group]) -> Plan | None:
        if self.now < self.away_until:
            return None
        answers = self.now >= self.silent_until and (self.now >= FAULTY or self.chance.random() > 0.05)
        unwanted = self._meddle() if self.meddling else ()
        try:
            return self.process.cycle(self.now, demand, answers, self.offset, unwanted)
        except Killed:
            self.kills += 1
            self.process = self._start()
            return None

    def _meddle(self) -> list[str]:
        """Switches sites, all on again at the end of the faults; the servers that an admin gives back."""
        faulty = self.now < FAULTY
        for number, site in enumerate(self.sites):
            if not faulty or self.chance.random() < self.meddling:
                enabled = not faulty or not site.enabled
                self.sites[number] = site.model_copy(update={"enabled": enabled})
        self.process.sites = self.sites
        servers = sorted(self.disk.intents) if faulty else []
        unwanted = [uuid for uuid in servers if self.chance.random() < self.meddling]
        self.unwanted.update(unwanted)
        return unwanted

    def _faults(self) -> None:
        chance = self.chance
        if self.now >= FAULTY:
            for cloud in self.clouds.values():
                cloud.rate, cloud.cores, cloud.locked_until = 0.0, CORES, 0.0
            self.process.kill_rate = 0.0
            return
        self._pauses()
        for cloud in self.clouds.values():
            if cloud.hit("quota changes"):
                cloud.cores = chance.choice((2, 4, 8))
            if cloud.hit("token expires"):
                cloud.locked_until = self.now + chance.uniform(10, 100)
        if chance.random() < self.lose_rate:
            self.pool.restart(self.now, self.offset, [chance.uniform(0, 50) for _ in self.pool.members])
        if self.pool.members and chance.random() < self.lose_rate:
            self._lose(chance.choice(list(self.pool.members)))

    def _pauses(self) -> None:
        chance = self.chance
        if chance.random() < self.pause_rate:
            self.pauses += 1
            self.away_until = self.now + chance.uniform(*LONG)
            if chance.random() < 0.5:
                self.process = self._start()
        if chance.random() < self.pause_rate:
            self.pauses += 1
            self.silent_until = self.now + chance.uniform(*LONG)
        if chance.random() < self.step_rate:
            self.steps += 1
            self.offset += chance.choice(STEPS)

    def _lose(self, uuid: str) -> None:
        self.losses += 1
        self.pool.lose(uuid, self.now)
        for machine in self._machines():
            if machine.intent.uuid == uuid:
                machine.dead = True
                if self.chance.random() < 0.5:
                    machine.status = Status.STOPPED

    def _move(self) -> None:
        for cloud in self.clouds.values():
            cloud.tick(self.now)
        alive = {one.intent.uuid for one in self._machines() if not one.extra}
        for machine in self._machines():
            up = machine.status is Status.ACTIVE and not machine.dead and not machine.extra
            if up and machine.joins_at <= self.now and machine.appears_at <= self.now:
                self.pool.join(machine.intent, machine.cloud_id if machine.says is None else machine.says)
        for uuid in [uuid for uuid in self.pool.members if uuid not in alive]:
            self.pool.lose(uuid, self.now)
        self.pool.tick(self.now)

    def _machines(self) -> list[Machine]:
        return [machine for cloud in self.clouds.values() for machine in cloud.machines.values()]

    def _every_idle_job_has_a_reason(self, demand: list[Group], made: Plan) -> None:
        told: Counter[str] = Counter()
        for reason in made.reasons:
            assert reason.sentence
            told[reason.group] += reason.count
        assert told == Counter({group.key: group.count for group in demand})

    def _no_server_without_a_reservation(self) -> None:
        mine = [machine.intent.uuid for machine in self._machines() if not machine.extra]
        assert len(mine) == len(set(mine))
        if self.late[1] > TIMES.abandoned:
            return
        twins = {uuid for cloud in self.clouds.values() for uuid in cloud.twins}
        assert set(mine) - twins <= self.disk.intents.keys()
        for site in self.sites:
            mine_here = (one for one in self.disk.intents.values() if one.site == site.name and one.uuid not in twins)
            reserved = sum(intent.size.cpus for intent in mine_here)
            assert reserved <= CORES

    @property
    def boots(self) -> int:
        return sum(cloud.creates for cloud in self.clouds.values())

    @property
    def most_boots(self) -> int:
        """What the jobs need at most, and twice for what a fault, a kill or a lost worker spoils."""
        nodes = sum(job.group.needs.nodes for job in self.pool.jobs)
        faults = sum(sum(cloud.faults.values()) for cloud in self.clouds.values())
        return 2 * nodes + 2 * (faults + self.kills + 3 * self.losses)


@pytest.mark.parametrize("part", range(PARTS))
def test_under_any_faults_every_job_runs_and_nothing_is_left_behind(part: int) -> None:
    for seed in range(part * SCHEDULES // PARTS, (part + 1) * SCHEDULES // PARTS):
        world = World(seed)
        try:
            world.run()
            assert world.boots <= world.most_boots
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed} at {world.now:.0f} s: {wrong}") from wrong


def test_a_server_that_appears_after_its_intent_was_forgotten_is_deleted_as_a_leak() -> None:
    late = 0
    for seed in range(60):
        world = World(seed, late=(400, 700))
        world.run()
        late += sum(cloud.faults["time-out, appears later"] for cloud in world.clouds.values())
    assert late >= 5


def test_whatever_admins_switch_off_and_give_back_every_job_runs_and_what_is_unwanted_goes() -> None:
    unwanted = 0
    for seed in range(100):
        world = World(seed, meddling=0.1)
        try:
            world.run()
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed} at {world.now:.0f} s: {wrong}") from wrong
        unwanted += len(world.unwanted)
    assert unwanted >= 100

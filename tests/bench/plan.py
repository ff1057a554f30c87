"""How long `plan` takes, by idle jobs, groups of jobs, sites and servers: `.venv/bin/python -m tests.bench.plan`.

Everything is made up from a fixed seed; each row is the best and the worst of some rounds, in a process of its own state.
Two loads: the clouds have room (decisions are made), and the clouds are full (each group needs a reason).
"""

from __future__ import annotations

import random
import time

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.demand import Group, Needs, Placement
from cloud_provisioner.planning.past import Past
from cloud_provisioner.planning.places import Flavor, Limits, Site
from cloud_provisioner.planning.plan import Plan, plan
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.record import Binding
from cloud_provisioner.servers.states import State

GB = 1024
ROUNDS = 3
JOBS_OF_A_GROUP = 20
VOS = tuple(f"vo{number}" for number in range(10))


def sites(count: int, cores: int) -> list[Site]:
    """Sites with five flavors each, in three tiers, each for three VOs."""
    sizes = [Amount(cpus, cpus * 4 * GB, 100 * GB) for cpus in (2, 4, 8, 16, 32)]
    flavors = tuple(Flavor(f"m{size.cpus}", size, size, price=size.cpus * 0.05) for size in sizes)
    return [
        Site(
            f"site{number}",
            flavors,
            region=f"region{number % 7}",
            tier=number % 3,
            limits=Limits(cores=cores),
            vos=frozenset(VOS[(number + step) % len(VOS)] for step in range(3)),
        )
        for number in range(count)
    ]


def servers(count: int, at: list[Site], chance: random.Random) -> list[Server]:
    """Workers of eight cores: three in five busy to some degree, the others idle, joining or being drained."""
    made = []
    for number in range(count):
        site = at[number % len(at)]
        state = chance.choice([State.READY] * 8 + [State.JOINING, State.DRAINING])
        free = chance.choice((0, 0, 0, 1, 2, 4, 8)) if state is State.READY else 8
        room = Amount(free, free * 4 * GB, 100 * GB if free else 0)
        binding = Binding(vo=chance.choice(sorted(site.vos)))
        idle = 0.0 if free == 8 and state is State.READY else None
        size = Amount(8, 32 * GB, 100 * GB)
        made.append(Server(f"u{number}", site.name, "m8", state, size, room, 0.0, binding, idle_since=idle))
    return made


def groups(count: int, jobs: int, chance: random.Random) -> list[Group]:
    """Groups of jobs of 200 users: one to sixteen cores, one in twenty of several nodes, one in ten with a placement."""
    made = []
    for number in range(count):
        cpus = chance.choice((1, 1, 1, 2, 4, 8, 16))
        nodes = chance.choice((2, 4, 8)) if chance.random() < 0.05 else 1
        needs = Needs(cpus, cpus, memory=chance.choice((1, 2, 4)) * cpus * GB, disk=10 * GB, nodes=nodes)
        required = Placement(regions=frozenset({f"region{chance.randrange(7)}"}))
        placed = required if chance.random() < 0.1 else Placement()
        user = f"user{chance.randrange(200)}"
        made.append(
            Group(f"g{number}", jobs // count, needs, user, chance.choice(VOS), 1000.0 - number % 900, required=placed)
        )
    return made


def measured(
    jobs: int, at: int, running: int, cores: int, of_a_group: int = JOBS_OF_A_GROUP
) -> tuple[float, float, Plan]:
    """Seconds, the best and the worst of some rounds, and the last plan."""
    chance = random.Random(7)
    places = sites(at, cores)
    present = servers(running, places, chance)
    demand = groups(max(1, jobs // of_a_group), jobs, chance)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        made = plan(demand, present, places, Past(), 1000.0)
        times.append(time.perf_counter() - began)
    return min(times), max(times), made


def main() -> None:
    """Prints the curve."""
    print(f"{'jobs':>8} {'groups':>7} {'sites':>6} {'servers':>8} {'cores':>6} {'best':>8} {'worst':>8} {'boots':>6}")
    rows = [(jobs, 50, 2000, cores, 20) for cores in (100_000, 320) for jobs in (12_500, 25_000, 50_000, 100_000)]
    rows += [(100_000, 50, count, 320, 20) for count in (500, 1000, 4000)]
    rows += [(100_000, count, 2000, 320, 20) for count in (12, 25, 100)]
    rows += [(100_000, 50, 2000, cores, 2) for cores in (100_000, 320)]
    for jobs, at, running, cores, each in rows:
        best, worst, made = measured(jobs, at, running, cores, each)
        print(
            f"{jobs:8} {jobs // each:7} {at:6} {running:8} {cores:6} {best:7.3f}s {worst:7.3f}s"
            f" {sum(boot.count for boot in made.boots):6}",
            flush=True,
        )


if __name__ == "__main__":
    main()

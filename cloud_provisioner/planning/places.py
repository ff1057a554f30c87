"""Sites as the planner sees them: what may be booted there, for whom, up to which limits."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.planning.reasons import Reason


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of servers. `size` counts against quota; `room` is what jobs find on such a worker."""

    name: str
    size: Amount
    room: Amount
    price: float = 0.0
    """An hour's, in the unit of all sites' prices."""
    preemptible: bool = False
    """Whether the cloud may take such a server away: only for jobs that allow it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The lower of the cloud's quota and the admin's own limits; None: no limit. Memory in MB."""

    servers: int | None = None
    cores: int | None = None
    memory: int | None = None


def cloud_of(place: str) -> str:
    """The name under which jobs ask for the site that a place belongs to: what stands before a slash."""
    return place.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing can be booted at a site: the code, a phrase for users, and one for admins, with what the cloud said."""

    reason: Reason
    phrase: str
    detail: str


@dataclass(frozen=True, slots=True)
class Site:
    """One cloud, or one project or region of it, as far as decisions need it.

    A site with several projects is several of these, `NAME/PROJECT`, since each has its quota and its servers.
    """

    name: str
    flavors: tuple[Flavor, ...]
    region: str = ""
    tier: int = 0
    """Hierarchical bursting: a site is used when those of lower tiers cannot take more."""
    priority: int = 0
    """Within a tier, higher comes first."""
    limits: Limits = Limits()
    foreign: Amount = NOTHING
    """What servers that are not ours use of the limits."""
    foreign_servers: int = 0
    vos: frozenset[str] = frozenset()
    """Whose jobs it runs; empty: everyone's. Workers of a site with VOs run one VO's jobs each."""
    except_vos: frozenset[str] = frozenset()
    """Of everyone, whose jobs it does not run: VOs with a project of their own at the same cloud."""
    grants: frozenset[str] | None = None
    """None: a service credential. Else the users whose own authorisation can be used now; workers are theirs alone."""
    keep_alive: float = 600
    """Seconds that a worker may be idle before it is given back."""
    kept_ready: int = 0
    """So many shared workers are booted although nobody needs them, and not given back."""
    starting: int = 20
    """At most so many servers on their way at a time."""
    longest_job: float | None = None
    """Seconds after which the site ends servers; None: never."""
    enabled: bool = True
    silent: Silence | None = None
    """Why nothing can be booted, whatever a job asks for; None: something can."""

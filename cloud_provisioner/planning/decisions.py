"""What a plan is made of, and what its parts share while it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.choices import Chooser, Fit, Options
from cloud_provisioner.planning.demand import Group
from cloud_provisioner.planning.ledger import Ledger
from cloud_provisioner.planning.places import Flavor, Site
from cloud_provisioner.planning.reasons import Obstacle, Reason, Waiting
from cloud_provisioner.planning.stock import Shelf, Stock, Taken
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State

_PHASES = {
    State.INTENDED: "requested",
    State.SENDING: "requested",
    State.UNSURE: "requested",
    State.ORPHANED: "requested",
    State.BUILDING: "being made",
    State.JOINING: "starting up",
}


@dataclass(frozen=True, slots=True)
class Boot:
    """`count` servers to boot. Their records are written in one transaction before any call: all or none."""

    site: str
    flavor: Flavor
    count: int
    binding: Binding
    purpose: Purpose
    group: str
    """The group that asked for them first; empty: nobody, they are kept ready."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all sites. Seconds."""

    hold_after: float = 900
    """How long a multi-node job waits before free quota is kept for it."""
    pressed_keep_alive: float = 60
    """How long an idle worker may stay where others wait for its quota."""
    match_patience: float = 120
    """How long a job and a free worker may be beside each other before the reason says that they do not match."""
    shared_cpus: int = 16
    """Shared workers are not made larger than this unless a job needs it."""


@dataclass(slots=True)
class Draft:
    """A plan in the making."""

    sites: Mapping[str, Site]
    chooser: Chooser
    ledger: Ledger
    stock: Stock
    policy: Policy
    now: float
    boots: list[Boot] = field(default_factory=list)
    reasons: list[Waiting] = field(default_factory=list)
    pressed: set[str] = field(default_factory=set)
    """Sites whose quota somebody waits for."""
    hopeless: dict[tuple[object, ...], tuple[Obstacle, ...]] = field(default_factory=dict)
    """Kinds of jobs for which nothing more can be booted, with the reasons: during a plan room only shrinks."""

    def boot(self, group: Group, site: Site, fit: Fit, count: int, jobs: int, node: Amount) -> None:
        """Decides `count` servers, takes `jobs` nodes of their room and leaves the rest for others."""
        user = group.user if site.grants is not None else None
        binding = Binding(user, group.vo if site.vos else None)
        purpose = Purpose.OWN if group.own else Purpose.SHARED
        if purpose is Purpose.OWN:
            binding = Binding(group.user, binding.vo)
        self.ledger.book(site.name, fit.flavor, count)
        self.boots.append(Boot(site.name, fit.flavor, count, binding, purpose, group.key))
        shelf = Shelf(site.name, State.INTENDED, fit.flavor.preemptible, True, fit.room)
        self.stock.put(binding, purpose, shelf, ("",) * count)
        if jobs:
            self.stock.take(group, node, jobs, site.name)

    def room(self, group: Group, site: Site, fit: Fit, gang: int = 0) -> int:
        """How many servers can be booted there now; on trial, the first one (see `Ledger.room`)."""
        if fit.trial and self.ledger.coming(site.name, fit.flavor):
            return 0
        room = self.ledger.room(site.name, fit.flavor, group.user, gang)
        return min(room, 1) if fit.trial else room

    def found(self, group: Group, taken: Taken) -> None:
        """Gives the reason for jobs that have room on a worker that is there or on its way."""
        if taken.state is State.READY:
            reason, sentence = Reason.MATCHING, f"waiting: a worker at {taken.site} has room and will be matched next"
            if self.now - group.since > self.policy.match_patience:
                sentence = f"waiting: a worker at {taken.site} has room; HTCondor may give it to a job of higher priority first"
        else:
            reason = Reason.DEPLOYING
            sentence = f"deploying: a worker at {taken.site} is {_PHASES[taken.state]}"
        self.reasons.append(Waiting(group.key, taken.nodes, reason, sentence, taken.site))

    def refusal(self, group: Group, site: Site, fit: Fit) -> Obstacle | None:
        """What forbids this user's jobs this site, or None: the grant, or no time left in the queue."""
        if site.grants is not None and group.user not in site.grants:
            phrase = (
                f"{site.name} needs the user's own authorisation, and there is none that can be used: "
                "ask an admin of the service"
            )
            return Obstacle(site.name, Reason.GRANT, phrase)
        seconds = self.chooser.boot_seconds(site.name, fit.flavor.name)
        if seconds is not None and group.leaves_at is not None and self.now + seconds > group.leaves_at:
            phrase = f"a worker at {site.name} would come after its maximumTimeInQueue"
            return Obstacle(site.name, Reason.LEAVES_SOON, phrase)
        return None

    def kind(self, group: Group, options: Options) -> tuple[object, ...]:
        """What decides whether more can be booted for a group."""
        leaves = group.leaves_at is not None and int(group.leaves_at - self.now)
        return (id(options), group.user, group.own, leaves)

    def obstacles(self, group: Group, options: Options) -> tuple[Obstacle, ...]:
        """Why no site gives a worker of the group's kind now. Notes the sites whose quota is in the way."""
        found = []
        for choice in options.choices:
            fit = choice.fits[0]
            nodes = group.needs.nodes_of(fit.node.cpus) or 1
            one = self.refusal(group, choice.site, fit) or self._on_trial(choice.site, fit)
            one = one or self.ledger.obstacle(choice.site.name, fit.flavor, group.user, nodes)
            if one.reason is Reason.QUOTA:
                self.pressed.add(choice.site.name)
            found.append(one)
        return (*found, *options.refused)

    def _on_trial(self, site: Site, fit: Fit) -> Obstacle | None:
        if not fit.trial or not self.ledger.coming(site.name, fit.flavor):
            return None
        phrase = f"{site.name} tries one server of {fit.flavor.name} first: the last one had less room than it should"
        return Obstacle(site.name, Reason.PROBING, phrase)

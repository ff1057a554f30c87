"""One-node jobs: packed onto shared workers, or one each on workers of their own."""

from __future__ import annotations

from cloud_provisioner.planning.choices import Choice, Fit
from cloud_provisioner.planning.decisions import Draft
from cloud_provisioner.planning.demand import Group, Scaling
from cloud_provisioner.planning.reasons import Reason, Waiting, waiting
from cloud_provisioner.planning.stock import Taken
from cloud_provisioner.servers.states import State


def place(draft: Draft, group: Group) -> None:
    """Finds room for the group's jobs, boots what is missing, and says why the rest waits."""
    left = group.count
    for taken in draft.stock.take(group, group.needs.smallest, left):
        draft.found(group, taken)
        left -= taken.nodes
    if left and group.scaling is Scaling.NONE:
        sentence = "waiting: its autoScalingType is none and no present worker has room"
        draft.reasons.append(Waiting(group.key, left, Reason.NO_SCALING, sentence))
        return
    if not left:
        return
    options = draft.chooser.of(group)
    kind = draft.kind(group, options)
    if kind not in draft.hopeless:
        for choice in options.choices:
            if not draft.ledger.closed(choice.site.name):
                left -= _boot_at(draft, group, choice, left)
                if not left:
                    return
        draft.hopeless[kind] = draft.obstacles(group, options)
    draft.reasons.append(waiting(group.key, left, draft.hopeless[kind]))


def _boot_at(draft: Draft, group: Group, choice: Choice, jobs: int) -> int:
    """Boots at one site for up to so many jobs; for how many it was enough."""
    served = 0
    blocked: set[str] = set()
    while served < jobs:
        fits = [fit for fit in choice.fits if fit.flavor.name not in blocked]
        if not fits:
            break
        fit, each = _best(draft, group, fits, jobs - served)
        if draft.refusal(group, choice.site, fit):
            break
        room = draft.room(group, choice.site, fit)
        count = min(room, max(1, (jobs - served) // each))
        if count == 0:
            blocked.add(fit.flavor.name)
            continue
        now_served = min(jobs - served, count * each)
        draft.boot(group, choice.site, fit, count, now_served, group.needs.smallest)
        served += now_served
    if served:
        draft.found(group, Taken(choice.site.name, State.INTENDED, served))
    return served


def _best(draft: Draft, group: Group, fits: list[Fit], jobs: int) -> tuple[Fit, int]:
    """The flavor that costs least for each of so many jobs, and how many of them it takes; fewer, larger ones win."""
    if group.own:
        return _roomiest_of_cheapest(fits), 1
    node = group.needs.smallest
    small = [fit for fit in fits if fit.flavor.size.cpus <= draft.policy.shared_cpus] or fits[:1]

    def cost(one: tuple[Fit, int]) -> tuple[float, float, int]:
        fit, each = one
        used = min(each, jobs)
        return fit.flavor.price / used, fit.flavor.size.cpus / used, -used

    return min(((fit, fit.room.times_of(node)) for fit in small), key=cost)


def _roomiest_of_cheapest(fits: list[Fit]) -> Fit:
    """Where prices are equal, the larger node that the job may have; else the cheapest that fits."""
    cheapest = fits[0].flavor.price
    equals = [fit for fit in fits if fit.flavor.price == cheapest]
    return max(equals, key=lambda fit: (fit.node.cpus, [-number for number in fit.flavor.size]))

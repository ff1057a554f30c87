"""Multi-node jobs: all nodes at one site, all or none.

A site where some of the nodes are already is completed first; what cannot be completed is wanted by nobody and is given
back as idle. After failures one node is tried alone, as the probe. A job that has waited long has the free quota of one
site kept for it, so that a stream of small jobs cannot starve it.
"""

from __future__ import annotations

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.choices import Choice, Fit, Options
from cloud_provisioner.planning.decisions import Draft
from cloud_provisioner.planning.demand import Group, Scaling
from cloud_provisioner.planning.reasons import Obstacle, Reason, Waiting, waiting
from cloud_provisioner.planning.stock import Taken
from cloud_provisioner.servers.states import State

_SIZES = 8


def place(draft: Draft, group: Group) -> None:
    """Finds or boots all nodes of as many of the group's jobs as possible, and says why the rest waits."""
    options = draft.chooser.of(group)
    sizes = _sizes(group, options)
    kind = draft.kind(group, options)
    for placed in range(group.count):
        if _present(draft, group, sizes):
            continue
        left = group.count - placed
        if group.scaling is Scaling.NONE:
            sentence = "waiting: its autoScalingType is none and no site's present workers have room for all nodes"
            draft.reasons.append(Waiting(group.key, left, Reason.NO_SCALING, sentence))
            return
        if kind in draft.hopeless or not _boot_somewhere(draft, group, options):
            if kind not in draft.hopeless:
                draft.hopeless[kind] = _why(draft, group, options)
            draft.reasons.append(waiting(group.key, left, draft.hopeless[kind]))
            return


def _sizes(group: Group, options: Options) -> list[tuple[Amount, int]]:
    """Sizes of nodes worth looking for among the workers, larger first, with the number of nodes each takes."""
    nodes = {fit.node for choice in options.choices for fit in choice.fits} | {group.needs.smallest}
    counted = ((node, group.needs.nodes_of(node.cpus)) for node in sorted(nodes, reverse=True))
    return [(node, number) for node, number in counted if number is not None][:_SIZES]


def _present(draft: Draft, group: Group, sizes: list[tuple[Amount, int]]) -> bool:
    """Whether workers of one site, there or on their way, have room for all nodes of a job; takes it."""
    for node, number in sizes:
        rooms = draft.stock.by_site(group, node)
        site = min((name for name, room in rooms.items() if room >= number), key=lambda name: rooms[name], default=None)
        if site is not None:
            taken = draft.stock.take(group, node, number, site)
            waits = next((one.state for one in taken if one.state is not State.READY), State.READY)
            draft.found(group, Taken(site, waits, 1))
            return True
    return False


def _boot_somewhere(draft: Draft, group: Group, options: Options) -> bool:
    """Boots what one job lacks, at the first site that can give all of it."""
    started = [choice for choice in options.choices if _some(draft, group, choice)]
    for choice in (*started, *(one for one in options.choices if one not in started)):
        for fit in sorted(choice.fits, key=lambda one: (-one.node.cpus, one.flavor.price, one.flavor.size)):
            number = group.needs.nodes_of(fit.node.cpus) or 1
            if draft.refusal(group, choice.site, fit):
                continue
            here = draft.stock.by_site(group, fit.node).get(choice.site.name, 0)
            missing = number - here
            room = draft.room(group, choice.site, fit, gang=missing)
            probe = room == 1 and (fit.trial or draft.ledger.probing(choice.site.name, fit.flavor, group.user))
            if room >= missing or (probe and draft.ledger.quota(choice.site.name, fit.flavor) >= missing):
                draft.boot(group, choice.site, fit, missing if room >= missing else 1, 0, fit.node)
                draft.stock.take(group, fit.node, number, choice.site.name)
                draft.found(group, Taken(choice.site.name, State.INTENDED, 1))
                return True
    return False


def _some(draft: Draft, group: Group, choice: Choice) -> bool:
    return any(draft.stock.by_site(group, fit.node).get(choice.site.name, 0) for fit in choice.fits)


def _why(draft: Draft, group: Group, options: Options) -> tuple[Obstacle, ...]:
    able, unable = _able(draft, group, options)
    found = draft.obstacles(group, Options(able, (*unable, *options.refused)))
    waits_for_quota = [one.site for one in found if one.reason is Reason.QUOTA]
    if waits_for_quota and draft.now - group.since >= draft.policy.hold_after:
        draft.ledger.hold(waits_for_quota[0])
    return found


def _able(draft: Draft, group: Group, options: Options) -> tuple[tuple[Choice, ...], tuple[Obstacle, ...]]:
    """The choices whose limits allow all nodes when nothing else runs; obstacles for the others."""
    able, unable = [], []
    for choice in options.choices:
        fits = tuple(fit for fit in choice.fits if _enough(draft, group, choice, fit))
        if fits:
            able.append(Choice(choice.site, fits))
        else:
            phrase = f"{choice.site.name}'s limits do not allow all its nodes at once"
            unable.append(Obstacle(choice.site.name, Reason.TOO_MANY_NODES, phrase))
    return tuple(able), tuple(unable)


def _enough(draft: Draft, group: Group, choice: Choice, fit: Fit) -> bool:
    return draft.ledger.could_ever(choice.site.name, fit.flavor) >= (group.needs.nodes_of(fit.node.cpus) or 1)

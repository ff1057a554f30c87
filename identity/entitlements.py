"""Entitlements to groups: which virtual organisations a token's entitlement values put their holder in. Pure.

AARC-G002 (and its successor AARC-G069) write a group as
`<NAMESPACE>:group:<GROUP>[:<SUBGROUP>*][:role=<ROLE>]#<AUTHORITY>`. A configured value matches by value: role
and subgroup are part of it, and membership of a subgroup implies nothing. The authority says who vouches for
the rest: a rule that names one insists on it, a rule that names none takes any.
"""

from collections.abc import Iterable, Mapping, Sequence

from identity.claims import Claims, is_text, text_list
from identity.errors import Misconfigured

DEFAULT_CLAIMS = ("eduperson_entitlement", "entitlements")


class GroupRules:
    """Virtual organisation -> the entitlement values that must all be there; an empty list lets anyone in.

    `vos` keeps its order, which is the order of a caller's groups. `claims` are the names of the claims to
    read, whose values are taken together. Misconfigured: no organisation, a bad name, an empty value.
    """

    def __init__(self, vos: Mapping[str, Sequence[str]], claims: Sequence[str] = DEFAULT_CLAIMS) -> None:
        if not vos:
            raise Misconfigured("vos", "name at least one virtual organisation")
        for vo, required in vos.items():
            _check_rule(vo, required)
        self._rules = {vo: frozenset(required) for vo, required in vos.items()}
        self._claims = tuple(claims)

    @property
    def vos(self) -> tuple[str, ...]:
        """The virtual organisations, in the order of the configuration."""
        return tuple(self._rules)

    def groups(self, claims: Claims) -> tuple[str, ...]:
        """The organisations the holder of these claims is in, in the configured order; perhaps none."""
        held = held_values(value for name in self._claims for value in text_list(claims, name))
        return tuple(vo for vo, required in self._rules.items() if required <= held)


def held_values(entitlements: Iterable[str]) -> frozenset[str]:
    """The values that rules may ask for: each entitlement as it is, and without its authority.

    An entitlement with more than one "#" follows no grammar, so where its authority begins is anyone's guess:
    it counts as it is and no other way.
    """
    held = set()
    for entitlement in entitlements:
        held.add(entitlement)
        if entitlement.count("#") == 1:
            held.add(entitlement.partition("#")[0])
    return frozenset(held)


def _check_rule(vo: str, required: Sequence[str]) -> None:
    if not is_text(vo):
        raise Misconfigured("vos", "each name must be 1 to 255 printable characters")
    if isinstance(required, str):
        raise Misconfigured(f"vos.{vo}", "give a list of entitlement values, not one string")
    if not all(required):
        raise Misconfigured(f"vos.{vo}", "an entitlement value is empty")

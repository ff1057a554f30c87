"""Promises of the rules that turn entitlements into groups."""

from collections.abc import Sequence
from typing import Any

import pytest

from identity.entitlements import GroupRules
from identity.errors import Misconfigured

GROUP = "urn:mace:egi.eu:group:vo.example.eu"
MEMBER = f"{GROUP}:role=member"
AT_EGI = f"{MEMBER}#aai.egi.eu"
ELSEWHERE = f"{MEMBER}#aai.example.org"


@pytest.mark.parametrize(
    ("required", "held", "is_in"),
    [
        ([MEMBER], [MEMBER], True),
        ([MEMBER], [AT_EGI], True),
        ([MEMBER], [ELSEWHERE], True),
        ([AT_EGI], [AT_EGI], True),
        ([AT_EGI], [ELSEWHERE], False),  # a rule that names an authority insists on it
        ([AT_EGI], [MEMBER], False),
        ([MEMBER], [f"{GROUP}:sub:role=member#aai.egi.eu"], False),  # a subgroup implies nothing
        ([GROUP], [AT_EGI], False),  # nor does a role
        ([MEMBER], [f"{MEMBER}s#aai.egi.eu"], False),
        ([MEMBER], [MEMBER.upper()], False),
        ([MEMBER], [f"{MEMBER}#x#aai.egi.eu"], False),  # whose authority would that be?
        ([f"{MEMBER}#x"], [f"{MEMBER}#x#aai.egi.eu"], False),
        ([MEMBER], [f" {MEMBER}"], False),
        ([MEMBER], [], False),
        ([MEMBER, "urn:x:tier1"], [AT_EGI], False),  # all must be there
        ([MEMBER, "urn:x:tier1"], ["urn:x:tier1#a", AT_EGI, "urn:x:other"], True),
        ([MEMBER, AT_EGI], [AT_EGI], True),
        ([], [], True),
    ],
)
def test_a_rule_matches_by_value(required: Sequence[str], held: Sequence[str], is_in: bool) -> None:
    rules = GroupRules({"vo": required})
    assert rules.groups({"eduperson_entitlement": list(held)}) == (("vo",) if is_in else ())


@pytest.mark.parametrize(
    "claims",
    [
        {"eduperson_entitlement": [AT_EGI]},
        {"entitlements": [AT_EGI]},
        {"eduperson_entitlement": AT_EGI},
        {"eduperson_entitlement": [], "entitlements": [AT_EGI]},
        {"eduperson_entitlement": [None, 7, {"a": AT_EGI}, AT_EGI]},
    ],
)
def test_both_claims_are_read_as_list_or_string(claims: dict[str, Any]) -> None:
    assert GroupRules({"vo": [MEMBER]}).groups(claims) == ("vo",)


@pytest.mark.parametrize("value", [None, 7, {MEMBER: True}, [[MEMBER]], True])
def test_a_claim_of_another_type_gives_no_group(value: object) -> None:
    assert GroupRules({"vo": [MEMBER]}).groups({"eduperson_entitlement": value}) == ()


def test_other_claims_can_be_configured_and_replace_the_usual_ones() -> None:
    rules = GroupRules({"vo": ["/vo"]}, claims=("wlcg.groups",))
    assert rules.groups({"wlcg.groups": ["/vo"]}) == ("vo",)
    assert rules.groups({"eduperson_entitlement": ["/vo"]}) == ()


def test_groups_come_in_the_order_of_the_configuration() -> None:
    rules = GroupRules({"z": ["urn:z"], "open": [], "a": ["urn:a"]})
    assert rules.groups({"entitlements": ["urn:a", "urn:z"]}) == ("z", "open", "a")


@pytest.mark.parametrize(
    ("vos", "setting"),
    [({}, "vos"), ({"": []}, "vos"), ({"a\nb": []}, "vos"), ({"vo": [""]}, "vos.vo"), ({"vo": MEMBER}, "vos.vo")],
)
def test_a_bad_rule_is_refused_by_name(vos: dict[str, Any], setting: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        GroupRules(vos)
    assert refusal.value.setting == setting

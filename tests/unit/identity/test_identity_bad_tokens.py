"""Promises of not believing: a table of bad tokens, and whatever else may be sent."""

import base64
import json
import logging
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.errors import NotAuthenticated, Reason
from tests.unit.identity.support import (
    AUDIENCE,
    ISSUER,
    MEMBER,
    NOW,
    Provider,
    claims_of,
    ec_pair,
    ed_pair,
    rsa_pair,
)


def segment(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def signed_with_public_key(provider: Provider) -> str:
    """What an attacker makes who has the published key and hopes it is taken for a secret."""
    pem = provider.pair.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signing_input = f"{segment({'alg': 'HS256', 'kid': provider.pair.kid})}.{segment(claims_of())}"
    mac = jwt.get_algorithm_by_name("HS256").sign(signing_input.encode(), pem)
    return f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def tampered(provider: Provider) -> str:
    header, _, signature = provider.token().split(".")
    return f"{header}.{segment(claims_of('mallory'))}.{signature}"


def b64_header(provider: Provider, payload: str) -> str:
    return f"{segment({'alg': 'RS256', 'b64': False, 'crit': ['b64']})}.{payload}.{provider.token().split('.')[2]}"


BAD: dict[str, tuple[Reason, Callable[[Provider], str | None]]] = {
    "no header": (Reason.MISSING, lambda _: None),
    "empty header": (Reason.MISSING, lambda _: ""),
    "blank header": (Reason.MISSING, lambda _: "  "),
    "another scheme": (Reason.MISSING, lambda _: "Basic YWxpY2U6c2VjcmV0"),
    "no scheme": (Reason.MISSING, lambda p: p.token()),
    "scheme alone": (Reason.MALFORMED, lambda _: "Bearer"),
    "scheme and blanks": (Reason.MALFORMED, lambda _: "Bearer   "),
    "another scheme beginning alike": (Reason.MALFORMED, lambda p: f"Bearers {p.token()}"),
    "two tokens": (Reason.MALFORMED, lambda p: f"Bearer {p.token()} {p.token()}"),
    "quoted": (Reason.MALFORMED, lambda p: f'Bearer "{p.token()}"'),
    "garbage": (Reason.MALFORMED, lambda _: "Bearer garbage"),
    "three parts of garbage": (Reason.MALFORMED, lambda _: "Bearer gar.ba.ge"),
    "three empty parts": (Reason.MALFORMED, lambda _: "Bearer .."),
    "five parts": (Reason.MALFORMED, lambda p: f"Bearer {p.token()}.a.b"),
    "two parts": (Reason.MALFORMED, lambda p: "Bearer " + p.token().rpartition(".")[0]),
    "header is a list": (Reason.MALFORMED, lambda _: f"Bearer {segment([])}.{segment(claims_of())}.AAAA"),
    "claims are a list": (Reason.MALFORMED, lambda _: f"Bearer {segment({'alg': 'RS256'})}.{segment([])}.AAAA"),
    "claims are deeply nested": (
        Reason.MALFORMED,
        lambda _: f"Bearer {segment({'alg': 'RS256'})}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.AAAA",
    ),
    "unencoded payload": (Reason.MALFORMED, lambda p: f"Bearer {b64_header(p, '')}"),
    "kid is no text": (
        Reason.MALFORMED,
        lambda _: f"Bearer {segment({'alg': 'RS256', 'kid': [1]})}.{segment(claims_of())}.AAAA",
    ),
    "unknown critical header": (
        Reason.MALFORMED,
        lambda p: f"Bearer {p.pair.sign(claims_of())}".replace(
            p.token().split(".")[0], segment({"alg": "RS256", "crit": ["exp"], "exp": 1})
        ),
    ),
    "larger than 16 KB": (Reason.MALFORMED, lambda p: f"Bearer {p.token(filler='x' * 17_000)}"),
    "a megabyte": (Reason.MALFORMED, lambda _: "Bearer " + "a" * 1_000_000),
    "line break in header": (Reason.MALFORMED, lambda p: f"Bearer {p.token()}\r\nX-Admin: 1"),
    "NUL in header": (Reason.MALFORMED, lambda p: f"Bearer {p.token()}\0"),
    "tab in header": (Reason.MALFORMED, lambda p: f"Bearer\t{p.token()}"),
    "letters beyond ASCII": (Reason.MALFORMED, lambda p: f"Bearer {p.token()}é"),
    "lone surrogate": (Reason.MALFORMED, lambda p: f"Bearer {p.token()}\udcff"),
    "alg none": (Reason.ALGORITHM, lambda _: "Bearer " + f"{segment({'alg': 'none'})}.{segment(claims_of())}."),
    "alg None": (Reason.ALGORITHM, lambda _: f"Bearer {segment({'alg': 'None'})}.{segment(claims_of())}."),
    "no alg": (Reason.ALGORITHM, lambda _: f"Bearer {segment({})}.{segment(claims_of())}.AAAA"),
    "alg is a list": (
        Reason.ALGORITHM,
        lambda _: f"Bearer {segment({'alg': ['RS256']})}.{segment(claims_of())}.AAAA",
    ),
    "HS256 with the public key": (Reason.ALGORITHM, lambda p: f"Bearer {signed_with_public_key(p)}"),
    "alg not of this issuer": (Reason.ALGORITHM, lambda _: "Bearer " + ed_pair("rsa-1").sign(claims_of())),
    "key of another kind": (Reason.SIGNATURE, lambda _: "Bearer " + ec_pair("rsa-1").sign(claims_of())),
    "no signature": (Reason.SIGNATURE, lambda p: "Bearer " + p.token().rpartition(".")[0] + "."),
    "signature of other claims": (Reason.SIGNATURE, lambda p: f"Bearer {tampered(p)}"),
    "signed with another key": (Reason.SIGNATURE, lambda _: "Bearer " + rsa_pair("rsa-1").sign(claims_of())),
    "unknown key id": (Reason.SIGNATURE, lambda p: "Bearer " + p.pair.sign(claims_of(), kid="../etc/passwd")),
    "key brought along": (
        Reason.SIGNATURE,
        lambda _: "Bearer " + (own := rsa_pair("own")).sign(claims_of(), jwk=dict(own.jwk), jku="https://x.eu/"),
    ),
    "no issuer": (Reason.ISSUER, lambda p: f"Bearer {p.token(iss=None)}"),
    "issuer is a list": (
        Reason.ISSUER,
        lambda _: f"Bearer {segment({'alg': 'RS256'})}.{segment(claims_of(iss=[ISSUER]))}.AAAA",
    ),
    "wrong issuer": (Reason.ISSUER, lambda p: f"Bearer {p.token(iss='https://evil.example.org')}"),
    "issuer with a slash more": (Reason.ISSUER, lambda p: f"Bearer {p.token(iss=ISSUER + '/')}"),
    "no audience": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud=None)}"),
    "empty audience": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud=[])}"),
    "wrong audience": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud='https://other.example.eu')}"),
    "audience is part of ours": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud=AUDIENCE[:-1])}"),
    "audience with a number": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud=[AUDIENCE, 7])}"),
    "audience is an object": (Reason.AUDIENCE, lambda p: f"Bearer {p.token(aud={AUDIENCE: 1})}"),
    "expired": (Reason.EXPIRED, lambda p: f"Bearer {p.token(exp=int(NOW) - 31)}"),
    "expired in 1970": (Reason.EXPIRED, lambda p: f"Bearer {p.token(exp=0)}"),
    "not valid yet": (Reason.NOT_YET_VALID, lambda p: f"Bearer {p.token(nbf=int(NOW) + 60)}"),
    "issued tomorrow": (Reason.NOT_YET_VALID, lambda p: f"Bearer {p.token(iat=int(NOW) + 86_400)}"),
    "no expiry": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=None)}"),
    "expiry is text": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=str(int(NOW) + 60))}"),
    "expiry is true": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=True)}"),
    "expiry is negative": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=-1)}"),
    "expiry is NaN": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=float('nan'))}"),
    "expiry is infinite": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=float('inf'))}"),
    "expiry is in milliseconds": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=int(NOW) * 1000)}"),
    "expiry has 400 digits": (Reason.CLAIMS, lambda p: f"Bearer {p.token(exp=10**400)}"),
    "nbf is text": (Reason.CLAIMS, lambda p: f"Bearer {p.token(nbf='now')}"),
    "no subject": (Reason.CLAIMS, lambda p: f"Bearer {p.token(sub=None)}"),
    "subject is a number": (Reason.CLAIMS, lambda p: f"Bearer {p.token(sub=7)}"),
    "subject is empty": (Reason.CLAIMS, lambda p: f"Bearer {p.token(sub='')}"),
    "subject with a line break": (Reason.CLAIMS, lambda p: "Bearer " + p.token(sub="a\nb")),
    "subject with NUL": (Reason.CLAIMS, lambda p: "Bearer " + p.token(sub="a\0")),
    "subject with a lone surrogate": (Reason.CLAIMS, lambda p: "Bearer " + p.token(sub="a\ud800")),
    "subject of 256 characters": (Reason.CLAIMS, lambda p: f"Bearer {p.token(sub='a' * 256)}"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused_for_what_is_bad_and_not_repeated(
    name: str, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reason, make = BAD[name]
    header = make(provider)
    with pytest.raises(NotAuthenticated) as refusal:
        provider.authenticator().authenticate(header)
    assert refusal.value.reason is reason
    said = f"{refusal.value!r} {refusal.value} {caplog.text}"
    for part in (header or "").replace(".", " ").split():
        assert len(part) < 8 or part not in said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(MEMBER),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(name=st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "email", "entitlements"]), value=json_values)
def test_whatever_stands_in_a_signed_claim_has_an_answer(name: str, value: object, provider: Provider) -> None:
    signed = provider.pair.sign({**claims_of(), name: value}) if name != "iss" or isinstance(value, str) else "a.b.c"
    try:
        caller = provider.authenticator().verify(signed)
    except NotAuthenticated:
        return
    assert caller.groups == ("vo.example.eu",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), json_values))
def test_whatever_stands_in_an_unsigned_header_is_refused(header: dict[str, object], provider: Provider) -> None:
    with pytest.raises(NotAuthenticated):
        provider.authenticator().verify(f"{segment(header)}.{segment(claims_of())}.AAAA")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(header=st.one_of(st.text(), st.text().map(lambda text: f"Bearer {text}")))
def test_whatever_is_sent_is_refused_in_our_own_words(header: str, provider: Provider) -> None:
    with pytest.raises(NotAuthenticated):
        provider.authenticator().authenticate(header)

"""Promises of an issuer's configuration and of the key sets it publishes."""

from pathlib import Path
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from identity.errors import Misconfigured
from identity.issuers import Issuer, discovered_endpoint
from identity.keys import KeySet, thumbprint
from tests.unit.identity.support import AUDIENCE, ISSUER, Pair, ec_pair, ed_pair, key_set, rsa_pair


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS384", "HS512", "hs256", "RS1", ""])
def test_an_algorithm_that_is_not_asymmetric_is_refused(algorithm: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        Issuer(ISSUER, (AUDIENCE,), algorithms=("RS256", algorithm))
    assert refusal.value.setting == "issuers.algorithms"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": ""}, "issuer"),
        ({"issuer": "prominence"}, "issuer"),
        ({"issuer": "https://a\n.eu"}, "issuer"),
        ({"issuer": "https://a.eu/" + "x" * 255}, "issuer"),
        ({"audiences": ()}, "audiences"),
        ({"audiences": ("",)}, "audiences"),
        ({"audiences": "https://a.eu"}, "audiences"),
        ({"algorithms": ()}, "algorithms"),
        ({"leeway": -1}, "leeway"),
        ({"leeway": 3600}, "leeway"),
        ({"leeway": float("nan")}, "leeway"),
        ({"jwks_uri": "https://a.eu/keys", "jwks_file": Path("/keys")}, "jwks_uri"),
        ({"jwks_uri": "http://a.eu/keys"}, "jwks_uri"),
        ({"jwks_uri": "http://127.0.0.1.a.eu/keys"}, "jwks_uri"),
        ({"jwks_uri": "http://127.0.0.1@a.eu/keys"}, "jwks_uri"),
        ({"jwks_uri": "file:///keys"}, "jwks_uri"),
        ({"jwks_uri": "https://[/keys"}, "jwks_uri"),
        ({"issuer": "http://aai.example.eu"}, "jwks_uri"),
        ({"issuer": "urn:local"}, "jwks_uri"),
    ],
)
def test_an_unsafe_or_unusable_issuer_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        Issuer(**{"issuer": ISSUER, "audiences": (AUDIENCE,), **changes})
    assert refusal.value.setting == f"issuers.{field}"


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "https://keys.example.eu/"},
        {"issuer": "http://localhost:8080"},
        {"issuer": ISSUER, "jwks_uri": "http://[::1]:80/"},
        {"issuer": "urn:prominence:local", "jwks_file": Path("/keys")},
    ],
)
def test_keys_come_by_https_or_without_leaving_the_machine(settings: dict[str, Any]) -> None:
    assert Issuer(audiences=(AUDIENCE,), **settings).issuer == settings["issuer"]


def test_an_issuer_asked_over_https_names_keys_over_https() -> None:
    metadata = {"issuer": ISSUER, "jwks_uri": "https://keys.example.eu/"}
    assert discovered_endpoint(metadata, ISSUER, "jwks_uri") == "https://keys.example.eu/"
    for uri in ("http://127.0.0.1/keys", "http://keys.example.eu/", "ftp://keys.example.eu/", "", None, 7):
        with pytest.raises(ValueError, match="https"):
            discovered_endpoint({"issuer": ISSUER, "jwks_uri": uri}, ISSUER, "jwks_uri")


def test_a_thumbprint_is_that_of_rfc_7638() -> None:
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
        "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
        "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
        "Cur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_key_serves_only_under_its_name_and_its_algorithm(rsa_key: Pair) -> None:
    curve = ec_pair("ec-1")
    keys = KeySet.parse(key_set(rsa_key, curve), ("RS256", "PS256", "ES256"))
    assert [key.algorithm_name for key in keys.find("rsa-1", "PS256")] == ["PS256"]
    assert len(keys.find(None, "ES256")) == 1
    assert keys.find("ec-1", "RS256") == []
    assert keys.find("rsa-1", "RS384") == []
    assert keys.knows("ec-1")
    assert not keys.knows("ec-2")


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"alg": "RSA-OAEP"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {"kty": None},
        {"n": 7},
        {"n": "!"},
        {"e": ""},
        {"d": "AQAB"},
    ],
)
def test_a_key_for_something_else_is_left_out(change: dict[str, Any], rsa_key: Pair) -> None:
    other = ed_pair("ed-1")
    document = {"keys": [{**rsa_key.jwk, **change}, dict(other.jwk), 7, None]}
    keys = KeySet.parse(document, ("RS256", "EdDSA"))
    assert not keys.knows("rsa-1")
    assert keys.knows("ed-1")


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": []}, {"keys": [7]}, "keys"])
def test_what_has_no_usable_key_is_no_key_set(document: object) -> None:
    with pytest.raises(ValueError, match="key"):
        KeySet.parse(document, ("RS256",))


def test_a_private_key_that_was_published_is_believed_by_nobody(rsa_key: Pair) -> None:
    private = {**RSAAlgorithm.to_jwk(rsa_key.private, as_dict=True), "key_ops": ["sign", "verify"]}
    with pytest.raises(ValueError, match="usable"):
        KeySet.parse({"keys": [private]}, ("RS256",))


def test_a_key_named_by_something_else_than_text_has_no_name(rsa_key: Pair) -> None:
    keys = KeySet.parse({"keys": [{**rsa_key.jwk, "kid": 7}]}, ("RS256",))
    assert keys.find(None, "RS256") != []
    assert keys.find("7", "RS256") == []


def test_an_ed25519_or_rsa_pss_key_can_be_accepted() -> None:
    assert KeySet.parse(key_set(ed_pair("a"), rsa_pair("b")), ("EdDSA", "PS512")).knows("b")

"""Promises of the tokens of running jobs, and of the gate that keeps them apart from users' tokens."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from identity.caller import Caller
from identity.errors import IssuerUnreachable, Misconfigured, NotAuthenticated, NotEntitled, Reason
from identity.gate import Gate
from identity.issuers import Issuer
from identity.job_tokens import AUDIENCE, ISSUER, JobTokens, create_secret
from identity.tokens import Authenticator
from tests.unit.identity.support import NOW, VOS, Clock, Provider, claims_of, rsa_pair

SECRET = bytes(range(40))
ALICE = Caller("alice", "https://aai.example.eu/oidc", "Alice A.", ("vo.example.eu", "b"), "alice@example.org")


@pytest.fixture
def tokens(clock: Clock) -> JobTokens:
    return JobTokens(SECRET, clock=clock, new_id=lambda: "id-1")


@pytest.fixture
def gate(provider: Provider, tokens: JobTokens) -> Gate:
    return Gate(provider.authenticator(), tokens)


def signed(**changes: Any) -> str:
    """A job token made by hand with the right secret; a claim of None is left out."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "user": "alice",
        "user_issuer": "https://aai.example.eu/oidc",
        "groups": [],
        "job": "ref",
        "exp": int(NOW) + 60,
    }
    claims.update(changes)
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, SECRET, algorithm="HS256")


@pytest.mark.parametrize("user", [ALICE, replace(ALICE, email=None, groups=())])
def test_a_job_acts_as_its_user_and_is_known_as_a_job(user: Caller, tokens: JobTokens) -> None:
    assert tokens.verify(tokens.mint(user, job="ref-7", lifetime=60)) == replace(user, kind="job", job="ref-7")


def test_a_job_token_carries_the_claims_that_are_documented(tokens: JobTokens) -> None:
    token = tokens.mint(ALICE, job="ref-7", lifetime=60)
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "iss": "prominence",
        "aud": "prominence-job",
        "sub": "alice",
        "user": "Alice A.",
        "user_issuer": "https://aai.example.eu/oidc",
        "groups": ["vo.example.eu", "b"],
        "email": "alice@example.org",
        "job": "ref-7",
        "iat": int(NOW),
        "exp": int(NOW) + 60,
        "jti": "id-1",
    }
    assert jwt.get_unverified_header(token)["alg"] == "HS256"


def test_each_job_token_has_an_id_of_its_own() -> None:
    minting = JobTokens(SECRET)
    ids = {
        jwt.decode(minting.mint(ALICE, job="r", lifetime=9), options={"verify_signature": False})["jti"]
        for _ in range(20)
    }
    assert len(ids) == 20


def test_a_job_token_ends_with_its_lifetime(tokens: JobTokens, clock: Clock) -> None:
    token = tokens.mint(ALICE, job="ref", lifetime=60)
    clock.now = NOW + 60 + 29
    assert tokens.verify(token).job == "ref"
    clock.now = NOW + 60 + 30
    with pytest.raises(NotAuthenticated) as refusal:
        tokens.verify(token)
    assert refusal.value.reason is Reason.EXPIRED


@pytest.mark.parametrize("lifetime", [0, -1, float("nan"), float("inf"), 1e12])
def test_a_lifetime_must_be_a_time_to_come(lifetime: float, tokens: JobTokens) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        tokens.mint(ALICE, job="ref", lifetime=lifetime)


@pytest.mark.parametrize("job", ["", "a\nb", "x" * 256])
def test_the_reference_of_a_job_is_short_printable_text(job: str, tokens: JobTokens) -> None:
    with pytest.raises(ValueError, match="reference"):
        tokens.mint(ALICE, job=job, lifetime=60)


def test_a_job_cannot_have_a_token_minted(tokens: JobTokens) -> None:
    job = tokens.verify(tokens.mint(ALICE, job="ref", lifetime=60))
    with pytest.raises(ValueError, match="another"):
        tokens.mint(job, job="ref", lifetime=10**6)


def test_hand_made_claims_are_accepted_when_complete(tokens: JobTokens) -> None:
    assert tokens.verify(signed()).job == "ref"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://aai.example.eu/oidc"}, Reason.ISSUER),
        ({"iss": None}, Reason.ISSUER),
        ({"aud": "prominence"}, Reason.AUDIENCE),
        ({"aud": None}, Reason.AUDIENCE),
        ({"exp": None}, Reason.CLAIMS),
        ({"exp": int(NOW) - 31}, Reason.EXPIRED),
        ({"nbf": int(NOW) + 31}, Reason.NOT_YET_VALID),
        ({"sub": None}, Reason.CLAIMS),
        ({"sub": 7}, Reason.CLAIMS),
        ({"job": None}, Reason.CLAIMS),
        ({"job": 7}, Reason.CLAIMS),
        ({"user_issuer": None}, Reason.CLAIMS),
        ({"user": None}, Reason.CLAIMS),
    ],
)
def test_a_job_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], reason: Reason, tokens: JobTokens) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        tokens.verify(signed(**changes))
    assert refusal.value.reason is reason


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_a_job_token_is_signed_in_one_way_only(algorithm: str, tokens: JobTokens) -> None:
    claims = jwt.decode(signed(), options={"verify_signature": False})
    keys: dict[str, Any] = {"none": None, "HS512": SECRET * 2, "RS256": rsa_pair("k").private}
    with pytest.raises(NotAuthenticated) as refusal:
        tokens.verify(jwt.encode(claims, keys[algorithm], algorithm=algorithm))
    assert refusal.value.reason is Reason.ALGORITHM


def test_a_job_token_of_another_secret_is_refused(tokens: JobTokens) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        tokens.verify(JobTokens(SECRET[::-1], clock=Clock()).mint(ALICE, job="r", lifetime=60))
    assert refusal.value.reason is Reason.SIGNATURE


def test_a_job_token_is_never_accepted_as_a_users(provider: Provider, tokens: JobTokens, gate: Gate) -> None:
    token = tokens.mint(ALICE, job="ref", lifetime=60)
    with pytest.raises(NotAuthenticated) as refusal:
        provider.authenticator().verify(token)
    assert refusal.value.reason is Reason.ISSUER
    with pytest.raises(NotAuthenticated) as refusal:
        gate.caller(f"Bearer {token}")
    assert refusal.value.reason is Reason.KIND
    assert token not in refusal.value.message


def test_a_job_token_that_claims_to_be_a_users_is_refused(provider: Provider) -> None:
    forged = jwt.encode(claims_of(), SECRET, algorithm="HS256", headers={"kid": provider.pair.kid})
    with pytest.raises(NotAuthenticated) as refusal:
        provider.authenticator().verify(forged)
    assert refusal.value.reason is Reason.ALGORITHM


def test_a_users_token_is_never_accepted_as_a_jobs(provider: Provider, tokens: JobTokens, gate: Gate) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        tokens.verify(provider.token())
    assert refusal.value.reason is Reason.ISSUER
    with pytest.raises(NotAuthenticated) as refusal:
        gate.caller(f"Bearer {provider.token()}", accept=("job",))
    assert refusal.value.reason is Reason.KIND


def test_a_users_token_just_verified_is_still_not_a_jobs(provider: Provider, gate: Gate) -> None:
    header = f"Bearer {provider.token()}"
    assert gate.caller(header) == gate.caller(header)
    with pytest.raises(NotAuthenticated) as refusal:
        gate.caller(header, accept=("job",))
    assert refusal.value.reason is Reason.KIND


def test_a_users_issuer_cannot_sign_job_tokens(provider: Provider, gate: Gate) -> None:
    token = provider.token(iss=ISSUER, aud=AUDIENCE, job="ref", user="alice", user_issuer=provider.issuer.issuer)
    with pytest.raises(NotAuthenticated) as refusal:
        gate.caller(f"Bearer {token}", accept=("user", "job"))
    assert refusal.value.reason is Reason.ALGORITHM


def test_the_gate_admits_both_kinds_where_both_are_accepted(provider: Provider, tokens: JobTokens, gate: Gate) -> None:
    job = tokens.mint(ALICE, job="ref", lifetime=60)
    assert gate.caller(f"Bearer {job}", accept=("user", "job")).kind == "job"
    assert gate.caller(f"Bearer {provider.token()}", accept=("user", "job")).kind == "user"
    assert gate.caller(f"Bearer {provider.token()}").subject == "alice"


def test_the_gate_passes_on_why_a_user_was_refused(provider: Provider, gate: Gate) -> None:
    with pytest.raises(NotAuthenticated):
        gate.caller(None)
    with pytest.raises(NotEntitled):
        gate.caller(f"Bearer {provider.token(eduperson_entitlement=[])}")
    provider.key_file.unlink()
    with pytest.raises(IssuerUnreachable):
        gate.caller(f"Bearer {provider.token()}")


def test_the_gate_refuses_an_issuer_with_the_name_in_job_tokens(tmp_path: Path) -> None:
    key_file = tmp_path / "jwks.json"
    key_file.write_text(json.dumps({"keys": []}))
    authenticator = Authenticator([Issuer("urn:same", ("a",), jwks_file=key_file)], VOS)
    with pytest.raises(Misconfigured):
        Gate(authenticator, JobTokens(SECRET, issuer="urn:same"))


def test_a_secret_that_is_short_or_a_key_is_refused_without_being_shown() -> None:
    pem = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
    for secret in (b"", b"s" * 31, pem, b'{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}'):
        with pytest.raises(Misconfigured) as refusal:
            JobTokens(secret)
        assert refusal.value.setting == "job_token_secret"
        assert not secret or secret.decode() not in refusal.value.message


def test_a_created_secret_is_private_kept_and_usable(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    create_secret(path)
    secret = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(secret) >= 32
    create_secret(path)
    assert path.read_bytes() == secret
    token = JobTokens.from_file(path).mint(ALICE, job="ref", lifetime=60)
    assert JobTokens.from_file(path).verify(token).job == "ref"

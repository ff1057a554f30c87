"""Promises of the token issuer of a one-machine start, and of the private files it and the service keep."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from identity import embedded
from identity.errors import Misconfigured, NotAuthenticated, Reason
from identity.issuers import Issuer
from identity.keys import thumbprint
from identity.private_files import create_private, read_private, replace_public
from identity.tokens import Authenticator
from tests.unit.identity.support import AUDIENCE, MEMBER, NOW, VOS, Clock, rsa_pair

ISSUER = "http://localhost:8080/issuer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "etc" / "issuer"
    embedded.create(made)
    return made


def minted(folder: Path, **changes: Any) -> str:
    settings: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "user": "alice",
        "entitlements": [MEMBER],
        "lifetime": 3600,
        "now": NOW,
        **changes,
    }
    return embedded.mint(folder, **settings)


def authenticator(folder: Path, clock: Clock) -> Authenticator:
    issuer = Issuer(ISSUER, (AUDIENCE,), jwks_file=folder / embedded.KEY_SET)
    return Authenticator([issuer], VOS, clock=clock)


def test_a_minted_token_is_believed_by_the_service(folder: Path, clock: Clock) -> None:
    caller = authenticator(folder, clock).verify(minted(folder))
    assert (caller.subject, caller.issuer, caller.username) == ("alice", ISSUER, "alice")
    assert (caller.groups, caller.email) == (("vo.example.eu",), "alice@localhost")


def test_a_minted_token_carries_the_claims_that_are_documented(folder: Path) -> None:
    token = minted(folder, user="bob@example.org", groups=["g"], now=NOW + 0.9)
    jwk = json.loads((folder / embedded.KEY_SET).read_text())["keys"][0]
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "bob@example.org",
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
        "email": "bob@example.org",
        "preferred_username": "bob@example.org",
        "groups": ["g"],
        "eduperson_entitlement": [MEMBER],
    }
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": jwk["kid"], "typ": "JWT"}


def test_a_minted_token_ends_with_its_lifetime(folder: Path, clock: Clock) -> None:
    token = minted(folder, lifetime=60)
    clock.now = NOW + 60 + 30
    with pytest.raises(NotAuthenticated) as refusal:
        authenticator(folder, clock).verify(token)
    assert refusal.value.reason is Reason.EXPIRED


@pytest.mark.parametrize("lifetime", [0, -1, embedded.LONGEST_LIFETIME + 1])
def test_a_lifetime_out_of_bounds_is_refused(lifetime: int, folder: Path) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        minted(folder, lifetime=lifetime)


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 256])
def test_a_user_is_short_printable_text(user: str, folder: Path) -> None:
    with pytest.raises(ValueError, match="user"):
        minted(folder, user=user)


def test_the_private_key_is_private_and_the_key_set_is_not(folder: Path) -> None:
    assert (folder / embedded.PRIVATE_KEY).stat().st_mode & 0o777 == 0o600
    assert (folder / embedded.KEY_SET).stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in folder.iterdir()) == [embedded.PRIVATE_KEY, embedded.KEY_SET]


def test_the_key_set_holds_the_public_key_alone_under_its_thumbprint(folder: Path) -> None:
    [jwk] = json.loads((folder / embedded.KEY_SET).read_text())["keys"]
    assert set(jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert jwk["kid"] == thumbprint(jwk)


def test_creating_again_keeps_the_keys_and_restores_the_key_set(folder: Path) -> None:
    before = (folder / embedded.KEY_SET).read_bytes()
    written = (folder / embedded.KEY_SET).stat().st_mtime_ns
    assert embedded.create(folder) == folder / embedded.KEY_SET
    assert (folder / embedded.KEY_SET).stat().st_mtime_ns == written
    (folder / embedded.KEY_SET).write_text("{}")
    embedded.create(folder)
    assert (folder / embedded.KEY_SET).read_bytes() == before
    (folder / embedded.KEY_SET).unlink()
    embedded.create(folder)
    assert (folder / embedded.KEY_SET).read_bytes() == before


def test_creating_many_times_at_once_makes_one_key_pair(tmp_path: Path, clock: Clock) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = set(threads.map(lambda _: embedded.create(tmp_path / "issuer"), range(8), timeout=20))
    assert paths == {tmp_path / "issuer" / embedded.KEY_SET}
    assert len(list((tmp_path / "issuer").iterdir())) == 2
    assert authenticator(tmp_path / "issuer", clock).verify(minted(tmp_path / "issuer")).subject == "alice"


def test_a_private_key_that_cannot_be_used_is_refused_and_left_alone(tmp_path: Path) -> None:
    other_kind = rsa_pair("k").private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (b"", b"garbage", other_kind):
        path = tmp_path / embedded.PRIVATE_KEY
        path.unlink(missing_ok=True)
        create_private(path, content)
        with pytest.raises(Misconfigured) as refusal:
            embedded.create(tmp_path)
        assert refusal.value.setting == "embedded_issuer"
        assert path.read_bytes() == content
        assert not (tmp_path / embedded.KEY_SET).exists()


def test_no_token_is_minted_with_a_key_that_others_may_read(folder: Path) -> None:
    (folder / embedded.PRIVATE_KEY).chmod(0o640)
    with pytest.raises(Misconfigured, match="0600"):
        minted(folder)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o601, 0o610, 0o666])
def test_a_private_file_that_others_may_use_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    create_private(path, b"content")
    path.chmod(mode)
    with pytest.raises(Misconfigured, match="0600"):
        read_private(path, "a_setting")


def test_what_is_no_private_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder", "nothing"):
        with pytest.raises(Misconfigured) as refusal:
            read_private(tmp_path / name, "a_setting")
        assert refusal.value.setting == "a_setting"
        assert str(tmp_path / name) in refusal.value.message


def test_a_private_file_is_made_whole_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    contents = [bytes([number]) * 5000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda content: create_private(path, content), contents, timeout=20))
    assert read_private(path, "a_setting") in contents
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o277)
    try:
        create_private(tmp_path / "private", b"a")
        replace_public(tmp_path / "public", b"b")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "public")]
    assert modes == [0o600, 0o644]

"""The data routes, over both kinds of store: whose names are whose, what is shown, and what the service refuses."""

from __future__ import annotations

import hashlib
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.unit.api.objects.serving import Server, gunicorn, job_token, user_token


@pytest.fixture(params=["local_server", "s3_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """The routes over each kind of store."""
    found: Server = request.getfixturevalue(request.param)
    return found


def put(server: Server, name: str, data: bytes, user: str = "alice", groups: tuple[str, ...] = ()) -> None:
    assert requests.put(server.link(name, user, groups), data=data, timeout=20).status_code == 200


def names(server: Server, path: str = "", user: str = "alice", groups: tuple[str, ...] = ()) -> list[str]:
    answer = server.call("GET", f"/data{path}", user, groups)
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()]


def test_an_upload_is_listed_with_size_and_a_date_as_text_and_can_be_deleted(server: Server) -> None:
    put(server, "a file.txt", b"hello", "lister")
    (entry,) = server.call("GET", "/data", "lister").json()
    assert (entry["name"], entry["size"], set(entry)) == ("a file.txt", 5, {"name", "size", "lastModified"})
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", entry["lastModified"])
    assert parsedate_to_datetime(entry["lastModified"]).year >= 2026
    deleted = server.call("DELETE", "/data/a%20file.txt", "lister")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert server.call("DELETE", "/data/a%20file.txt", "lister").status_code == 204
    assert names(server, user="lister") == []


def test_a_client_that_is_in_use_can_upload(server: Server, tmp_path: Path) -> None:
    """It sends the digest, or null, and then nothing but the bytes, from an open file."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    for checksum in (hashlib.sha256(b"content").hexdigest(), None):
        answer = server.call("POST", "/data/upload", json={"filename": "old", "checksum": checksum})
        assert (answer.status_code, set(answer.json())) == (201, {"url"})
        with file.open("rb") as stream:
            assert requests.put(answer.json()["url"], data=stream, headers={}, timeout=30).status_code == 200
    assert "old" in names(server)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_a_checksum_and_a_size_are_bound_where_the_sender_repeats_the_headers(server: Server, algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"good").hexdigest().upper()
    wanted = {"filename": algorithm, "checksum": digest, "size": 4, "headers": True}
    link = server.call("POST", "/data", json=wanted).json()
    headers = link.get("headers", {})
    assert requests.put(link["url"], data=b"evil", headers=headers, timeout=20).status_code == 400
    assert requests.put(link["url"], data=b"longer", headers=headers, timeout=20).status_code in (400, 403)
    assert algorithm not in names(server)
    assert requests.put(link["url"], data=b"good", headers=headers, timeout=20).status_code == 200
    assert algorithm in names(server)


def test_nobody_sees_or_touches_what_another_has(server: Server) -> None:
    put(server, "secret", b"x", "owner")
    assert names(server, user="other") == []
    assert server.call("DELETE", "/data/secret", "other").status_code == 204
    assert names(server, user="owner") == ["secret"]
    for path in ("/owner", "/owner/secret", "/users/owner", "/users/owner/secret"):
        assert server.call("GET", f"/data{path}", "other").status_code in (400, 403)
    for path in ("/owner/secret", "/users/owner/secret"):
        assert server.call("DELETE", f"/data{path}", "other").status_code == 403
    for name in ("owner/secret", "users/owner/secret", "../owner/secret"):
        assert server.call("POST", "/data", "other", json={"filename": name}).status_code in (400, 403)


def test_members_share_a_group_and_others_do_not_learn_of_it(server: Server) -> None:
    put(server, "team/a", b"1", "alice", ("team",))
    put(server, "team/sub/b", b"22", "bob", ("team", "users"))
    put(server, "team/subway", b"333", "bob", ("team",))
    assert names(server, "/team", "carol", ("team",)) == ["team/a", "team/sub/b", "team/subway"]
    assert names(server, "/team/sub", "carol", ("team",)) == ["team/sub/b"]
    assert names(server, "/team/a", "carol", ("team",)) == ["team/a"]
    assert names(server, "/team/nothing", "carol", ("team",)) == []
    real = server.call("GET", "/data/team", "mallory", ("tea", "team2"))
    none = server.call("GET", "/data/nosuchteam", "mallory", ("tea", "team2"))
    assert (real.status_code, real.json()) == (none.status_code, none.json()) == (403, real.json())
    assert server.call("POST", "/data", "mallory", ("tea",), json={"filename": "team/a"}).status_code == 403
    assert server.call("DELETE", "/data/team/a", "mallory", ("tea",)).status_code == 403
    assert server.call("DELETE", "/data/team/a", "carol", ("team",)).status_code == 204
    assert names(server, "/team/a", "carol", ("team",)) == []


def test_a_group_within_the_name_of_another_is_not_reached_through_it(server: Server) -> None:
    put(server, "org/inner/x", b"1", "alice", ("org/inner",))
    assert names(server, "/org", "bob", ("org",)) == []
    put(server, "org/inner/x", b"22", "bob", ("org",))
    (entry,) = server.call("GET", "/data/org/inner", "alice", ("org", "org/inner")).json()
    assert (entry["name"], entry["size"]) == ("org/inner/x", 1)


def test_a_job_puts_outputs_of_its_own_and_nothing_else(server: Server) -> None:
    token = job_token(server.keys, "0123456789abcdef")
    answer = server.call("POST", "/data/output", token=token, json={"name": "out/result.txt"})
    assert answer.status_code == 201
    assert "/jobs/0123456789abcdef/out/result.txt?" in answer.json()["url"]
    assert requests.put(answer.json()["url"], data=b"x", timeout=20).status_code == 200
    for method, path, body in (
        ("GET", "/data", None),
        ("POST", "/data", {"filename": "x"}),
        ("DELETE", "/data/x", None),
    ):
        assert server.call(method, path, token=token, json=body).status_code == 401
    assert server.call("POST", "/data/output", json={"name": "x"}).status_code == 401
    assert server.call("POST", "/data/output", token=token, json={"name": "../x"}).status_code == 400


BAD = [
    (b"", "JSON"),
    (b"[]", "object"),
    (b'{"filename": 1}', "filename"),
    (b"{}", "filename"),
    (b'{"filename": null}', "filename"),
    (b'{"filename": "x", "filename": "y"}', "filename"),
    (b'{"filename": "\xff"}', "UTF-8"),
    (b'{"filename": "\\ud800"}', "filename"),
    (b'{"filename": ""}', "filename"),
    (b'{"filename": "a/../b"}', "filename"),
    (b'{"filename": "a\\u0000b"}', "filename"),
    (b'{"filename": "' + b"x" * 4000 + b'"}', "filename"),
    (b'{"filename": "x", "checksum": "abc"}', "checksum"),
    (b'{"filename": "x", "checksum": "' + b"g" * 64 + b'"}', "checksum"),
    (b'{"filename": "x", "checksum": ""}', "checksum"),
    (b'{"filename": "x", "checksum": 5}', "checksum"),
    (b'{"filename": "x", "size": -1}', "size"),
    (b'{"filename": "x", "size": "1"}', "size"),
    (b'{"filename": "x", "other": 1}', "other"),
]


@pytest.mark.parametrize(("body", "says"), BAD)
def test_a_bad_request_is_refused_with_a_sentence(local_server: Server, body: bytes, says: str) -> None:
    answer = local_server.call("POST", "/data/upload", data=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    "path", ["/data/a%00b", "/data/a%09b", "/data/%ff", "/data/a%5cb", "/data/a%252fb", "/data/" + "x" * 4000]
)
def test_a_bad_path_is_refused_with_a_sentence(local_server: Server, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = local_server.call(method, path)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalidName")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/data"),
        ("POST", "/data/upload"),
        ("POST", "/data/output"),
        ("GET", "/data"),
        ("GET", "/data/x"),
        ("DELETE", "/data/x"),
    ],
)
def test_every_route_wants_a_token(local_server: Server, method: str, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {user_token(local_server.keys, 'a')}x"},
    ):
        assert (
            requests.request(method, local_server.url + path, headers=headers, json={}, timeout=20).status_code == 401
        )


def test_a_large_document_is_no_upload(local_server: Server) -> None:
    answer = local_server.call("POST", "/data", json={"filename": "x" * 2**21})
    assert (answer.status_code, answer.json()["code"]) == (400, "tooLarge")


def test_a_full_owner_gets_no_link_and_no_more_than_the_room_that_is_left(tmp_path: Path, keys: Path) -> None:
    storage: dict[str, Any] = {"kind": "local", "root": str(tmp_path / "root"), "bytes_per_owner": 1000}
    storage |= {"objects_per_owner": 3, "signing_secret": str(keys / "signing-secret")}
    with gunicorn(tmp_path, keys, storage) as server:
        early = server.link("early")
        put(server, "a", b"x" * 600)
        assert server.call("POST", "/data", json={"filename": "b", "size": 401}).status_code == 413
        assert requests.put(early, data=b"x" * 401, timeout=20).status_code == 413
        put(server, "b", b"x" * 400)
        full = server.call("POST", "/data", json={"filename": "c"})
        assert (full.status_code, full.json()["code"]) == (400, "quotaExceeded")
        assert requests.put(early, data=b"", timeout=20).json()["code"] == "quotaExceeded"
        put(server, "x", b"x", "bob")
        assert server.call("DELETE", "/data/a").status_code == 204
        put(server, "a", b"x")
        put(server, "c", b"x")
        assert server.call("POST", "/data", json={"filename": "d"}).json()["error"].startswith("3 of 3 objects")


def test_a_job_finds_its_own_newest_checkpoint_and_no_other(server: Server, keys: Path) -> None:
    mine, theirs = job_token(keys, "c" * 32), job_token(keys, "d" * 32)
    missing = server.call("GET", "/checkpoint", token=mine)
    assert (missing.status_code, missing.json()["code"]) == (404, "noCheckpoint")
    for content in (b"first", b"the second"):
        digest = hashlib.sha256(content).hexdigest()
        request = {"size": len(content), "checksum": digest, "headers": True}
        link = server.call("POST", "/checkpoint", token=mine, json=request)
        assert link.status_code == 201, link.text
        answer = link.json()
        assert (
            requests.put(answer["url"], data=b"x" * len(content), headers=answer.get("headers"), timeout=20).status_code
            >= 400
        )
        assert requests.put(answer["url"], data=content, headers=answer.get("headers"), timeout=20).status_code == 200
    found = server.call("GET", "/checkpoint", token=mine).json()
    assert found["size"] == len(b"the second")
    assert requests.get(found["url"], timeout=20).content == b"the second"
    assert server.call("GET", "/checkpoint", token=theirs).status_code == 404


def test_checkpoints_are_for_jobs_alone_and_have_no_name(server: Server, keys: Path) -> None:
    assert server.call("GET", "/checkpoint").status_code == 401
    assert server.call("POST", "/checkpoint", json={}).status_code == 401
    refused = server.call("POST", "/checkpoint", token=job_token(keys, "e" * 32), json={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalidDocument")

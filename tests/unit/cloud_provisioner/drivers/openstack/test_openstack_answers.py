"""What a cloud answers, or does not, and what the driver makes of it: the table of failures, over real sockets."""

from __future__ import annotations

import socket
import time

import pytest

from cloud_provisioner.drivers.contract import Account, CloudRefused
from cloud_provisioner.drivers.openstack.calls import connect
from cloud_provisioner.servers.failures import Failure
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import (
    DELETE,
    ENVIRON,
    HTML,
    JOIN_TOKEN,
    JSON,
    LIST,
    MAKE,
    ORDER,
    TOKEN,
    Answer,
    ScriptedCloud,
    closed_port,
    failure,
    refusal,
    served,
    site,
)

PAGE = "<html><body>Welcome to our portal</body></html>"


QUOTA = "Quota exceeded for cores: Requested 4, but already used 20 of 20 cores"
POLICY = "Policy doesn't allow os_compute_api:servers:create to be performed."
IN_DOUBT = None
TABLE = [
    # what answers                                                  a create                a delete                a list
    (refusal(400, "Can not find requested image"), Failure.BAD_REQUEST, Failure.BAD_REQUEST, Failure.BAD_REQUEST),
    (refusal(403, QUOTA), Failure.QUOTA, Failure.QUOTA, Failure.QUOTA),
    (refusal(413, QUOTA), Failure.QUOTA, Failure.QUOTA, Failure.QUOTA),
    (refusal(403, "Maximum number of metadata items exceeds 2"), Failure.QUOTA, Failure.QUOTA, Failure.QUOTA),
    (refusal(409, "Instance x is locked"), Failure.BUSY, Failure.BUSY, Failure.BUSY),
    (refusal(403, POLICY), Failure.AUTH, Failure.AUTH, Failure.AUTH),
    (Answer(403, PAGE, HTML), Failure.BAD_REQUEST, Failure.BAD_REQUEST, Failure.BAD_REQUEST),
    (refusal(404, "not found"), Failure.BAD_REQUEST, Failure.BAD_REQUEST, Failure.BAD_REQUEST),
    (Answer(404, PAGE, HTML), Failure.BAD_REQUEST, Failure.BAD_REQUEST, Failure.BAD_REQUEST),
    (refusal(406, "Version 2.90 is not supported"), Failure.BUSY, Failure.BUSY, Failure.BUSY),
    (refusal(413, "Over limit", **{"Retry-After": "7"}), Failure.BUSY, Failure.BUSY, Failure.BUSY),
    (refusal(429, "Too many requests"), Failure.BUSY, Failure.BUSY, Failure.BUSY),
    (Answer(302, "", {"Location": "https://a.example/"}), Failure.BAD_REQUEST, Failure.BAD_REQUEST, Failure.BAD_REQUEST),
    (refusal(500, "Unexpected API error"), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(502, PAGE, HTML), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (refusal(503, "busy"), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(503, {"error": "odd"}), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(503, {"errors": ["odd"]}), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(504, [1]), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(408, ""), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(cut=True), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(200, {"servers": []}, half=True), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(200, '{"servers": [{"id"', JSON), IN_DOUBT, IN_DOUBT, Failure.BUSY),
    (Answer(200, PAGE, HTML), IN_DOUBT, IN_DOUBT, Failure.BAD_REQUEST),
    (Answer(200, [1]), IN_DOUBT, IN_DOUBT, Failure.BAD_REQUEST),
]  # fmt: skip
NAMES = [f"{answer.status}-{number}" for number, (answer, *_) in enumerate(TABLE)]


@pytest.mark.parametrize(("answer", "create", "delete", "listing"), TABLE, ids=NAMES)
def test_each_answer_of_nova_is_what_the_table_says(
    cloud: ScriptedCloud, account: Account, answer: Answer, create: Failure, delete: Failure, listing: Failure
) -> None:
    account.listing(0)  # signs in
    cloud.script(MAKE, answer)
    cloud.script(DELETE, answer)
    cloud.script(LIST, answer)
    assert failure(lambda: account.create(ORDER)) is create
    assert failure(lambda: account.delete("some-id")) is delete
    assert failure(lambda: account.listing(0)) is listing
    assert (cloud.count(MAKE), cloud.count(DELETE), cloud.count(LIST)) == (1, 1, 2), "each was sent once"


@pytest.mark.parametrize(
    "answer", [Answer(silent=True), Answer(202, {"server": {}}, drips=True)], ids=["silent", "slow"]
)
def test_a_cloud_that_does_not_come_to_an_end_is_left_in_time(
    cloud: ScriptedCloud, account: Account, answer: Answer
) -> None:
    account.listing(0)
    cloud.script(MAKE, answer)
    cloud.script(LIST, answer)
    begun = time.monotonic()
    assert failure(lambda: account.create(ORDER)) is IN_DOUBT
    assert failure(lambda: account.listing(0)) is Failure.BUSY
    assert time.monotonic() - begun < 15
    assert cloud.count(MAKE) == 1


SAID = [
    # what Nova says of a create                                               the key of the description
    ("Can not find requested image", "`image`"),
    ("Invalid imageRef provided.", "`image`"),
    ("Flavor's disk is too small for requested image.", "`flavors`"),
    ("Flavor nope could not be found.", "`flavors`"),
    ("Network 0000 could not be found.", "`networks`"),
    ("Multiple possible networks found, use a Network ID to be more specific.", "`networks`"),
    ("The requested availability zone is not available", "`availability_zones`"),
    ("Only volume-backed servers are allowed for flavors with zero disk.", "`flavors`"),
    ("User data too large. User data must be no larger than 64KB once base64 encoded.", "`image`"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "key"), SAID)
@pytest.mark.parametrize("status", [400, 409])
def test_a_refused_server_names_the_key_to_look_at(
    cloud: ScriptedCloud, account: Account, says: str, key: str, status: int
) -> None:
    cloud.script(MAKE, refusal(status, says))
    with pytest.raises(CloudRefused, match=key) as caught:
        account.create(ORDER)
    assert caught.value.failure is Failure.BAD_REQUEST


def test_user_data_that_nova_repeats_in_a_refusal_is_not_passed_on(cloud: ScriptedCloud, account: Account) -> None:
    cloud.script(MAKE, refusal(400, f"Invalid input for field/attribute user_data. Value: {JOIN_TOKEN}. It is odd"))
    assert failure(lambda: account.create(ORDER)) is Failure.BAD_REQUEST
    cloud.script(MAKE, refusal(500, f"Cannot store {JOIN_TOKEN}"))
    assert failure(lambda: account.create(ORDER)) is None


@pytest.mark.parametrize(
    "body", ["", {}, {"server": {}}, {"server": [1]}, {"server": {"id": None}}, {"server": {"id": "/"}}]
)
def test_an_accepted_create_without_an_id_is_in_doubt(cloud: ScriptedCloud, account: Account, body: object) -> None:
    cloud.script(MAKE, Answer(202, body))
    assert failure(lambda: account.create(ORDER)) is IN_DOUBT
    assert cloud.count(MAKE) == 1


def test_a_token_that_a_service_refuses_is_fetched_anew_once(cloud: ScriptedCloud, account: Account) -> None:
    account.listing(0)
    cloud.script(MAKE, refusal(401, "expired"))
    assert account.create(ORDER) == "made-2"
    tokens = [one.token for one in cloud.asked if one.method == "POST" and one.path.endswith("/servers")]
    assert tokens == ["token-1", "token-2"]
    cloud.script(LIST, refusal(401, "expired"), refusal(401, "never"))
    assert failure(lambda: account.listing(0)) is Failure.AUTH


def test_a_create_that_met_401_and_then_silence_is_in_doubt(cloud: ScriptedCloud, account: Account) -> None:
    account.listing(0)
    cloud.script(MAKE, refusal(401, "expired"), Answer(cut=True))
    assert failure(lambda: account.create(ORDER)) is None


def test_a_create_whose_sign_in_fails_was_surely_not_sent(cloud: ScriptedCloud, account: Account) -> None:
    for answer in (Answer(cut=True), Answer(503, ""), Answer(silent=True)):
        cloud.script(TOKEN, answer)
        assert failure(lambda: account.create(ORDER)) is Failure.BUSY
    assert cloud.count(MAKE) == 0


def test_an_older_nova_than_it_was_is_asked_for_its_versions_again(cloud: ScriptedCloud, account: Account) -> None:
    account.listing(0)
    cloud.microversions = ("2.1", "2.60")
    cloud.script(LIST, refusal(406, "Version 2.90 is not supported"))
    assert failure(lambda: account.listing(0)) is Failure.BUSY
    account.listing(0)
    assert cloud.count(("GET", r"/compute/v2\.1/")) == 2


def test_where_nobody_listens_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    account = connect(site(f"http://127.0.0.1:{closed_port()}"), "bio", None, ENVIRON, 1.0)
    assert failure(lambda: account.create(ORDER)) is Failure.BUSY

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    account = connect(site("https://keystone.invalid:5000"), "bio", None, ENVIRON, 1.0)
    with pytest.raises(CloudRefused, match=r"`endpoint`: Keystone at keystone.invalid:5000 .*host name is not known"):
        account.create(ORDER)


def test_a_service_that_went_away_after_the_sign_in_was_surely_not_asked(cloud: ScriptedCloud) -> None:
    with served(cloud) as address:
        account = connect(site(address), "bio", None, ENVIRON, 1.0)
        account.offer()
    assert failure(lambda: account.create(ORDER)) is Failure.BUSY


def test_a_server_is_gone_by_novas_own_word_alone(cloud: ScriptedCloud, account: Account) -> None:
    cloud.script(DELETE, Answer(404, {"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}))
    assert account.delete("x") is True
    cloud.script(DELETE, refusal(409, "Cannot delete in task_state deleting"))
    assert account.delete("x") is False
    assert account.delete("x") is False
    cloud.script(DELETE, Answer(404, PAGE, HTML))
    assert failure(lambda: account.delete("x")) is Failure.BAD_REQUEST


@pytest.mark.parametrize("forged", ["", "..", "a/b", "a?b", "a b", "x\n", "é"])
def test_an_id_that_no_server_can_have_is_asked_of_nobody(cloud: ScriptedCloud, account: Account, forged: str) -> None:
    assert account.delete(forged)
    assert not cloud.asked

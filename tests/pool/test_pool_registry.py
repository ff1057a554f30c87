"""Images from registries: the mirror of Docker Hub, private ones, and what becomes of a pull that goes wrong."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.conftest import MIRROR
from tests.pool.registry import PASSWORD, USER, Registry, Relay, layer, program
from tests.pool.slots import of_slots

pytestmark = pytest.mark.timeout(180)

Document = dict[str, Any]
RIGHT = {"username": USER, "token": PASSWORD}


@pytest.fixture(scope="module")
def registry_of(instance: Instance) -> Iterator[Callable[..., Registry]]:
    """Starts registries: on the mirror's address, or on the n-th after it."""
    cache, started = instance.settings.cache, []

    def start(number: int, private: bool = False) -> Registry:
        folder = instance.home.path / f"registry{number}"
        one = Registry(program(cache), folder, instance.settings.address(MIRROR + number), private)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="module")
def mirror(registry_of: Callable[..., Registry]) -> Registry:
    return registry_of(0)


@pytest.fixture(scope="module")
def private(registry_of: Callable[..., Registry]) -> Registry:
    return registry_of(1, private=True)


@pytest.fixture
def relay_to(instance: Instance) -> Iterator[Callable[[Registry], Relay]]:
    """Puts a relay before a registry, on an address of its own."""
    relays = []

    def put(registry: Registry) -> Relay:
        relays.append(Relay(registry, instance.settings.address(MIRROR + 10)))
        return relays[-1]

    yield put
    for one in relays:
        one.close()


@pytest.fixture(scope="module")
def layer_with(instance: Instance) -> Callable[..., bytes]:
    """The example image as a layer, with a text in /text and, if asked for, a large file that nothing compresses."""

    def make(text: str, large: bytes = b"") -> bytes:
        return layer(instance.home.images / "busybox", {"text": text.encode(), "large": large})

    return make


def submit(user: Any, image: str, cmd: str = "cat /text", **task: Any) -> int:
    return int(user.submit("", tasks=[{"image": image, "cmd": cmd, **task}]))


def record(shown: Document) -> Document:
    """What a job's description says of its only task."""
    tasks = shown["execution"]["tasks"]
    assert len(tasks) == 1, shown
    return dict(tasks[0])


def completed(user: Any, number: int) -> Document:
    shown = dict(user.wait(number))
    assert shown["status"] == "completed", shown
    return shown


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_docker_hub_names_come_from_the_mirror_and_then_from_the_workers_cache(
    user: Callable[..., Any], mirror: Registry, layer_with: Callable[..., bytes]
) -> None:
    digest = mirror.push("library/busybox", "latest", layer_with("from the mirror"))
    alice = user()
    names = ["busybox", "library/busybox:latest", "docker://docker.io/busybox:latest", f"busybox@sha256:{digest}"]
    numbers = [submit(alice, name) for name in names]
    records = [record(completed(alice, number)) for number in numbers]
    assert [alice.stdout(number) for number in numbers] == ["from the mirror"] * 4
    assert {one["imageSha256"] for one in records} == {digest}
    assert sorted(one["imagePullStatus"] for one in records) == ["cached"] * 3 + ["completed"]
    assert all((one["imagePullTime"] == -1) == (one["imagePullStatus"] == "cached") for one in records)


def test_an_image_is_taken_only_with_the_digest_that_the_job_names(
    user: Callable[..., Any], mirror: Registry, layer_with: Callable[..., bytes]
) -> None:
    digest = mirror.push("tools/checked", "1", layer_with("checked"))
    alice = user()
    right = submit(alice, "tools/checked:1", imageSha256=digest)
    wrong = submit(alice, "tools/checked:1", imageSha256="0" * 64)
    completed(alice, right)
    shown = alice.wait(wrong)
    assert shown["status"] == "failed"
    assert shown["statusReason"] == (
        f"The image 'tools/checked:1' has the SHA-256 {digest}, and imageSha256 says {'0' * 64}; "
        "correct imageSha256 or name another image."
    )


def test_a_tag_that_moved_gives_the_new_image(
    user: Callable[..., Any], mirror: Registry, layer_with: Callable[..., bytes]
) -> None:
    alice = user()
    seen = []
    for text in ("old", "new", "old"):
        digest = mirror.push("tools/moving", "1", layer_with(text))
        number = submit(alice, "tools/moving:1")
        one = record(completed(alice, number))
        seen.append((alice.stdout(number), one["imagePullStatus"]))
        assert one["imageSha256"] == digest
    assert seen == [("old", "completed"), ("new", "completed"), ("old", "cached")]


def test_an_image_that_no_registry_has_fails_soon_with_a_sentence(user: Callable[..., Any], mirror: Registry) -> None:
    alice = user()
    begun = time.monotonic()
    numbers = [submit(alice, name) for name in ("prominence-tests/absent:1", f"{mirror.address}/absent:1")]
    hub, named = (alice.wait(number, seconds=60) for number in numbers)
    assert time.monotonic() - begun < 60
    assert hub["status"] == named["status"] == "failed"
    assert "'prominence-tests/absent:1'" in hub["statusReason"]
    assert named["statusReason"] == (
        f"The image '{mirror.address}/absent:1' was not found at {mirror.address}; check its name and tag."
    )


def test_a_private_image_is_for_who_has_its_credential_also_when_it_is_cached(
    user: Callable[..., Any], private: Registry, layer_with: Callable[..., bytes]
) -> None:
    private.push("secret/tool", "1", layer_with("private"))
    image = f"{private.address}/secret/tool:1"
    alice, bob = user("alice"), user("bob")
    first = submit(alice, image, imagePullCredential=RIGHT)
    assert record(completed(alice, first))["imagePullStatus"] == "completed"
    again = submit(alice, image, imagePullCredential=RIGHT)
    wrong = submit(bob, image, imagePullCredential={"username": USER, "token": "guessed"})
    without = submit(bob, image)
    assert record(completed(alice, again))["imagePullStatus"] == "cached"
    refused, private_one = bob.wait(wrong), bob.wait(without)
    assert refused["status"] == private_one["status"] == "failed"
    assert refused["statusReason"] == (
        f"{private.address} did not give out the image '{image}': "
        "the username or token in imagePullCredential was refused."
    )
    assert "a private image needs imagePullCredential" in private_one["statusReason"]


def test_a_pull_credential_shows_nowhere(
    instance: Instance,
    user: Callable[..., Any],
    private: Registry,
    relay_to: Callable[[Registry], Relay],
    layer_with: Callable[..., bytes],
) -> None:
    private.push("secret/shown", "1", layer_with("not shown"))
    relay = relay_to(private)
    relay.open.clear()
    alice = user()
    number = submit(alice, f"{relay.address}/secret/shown:1", imagePullCredential=RIGHT)
    until(lambda: relay.layers > 0)
    forms = [PASSWORD.encode(), base64.b64encode(f"{USER}:{PASSWORD}".encode())]
    # The layer waits, so what pulls it runs now.
    commands = [*arguments()]
    assert of_slots(instance)
    relay.open.set()
    completed(alice, number)
    shown = alice.call("GET", f"/jobs/{number}").content
    assert b"imagePullCredential" in shown
    places = {f"argv {one!r}": one for one in commands} | {"description": shown}
    places |= {str(file): file.read_bytes() for file in kept(instance.home.path)}
    assert sum(name.endswith("executor.log") for name in places) > 0
    assert any(name.endswith("job_queue.log") for name in places)
    assert any(name.endswith("history") for name in places)
    assert any("StarterLog" in name for name in places)
    assert [name for name, content in places.items() if any(form in content for form in forms)] == []


def arguments() -> Iterator[bytes]:
    """The command lines of all processes of this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def kept(home: Path) -> Iterator[Path]:
    """All files of an instance (logs, queue, history, ads, caches) but what must hold a job's secrets: its own description."""
    for folder, _, names in os.walk(home):
        for file in (Path(folder) / name for name in names):
            private = file.name == "job.json" and file.parent.parent == home / "sandboxes"
            if file.is_file() and not file.is_symlink() and not private:
                yield file


def test_two_jobs_that_want_an_image_at_once_pull_it_once(
    user: Callable[..., Any], mirror: Registry, relay_to: Callable[[Registry], Relay], layer_with: Callable[..., bytes]
) -> None:
    mirror.push("tools/shared", "1", layer_with("shared"))
    relay = relay_to(mirror)
    relay.open.clear()
    alice = user()
    numbers = [submit(alice, f"{relay.address}/tools/shared:1") for _ in range(2)]
    until(lambda: relay.layers > 0 and sum(line.startswith("HEAD") for line in relay.seen) == 2)
    relay.open.set()
    records = [record(completed(alice, number)) for number in numbers]
    assert sorted(one["imagePullStatus"] for one in records) == ["cached", "completed"]
    assert relay.layers == 1


def test_a_registry_that_dies_midway_fails_the_job_and_leaves_no_half_image(
    user: Callable[..., Any],
    registry_of: Callable[..., Registry],
    relay_to: Callable[[Registry], Relay],
    layer_with: Callable[..., bytes],
) -> None:
    dying = registry_of(2)
    dying.push("tools/large", "1", layer_with("whole", os.urandom(4 << 20)))
    relay = relay_to(dying)
    relay.kill_midway = True
    alice = user()
    command = "sh -c 'cat /text; wc -c < /large'"
    image = f"{relay.address}/tools/large:1"
    shown = alice.wait(submit(alice, image, command))
    assert shown["status"] == "failed"
    assert shown["statusReason"].startswith(f"The image '{image}' could not be fetched from {relay.address}: "), shown
    assert shown["statusReason"].endswith("; try again later.")
    dying.start()
    number = submit(alice, image, command)
    assert record(completed(alice, number))["imagePullStatus"] == "completed"
    assert alice.stdout(number) == f"whole{4 << 20}\n"

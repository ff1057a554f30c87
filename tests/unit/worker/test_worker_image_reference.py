import pytest

from worker.images.docker import registries
from worker.images.errors import ImageReferenceError
from worker.images.reference import DockerName, LocalPath, Url, is_loopback, parse
from worker.images.registry import of_host, of_mirror

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "version"),
    [
        ("busybox", "docker.io", "library/busybox", "latest"),
        ("busybox:1.36", "docker.io", "library/busybox", "1.36"),
        ("docker://centos:7", "docker.io", "library/centos", "7"),
        ("user/app", "docker.io", "user/app", "latest"),
        ("index.docker.io/user/app", "docker.io", "user/app", "latest"),
        ("quay.io/x/y:1", "quay.io", "x/y", "1"),
        ("localhost/x", "localhost", "x", "latest"),
        ("docker://127.0.0.1:5000/a/b/c_d:v-1.2", "127.0.0.1:5000", "a/b/c_d", "v-1.2"),
        (f"ghcr.io/x/y@{DIGEST}", "ghcr.io", "x/y", DIGEST),
        (f"ghcr.io/x/y:1@{DIGEST}", "ghcr.io", "x/y", DIGEST),
    ],
)
def test_a_docker_name_has_a_host_a_repository_and_a_version(
    text: str, host: str, repository: str, version: str
) -> None:
    name = parse(text)
    assert isinstance(name, DockerName)
    assert (name.host, name.repository, name.version) == (host, repository, version)


def test_an_absolute_path_and_an_address_are_told_apart_from_names() -> None:
    assert parse("/cvmfs/x/y.sif") == LocalPath("/cvmfs/x/y.sif")
    assert parse("https://h/x.sif?sig=1") == Url("https://h/x.sif?sig=1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Busy Box",
        "UPPER/case",
        "docker://",
        "library://x/y",
        "file:///etc",
        "http://",
        "http://h h/x",
        "http://h:port/x",
        "x:",
        "x@sha256:12",
        "../x",
        "a.b/../c",
        "-oops",
        "x;reboot",
        "quay.io:port/x",
    ],
)
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(ImageReferenceError):
        parse(text)


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("localhost:80", True),
        ("[::1]:5000", True),
        ("128.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_only_this_machine_is_spoken_to_in_the_clear(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes
    assert of_host(host).base.startswith("http:") is yes
    assert (of_mirror(f"http://{host}") is not None) is yes
    assert of_mirror(f"https://{host}") is not None


def test_the_mirror_is_asked_first_and_for_docker_hub_alone() -> None:
    hub, quay = parse("busybox"), parse("quay.io/x/y")
    assert isinstance(hub, DockerName)
    assert isinstance(quay, DockerName)
    mirror = "http://127.0.0.1:5000"
    assert [one.base for one in registries(hub, mirror)] == [mirror, "https://registry-1.docker.io"]
    assert [one.base for one in registries(hub, "")] == ["https://registry-1.docker.io"]
    assert [one.base for one in registries(quay, mirror)] == ["https://quay.io"]

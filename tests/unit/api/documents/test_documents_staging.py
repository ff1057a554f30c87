"""Inputs, artifacts, outputs and storage."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from api.documents import InvalidDocument, Job

MIB = 1_048_576
PATHS_INSIDE = ["a", "dir/a.txt", "a b", "é", "..a", "a..", "./a", "x" * 255, ".hidden", "-n"]
PATHS_OUTSIDE: list[Any] = [
    *["", "/a", "../a", "a/../b", "..", ".", "a/", "a/.", "/", "a\n", "a\0", "\x7f"],
    *["x" * 256, "é" * 128, "x/" * 3000 + "x", 1, None, []],
]


def encoded(size: int) -> str:
    return base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize("name", PATHS_INSIDE)
def test_an_input_may_be_any_file_inside_the_job(accepted: Callable[..., Job], name: str) -> None:
    assert accepted(("inputs", 0, "filename"), name).inputs[0].filename == name


@pytest.mark.parametrize("name", PATHS_OUTSIDE)
def test_an_input_outside_of_the_job_is_refused(refused: Callable[..., InvalidDocument], name: Any) -> None:
    assert refused(("inputs", 0, "filename"), name).field == "inputs[0].filename"


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256)), b"x" * MIB])
def test_the_content_of_an_input_is_what_was_encoded(accepted: Callable[..., Job], data: bytes) -> None:
    content = base64.b64encode(data).decode()
    assert accepted(("inputs", 0, "content"), content).inputs[0].data == data


@pytest.mark.parametrize("size", [MIB + 1, MIB + 2, MIB + 3])
def test_an_input_of_more_than_a_megabyte_is_refused(refused: Callable[..., InvalidDocument], size: int) -> None:
    error = refused(("inputs", 0, "content"), encoded(size))
    assert error.field == "inputs[0].content"
    assert "at most 1048576 bytes" in error.message


@pytest.mark.parametrize(
    "content", ["YQ", "YQ=", "YQ==\n", "Y Q==", "YQ==YQ==", "=", "Y-_=", "é", "!!!!", 1, None, True, []]
)
def test_content_that_is_not_base64_is_refused(refused: Callable[..., InvalidDocument], content: Any) -> None:
    assert refused(("inputs", 0, "content"), content).field == "inputs[0].content"


@pytest.mark.parametrize("part", ["inputs", "artifacts"])
@pytest.mark.parametrize("value", ["true", 1, 0, None, []])
def test_executable_is_true_or_false(
    accepted: Callable[..., Job], refused: Callable[..., InvalidDocument], part: str, value: Any
) -> None:
    assert refused((part, 0, "executable"), value).field == f"{part}[0].executable"
    job = accepted((part, 0, "executable"), True)
    assert [file.executable for file in job.inputs or job.artifacts] == [True]


def test_inputs_are_not_executable_unless_asked_for(accepted: Callable[..., Job]) -> None:
    job = accepted(("inputs",), [{"filename": "a", "content": ""}])
    assert job.inputs[0].executable is False


@pytest.mark.parametrize("names", [("a", "a"), ("a/b", "a/./b"), ("a", "./a")])
def test_two_inputs_of_one_name_are_refused(refused: Callable[..., InvalidDocument], names: tuple[str, str]) -> None:
    inputs = [{"filename": name, "content": ""} for name in names]
    assert refused(("inputs",), inputs).field == "inputs[1].filename"


@pytest.mark.parametrize("missing", ["filename", "content"])
def test_an_input_needs_a_name_and_content(refused: Callable[..., InvalidDocument], missing: str) -> None:
    entry = {"filename": "a", "content": ""}
    del entry[missing]
    error = refused(("inputs",), [entry])
    assert error.field == f"inputs[0].{missing}"
    assert "is required: " in error.message


URLS = [
    *["http://example.org/a", "https://example.org:8443/a.tgz?sig=x%20y", "HTTPS://example.org", "http://[::1]/a"],
    *["object", "group/object.tar.gz", "my file.dat", "https://example.org/${i}.dat", "$name", "a..b"],
]
BAD_URLS: list[Any] = [
    *["", "ftp://example.org/a", "file:///etc/passwd", "file:/etc/passwd", "http://", "https:///a", "http:/a"],
    *["http://example.org/a b", "http://example.org/a\n", "http://[::1/a", "s3://bucket/a"],
    *["/etc/passwd", "../a", "a/../b", "a\0", 1, None, "a" * 4097],
]


@pytest.mark.parametrize("url", URLS)
def test_an_artifact_is_a_web_page_or_an_object(accepted: Callable[..., Job], url: str) -> None:
    assert accepted(("artifacts", 0, "url"), url).artifacts[0].url == url


@pytest.mark.parametrize("url", BAD_URLS)
def test_any_other_artifact_is_refused(refused: Callable[..., InvalidDocument], url: Any) -> None:
    assert refused(("artifacts", 0, "url"), url).field == "artifacts[0].url"


def test_a_refused_url_is_not_repeated_since_it_may_hold_a_secret(
    refused: Callable[..., InvalidDocument],
) -> None:
    assert "s3cret" not in refused(("artifacts", 0, "url"), "ftp://u:s3cret@example.org").message


@pytest.mark.parametrize("mount", ["dir:/abs/path", "a b:/x", "..a:/x/y-z", "d:/x.."])
def test_an_artifact_may_be_mounted(accepted: Callable[..., Job], mount: str) -> None:
    assert accepted(("artifacts", 0, "mountpoint"), mount).artifacts[0].mountpoint == mount


@pytest.mark.parametrize(
    "mount",
    [
        *["", "/abs/path", "dir", "dir:", ":/abs", "dir:rel", "a/b:/c", "/a:/c", "..:/c", ".:/c", "d:/a/../b"],
        *["d:/", "d:/.", "d:/a:ro", "d:/a,b", "d,e:/a", "d:/a\n", "d:/a\0", 1, None, ["d", "/a"]],
    ],
)
def test_any_other_mount_of_an_artifact_is_refused(refused: Callable[..., InvalidDocument], mount: Any) -> None:
    assert refused(("artifacts", 0, "mountpoint"), mount).field == "artifacts[0].mountpoint"


@pytest.mark.parametrize("part", ["outputFiles", "outputDirs"])
@pytest.mark.parametrize("paths", [[], ["a"], ["out/*.dat", "/scratch/x", "$name.[0-9]", "a..b"], ["a"] * 1000])
def test_outputs_are_paths_or_patterns(accepted: Callable[..., Job], part: str, paths: list[str]) -> None:
    job = accepted((part,), paths)
    assert list(job.output_files or job.output_dirs) == paths


@pytest.mark.parametrize("part", ["outputFiles", "outputDirs"])
@pytest.mark.parametrize(
    ("paths", "field"),
    [
        ("a", ""),
        ({}, ""),
        (None, ""),
        (["a"] * 1001, ""),
        (["a", ""], "[1]"),
        (["a", ".."], "[1]"),
        (["a", "../a"], "[1]"),
        (["a", "/x/../y"], "[1]"),
        (["a", "b\0"], "[1]"),
        (["a", 1], "[1]"),
        (["a", None], "[1]"),
        (["a", {"name": "b"}], "[1]"),
        (["a", "b" * 4097], "[1]"),
    ],
)
def test_other_outputs_are_refused_by_index(
    refused: Callable[..., InvalidDocument], part: str, paths: Any, field: str
) -> None:
    assert refused((part,), paths).field == part + field


STORAGES: dict[str, dict[str, Any]] = {
    "webdav": {"url": "https://dav.example.org/x", "username": "ada", "password": "s3cret"},
    "b2drop": {"app-username": "ada", "app-password": "s3cret"},
    "onedata": {"provider": "one.example.org", "token": "s3cret"},
}


@pytest.mark.parametrize("kind", STORAGES)
def test_storage_of_each_type_takes_its_own_credentials(accepted: Callable[..., Job], kind: str) -> None:
    wire = {"type": kind, "mountpoint": "/data", kind: STORAGES[kind]}
    storage = accepted(("storage",), wire).storage
    assert storage is not None
    assert storage.model_dump(mode="json", by_alias=True, exclude_unset=True) == wire


@pytest.mark.parametrize("kind", STORAGES)
def test_each_credential_is_required_text_and_never_repeated(
    refused: Callable[..., InvalidDocument], kind: str
) -> None:
    for name in STORAGES[kind]:
        without = {key: value for key, value in STORAGES[kind].items() if key != name}
        for credentials in (without, *[without | {name: bad} for bad in ("", "s3cret\nx", 12345, None)]):
            error = refused(("storage",), {"type": kind, "mountpoint": "/d", kind: credentials})
            assert error.field == f"storage.{kind}.{name}"
            assert "s3cret" not in error.message
            assert "12345" not in error.message


@pytest.mark.parametrize(
    ("storage", "field"),
    [
        ([], "storage"),
        (None, "storage"),
        ({}, "storage.type"),
        ({"type": "s3", "mountpoint": "/d"}, "storage.type"),
        ({"type": "webdav", "webdav": STORAGES["webdav"]}, "storage.mountpoint"),
        ({"type": "webdav", "mountpoint": "/d"}, "storage.webdav"),
        ({"type": "webdav", "mountpoint": "/d", "onedata": STORAGES["onedata"]}, "storage.webdav"),
        ({"type": "webdav", "mountpoint": "/d"} | STORAGES, "storage.b2drop"),
        ({"type": "webdav", "mountpoint": "/d", "username": "ada"}, "storage.username"),
    ],
)
def test_contradictory_storage_is_refused(refused: Callable[..., InvalidDocument], storage: Any, field: str) -> None:
    assert refused(("storage",), storage).field == field


@pytest.mark.parametrize("mount", ["data", "", "/", "//", "/a/../b", "/a:b", "/a,b", "/a\n", 1, None])
def test_storage_is_mounted_on_an_absolute_path(refused: Callable[..., InvalidDocument], mount: Any) -> None:
    assert refused(("storage", "mountpoint"), mount).field == "storage.mountpoint"


@pytest.mark.parametrize("url", ["ftp://x", "dav.example.org", "https://ada:s3cret@example.org/x", "", 1])
def test_a_webdav_url_is_a_web_page_without_a_password_in_it(refused: Callable[..., InvalidDocument], url: Any) -> None:
    error = refused(("storage", "webdav", "url"), url)
    assert error.field == "storage.webdav.url"
    assert "s3cret" not in error.message


@pytest.mark.parametrize("files", [["state/*.dat"], ["model", "/home/user/x"], ["a"] * 1000])
def test_a_checkpoint_names_files_and_has_a_quarter_of_an_hour(accepted: Callable[..., Job], files: list[str]) -> None:
    checkpoint = accepted(("checkpoint",), {"files": files}).checkpoint
    assert checkpoint is not None
    assert (list(checkpoint.files), checkpoint.interval) == (files, 15)


@pytest.mark.parametrize("files", [[], ["../x"], [""], ["a\0b"], "a", [1], ["a"] * 1001, None])
def test_a_checkpoint_of_other_files_is_refused(refused: Callable[..., InvalidDocument], files: Any) -> None:
    refused(("checkpoint", "files"), files)


@pytest.mark.parametrize("interval", [0, -1, 44_641, 1.5, "15", True, None])
def test_the_interval_of_checkpoints_is_whole_minutes(refused: Callable[..., InvalidDocument], interval: Any) -> None:
    refused(("checkpoint", "interval"), interval)

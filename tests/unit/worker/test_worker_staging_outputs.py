"""Outputs from the job's home into the object store: the service's own, and one that misbehaves."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.unit.api.objects import serving
from worker.scratch import Scratch
from worker.staging.errors import (
    OutputDiskFullError,
    OutputNetworkError,
    OutputNotStoredError,
)

from . import staging_support as support
from .staging_job import Job
from .staging_support import Site, linking, sha256, terms

DATA = bytes(range(256)) * 5000
MB = 2**20


@pytest.fixture
def site() -> Iterator[Site]:
    with support.site() as made:
        made.answer = linking(made)
        yield made


@pytest.fixture
def job(scratch: Scratch, site: Site) -> Job:
    return Job(scratch, site.url, "T")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """The service's own routes and store."""
    folder = tmp_path_factory.mktemp("service")
    keys = serving.make_keys(folder / "keys")
    storage: dict[str, object] = {"kind": "local", "root": str(folder / "root")}
    storage |= {"signing_secret": str(keys / "signing-secret"), "largest_object": 10**7}
    with serving.gunicorn(folder, keys, storage) as running:
        yield running


def test_outputs_are_stored_at_the_service_as_they_are(scratch: Scratch, server: serving.Server) -> None:
    job = Job(scratch, server.url, serving.job_token(server.keys, "submission-1"))
    job.made("results/a b.dat", DATA)
    job.made("empty", b"")
    assert job.stored("results/*.dat", "empty", folders=("results",)) == ["results/a b.dat", "empty", "results.tgz"]
    root = server.root / "objects"
    kept = {path.stat().st_size: path for path in root.rglob("*") if path.is_file()}
    assert {record.size for record in job.records} == set(kept)
    assert kept[len(DATA)].read_bytes() == DATA
    assert job.records[0].document() == {
        "name": "results/a b.dat",
        "size": len(DATA),
        "sha256": sha256(DATA),
        "time": 1,
    }
    archive = kept[job.records[2].size].read_bytes()
    assert sha256(archive) == job.records[2].sha256
    with tarfile.open(fileobj=io.BytesIO(archive)) as unpacked:
        content = unpacked.extractfile("results/a b.dat")
        assert content is not None
        assert content.read() == DATA


def test_a_refusal_of_the_service_is_told_in_its_words_and_not_repeated(
    scratch: Scratch, server: serving.Server
) -> None:
    job = Job(scratch, server.url, serving.job_token(server.keys, "submission-2"))
    job.made("large", bytes(10**7 + 1))
    job.made("back\\slash")
    job.made("good")
    failure = job.failure("large", "back\\slash", "good")
    assert isinstance(failure, OutputNotStoredError)
    assert failure.status == 413
    assert "10000000 bytes" in failure.message
    assert [record.name for record in job.records] == ["good"]
    assert job.pauses == []


def test_a_token_that_the_service_does_not_accept_is_told(scratch: Scratch, server: serving.Server) -> None:
    job = Job(scratch, server.url, "forged")
    job.made("a")
    failure = job.failure("a")
    assert isinstance(failure, OutputNotStoredError)
    assert failure.status == 401
    assert requests.get(server.url, timeout=5).status_code == 404


def test_the_link_is_asked_for_with_the_jobs_token_and_the_bytes_are_sent_without_it(job: Job, site: Site) -> None:
    site.answer = linking(site, **{"x-amz-checksum-sha256": "abc="})
    job.made("a", DATA)
    job.stored("a")
    assert site.asked("Authorization") == ["Bearer T", None]
    assert site.asked("x-amz-checksum-sha256") == [None, "abc="]
    assert site.seen[1][2]["Content-Length"] == str(len(DATA))
    assert site.stored == {"a": DATA}


def test_what_passes_is_tried_again_with_a_new_link(job: Job, site: Site) -> None:
    site.answers = [
        lambda request: request.refuse(503, Retry_After="4"),
        linking(site),
        lambda request: (request.body(), request.refuse(500)),
        linking(site),
        lambda request: request.connection.close(),
        lambda request: request.refuse(201, b"{}"),
        lambda request: request.refuse(201, b'{"url": "file:///etc/passwd"}'),
    ]
    job.made("a", DATA)
    assert job.stored("a") == ["a"]
    assert site.stored == {"a": DATA}
    assert job.pauses == [4, 1, 2, 4, 8]


def test_a_service_that_stays_away_ends_storing(job: Job, site: Site) -> None:
    site.answer = lambda request: request.refuse(503)
    for name in "abc":
        job.made(name)
    failure = job.failure("a", "b", "c")
    assert isinstance(failure, OutputNetworkError)
    assert failure.output == "a"
    assert len(site.seen) == job.around.terms.tries


def test_the_sentence_of_a_store_that_speaks_xml_is_found(job: Job, site: Site) -> None:
    xml = (
        b"<Error><Code>EntityTooLarge</Code><Message>Your proposed upload is too large.</Message><K>secret</K></Error>"
    )
    site.answers = [linking(site), lambda request: (request.body(), request.refuse(400, xml))]
    job.made("a")
    failure = job.failure("a")
    assert failure is not None
    assert failure.message == "The output 'a' was not accepted (status 400): Your proposed upload is too large."


def test_a_store_that_refuses_early_is_heard(job: Job, site: Site) -> None:
    site.answers = [linking(site), lambda request: request.refuse(413, b'{"error": "Too large: split it."}')]
    job.made("a", bytes(30 * MB))
    failure = job.failure("a")
    assert isinstance(failure, OutputNotStoredError | OutputNetworkError)
    assert not site.stored or isinstance(failure, OutputNotStoredError)


def test_a_store_that_reads_nothing_is_not_waited_for(scratch: Scratch, site: Site) -> None:
    site.answers = [linking(site)]
    site.answer = lambda request: request.site.closing.wait(20) and None
    job = Job(scratch, site.url, "T")
    job.around = job.around._replace(terms=terms(tries=1, pace=support.QUICK))
    job.made("a", bytes(50 * MB))
    failure = job.failure("a")
    assert isinstance(failure, OutputNetworkError)


PROGRAM = """
import resource, sys
from pathlib import Path
from worker.scratch import Scratch
from worker.staging.outputs import Stage, Wanted, stage
from worker.staging.terms import Terms
from worker.staging.upload import Service
scratch, limit = Scratch(Path(sys.argv[1])), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
records = []
around = Stage(scratch, Service(sys.argv[2], "T"), Terms(lambda: None, lambda text: None), records, lambda: 0.0)
failure = stage(Wanted(["large"], ["folder"]), around)
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(failure.code if failure else "none", line.split()[1], *(record.size for record in records))
"""


def in_a_process(scratch: Scratch, url: str, limit: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(scratch.root), url, str(limit)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        timeout=120,
        check=True,
    )
    return done.stdout.decode().split()


def test_memory_stays_flat_for_large_outputs(scratch: Scratch, site: Site) -> None:
    def swallow(request: support.Handler) -> None:
        if request.command == "POST":
            linking(site)(request)
            return
        left = int(request.headers["Content-Length"])
        while left:
            left -= len(request.rfile.read(min(MB, left)))
        request.refuse(200)

    site.answer = swallow
    (scratch.home / "folder").mkdir()
    for name in ("large", "folder/large"):
        with (scratch.home / name).open("wb") as file:
            file.truncate(200 * MB)
    failure, high_water_kb, size, _ = in_a_process(scratch, site.url, 0)
    assert (failure, int(size)) == ("none", 200 * MB)
    assert int(high_water_kb) < 100 * 1024


def test_a_full_disk_is_named_as_such(scratch: Scratch, site: Site) -> None:
    (scratch.home / "folder").mkdir()
    (scratch.home / "folder/noise").write_bytes(os.urandom(MB))
    (scratch.home / "large").write_bytes(b"x")
    failure, _, size = in_a_process(scratch, site.url, 100_000)
    assert (failure, size) == (OutputDiskFullError.code, "1")

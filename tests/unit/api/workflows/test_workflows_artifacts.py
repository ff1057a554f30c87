"""What a running job gets for its artifacts: its own, made when it asks, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.jobs.sandbox import JOB_FILE, REPORT_FILE
from api.objects.errors import NothingUploaded, NotInGroup
from api.objects.local import LocalStore
from api.objects.quota import Quota
from api.objects.requests import ArtifactRequest
from api.objects.service import Data
from api.workflows import artifacts, files
from api.workflows.artifacts import Artifacts
from api.workflows.errors import BadArtifact, NotAnArtifact, NothingLeft
from api.workflows.instances import Instances
from api.workflows.plan import Part, Plan, workflow_name
from identity.caller import Caller

ISSUER = "https://aai.example"
ALICE = Caller("alice", ISSUER, "alice", ("team",), kind="job", job="x")
WORKFLOW = workflow_name("0123456789abcdef" * 2)
GRID = {"type": "grid", "axes": [{"name": "x", "values": ["0", "1", "2"]}]}
MAKES = {"outputFiles": ["out.txt", "*.png", "$x.dat"], "outputDirs": ["res/deep"]}


def wanting(*urls: str) -> dict[str, Any]:
    return {"artifacts": [{"url": url} for url in urls]}


class World:
    """A store, and the folders of jobs."""

    def __init__(self, root: Path) -> None:
        self.sandboxes = root / "sandboxes"
        self.sandboxes.mkdir()
        store = LocalStore(root / "objects", b"s" * 32, "https://api/objects")
        self.data = Data(store, Quota(store, limit=10**9, objects=10**6), ISSUER, 10**9, 600)
        self.artifacts = Artifacts(self.data, Instances(self.sandboxes))

    def workflow(self, *parts: tuple[str, Any, Any], name: str = WORKFLOW, **changes: Any) -> Plan:
        """A workflow of jobs: name, document, factory of each."""
        made: list[Part] = []
        for job, document, factory in parts:
            made.append(Part(job, made[-1].numbers.stop if made else 0, document, factory))
        plan = Plan(name, "flow", tuple(made), **changes)
        files.fill(self.sandboxes / name, plan, ({}, {}), [], [])
        return plan

    def left(self, submission: str, *names: str) -> None:
        """A job reported these outputs."""
        (self.sandboxes / submission).mkdir(exist_ok=True)
        report = {"nodes": [{"outputs": [{"name": name, "size": 7} for name in names]}]}
        (self.sandboxes / submission / REPORT_FILE).write_text(json.dumps(report))

    def asked(self, submission: str, url: str, first: int = 0, caller: Caller = ALICE) -> dict[str, Any]:
        request = ArtifactRequest.model_validate({"url": url, "first": first})
        return dict(self.artifacts.files(request, submission, caller))

    def names(self, submission: str, url: str) -> list[str]:
        return [one["name"] for one in self.asked(submission, url)["files"]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


PLACES: list[tuple[str, Sequence[str]]] = [
    ("job://one/out.txt", ["out.txt"]),
    ("job://one/res/deep", ["deep.tgz"]),
    ("job://one/*.png", ["one/a.png", "one/b.png"]),
    ("job://many/1/out.txt", ["out.txt"]),
    ("job://many/1/$x.dat", ["1.dat"]),
    ("job://many/2/*.png", ["many/2/a.png", "many/2/b.png"]),
    ("job://many/*/out.txt", ["many/0/out.txt", "many/1/out.txt", "many/2/out.txt"]),
    ("job://many/*/$x.dat", ["many/0/0.dat", "many/1/1.dat", "many/2/2.dat"]),
    ("job://many/*/res/deep", [f"many/{place}/res/deep.tgz" for place in range(3)]),
    ("job://a%20b/c/out.txt", ["out.txt"]),
    ("job://a b/c/*.png", ["a b/c/a.png", "a b/c/b.png"]),
    ("job://../*.png", ["%2E%2E/a.png", "%2E%2E/b.png"]),
    ("job://a//b/*.png", ["a%2F%2Fb/a.png", "a%2F%2Fb/b.png"]),
]


@pytest.mark.parametrize(("url", "names"), PLACES)
def test_one_file_goes_under_its_own_name_and_several_below_the_job_that_made_them(
    world: World, url: str, names: Sequence[str]
) -> None:
    makers = [(job, MAKES, None) for job in ("one", "a b/c", "..", "a//b")]
    plan = world.workflow(*makers, ("many", MAKES, GRID), ("last", wanting(url), None))
    for number in range(plan.total - 1):
        value = plan.parameters_of(number).get("x", "")
        world.left(plan.instance_name(number), "out.txt", "a.png", "b.png", f"{value}.dat", "res/deep.tgz")
    assert world.names(plan.instance_name(plan.total - 1), url) == names


def test_a_link_is_of_what_the_instance_stored_with_its_size(world: World) -> None:
    plan = world.workflow(("many", MAKES, GRID), ("last", wanting("job://many/2/out.txt"), None))
    world.left(plan.instance_name(2), "out.txt")
    (file,) = world.asked(plan.instance_name(3), "job://many/2/out.txt")["files"]
    assert file["size"] == 7
    assert file["url"].startswith(f"https://api/objects/jobs/{plan.instance_name(2)}/out.txt?")


def test_parameters_of_the_asking_instance_say_which_file_is_meant(world: World) -> None:
    plan = world.workflow(("many", MAKES, GRID), ("each", wanting("job://many/$x/${x}.dat"), GRID))
    world.left(plan.instance_name(1), "1.dat")
    assert world.names(plan.instance_name(4), "job://many/1/1.dat") == ["1.dat"]
    with pytest.raises(NotAnArtifact, match=r"'job://many/1/1\.dat'"):
        world.asked(plan.instance_name(3), "job://many/1/1.dat")


@pytest.mark.parametrize(("value", "says"), [("7", "from 0 to 2, not 7"), ("y", "which instance"), ("1/..", "which")])
def test_values_that_make_a_bad_reference_are_named(world: World, value: str, says: str) -> None:
    values = {"type": "zip", "axes": [{"name": "v", "values": [value]}]}
    plan = world.workflow(("many", MAKES, GRID), ("each", wanting("job://many/$v/out.txt"), values))
    with pytest.raises(BadArtifact, match=says):
        world.asked(plan.instance_name(3), f"job://many/{value}/out.txt")


def test_a_value_with_a_percent_sign_stays_as_it_is(world: World) -> None:
    values = {"type": "zip", "axes": [{"name": "v", "values": ["50%25"]}]}
    plan = world.workflow(("one", {"outputFiles": ["*"]}, None), ("each", wanting("job://one/a%20$v"), values))
    world.left(plan.instance_name(0), "a 50%25")
    assert world.names(plan.instance_name(1), "job://one/a%2050%25") == ["a 50%25"]


def test_a_missing_output_is_named_with_its_job(world: World) -> None:
    plan = world.workflow(("many", MAKES, GRID), ("last", wanting("job://many/*/out.txt"), None))
    world.left(plan.instance_name(0), "out.txt")
    world.left(plan.instance_name(1), "a.png")
    with pytest.raises(NothingLeft) as told:
        world.asked(plan.instance_name(3), "job://many/*/out.txt")
    assert (
        told.value.message == "The job 'many/1' of this workflow left no 'out.txt': see its outputFiles and outputDirs."
    )


def test_many_files_come_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MOST_FILES", 2)
    url = "job://many/*/*.png"
    repeat = {"type": "repeat", "number": 5}
    plan = world.workflow(("first", {}, None), ("many", MAKES, repeat), ("last", wanting(url), None))
    for number in range(1, 6):
        world.left(plan.instance_name(number), "a.png", *(["b.png"] if number < 4 else []))
    seen, first = [], 0
    for _ in range(4):
        answer = world.asked(plan.instance_name(6), url, first)
        seen.append([one["name"] for one in answer["files"]])
        first = answer.get("next", 0)
    assert seen == [
        ["many/0/a.png", "many/0/b.png"],
        ["many/1/a.png", "many/1/b.png"],
        ["many/2/a.png", "many/2/b.png"],
        ["many/3/a.png", "many/4/a.png"],
    ]
    assert first == 0


def test_what_ran_in_an_earlier_workflow_is_found_there(world: World) -> None:
    parts = (("many", MAKES, GRID), ("last", wanting("job://many/*/out.txt"), None))
    again, third = (workflow_name(digit * 32) for digit in "12")
    first = world.workflow(*parts)
    second = world.workflow(*parts, name=again, previous=WORKFLOW, done=frozenset({0, 1}))
    last = world.workflow(*parts, name=third, previous=again, done=frozenset({0, 1, 2}))
    for plan, number in ((first, 0), (first, 1), (second, 2)):
        world.left(plan.instance_name(number), "out.txt")
    found = world.asked(last.instance_name(3), "job://many/*/out.txt")["files"]
    ran = [first.instance_name(0), first.instance_name(1), second.instance_name(2)]
    assert [one["url"].split("/")[-2] for one in found] == ran


def test_a_job_gets_its_own_artifacts_alone(world: World) -> None:
    one = world.workflow(("a", MAKES, None), ("b", wanting("job://a/out.txt"), None))
    other = world.workflow(("a", MAKES, None), ("b", {}, None), ("c", wanting("upload"), None), name="1" * 24 + "f" * 8)
    for plan in (one, other):
        world.left(plan.instance_name(0), "out.txt")
    assert one.instance_name(0) in world.asked(one.instance_name(1), "job://a/out.txt")["files"][0]["url"]
    for submission, url in (
        (other.instance_name(1), "job://a/out.txt"),
        (other.instance_name(2), "job://a/out.txt"),
        (one.instance_name(0), "job://a/out.txt"),
        (one.instance_name(1), "job://a/a.png"),
        (one.instance_name(1), "upload"),
        ("e" * 32, "upload"),
        ("e" * 32, "job://a/out.txt"),
        (one.instance_name(7), "job://a/out.txt"),
        (WORKFLOW, "job://a/out.txt"),
    ):
        with pytest.raises(NotAnArtifact):
            world.asked(submission, url)


BROKEN = ["", "[]", "{", '{"artifacts": 3}', '{"artifacts": [3]}', '{"artifacts": [{}]}', '{"artifacts": [{"url": 3}]}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_jobs_file_that_a_worker_spoilt_names_nothing(world: World, text: str) -> None:
    (world.sandboxes / ("e" * 32)).mkdir()
    (world.sandboxes / ("e" * 32) / JOB_FILE).write_text(text)
    with pytest.raises(NotAnArtifact):
        world.asked("e" * 32, "upload")


@pytest.mark.parametrize("name", ["../../other/out.txt", "/x", "a\0b"])
def test_a_report_leads_to_nothing_outside_of_the_jobs_own_outputs(world: World, name: str) -> None:
    plan = world.workflow(("a", {"outputFiles": ["**"]}, None), ("b", wanting("job://a/**"), None))
    world.left(plan.instance_name(0), name)
    with pytest.raises(Exception, match=r"name must|left no"):
        world.asked(plan.instance_name(1), "job://a/**")


def told(world: World, submission: str, document: Mapping[str, Any]) -> None:
    (world.sandboxes / submission).mkdir()
    (world.sandboxes / submission / JOB_FILE).write_text(json.dumps(document))


def test_an_upload_that_is_gone_or_in_anothers_group_is_refused_when_it_is_asked_for(world: World) -> None:
    told(world, "e" * 32, wanting("gone", "team/x", "others/x"))
    with pytest.raises(NothingUploaded, match="'gone'"):
        world.asked("e" * 32, "gone")
    with pytest.raises(NothingUploaded):
        world.asked("e" * 32, "team/x")
    with pytest.raises(NotInGroup):
        world.asked("e" * 32, "others/x")

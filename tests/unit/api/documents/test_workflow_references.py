"""Artifacts that other jobs leave behind: which job is meant, and what is refused before anything runs."""

import json
from typing import Any

import pytest

from api.documents import InvalidDocument, parse_job
from api.documents.references import ALL, BadReference, Reference, replaced, resolve
from api.documents.workflow import edges, job_artifacts
from tests.unit.api.documents.workflow_support import accepted, job, refused, repeat, workflow, zipped

JOBS = {"a": None, "ab": None, "a/b": None, "a/0": None, "a b.c": None, "/s": None, "t/": None, "f": 12, "f/g": 1}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("job://a/out.png", ("a", "", "out.png")),
        ("job://ab/out", ("ab", "", "out")),
        ("job://a/c/out", ("a", "", "c/out")),
        ("job://a/b/out", ("a/b", "", "out")),
        ("job://a/b", ("a", "", "b")),
        ("job://a/0/out", ("a/0", "", "out")),
        ("job://a/1/out", ("a", "", "1/out")),
        ("job://a b.c/out", ("a b.c", "", "out")),
        ("job://a%20b.c/my%20out%25", ("a b.c", "", "my out%")),
        ("job://a%2Fb/out", ("a/b", "", "out")),
        ("job:///s/out", ("/s", "", "out")),
        ("job://t//out", ("t/", "", "out")),
        ("job://f/0/out", ("f", "0", "out")),
        ("job://f/11/d/out", ("f", "11", "d/out")),
        ("job://f/*/out", ("f", ALL, "out")),
        ("job://f/g/0/out", ("f/g", "0", "out")),
        ("job://f/$i/out", ("f", "$i", "out")),
        ("job://f/1${i}/$i", ("f", "1${i}", "$i")),
    ],
)
def test_the_longest_name_before_a_slash_is_meant(url: str, expected: tuple[str, str, str]) -> None:
    assert resolve(url, JOBS, ["i"]) == Reference(*expected)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("job://b/out", "'job://b/out'"),
        ("job://a", "'job://a'"),
        ("job://", "'job://'"),
        ("job://abc/out", "'job://abc/out'"),
        ("job://$i/out", "'job://$i/out'"),
        ("job://a/", "a file of the job 'a'"),
        ("job://a//out", "a file of the job 'a'"),
        ("job://a/../out", "without '..'"),
        ("job://a/x%2F../out", "without '..'"),
        ("job://a/%00", "a file of the job 'a'"),
        ("job://f/out", "which instance of 'f'"),
        ("job://f/12/out", "an instance of 'f' from 0 to 11, not 12"),
        ("job://f/-1/out", "which instance of 'f'"),
        ("job://f/01/out", "which instance of 'f'"),
        ("job://f/$j/out", "which instance of 'f'"),
        ("job://f/1", "a file of the job 'f'"),
        ("job://f/99999999999999999999999/out", "which instance of 'f'"),
    ],
)
def test_a_reference_to_nothing_is_refused(url: str, says: str) -> None:
    with pytest.raises(BadReference) as caught:
        resolve(url, JOBS, ["i"])
    assert says in caught.value.says


def test_a_reference_tells_its_instances() -> None:
    assert Reference("f", "3", "o").numbers(12) == range(3, 4)
    assert Reference("f", ALL, "o").numbers(12) == range(12)
    assert Reference("a", "", "o").numbers(None) == range(1)


OUTPUTS: dict[str, Any] = {
    "outputFiles": ["out.png", "./logs//run.log", "f_*.dat", "deep/**/x.nc", "n[0-9].txt"],
    "outputDirs": ["res", "more/res"],
}


def consumer(url: str) -> dict[str, Any]:
    return job("b", artifacts=[{"url": url}])


KEPT = "out.png ./out.png logs/run.log f_1.dat f_%31.dat f_.dat deep/x.nc deep/a/b/x.nc n7.txt res res.tgz more/res"


@pytest.mark.parametrize("file", KEPT.split())
def test_an_artifact_of_a_job_makes_the_dependency(file: str) -> None:
    made = accepted(workflow(consumer(f"job://a/{file}"), job("a", **OUTPUTS)))
    assert edges(made) == (("a", "b"),)
    assert [(found.job, found.artifact) for found in job_artifacts(made)] == [(0, 0)]
    assert made.jobs[0].artifacts[0].is_of_job


@pytest.mark.parametrize(
    "file", ["out.jpg", "x/out.png", "g_1.dat", "f_1.png", "res/x", "n7.png", "run.log", "deep/y.nc"]
)
def test_a_file_that_the_job_surely_does_not_keep_is_refused(file: str) -> None:
    error = refused(workflow(consumer(f"job://a/{file}"), job("a", **OUTPUTS)))
    assert error.field == "jobs[0].artifacts[0].url"
    assert repr(file) in error.message
    assert "'a'" in error.message


@pytest.mark.parametrize("outputs", [{"outputDirs": ["."]}, {"outputFiles": ["/home/user/x"]}, {"outputDirs": ["/d"]}])
def test_what_only_the_worker_can_tell_is_accepted(outputs: dict[str, Any]) -> None:
    accepted(workflow(consumer("job://a/x"), job("a", **outputs)))


def test_a_job_that_keeps_nothing_has_no_artifacts_for_others() -> None:
    assert "'x' of 'a'" in refused(workflow(consumer("job://a/x"), "a")).message


def test_names_with_the_parameters_of_the_job_that_keeps_them_may_be_anything_there() -> None:
    made_by = {"factories": [zipped("a", p=[1, 2])]}
    a = job("a", outputFiles=["frame_${p}.png"])
    accepted(workflow(consumer("job://a/0/frame_1.png"), a, **made_by))
    assert "'f_1.png'" in refused(workflow(consumer("job://a/0/f_1.png"), a, **made_by)).message


def test_parameters_of_the_job_that_has_the_artifact_are_not_known_yet() -> None:
    both = {"factories": [repeat("a"), zipped("b", i=[0, 1])]}
    accepted(workflow(consumer("job://a/$i/f_$i"), job("a", outputFiles=["f_0"]), **both))
    assert "of 'a'" in refused(workflow(consumer("job://a/$i/f_$i"), "a", **both)).message


@pytest.mark.parametrize("factories", [[], [repeat("b")]])
def test_a_job_cannot_wait_for_itself(factories: list[Any]) -> None:
    url = "job://b/1/x" if factories else "job://b/x"
    error = refused(workflow(job("b", outputFiles=["x"], artifacts=[{"url": url}]), factories=factories))
    assert (error.field, "'b' itself" in error.message) == ("jobs[0].artifacts[0].url", True)


def test_an_instance_beyond_the_last_is_refused() -> None:
    error = refused(workflow(consumer("job://a/3/x"), job("a", outputFiles=["x"]), factories=[repeat("a")]))
    assert (error.field, "0 to 2, not 3" in error.message) == ("jobs[0].artifacts[0].url", True)


@pytest.mark.parametrize("url", ["job:/a/x", "JOB://a/x", "ftp://h/x", "job://a/x\n", "", "job://a/" + "x" * 4096])
def test_other_artifacts_obey_the_rules_of_jobs(url: str) -> None:
    error = refused(workflow(consumer(url), job("a", outputFiles=["*"])))
    assert error.field == "jobs[0].artifacts[0].url"


def test_a_job_on_its_own_has_no_artifacts_of_other_jobs() -> None:
    with pytest.raises(InvalidDocument, match=r"^artifacts\[0\]\.url names a file of another job"):
        parse_job(json.dumps(consumer("job://a/x")).encode())


def test_a_job_with_very_many_patterns_may_keep_anything() -> None:
    patterns = [f"{number}*" for number in range(101)]
    accepted(workflow(consumer("job://a/x"), job("a", outputFiles=patterns)))
    assert "'x'" in refused(workflow(consumer("job://a/x"), job("a", outputFiles=patterns[1:]))).message


@pytest.mark.parametrize("url", ["https://example.org/a.tgz", "data/a.tgz"])
def test_artifacts_from_elsewhere_make_no_dependency(url: str) -> None:
    made = accepted(workflow(consumer(url), "a"))
    assert (edges(made), made.jobs[0].artifacts[0].is_of_job) == ((), False)


REPLACED = [
    (("f", "$i", "out-$j"), ("f", "3", "out-a b")),
    (("f", ALL, "${j}/$k"), ("f", ALL, "a b/$k")),
    (("a", "", "$i"), ("a", "", "3")),
]


@pytest.mark.parametrize(("found", "expected"), REPLACED)
def test_values_of_parameters_say_which_instance_and_file_are_meant(
    found: tuple[str, str, str], expected: tuple[str, str, str]
) -> None:
    assert replaced(Reference(*found), {"i": "3", "j": "a b"}, JOBS[found[0]]) == Reference(*expected)


@pytest.mark.parametrize(
    ("instance", "file", "says"),
    [
        ("$i", "x", "0 to 11, not 12"),
        ("$j", "x", "which instance"),
        ("0", "$j", "without '..'"),
        ("0", "$k", "a file of"),
    ],
)
def test_values_that_name_nothing_are_refused(instance: str, file: str, says: str) -> None:
    with pytest.raises(BadReference, match=says):
        replaced(Reference("f", instance, file), {"i": "12", "j": "../x", "k": "/x"}, 12)

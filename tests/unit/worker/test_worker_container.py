from pathlib import Path
from typing import Any

import pytest

from worker import ads, container, environment, machine
from worker.ids import Ids
from worker.job import Job, Policies, Task
from worker.scratch import Scratch

SCRATCH = Scratch(Path("/s"))
HERE = machine.describe(ads.parse("Cpus = 4\nMemory = 2048"), "", "w1")


def job(**changes: Any) -> Job:
    made = Job("n", {"cpus": 2, "memory": 1.5, "nodes": 1}, (), (), Policies(), "http://h/v1", {})
    return made._replace(**changes)


def option(argv: list[str], name: str) -> str:
    return argv[argv.index(name) + 1]


def test_a_tasks_words_come_last_and_unchanged() -> None:
    argv = container.command(Task("i", ("sh", "-c", "echo $(id); $X")), Path("/img"), SCRATCH)
    assert argv[-4:] == ["/img", "sh", "-c", "echo $(id); $X"]
    assert "exec" in argv


def test_without_a_command_the_image_runs_its_own() -> None:
    argv = container.command(Task("i"), Path("/img"), SCRATCH)
    assert "run" in argv
    assert argv[-1] == "/img"


def test_the_container_sees_the_home_and_not_the_scratch_directory() -> None:
    argv = container.command(Task("i"), Path("/img"), SCRATCH)
    assert option(argv, "--home") == "/s/home:/home/user"
    assert not [word for word in argv if word == "/s" or word.startswith("/s:")]
    assert {"--userns", "--pid", "--contain", "--cleanenv", "--no-eval"} <= set(argv)


@pytest.mark.parametrize(
    ("workdir", "place"), [("", "/home/user"), ("/data", "/data"), ("sub/folder", "/home/user/sub/folder")]
)
def test_the_working_directory_is_the_home_unless_the_task_names_one(workdir: str, place: str) -> None:
    assert option(container.command(Task("i", workdir=workdir), Path("/img"), SCRATCH), "--pwd") == place


def test_an_app_is_passed_on() -> None:
    assert option(container.command(Task("i", app="solver"), Path("/img"), SCRATCH), "--app") == "solver"


def test_secrets_and_awkward_values_travel_in_the_environment_and_never_as_arguments() -> None:
    task = Task("i", ("true",), env={"A": "x,y\nz"})
    variables = environment.inside(task.env, environment.contract(job(), HERE, Ids("12"), "SECRET"))
    env = environment.for_container(SCRATCH.tools, variables)
    assert env["APPTAINERENV_A"] == "x,y\nz"
    assert env["APPTAINERENV_PROMINENCE_TOKEN"] == "SECRET"
    assert "SECRET" not in " ".join(container.command(task, Path("/img"), SCRATCH))


def test_nothing_of_the_workers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "leaked")
    monkeypatch.setenv("APPTAINERENV_LEAK", "leaked")
    assert "leaked" not in environment.for_container(SCRATCH.tools, {}).values()


def test_a_job_sees_the_variables_of_the_contract() -> None:
    assert environment.contract(job(parameters={"x": "0.5"}), HERE, Ids("12", "7", 3), "T") == {
        "PROMINENCE_CPUS": "2",
        "PROMINENCE_MEMORY": "1.5",
        "PROMINENCE_NODES": "1",
        "PROMINENCE_NODE_NUM": "0",
        "PROMINENCE_CONTAINER_RUNTIME": "singularity",
        "PROMINENCE_JOB_ID": "12",
        "PROMINENCE_WORKFLOW_ID": "7",
        "PROMINENCE_URL": "http://h/v1",
        "PROMINENCE_TOKEN": "T",
        "PROMINENCE_PARAMETER_x": "0.5",
    }


def test_a_job_outside_of_a_workflow_has_no_workflow_id() -> None:
    assert "PROMINENCE_WORKFLOW_ID" not in environment.contract(job(), HERE, Ids("12"), "T")


def test_what_the_request_left_open_is_what_the_slot_gives() -> None:
    variables = environment.contract(job(resources={}), HERE, Ids("12"), "T")
    assert (variables["PROMINENCE_CPUS"], variables["PROMINENCE_MEMORY"]) == ("4", "2")


def test_a_task_may_move_its_temporary_files_and_not_forge_the_contract() -> None:
    variables = environment.inside({"TMP": "/data", "PROMINENCE_TOKEN": "forged"}, {"PROMINENCE_TOKEN": "T"})
    assert variables == {"TMP": "/data", "TEMP": "/tmp", "TMPDIR": "/tmp", "PROMINENCE_TOKEN": "T"}

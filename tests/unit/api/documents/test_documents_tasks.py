"""Tasks: images, commands, environments, MPI."""

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.documents import InvalidDocument, Job
from api.documents.tasks import Command

SHA = "0123456789abcdef" * 4
IMAGES = ["busybox", "docker://quay.io/x/y:1", "/images/a.sif", "https://example.org/a.sif?x=1", "é"]
COMMANDS = ["", "date", "a 'b c'", 'bash -c "date; \\"x\\""', "a\nb", "a\\ b", "'multi\nline'", "$name ${name}", "#"]
MPI = ["openmpi", "mpich", "intelmpi"]

ACCEPTED: list[tuple[str, Any]] = [
    *[("image", image) for image in IMAGES],
    *[("cmd", cmd) for cmd in COMMANDS],
    ("runtime", "singularity"),
    ("runtime", "udocker"),
    ("env", {}),
    ("env", {"A": "", "_b9": "x\ny", "PROMINENCE_CPUS": "7", "a" * 512: "é=;'"}),
    ("env", {"A": "x" * 100_000}),
    ("workdir", "/abs/dir"),
    ("workdir", "lammps/bench"),
    ("type", "basic"),
    ("procsPerNode", 1),
    ("procsPerNode", 4),
    ("app", "foo-1.2"),
    ("imagePullCredential", {"username": "u", "token": "t"}),
    ("imageSha256", SHA),
    ("imageSha256", SHA.upper()),
    ("stdout", "out.txt"),
    ("stdout", "logs/out.txt"),
]

REFUSED: list[tuple[str, Any, str]] = [
    *[("image", bad, "image") for bad in ("", " ", " a", "a\n", "a\tb", "-a", "a\0", 1, None, ["a"], "x" * 4097)],
    *[("runtime", bad, "runtime") for bad in ("docker", "", 1, None, True)],
    *[("cmd", bad, "cmd") for bad in ("'", "a 'b", 'a "b', "a\\", '"\\"', "a\0b", 1, None, ["a"], "x" * 100_001)],
    *[("env", bad, "env") for bad in ([], "A=b", None, ["A=b"])],
    ("env", {"1A": "x"}, "env['1A']"),
    ("env", {"": "x"}, "env['']"),
    ("env", {"A-B": "x"}, "env.A-B"),
    ("env", {"A\n": "x"}, "env['A\\n']"),
    ("env", {"É": "x"}, "env['É']"),
    ("env", {"A": 1}, "env.A"),
    ("env", {"A": None}, "env.A"),
    ("env", {"A": True}, "env.A"),
    ("env", {"A": "x\0"}, "env.A"),
    ("env", {"A": "x" * 100_001}, "env.A"),
    ("env", {f"A{n}": "" for n in range(1001)}, "env"),
    *[("workdir", bad, "workdir") for bad in ("", "a\0", 1, None)],
    *[("type", bad, "type") for bad in ("mpi", "OpenMPI", "", None, 1)],
    *[("procsPerNode", bad, "procsPerNode") for bad in (0, -1, 5, "1", True, 1.0, None, 10**30)],
    *[("app", bad, "app") for bad in ("", "-x", "a\n", 1, None)],
    ("imagePullCredential", {"username": "u"}, "imagePullCredential.token"),
    ("imagePullCredential", {"token": "t"}, "imagePullCredential.username"),
    ("imagePullCredential", {"username": "u", "token": ""}, "imagePullCredential.token"),
    ("imagePullCredential", {"username": "u", "token": "a\nb"}, "imagePullCredential.token"),
    ("imagePullCredential", {"username": "u", "token": "t", "x": 1}, "imagePullCredential.x"),
    ("imagePullCredential", "u:t", "imagePullCredential"),
    *[("imageSha256", bad, "imageSha256") for bad in (SHA[1:], SHA + "0", SHA[1:] + "g", SHA + "\n", "", 1, None)],
    *[
        ("stdout", bad, "stdout")
        for bad in ("/out", "../out", "a/../../b", "a/..", "", ".", "a/", "a\n", 1, None, "x" * 256)
    ],
    ("command", "date", "command"),
    ("procs_per_node", 1, "procs_per_node"),
]


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_tasks_of_the_contract_are_accepted_as_they_are(accepted: Callable[..., Job], field: str, value: Any) -> None:
    task = accepted(("tasks", 0, field), value).tasks[0]
    assert task.model_dump(mode="json", by_alias=True)[field] == value


@pytest.mark.parametrize(("field", "value", "named"), REFUSED)
def test_other_tasks_are_refused_by_field(
    refused: Callable[..., InvalidDocument], field: str, value: Any, named: str
) -> None:
    assert refused(("tasks", 0, field), value).field == f"tasks[0].{named}"


@pytest.mark.parametrize("tasks", [None, {}, "busybox", [], 1, [{"image": "a"}] * 1001])
def test_tasks_must_be_a_list_of_some(refused: Callable[..., InvalidDocument], tasks: Any) -> None:
    assert refused(("tasks",), tasks).field == "tasks"


@pytest.mark.parametrize("task", [None, [], "busybox", 1])
def test_a_task_must_be_an_object(refused: Callable[..., InvalidDocument], task: Any) -> None:
    assert refused(("tasks",), [{"image": "a"}, task]).field == "tasks[1]"


def test_a_thousand_tasks_are_accepted(accepted: Callable[..., Job]) -> None:
    assert len(accepted(("tasks",), [{"image": "a"}] * 1000).tasks) == 1000


def test_a_task_without_an_image_is_told_what_to_give(refused: Callable[..., InvalidDocument]) -> None:
    error = refused(("tasks",), [{"cmd": "date"}])
    assert error.message == "tasks[0].image is required: the container image's name, URL or path"


def test_a_mistyped_field_is_named_before_the_one_that_seems_missing(
    refused: Callable[..., InvalidDocument],
) -> None:
    error = refused(("tasks",), [{"imag": "busybox"}])
    assert error.field == "tasks[0].imag"
    assert "tasks[0] may have image, runtime, cmd" in error.message


def test_sidecars_alone_are_refused(accepted: Callable[..., Job], refused: Callable[..., InvalidDocument]) -> None:
    sidecar = {"image": "a", "type": "sidecar"}
    assert refused(("tasks",), [sidecar, sidecar]).field == "tasks"
    assert len(accepted(("tasks",), [sidecar, {"image": "b"}]).tasks) == 2


@pytest.mark.parametrize("flavour", MPI)
@pytest.mark.parametrize("cmd", ["/app/solve -n 2", "mpirunner", "echo mpirun", "/mpirun/solve", "mpi-exec"])
def test_an_mpi_task_with_a_program_is_accepted(accepted: Callable[..., Job], flavour: str, cmd: str) -> None:
    task = {"image": "a", "type": flavour, "cmd": cmd}
    assert accepted(("tasks",), [task]).tasks[0].cmd == cmd


@pytest.mark.parametrize("flavour", MPI)
@pytest.mark.parametrize(
    "cmd",
    [
        "mpirun",
        "mpirun -n 4 /app/solve",
        "/usr/lib64/openmpi/bin/mpirun a",
        "mpiexec a",
        "mpiexec.hydra a",
        "  mpirun a",
        "'mpirun' a",
        "\nmpirun\ta",
    ],
)
def test_an_mpi_task_that_brings_its_launcher_is_refused(
    refused: Callable[..., InvalidDocument], flavour: str, cmd: str
) -> None:
    error = refused(("tasks",), [{"image": "a", "type": flavour, "cmd": cmd}])
    assert error.field == "tasks[0].cmd"
    assert "must not begin with mpi" in error.message


@pytest.mark.parametrize("flavour", MPI)
@pytest.mark.parametrize("cmd", [{}, {"cmd": ""}, {"cmd": " \n"}])
def test_an_mpi_task_without_a_command_is_refused(
    refused: Callable[..., InvalidDocument], flavour: str, cmd: dict[str, str]
) -> None:
    error = refused(("tasks",), [{"image": "a", "type": flavour} | cmd])
    assert error.message == f"tasks[0].cmd is required for a task of type {flavour}: give the program to start"


def test_a_serial_task_may_call_mpirun_itself(accepted: Callable[..., Job]) -> None:
    assert accepted(("tasks", 0, "cmd"), "mpirun -n 2 a").tasks[0].cmd == "mpirun -n 2 a"


@pytest.mark.parametrize(
    ("resources", "most"),
    [
        ({"cpus": 4, "memory": 1}, 4),
        ({"cpusRange": [2, 8], "memory": 1}, 8),
        ({"cpusOptions": [6, 3], "memory": 1}, 6),
        ({"totalCpusRange": [4, 8], "nodes": 2, "memory": 1}, 4),
    ],
)
def test_processes_per_node_are_bounded_by_the_most_cpus_of_a_node(
    accepted: Callable[..., Job],
    refused: Callable[..., InvalidDocument],
    resources: dict[str, Any],
    most: int,
) -> None:
    def tasks(procs: int) -> list[dict[str, Any]]:
        return [{"image": "a"}, {"image": "a", "procsPerNode": procs, "type": "openmpi", "cmd": "a"}]

    job = accepted(("resources",), resources).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert Job.model_validate(job | {"tasks": tasks(most)}).tasks[1].procs_per_node == most
    with pytest.raises(ValidationError, match=rf"at most the CPUs of a node \({most}\), not {most + 1}"):
        Job.model_validate(job | {"tasks": tasks(most + 1)})


def test_a_singularity_app_does_not_go_with_udocker(refused: Callable[..., InvalidDocument]) -> None:
    assert refused(("tasks",), [{"image": "a", "app": "x", "runtime": "udocker"}]).field == "tasks[0].app"


@given(st.text(alphabet="ab \n\t'\"\\$#", max_size=12))
def test_a_command_is_accepted_exactly_when_it_splits(cmd: str) -> None:
    command = TypeAdapter[str](Command)
    try:
        shlex.split(cmd)
    except ValueError:
        with pytest.raises(ValidationError):
            command.validate_python(cmd)
    else:
        assert command.validate_python(cmd) == cmd

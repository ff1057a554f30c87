"""Container runtimes: Apptainer and udocker by the same contract, apps, and sidecars beside the tasks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.conftest import MIRROR
from tests.pool.registry import Registry, layer, program
from tests.pool.slots import nothing_is_left, of_slots

pytestmark = pytest.mark.timeout(180)

Document = dict[str, Any]
BUSYBOX = "/images/busybox"
RUNTIMES = ["singularity", "udocker"]


@pytest.fixture(scope="module")
def mirror(instance: Instance) -> Iterator[Registry]:
    """A registry on the address that the worker asks before Docker Hub."""
    settings = instance.settings
    one = Registry(program(settings.cache), instance.home.path / "runtimes-registry", settings.address(MIRROR))
    one.start()
    yield one
    one.kill()


def ran(user: Any, *tasks: Document, **more: Any) -> tuple[Document, str]:
    """A job of these tasks after its end, and what it wrote."""
    number = user.submit("", tasks=list(tasks), **more)
    shown = dict(user.wait(number))
    return shown, user.stdout(number) if shown["status"] == "completed" else ""


def sh(script: str, **more: Any) -> Document:
    """A task that runs a script in the example image."""
    return {"image": BUSYBOX, "cmd": f"sh -c '{script}'", **more}


def exit_codes(shown: Document) -> list[int]:
    return [task["exitCode"] for task in shown["execution"]["tasks"]]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_task_sees_the_contract_and_nothing_of_the_worker(user: Callable[..., Any], runtime: str) -> None:
    env = {"TEXT": 'a,"b"\n$(x) é', "PYTHONPATH": "/nowhere", "PROMINENCE_TOKEN": "forged"}
    shown, text = ran(user(), {"image": BUSYBOX, "cmd": "env", "env": env, "runtime": runtime})
    assert shown["status"] == "completed", shown
    assert exit_codes(shown) == [0], text
    assert set(shown["execution"]["runtimeVersion"]) == {runtime}
    assert 'TEXT=a,"b"\n$(x) é\n' in text
    lines = text.splitlines()
    for line in (
        f"PROMINENCE_CONTAINER_RUNTIME={runtime}",
        f"PROMINENCE_JOB_ID={shown['id']}",
        "PROMINENCE_CPUS=1",
        "HOME=/home/user",
        "TMP=/tmp",
        "TEMP=/tmp",
        "PYTHONPATH=/nowhere",
    ):
        assert line in lines, text
    assert "forged" not in text
    for foreign in ("_CONDOR", "UDOCKER", "CONDOR_CONFIG", "LD_PRELOAD", "container_"):
        assert foreign not in text


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_exit_codes_directories_and_files_are_the_tasks_own(user: Callable[..., Any], runtime: str) -> None:
    script = "pwd; echo 1 >/tmp/t; mkdir -p sub; echo 1 >made; exit 7"
    shown, text = ran(
        user(),
        sh(script, runtime=runtime),
        sh("pwd; cat ../made; echo err >&2", runtime=runtime, workdir="sub", stdout="out/second"),
        sh("cat out/second; pwd", runtime=runtime, workdir="/tmp"),
        sh("cat out/second", runtime=runtime),
        policies={"ignoreTaskFailures": True},
    )
    assert exit_codes(shown) == [7, 0, 0, 0], shown
    assert text == "/home/user\n/tmp\n/home/user/sub\n1\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_task_killed_by_a_signal_is_no_success(user: Callable[..., Any], runtime: str) -> None:
    policies = {"ignoreTaskFailures": True}
    tasks = [sh(f"sh -c true; kill -{number} $$", runtime=runtime) for number in (9, 15)]
    absent = {"image": BUSYBOX, "cmd": "no-such-command", "runtime": runtime}
    shown, _ = ran(user(), *tasks, absent, policies=policies)
    assert exit_codes(shown)[:2] == [137, 143]
    assert exit_codes(shown)[2] != 0


def test_an_image_is_read_only_under_singularity(user: Callable[..., Any]) -> None:
    shown, text = ran(user(), sh("touch /x || touch /bin/x || echo read-only; touch /tmp/x x && echo written"))
    assert text == "read-only\nwritten\n", shown


def test_under_udocker_the_image_is_the_tasks_own_and_changes_vanish_with_the_task(
    user: Callable[..., Any], instance: Instance
) -> None:
    script = "cat /bin/x; echo new >/bin/x && rm /etc/group && cat /bin/x; id -u"
    alice = user()
    shown, text = ran(alice, sh(script, runtime="udocker"), sh(script, runtime="udocker"))
    assert exit_codes(shown) == [0, 0], shown
    assert text == "new\n0\n" * 2
    assert not (instance.home.images / "busybox/bin/x").exists()
    assert (instance.home.images / "busybox/etc/group").exists()


def test_what_a_udocker_task_leaves_running_ends_with_it(user: Callable[..., Any], instance: Instance) -> None:
    begun = time.monotonic()
    shown, _ = ran(user(), sh("sleep 3601 & (setsid sleep 3602 &) ; exit 5", runtime="udocker"))
    assert exit_codes(shown) == [5]
    assert time.monotonic() - begun < 60
    nothing_is_left(instance)


def test_a_command_runs_in_the_container_of_a_udocker_task_and_ends_with_it(
    user: Callable[..., Any], instance: Instance
) -> None:
    alice = user()
    script = "echo mine >/etc/mine; echo up; until test -e go; do usleep 50000; done"
    after = sh("until test -e end; do usleep 50000; done")
    number = alice.submit("", tasks=[sh(script, runtime="udocker", env={"A": "b,c"}), after])
    deadline = time.monotonic() + 60
    while alice.call("GET", f"/jobs/{number}/stdout").text != "up\n":
        assert time.monotonic() < deadline, alice.describe(number)
        time.sleep(0.1)

    def run(command: str, timeout: int = 30) -> Document:
        body = {"command": ["sh", "-c", command], "timeout": timeout}
        answer = alice.call("POST", f"/jobs/{number}/exec", json=body, headers={"Accept": "application/json"})
        return dict(answer.json())

    done = run("pwd; cat /etc/mine; echo $A$PROMINENCE_JOB_ID; echo e >&2; exit 3")
    assert done["stdout"] == f"/home/user\nmine\nb,c{number}\n", done
    assert (done["exitCode"], done["stderr"]) == (3, "e\n")
    assert run("sleep 600", timeout=2)["code"] == "timeOver"
    assert run("touch go; sleep 600")["code"] == "taskEnded"
    assert run("touch end; sleep 600")["code"] in ("taskEnded", "notRunning")
    assert exit_codes(alice.wait(number)) == [0, 0]
    nothing_is_left(instance)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_deleted_job_leaves_nothing_on_the_worker(user: Callable[..., Any], instance: Instance, runtime: str) -> None:
    alice = user()
    sidecar = sh("trap : TERM; while true; do sleep 1; done", type="sidecar", runtime=runtime)
    number = alice.submit(
        "", tasks=[sidecar, sh("trap : TERM; echo up; while true; do sleep 1; done", runtime=runtime)]
    )
    alice.wait(number, "running")
    deadline = time.monotonic() + 60
    while alice.call("GET", f"/jobs/{number}/stdout").text != "up\n":
        assert time.monotonic() < deadline, alice.describe(number)
        time.sleep(0.1)
    assert of_slots(instance)
    alice.call("DELETE", f"/jobs/{number}")
    assert alice.wait(number)["status"] == "deleted"
    nothing_is_left(instance)


def test_both_runtimes_in_one_job_share_its_home(user: Callable[..., Any]) -> None:
    say = "echo $PROMINENCE_CONTAINER_RUNTIME >>said; cat said"
    shown, text = ran(user(), sh(say), sh(say, runtime="udocker"), sh(say, runtime="singularity"))
    assert text.split() == ["singularity", "singularity", "udocker", "singularity", "udocker", "singularity"]
    assert set(shown["execution"]["runtimeVersion"]) == {"singularity", "udocker"}


def test_an_image_of_a_registry_runs_under_udocker_with_its_own_variables_and_command(
    user: Callable[..., Any], mirror: Registry, instance: Instance
) -> None:
    env = ["PATH=/tools:/bin", "SAYS=a b=c", "HOME=/elsewhere", "TMP=/elsewhere"]
    own = {"Env": env, "Entrypoint": ["sh", "-c", "own-command; env"]}
    files = {"tools/own-command": b"#!/bin/sh\necho this is my own\n"}
    digest = mirror.push("tools/own", "1", layer(instance.home.images / "busybox", files, 0o755), own)
    alice = user()
    seen = []
    for runtime in RUNTIMES:
        shown, text = ran(alice, {"image": "tools/own:1", "runtime": runtime})
        assert exit_codes(shown) == [0], shown
        assert shown["execution"]["tasks"][0]["imageSha256"] == digest
        assert text.startswith("this is my own\n"), text
        seen.append({line for line in text.splitlines() if line.startswith(("SAYS=", "HOME=", "TMP="))})
    assert seen[0] == seen[1] == {"SAYS=a b=c", "HOME=/home/user", "TMP=/tmp"}
    shown, text = ran(alice, {"image": "tools/own:1", "runtime": "udocker", "cmd": "own-command"})
    assert text == "this is my own\n", shown


def test_an_app_of_an_image_is_run(user: Callable[..., Any], instance: Instance) -> None:
    image = instance.home.images / "with-apps"
    shutil.copytree(instance.home.images / "busybox", image, symlinks=True)
    for name in ("solver", "other"):
        app = image / "scif/apps" / name / "scif"
        app.mkdir(parents=True)
        (app / "runscript").write_text(f"#!/bin/sh\necho I am {name}\n")
        (app / "runscript").chmod(0o755)
    shown, text = ran(
        user(),
        {"image": "/images/with-apps", "app": "solver"},
        {
            "image": "/images/with-apps",
            "app": "other",
            "cmd": 'sh -c "echo $APPTAINER_APPNAME"',
            "runtime": "singularity",
        },
    )
    assert exit_codes(shown) == [0, 0], shown
    assert text == "I am solver\nother\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_sidecar_serves_the_tasks_and_ends_with_them(
    user: Callable[..., Any], instance: Instance, runtime: str
) -> None:
    port = instance.settings.port + 10_000
    fetch = f"until wget -qO- http://127.0.0.1:{port}/page; do usleep 50000; done"
    sidecar = sh(
        f"echo $A $PROMINENCE_JOB_ID $PROMINENCE_CONTAINER_RUNTIME >page; exec httpd -f -p 127.0.0.1:{port}",
        type="sidecar",
        runtime=runtime,
        env={"A": "of the sidecar"},
    )
    shown, text = ran(user(), sh(f"until test -s page; do usleep 50000; done; {fetch}"), sidecar, sh(fetch))
    assert shown["status"] == "completed", shown
    assert text == f"of the sidecar {shown['id']} {runtime}\n" * 2
    tasks = shown["execution"]["tasks"]
    assert [task["exitCode"] == 0 for task in tasks] == [True, False, True]
    assert tasks[1]["wallTimeUsage"] > 0
    nothing_is_left(instance)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_sidecar_has_time_to_end_well(user: Callable[..., Any], runtime: str) -> None:
    polite = 'trap "sleep 1; echo bye; exit 3" TERM; touch up; while true; do sleep 0.1; done'
    shown, text = ran(
        user(), sh(polite, type="sidecar", runtime=runtime), sh("until test -e up; do usleep 50000; done")
    )
    assert (exit_codes(shown), text) == ([3, 0], "bye\n")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_sidecar_that_will_not_end_is_killed(user: Callable[..., Any], instance: Instance, runtime: str) -> None:
    deaf = sh(
        'trap "" TERM; (setsid sleep 3603 &); touch up; while true; do sleep 1; done', type="sidecar", runtime=runtime
    )
    begun = time.monotonic()
    shown, _ = ran(user(), deaf, sh("until test -e up; do usleep 50000; done"))
    assert (shown["status"], exit_codes(shown)) == ("completed", [137, 0])
    assert 10 < time.monotonic() - begun < 60
    nothing_is_left(instance)


def test_a_sidecar_that_ends_early_is_no_failure_and_is_in_the_report(user: Callable[..., Any]) -> None:
    early = sh("echo from the sidecar; touch gone; exit 9", type="sidecar")
    shown, text = ran(user(), early, sh("until test -e gone; do usleep 50000; done; sleep 1"))
    assert (shown["status"], exit_codes(shown)) == ("completed", [9, 0])
    assert "statusReason" not in shown
    assert text == "from the sidecar\n"


def test_a_sidecar_whose_image_is_not_there_fails_the_job_before_its_tasks(user: Callable[..., Any]) -> None:
    shown, _ = ran(user(), sh("true"), {"image": "/images/absent", "type": "sidecar"})
    assert shown["status"] == "failed"
    assert "/images/absent" in shown["statusReason"]
    assert exit_codes(shown) == [None, None]

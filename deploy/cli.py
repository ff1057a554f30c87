"""`deploy/quickstart`: its sub-commands and what they print."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy import provisioner, service
from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import from_environment
from deploy.instance import Instance
from deploy.locks import alone

_EXAMPLE = [
    "run",
    "--name",
    "hello",
    "--memory",
    "0.25",
    "--disk",
    "1",
    "--quiet",
    "/images/busybox",
    "echo Hello from $(hostname) && uname -sm",
]
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_EXAMPLE_PATIENCE = 120
_DAY = 24 * 3600


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a sub-command; 1 and a sentence where it cannot be done."""
    args = _parser().parse_args(argv)
    # Nodes have accounts of their own, which must be able to read what is made here.
    os.umask(0o022)
    try:
        instance = Instance(from_environment(os.environ))
        code: int = args.run(instance, args)
        sys.stdout.flush()
    except DeployError as error:
        return _refused(str(error))
    except PermissionError as error:
        return _refused(
            f"{error.filename} is not yours to use: choose another with PROMINENCE_HOME or PROMINENCE_CACHE."
        )
    except KeyboardInterrupt:
        return _refused("interrupted; run it again to go on.", 130)
    except BrokenPipeError:
        # Who read the output has gone; what is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _refused(sentence: str, code: int = 1) -> int:
    print(f"quickstart: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deploy/quickstart", description="PROMINENCE on one machine.")
    parser.set_defaults(run=_start)
    commands = parser.add_subparsers(title="commands (none: start everything and run an example job)")
    for name, run, text in (
        ("start", _start_only, "start everything, without the example job"),
        ("stop", _stop, "stop everything; jobs stay in the queue"),
        ("status", _status, "what runs"),
        ("logs", _logs, "where the logs are, and their ends"),
        ("env", _env, 'export lines for the shell: eval "$(deploy/quickstart env)"'),
        ("clean", _clean, "stop everything and delete the instance's folder"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    token = commands.add_parser("token", help="an access token of the embedded issuer")
    token.add_argument("user", nargs="?", default="user", metavar="USER")
    token.add_argument(
        "--group", action="append", default=[], metavar="G", help="a group of the user (repeat for more)"
    )
    token.add_argument(
        "--entitlement", action="append", default=[], metavar="E", help="an entitlement (repeat for more)"
    )
    token.add_argument("--lifetime", type=int, default=_DAY, metavar="S", help="seconds it is good for (86400)")
    token.set_defaults(run=_token)
    condor = commands.add_parser("condor", help="an operator's command on the head, such as: condor condor_q -allusers")
    condor.add_argument("command", nargs=argparse.REMAINDER)
    condor.set_defaults(run=_condor)
    admin = commands.add_parser("admin", help="a command for site admins, such as: admin sites")
    admin.add_argument("command", nargs=argparse.REMAINDER)
    admin.set_defaults(run=_admin)
    return parser


def _say(text: str) -> None:
    print(f"[quickstart] {text} ...", flush=True)


def _start_only(instance: Instance, _: argparse.Namespace) -> int:
    instance.start(_say)
    return 0


def _start(instance: Instance, _: argparse.Namespace) -> int:
    began = time.monotonic()
    instance.start(_say)
    code = 0
    if instance.settings.most_workers:
        code = _example(instance)
    else:
        print("This machine has no worker (PROMINENCE_MOST_WORKERS is 0): the example job is left out.")
    print(
        f"\nPROMINENCE is up at {instance.settings.url} ({time.monotonic() - began:.0f} s). Next:\n"
        '  eval "$(deploy/quickstart env)"                  # address and token for this shell\n'
        "  .venv/bin/prominence run --wait /images/busybox date   # your own job\n"
        "  .venv/bin/prominence list --completed            # what has run\n"
        "  deploy/quickstart condor condor_status           # the pool, as its operator sees it\n"
        "  deploy/quickstart admin sites                    # the clouds in which workers are made\n"
        "  deploy/quickstart stop                           # until next time"
    )
    return code


def _example(instance: Instance) -> int:
    """Submits the example job, once for an instance, and prints what it wrote."""
    noted = instance.home.run / "example-job"
    with alone(instance.home.path, _say):
        if not noted.exists():
            _say("submitting an example job")
            _submit_example(instance, noted)
    number = noted.read_text()
    waited = _client(instance, "wait", "--timeout", str(_EXAMPLE_PATIENCE), number)
    if waited.returncode:
        noted.unlink(missing_ok=True)
        raise DeployError(
            f"The example job {number} did not complete; see `deploy/quickstart logs`. Run this again to submit another."
        )
    print(f"Output of job {number}:", flush=True)
    return _client(instance, "stdout", number).returncode


def _submit_example(instance: Instance, noted: Path) -> None:
    shell = f"sh -c {shlex.quote(_EXAMPLE[-1])}"
    done = _client(instance, *_EXAMPLE[:-1], shell, stdout=subprocess.PIPE)
    if done.returncode:
        raise DeployError("The example job could not be submitted; see `deploy/quickstart logs`.")
    write_private(noted, done.stdout.strip())


def _client(instance: Instance, *words: str, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prominence", *words]
    environ = dict(os.environ) | _exports(instance)
    return subprocess.run(command, env=environ, stdout=stdout, text=True, timeout=_EXAMPLE_PATIENCE + 60, check=False)


def _exports(instance: Instance) -> dict[str, str]:
    instance.check_made()
    settings = instance.settings
    exports = {
        "PROMINENCE_URL": settings.url,
        "PROMINENCE_TOKEN": service.mint(settings, instance.home, "user", [], [], _DAY),
        "PROMINENCE_HOST": settings.host,
    }
    if any(os.environ.get(name) for name in _PROXIES):
        direct = [*os.environ.get("no_proxy", "").split(","), settings.host]
        exports["no_proxy"] = ",".join(dict.fromkeys(filter(None, direct)))
    return exports


def _stop(instance: Instance, _: argparse.Namespace) -> int:
    instance.stop(_say)
    return 0


def _status(instance: Instance, _: argparse.Namespace) -> int:
    running = instance.running()
    for name, runs in running.items():
        print(f"{name:10} {'running' if runs else 'stopped'}")
    if not running:
        print("nothing was started here yet: run deploy/quickstart")
    return 0 if running and all(running.values()) else 1


def _logs(instance: Instance, _: argparse.Namespace) -> int:
    instance.check_made()
    workers = sorted(found for form in ("*", "*/pool/log") for found in instance.home.workers.glob(form))
    folders = [instance.home.log, *sorted(instance.home.nodes.glob("*/pool/log")), *workers]
    for file in (file for folder in folders for file in sorted(folder.glob("*[Ll]og")) if file.is_file()):
        tail = file.read_text(errors="replace").splitlines()[-10:]
        print(f"== {file}", *tail, sep="\n")
    return 0


def _env(instance: Instance, _: argparse.Namespace) -> int:
    for name, value in _exports(instance).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _token(instance: Instance, args: argparse.Namespace) -> int:
    instance.check_made()
    print(service.mint(instance.settings, instance.home, args.user, args.group, args.entitlement, args.lifetime))
    return 0


def _condor(instance: Instance, args: argparse.Namespace) -> int:
    if not args.command:
        raise DeployError("Say which command: deploy/quickstart condor condor_q -allusers.")
    return instance.on_head(args.command)


def _admin(instance: Instance, args: argparse.Namespace) -> int:
    instance.check_made()
    command = [sys.executable, "-P", "-m", "cloud_provisioner", *args.command]
    return subprocess.run(command, env=provisioner.environment(instance.home), check=False).returncode


def _clean(instance: Instance, _: argparse.Namespace) -> int:
    instance.clean(_say)
    return 0


if __name__ == "__main__":
    sys.exit(main())

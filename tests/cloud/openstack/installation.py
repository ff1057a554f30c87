"""The services as released, installed from the Python package index into an environment of their own in the cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.locks import alone
from deploy.namespaces import contained, remove_tree
from tests.cloud.openstack.errors import CloudError

_ROOT = Path(__file__).parents[3]
REQUIREMENTS = _ROOT / "requirements" / "cloud.txt"
_PYTHON = "/usr/bin/python3"
_PATIENCE = 1800
_ENTRY_POINTS = "[neutron.ml2.mechanism_drivers]\nautobind = tests.cloud.openstack.inside.autobind:AutoBind\n"
"""Neutron looks for its drivers among the installed distributions, and nowhere else."""


@dataclass(frozen=True)
class Installation:
    """An environment with all services."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> str:
        """Path of one of the services' own programs."""
        return str(self.folder / "bin" / name)

    def environ(self, settings: Path) -> Mapping[str, str]:
        """Variables with which the services' programs run, and find the configuration files in `settings`."""
        services = ("KEYSTONE", "NOVA", "PLACEMENT", "GLANCE", "NEUTRON")
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),  # what is found about the installed packages is kept in there
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_ROOT),
            "PYTHONWARNINGS": "ignore",
            "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true",
            **{f"OS_{service}_CONFIG_DIR": str(settings) for service in services},
            "OS_KEYSTONE_CONFIG_FILES": "keystone.conf",
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            # Nova builds its application from the first of its files.
            "OS_NOVA_CONFIG_FILES": f"{self.folder}/etc/nova/api-paste.ini;nova.conf",
        }


def ensure(cache: Path, say: Callable[[str], None]) -> Installation:
    """The environment below `cache`, made when it is not there; one at a time, others wait for it. Raises CloudError."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + _ENTRY_POINTS.encode() + sys.version.encode()).hexdigest()[:12]
    target = cache / f"openstack-{digest}"
    # An environment holds its own path and cannot be renamed: the last file that is written says that it is whole.
    complete = target / "complete"
    if not complete.exists():
        with alone(cache / "openstack-lock", say):
            if not complete.exists():
                say("installing OpenStack's services (downloads about 90 MB)")
                remove_tree(target)
                _install(target)
                complete.touch()
    return Installation(target)


def _install(target: Path) -> None:
    _run([_PYTHON, "-m", "venv", str(target)])
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    # What is imported is compiled when it is first imported: most of it never is.
    _run([*pip, "--no-compile", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)])
    packages = next(target.glob("lib/python3*/site-packages"))
    ours = packages / "autobind-0.dist-info"
    ours.mkdir()
    (ours / "METADATA").write_text("Metadata-Version: 2.1\nName: autobind\nVersion: 0\n")
    (ours / "entry_points.txt").write_text(_ENTRY_POINTS)


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(contained(command), capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise CloudError(f"`{' '.join(command)}` took more than {_PATIENCE} s: check the network.") from error
    if done.returncode:
        raise CloudError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-3000:]}")

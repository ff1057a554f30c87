import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import worker
from worker.build import build, main

SOURCE = Path(worker.__file__).parent


def test_an_unchanged_source_gives_identical_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "worker"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file in copy.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    build(tmp_path / "a.pyz")
    build(tmp_path / "b.pyz", copy)
    assert (tmp_path / "a.pyz").read_bytes() == (tmp_path / "b.pyz").read_bytes()


def test_the_file_is_executable_and_starts_with_its_interpreter(tmp_path: Path) -> None:
    assert main([str(tmp_path / "a.pyz")]) == 0
    assert (tmp_path / "a.pyz").read_bytes().startswith(b"#!/usr/bin/python3\n")
    assert os.access(tmp_path / "a.pyz", os.X_OK)


def test_only_what_runs_is_packed(tmp_path: Path) -> None:
    build(tmp_path / "a.pyz")
    names = set(zipfile.ZipFile(tmp_path / "a.pyz").namelist())
    assert {"__main__.py", "worker/executor.py", "worker/images/docker.py"} <= names
    assert "worker/build.py" not in names
    assert not [name for name in names if not name.endswith(".py")]


def started(program: Path) -> str:
    """What a packed program says."""
    return subprocess.run([sys.executable, program], stdout=subprocess.PIPE, text=True, timeout=60, check=False).stdout


def test_modules_that_the_workers_python_compiled_are_run_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "worker"
    source.mkdir()
    (source / "__init__.py").touch()
    (source / "executor.py").write_text("def main(environ):\n    print('compiled')\n")
    build(tmp_path / "a.pyz", source, [sys.executable])
    # The source in the file is made another one, so what is run tells which of the two it is.
    packed = (tmp_path / "a.pyz").read_bytes()
    assert packed.count(b"print('compiled')") == 1
    (tmp_path / "a.pyz").write_bytes(packed.replace(b"print('compiled')", b"print('a source')"))
    assert "compiled" in started(tmp_path / "a.pyz")


def test_a_python_of_another_version_compiles_the_source(tmp_path: Path) -> None:
    build(tmp_path / "a.pyz", SOURCE, [sys.executable])
    magic = importlib.util.MAGIC_NUMBER
    packed = (tmp_path / "a.pyz").read_bytes()
    (tmp_path / "b.pyz").write_bytes(packed.replace(magic + (1).to_bytes(4, "little"), b"\0\0\r\n" + b"\1\0\0\0"))
    done = subprocess.run(
        [sys.executable, tmp_path / "b.pyz"], cwd=tmp_path, env={"PATH": os.defpath}, timeout=60, check=False
    )
    assert done.returncode == 66
    assert (tmp_path / "report.json").exists()


def test_compiling_gives_identical_bytes_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(tmp_path / name, SOURCE, [sys.executable])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_without_a_place_for_the_file_the_command_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: file.name)
def test_the_source_is_python_3_9_and_needs_nothing_but_the_standard_library(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= {*sys.stdlib_module_names, "worker"}


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="the packed executor names this interpreter")
def test_the_packed_executor_starts_by_itself(tmp_path: Path) -> None:
    build(tmp_path / "a.pyz")
    done = subprocess.run([tmp_path / "a.pyz"], cwd=tmp_path, env={"PATH": os.defpath}, timeout=60, check=False)
    assert done.returncode == 66
    assert (tmp_path / "report.json").exists()

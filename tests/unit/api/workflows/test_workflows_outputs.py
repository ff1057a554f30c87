"""What is meant by the name of a file that a job of the workflow left."""

from __future__ import annotations

import time
from typing import Any

import pytest

from api.workflows.outputs import meant

X = {"x": "0.5", "odd": "$x"}
FILES = ["out.txt", "./d/$x.dat", "/home/user/top", "*.png", "sub/**/*.log", "$odd"]
FOLDERS = ["res/", "all-$x", "."]
DOCUMENT = {"outputFiles": FILES, "outputDirs": FOLDERS}
STORED = [
    "out.txt",
    "d/0.5.dat",
    "top",
    "a.png",
    "b.png",
    ".c.png",
    "d/e.png",
    "sub/l.log",
    "sub/1/2/l.log",
    "sub/.1/l.log",
    "res.tgz",
    "all-0.5.tgz",
    "home.tgz",
    "$x",
]

MEANT: list[tuple[str, list[str]]] = [
    ("out.txt", ["out.txt"]),
    ("./out.txt", ["out.txt"]),
    ("d/0.5.dat", ["d/0.5.dat"]),
    ("d/$x.dat", ["d/0.5.dat"]),
    ("top", ["top"]),
    ("*.png", ["a.png", "b.png"]),
    ("a*.png", ["a.png"]),
    ("?.png", ["a.png", "b.png"]),
    ("[!a].png", ["b.png"]),
    (".*.png", [".c.png"]),
    ("sub/**/*.log", ["sub/1/2/l.log", "sub/l.log"]),
    ("**/l.log", ["sub/1/2/l.log", "sub/l.log"]),
    ("d/**", ["d/0.5.dat", "d/e.png"]),
    ("res", ["res.tgz"]),
    ("res.tgz", ["res.tgz"]),
    ("all-$x", ["all-0.5.tgz"]),
    ("all-$x.tgz", ["all-0.5.tgz"]),
    ("all-0.5", ["all-0.5.tgz"]),
    (".", ["home.tgz"]),
    ("$odd", ["$x"]),
    ("$x", ["$x"]),
    ("nothing", []),
    ("*.txt.gz", []),
    ("res/x", []),
    ("d", []),
]


@pytest.mark.parametrize(("file", "found"), MEANT)
def test_a_file_is_found_as_it_is_stored_and_as_the_job_lists_it(file: str, found: list[str]) -> None:
    assert meant(DOCUMENT, X, file, STORED) == found


@pytest.mark.parametrize("document", [{}, {"outputFiles": ["*.txt"]}])
def test_a_name_that_looks_like_a_pattern_and_is_there_is_itself(document: dict[str, Any]) -> None:
    assert meant(document, {}, "a[1].txt", ["a1.txt", "a[1].txt"]) == ["a[1].txt"]


@pytest.mark.parametrize("pattern", ["**/" * 1300 + "x", "**/a/" * 800 + "x", "**/" + "*a" * 2000])
def test_many_stars_take_no_time(pattern: str) -> None:
    stored = [f"{'a/' * 50}{number}" for number in range(50)]
    begun = time.process_time()
    assert meant({}, {}, pattern, stored) == []
    assert time.process_time() - begun < 5

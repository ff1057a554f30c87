"""The session with the schedd, beside what the API does with it: removals by id, and what submissions cost the process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deploy import service
from deploy.instance import Instance

pytestmark = pytest.mark.timeout(180)

SCRIPT = """
import gc, json, sys
from pool.session import Pool

HELD = {"executable": "/bin/true", "transfer_executable": "false", "hold": "true"}
COUNT = int(sys.argv[1])

def submit(number):
    return pool.submit(HELD | {"My.ProminenceSubmission": f'"{number:032x}"'})

pool = Pool()
kept = submit(0)
gc.collect()
before = sys.getrefcount(None)
ids = [submit(number) for number in range(1, COUNT + 1)]
gc.collect()
lost = before - sys.getrefcount(None)
first = pool.remove(ids, "some")
again = pool.remove(ids, "again")
left = [int(ad["ClusterId"]) for ad in pool.query('ProminenceSubmission =!= undefined && JobStatus != 3', ["ClusterId"])]
known = pool.submissions([f"{number:032x}" for number in (0, 1, COUNT, COUNT + 1)])
gone = pool.remove([kept, 2**31 - 1], "the rest")
print(json.dumps({"lost": lost, "first": first, "again": again, "left": left == [kept], "known": sorted(known), "gone": gone}))
"""
COUNT = 1200


def test_jobs_are_removed_by_id_alone_and_submissions_take_nothing_from_the_process(expendable: Instance) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(COUNT)]
    done = subprocess.run(
        command, env=service.environment(expendable.home), capture_output=True, text=True, timeout=120, check=True
    )
    said = json.loads(done.stdout)
    # Without compensation each submission takes a reference to None, and Python ends at the last one.
    assert said["lost"] < COUNT / 4
    # More than a request may name, in one call; those that are on their way out count as there.
    assert said["first"] == COUNT
    assert said["again"] in range(COUNT + 1)
    assert said["left"]
    assert said["known"] == [f"{number:032x}" for number in (0, 1, COUNT)]
    assert said["gone"] == 1

"""Which run of the job this is, as the job's ad tells at its beginning."""

import pytest

from worker import ads, runs
from worker.runs import Runs


@pytest.mark.parametrize(
    ("ad", "expected"),
    [
        ("", Runs(1, 0, 0)),
        ("NumJobStarts = 0\nNumJobCompletions = 0", Runs(1, 0, 0)),
        ("NumJobStarts = 1\nNumJobCompletions = 0", Runs(2, 0, 1)),
        ("NumJobStarts = 2\nNumJobCompletions = 2", Runs(3, 2, 0)),
        ("NumJobStarts = 2\nNumJobCompletions = 1\nNumHoldsByReason = [ JobPolicy = 1 ]", Runs(3, 0, 2)),
        (
            "NumJobStarts = 4\nNumJobCompletions = 3\nNumHoldsByReason = [ TransferInputError = 2; JobPolicy = 1 ]",
            Runs(5, 2, 2),
        ),
        ("NumJobStarts = 1\nNumJobCompletions = 9", Runs(2, 1, 0)),
        ('NumJobStarts = "x"\nNumJobCompletions = undefined', Runs(1, 0, 0)),
    ],
)
def test_earlier_runs_are_retries_of_the_user_or_were_interrupted(ad: str, expected: Runs) -> None:
    assert runs.of(ads.parse(ad)) == expected

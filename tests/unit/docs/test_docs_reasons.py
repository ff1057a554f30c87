"""Every reason why a job waits is documented, in the order in which they count, and nothing else."""

from __future__ import annotations

from cloud_provisioner.planning.reasons import Reason
from tests.unit.docs.reference import compare, names

FILE = "reasons.md"


def test_every_reason_is_documented() -> None:
    compare(FILE, names(FILE, "Codes"), list(Reason))


def test_the_first_reason_that_holds_is_the_first_in_the_table() -> None:
    assert names(FILE, "Codes") == list(Reason)

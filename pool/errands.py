"""Jobs that do nothing (`pool.errand`), in the queue."""

from __future__ import annotations

import htcondor2

from pool.errand import SEEN, Errand, description, errand
from pool.errors import PoolUnavailable, SubmissionRefused
from pool.head import Head


class Errands(Head):
    """A pool that is given errands. HTCondor's configuration comes from the environment."""

    def send(self, server: str, identity: str, until: float) -> int:
        """Queues one, see `description`; its ClusterId.

        PoolUnavailable, SubmissionRefused. Where the answer is lost it may be in the queue, until its time is over.
        """
        submit = htcondor2.Submit(description(server, identity, until))
        with self._lock:
            self._introduce_once()
            self.make_sure()
            try:
                return self._submit(submit)
            except htcondor2.HTCondorException as error:
                raise SubmissionRefused(str(error)) from error

    def errand(self, number: int) -> Errand:
        """How it stands. PoolUnavailable, also where it is not in the queue any more."""
        ads = self.query(f"ClusterId == {int(number)}", SEEN)
        if not ads:
            raise PoolUnavailable(f"the job {number} is not in the queue any more")
        return errand(ads[0])

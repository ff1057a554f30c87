"""What the report says about a job's checkpoints."""

from __future__ import annotations

from typing import Any, Dict, Optional


class Record:
    """The checkpoints of one run: times are epoch seconds, sizes bytes.

    ``restored`` is when the one of an earlier run was brought back, None where there was none. ``warning`` is why the last try
    to save one failed, "" where it did not.
    """

    def __init__(self) -> None:
        self.restored: Optional[float] = None
        self.saved = 0
        self.last_saved: Optional[float] = None
        self.size: Optional[int] = None
        self.warning = ""

    def document(self) -> Dict[str, Any]:
        """The record as it stands in the report."""
        return {
            "restored": self.restored,
            "saved": self.saved,
            "lastSaved": self.last_saved,
            "size": self.size,
            "warning": self.warning,
        }

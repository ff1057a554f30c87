"""What goes wrong in the provisioner: one base exception, and children with typed fields."""

from __future__ import annotations

from collections.abc import Sequence


class ProvisionerError(Exception):
    """Base of everything this package raises; the message is a sentence for the site's or the service's admin."""


class DriverUnknown(ProvisionerError):
    """There is no driver with the name `driver`; `known` are those that there are."""

    def __init__(self, driver: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no driver of this name: use one of {', '.join(known)}.")
        self.driver = driver
        self.known = tuple(known)


class SecretUnusable(ProvisionerError):
    """A secret cannot be had from `source`, an environment variable or a file, for the reason in `why`."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"The secret in {source} cannot be used: {why}.")
        self.source = source
        self.why = why


class PoolSilent(ProvisionerError):
    """The pool cannot be observed or told anything at the moment, for the reason in `why`; the same call may work later.

    `lost` is for the process that speaks to the pool: it has to be made anew.
    """

    def __init__(self, why: str, *, lost: bool = False) -> None:
        super().__init__(f"The pool does not answer ({why}): look at its collector and its access point.")
        self.why = why
        self.lost = lost


class BrokenRule(ProvisionerError, ValueError):
    """A description breaks a rule: `says` what it must be, `at` the keys below which it does.

    It is raised by models alone, and stays within `cloud_provisioner.sites`, which makes a `Problem` of it.
    """

    def __init__(self, says: str, at: tuple[str, ...] = ()) -> None:
        super().__init__(says)
        self.says = says
        self.at = at


class LeaseLost(ProvisionerError):
    """The lease of the service `name` is not, or no longer, that of `holder`, for the reason in `why`: nothing was written.

    What this process knows of its servers may be old: once it has the lease again it is to read the records anew.
    """

    def __init__(self, name: str, holder: str, why: str) -> None:
        super().__init__(f"{holder} may not act for {name}: {why}. Nothing was written.")
        self.name = name
        self.holder = holder
        self.why = why


class StoreUnreadable(ProvisionerError):
    """The database holds `what` in a form that this program does not know; `detail` is for logs."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(
            f"The provisioner's database has {what} in a form that this program does not know: "
            "start the newest program that has run on it, or correct the row."
        )
        self.what = what
        self.detail = detail


class FactUnusable(ProvisionerError):
    """A worker cannot be told the fact `name`, for it `why`."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The worker's {name} cannot be used: it {why}.")
        self.name = name
        self.why = why

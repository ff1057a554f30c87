"""keystoneauth's session, kept to this driver's rules: no retries, no redirects, nothing in logs, errors without surprises."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import plugin
from keystoneauth1.session import Session

from cloud_provisioner.drivers.openstack.errors import Answered, NotUnderstood, Unauthorized
from cloud_provisioner.drivers.openstack.wire import Wire, place

_REDIRECTS = range(301, 309)
_EVERYWHERE = Path("/etc/ssl/certs/ca-certificates.crt")


class CloudSession(Session):
    """Requests with a token of `auth`, which is fetched, renewed, and fetched anew once where a service refuses it with 401.

    401 is said before a service does anything, so a create may be sent again after it. Raises Answered, of which
    Unauthorized is one, for any answer from 300 on that is no list of versions; NoAnswer; NotUnderstood where a
    service's answer is no JSON object. Request and answer are never logged: they hold tokens and user data.
    """

    def __init__(self, auth: plugin.BaseAuthPlugin, certificates: str | None, patience: float) -> None:
        self._wire = Wire(patience)
        verify = certificates or system_certificates()
        super().__init__(auth, session=self._wire, verify=verify, redirect=False, app_name="prominence")

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        """One request; `endpoint_filter` says that a service is asked, and not Keystone or a list of versions."""
        kwargs |= {"raise_exc": False, "log": False, "redirect": False, "connect_retries": 0, "status_code_retries": 0}
        response = super().request(url, method, *args, **kwargs)
        status = response.status_code
        if status >= 400 or status in _REDIRECTS:
            raise Unauthorized(response) if status == 401 else Answered(response)
        if kwargs.get("endpoint_filter") and (response.content or method == "GET"):
            _check(response)
        return response

    def close(self) -> None:
        """Hangs up."""
        self._wire.close()


def system_certificates() -> str | bool:
    """The certificates that this machine trusts; True, which is those of the library, where it has none."""
    there = ssl.get_default_verify_paths()
    for path in (there.cafile, _EVERYWHERE, there.capath):
        if path and Path(path).exists():
            return str(path)
    return True


def _check(response: requests.Response) -> None:
    try:
        found = json.loads(response.content)
    except ValueError:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        is_json = kind == "application/json"
        what = "it breaks off" if is_json else f"it is {kind if kind.isprintable() and kind else 'no JSON'}"
        raise NotUnderstood(place(response.url), what, broken=is_json) from None
    if not isinstance(found, dict):
        raise NotUnderstood(place(response.url), "it is JSON of another kind")

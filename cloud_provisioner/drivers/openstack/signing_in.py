"""Signing in to a project: Keystone's tokens by each kind of credential, fetched anew before they end or when refused."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from keystoneauth1 import access, exceptions
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session

from cloud_provisioner.drivers.contract import CloudRefused, Credential
from cloud_provisioner.drivers.openstack import keystone_says, saying
from cloud_provisioner.drivers.openstack.errors import Answered, NoAnswer, Unauthorized
from cloud_provisioner.drivers.openstack.schema import (
    ApplicationCredential,
    OidcAccessToken,
    OpenStackSite,
    Password,
    UserGrant,
)
from cloud_provisioner.errors import SecretUnusable
from cloud_provisioner.servers.failures import Failure

_RENEWED = 120
"""Seconds before its end at which a token is renewed."""


class SigningIn(BaseIdentityPlugin):
    """The plugin of one project's session. Safe to share between threads: one signs in, the others wait for it.

    Secrets and access tokens are read when somebody signs in, and not kept. CloudRefused where Keystone gives no token:
    AUTH for refused credentials, BAD_REQUEST for a wrong project or address, BUSY where Keystone does not answer.
    """

    def __init__(self, site: OpenStackSite, vo: str, credential: Credential | None, environ: Mapping[str, str]) -> None:
        super().__init__(auth_url=site.endpoint)
        self._site = site
        self._vo = vo
        self._credential = credential
        self._environ = environ
        self._signing = threading.Lock()

    def get_access(self, session: Session, **_: Any) -> access.AccessInfo:
        """The present token and catalogue."""
        with self._signing:
            if self.auth_ref is None or self.auth_ref.will_expire_soon(_RENEWED):
                self.auth_ref = self.get_auth_ref(session)
            return self.auth_ref

    def invalidate(self) -> bool:
        """Forgets the token, which a service refused. True, always: another thread may have been first to forget it."""
        with self._signing:
            self.auth_ref = None
        return True

    def get_auth_ref(self, session: Session) -> access.AccessInfo:
        """Signs in. CloudRefused."""
        try:
            found = self._signed_in(session)
            usable = found.auth_token and found.has_service_catalog() and not found.will_expire_soon(0)
        except Answered as error:
            raise keystone_says.of_answer(self._site, error.answer) from None
        except NoAnswer as error:
            raise saying.of_no_answer(error, self._site) from None
        except SecretUnusable as error:
            raise CloudRefused(Failure.AUTH, f"`credentials`: {error}") from None
        except (exceptions.ClientException, AssertionError, LookupError, TypeError, ValueError, AttributeError):
            # keystoneauth reads any answer as if it were Keystone's, and stumbles in many ways.
            raise keystone_says.not_keystone(self._site) from None
        if not usable:
            raise keystone_says.token_over(self._site)
        return found

    def _signed_in(self, session: Session) -> access.AccessInfo:
        address = self._site.endpoint
        match self._site.credentials:
            case Password() as one:
                return self._by_password(session, one)
            case ApplicationCredential() as one:
                secret = one.secret.read(self._environ)
                by_id = v3.ApplicationCredential(address, secret, application_credential_id=one.id)
                return self._unscoped(session, by_id)
            case OidcAccessToken() as one:
                return self._scoped(session, self._federated(session, one, one.access_token.read(self._environ)))
            case UserGrant() as one:
                return self._scoped(session, self._by_grant(session, one))

    def _by_password(self, session: Session, one: Password) -> access.AccessInfo:
        who: dict[str, Any] = {
            "username": one.username,
            "user_domain_name": one.user_domain,
            "password": one.password.read(self._environ),
        }
        try:
            return v3.Password(self._site.endpoint, **who, **self._scope()).get_auth_ref(session)
        except Unauthorized:
            # Keystone says the same of a wrong password and of a wrong project.
            self._unscoped(session, v3.Password(self._site.endpoint, **who, unscoped=True))
        raise keystone_says.no_project(self._site, self._vo)

    def _by_grant(self, session: Session, one: UserGrant) -> access.AccessInfo:
        if self._credential is None:
            raise CloudRefused(
                Failure.AUTH, "`credentials`: the site is used with users' own grants, and there is none."
            )
        token = self._credential.access_token()
        try:
            return self._federated(session, one, token)
        except CloudRefused as error:
            if error.failure is not Failure.AUTH:
                raise
        return self._federated(session, one, self._credential.access_token(fresh=True))

    def _federated(self, session: Session, one: UserGrant | OidcAccessToken, token: str) -> access.AccessInfo:
        by_token = v3.OidcAccessToken(self._site.endpoint, one.identity_provider, one.protocol, access_token=token)
        return self._unscoped(session, by_token)

    def _unscoped(self, session: Session, plugin: BaseIdentityPlugin) -> access.AccessInfo:
        """Signs in where a refusal can only be about the credentials."""
        try:
            return plugin.get_auth_ref(session)
        except Unauthorized:
            raise keystone_says.bad_credentials(self._site.credentials) from None

    def _scoped(self, session: Session, unscoped: access.AccessInfo) -> access.AccessInfo:
        try:
            token = v3.Token(self._site.endpoint, unscoped.auth_token or "", **self._scope())
            return token.get_auth_ref(session)
        except Answered as error:
            if error.http_status not in (401, 403, 404):
                raise
        raise keystone_says.no_project(self._site, self._vo)

    def _scope(self) -> dict[str, Any]:
        project = self._site.vos[self._vo]
        if project.project_id is not None:
            return {"project_id": project.project_id}
        return {"project_name": project.project_name, "project_domain_name": project.project_domain}

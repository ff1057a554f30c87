"""Sentences about a sign-in that did not succeed, by kind of credential. Pure."""

from __future__ import annotations

import requests

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack import saying
from cloud_provisioner.drivers.openstack.schema import (
    ApplicationCredential,
    Credentials,
    OidcAccessToken,
    OpenStackSite,
    Password,
    UserGrant,
)
from cloud_provisioner.drivers.openstack.wire import place
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.sites.problem import key_text


def bad_credentials(credentials: Credentials) -> CloudRefused:
    """Keystone has looked at the credentials alone, and said no."""
    match credentials:
        case Password() as one:
            says = f"Keystone refuses the user {one.username} of the domain {one.user_domain} with the password in"
            sentence = f"`credentials.password`: {says} {one.password}: correct it, or the user's name."
        case ApplicationCredential() as one:
            says = f"Keystone refuses the application credential {one.id} with the secret in {one.secret}"
            sentence = f"`credentials.secret`: {says}: correct it, or make a new one if it was revoked or has expired."
        case OidcAccessToken() as one:
            says = f"Keystone refuses the access token in {one.access_token}"
            sentence = (
                f"`credentials.access_token`: {says}: put a new one there if it has expired, or one with more rights."
            )
        case UserGrant() as one:
            says = f"Keystone refuses the user's access token for {one.identity_provider} by {one.protocol}"
            sentence = f"`credentials`: {says}: the user must be a member of the VO, and may have to grant anew."
    return CloudRefused(Failure.AUTH, sentence)


def no_project(site: OpenStackSite, vo: str) -> CloudRefused:
    """The credentials are good, but not for the VO's project."""
    project = site.vos[vo]
    key = key_text(("vos", vo, "project_name" if project.project_id is None else "project_id"))
    name = project.project_id or f"{project.project_name} of the domain {project.project_domain}"
    if isinstance(site.credentials, UserGrant):
        says = f"Keystone does not let this user into the project {name}: the user must become a member of it"
        return CloudRefused(Failure.AUTH, f"`{key}`: {says}.")
    says = (
        f"there is no project {name} into which Keystone lets these credentials: correct it, or give them a role there"
    )
    return CloudRefused(Failure.BAD_REQUEST, f"`{key}`: {says}.")


def not_keystone(site: OpenStackSite) -> CloudRefused:
    """Something answers, but not as Keystone does."""
    return _here(
        site, Failure.BAD_REQUEST, "does not answer as Keystone does: correct the address, mostly ending in /v3"
    )


def token_over(site: OpenStackSite) -> CloudRefused:
    """The new token has ended already, or has no catalogue."""
    says = "gives a token that has ended already, or has no catalogue: look at this machine's clock"
    return _here(site, Failure.BAD_REQUEST, says)


def of_answer(site: OpenStackSite, response: requests.Response) -> CloudRefused:
    """Any other answer than a token."""
    status, message = response.status_code, saying.message_of(response)
    says = f" ({message})" if message else ""
    federated = isinstance(site.credentials, (OidcAccessToken, UserGrant))
    if status in (408, 429) or status >= 500:
        return _here(site, Failure.BUSY, f"answers {status}{saying.retry_after(response)}")
    if status < 400:
        remedy = "`credentials.protocol` may be another one" if federated else "write that address"
        return _here(site, Failure.BAD_REQUEST, f"sends on to {saying.elsewhere(response)}: {remedy}")
    if status == 404:
        keys = ", `credentials.identity_provider` or `credentials.protocol`" if federated else ""
        return _here(
            site, Failure.BAD_REQUEST, f"has no sign-in there: correct the address, mostly ending in /v3{keys}"
        )
    if status in (401, 403):
        return _here(site, Failure.AUTH, f"refuses the credentials{says}: look at `credentials`")
    return _here(site, Failure.BAD_REQUEST, f"answers {status}{says}: look at `credentials`")


def _here(site: OpenStackSite, failure: Failure, says: str) -> CloudRefused:
    return CloudRefused(failure, f"`endpoint`: what is at {place(site.endpoint)} {says}.")

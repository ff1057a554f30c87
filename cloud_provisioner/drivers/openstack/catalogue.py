"""What Keystone's catalogue and Nova's list of versions say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from keystoneauth1.access import AccessInfo
from keystoneauth1.discover import EndpointData

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack import keystone_says
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.servers.failures import Failure

OLDEST = (2, 1)
"""The microversion of every Nova that is not older than ten years."""
_MICROVERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")
_NAMED = 20


def endpoint(found: AccessInfo, site: OpenStackSite, service: str) -> EndpointData:
    """The one entry for a service in the site's region. CloudRefused where it is missing or not clear."""
    try:
        by_type = found.service_catalog.get_endpoints_data(service_type=service, interface=site.interface)
        there = [one for entries in by_type.values() for one in entries if one.url]
    except (LookupError, TypeError, AttributeError, ValueError):
        raise keystone_says.not_keystone(site) from None
    regions = sorted({str(one.region_name) for one in there})
    if not there:
        says = f"Keystone's catalogue has no {site.interface} address of a service of the type {service}"
        raise CloudRefused(
            Failure.BAD_REQUEST, f"`interface`: {says}: use the other one, or ask the cloud's operators."
        )
    if site.cloud_region is None and len(regions) > 1:
        says = f"the cloud has several regions: say one of {', '.join(regions[:_NAMED])}"
        raise CloudRefused(Failure.BAD_REQUEST, f"`cloud_region`: {says}.")
    for one in there:
        if site.cloud_region in (None, one.region_name):
            return one
    says = f"the cloud has no region {site.cloud_region} with a service of the type {service}: use one of"
    raise CloudRefused(Failure.BAD_REQUEST, f"`cloud_region`: {says} {', '.join(regions[:_NAMED])}.")


def microversions(body: object) -> tuple[tuple[int, int], tuple[int, int]]:
    """The oldest and the newest of which Nova's list of versions tells, or one entry of it."""
    entries = (body.get("versions") or [body.get("version")]) if isinstance(body, Mapping) else []
    for one in entries if isinstance(entries, list) else []:
        if isinstance(one, dict) and str(one.get("id", "")).startswith("v2."):
            least, most = _number(one, "min_version"), _number(one, "version")
            if least and most:
                return least, most
    return OLDEST, OLDEST


def _number(entry: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    found = _MICROVERSION.fullmatch(str(entry.get(key, "")))
    return (int(found[1]), int(found[2])) if found else None

"""The services' configuration files: what a small cloud on one address with SQLite needs, and no more.

SQLite bears several services' threads because every transaction takes the write lock when it begins
(`inside/transactions.py`), with a patience of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.cloud.openstack.installation import Installation
from tests.cloud.openstack.place import Place

SERVICE_PASSWORD = "of-the-services"
"""Password of the services' own users; theirs are no rights that a test checks."""

HOST = "hypervisor"
"""Name of the only host that runs servers."""

Sections = Mapping[str, Mapping[str, object]]


def write(place: Place, installation: Installation) -> None:
    """Writes all files. What runs does not notice."""
    files = {
        "keystone.conf": _keystone(place),
        "placement.conf": _placement(place),
        "glance-api.conf": _glance(place, installation),
        "neutron.conf": _neutron(place, installation),
        "nova.conf": _nova(place),
    }
    for name, sections in files.items():
        (place.settings / name).write_text(_text(sections))


def database(place: Place, name: str) -> Path:
    """File of one of the databases: keystone, placement, glance, neutron, nova_api, nova_cell0, nova_cell1."""
    return place.state / f"{name}.sqlite"


def database_url(place: Place, name: str) -> str:
    """The same as SQLAlchemy wants it."""
    return f"sqlite:///{database(place, name)}?timeout=60"


def _text(sections: Sections) -> str:
    lines = []
    for section, options in sections.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in options.items()), ""]
    return "\n".join(lines)


def _log(place: Place, name: str) -> dict[str, object]:
    return {"log_file": place.log / f"{name}.log"}


def _credentials(place: Place, user: str) -> dict[str, object]:
    return {
        "auth_type": "password",
        "auth_url": place.url("identity", public=False),
        "username": user,
        "password": SERVICE_PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }


def _middleware(place: Place, user: str) -> dict[str, object]:
    """How a service asks whose token it was given."""
    checks = {"www_authenticate_uri": place.keystone, "service_token_roles_required": False, "interface": "internal"}
    return _credentials(place, user) | checks


def _client(place: Place, user: str) -> dict[str, object]:
    """How one service speaks to another: past the proxy, whose faults are the users'."""
    return _credentials(place, user) | {"region_name": "RegionOne", "valid_interfaces": "internal"}


def _keystone(place: Place) -> Sections:
    return {
        "DEFAULT": _log(place, "keystone"),
        "database": {"connection": database_url(place, "keystone")},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": place.state / "fernet"},
        "fernet_receipts": {"key_repository": place.state / "fernet"},
        "credential": {"key_repository": place.state / "credential"},
        "auth": {"methods": "external,password,token,mapped,openid,application_credential"},
        "openid": {"remote_id_attribute": "OIDC-iss"},
        "federation": {"remote_id_attribute": "OIDC-iss"},
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        "identity": {"password_hash_rounds": 4},
        # The addresses in its answers are those by which it was asked.
        "oslo_middleware": {"enable_proxy_headers_parsing": True},
    }


def _placement(place: Place) -> Sections:
    return {
        "DEFAULT": _log(place, "placement"),
        "placement_database": {"connection": database_url(place, "placement")},
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _middleware(place, "placement"),
    }


def _glance(place: Place, installation: Installation) -> Sections:
    address = place.url("image", public=False)
    default = {"enabled_backends": "files:file", "worker_self_reference_url": address, "enabled_import_methods": "[]"}
    return {
        "DEFAULT": _log(place, "glance") | default,
        "database": {"connection": database_url(place, "glance")},
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": place.state / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": place.state / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": place.state / "tasks"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": installation.folder / "etc" / "glance" / "glance-api-paste.ini",
        },
        "oslo_policy": {"enforce_scope": False},
        "keystone_authtoken": _middleware(place, "glance"),
    }


def _neutron(place: Place, installation: Installation) -> Sections:
    default = {
        "core_plugin": "ml2",
        "service_plugins": "",
        "transport_url": "fake://",
        "api_paste_config": installation.folder / "etc" / "neutron" / "api-paste.ini",
        "state_path": place.state,
        "rpc_workers": 0,
        "api_workers": 1,
        "notify_nova_on_port_status_changes": False,
        "notify_nova_on_port_data_changes": False,
        "dhcp_agent_notification": False,
    }
    return {
        "DEFAULT": _log(place, "neutron") | default,
        "database": {"connection": database_url(place, "neutron")},
        "ml2": {
            "type_drivers": "local,flat",
            "tenant_network_types": "local",
            "mechanism_drivers": "autobind",
            "extension_drivers": "port_security",
        },
        "oslo_concurrency": {"lock_path": place.state / "locks"},
        "keystone_authtoken": _middleware(place, "neutron"),
    }


def _nova(place: Place) -> Sections:
    default = {
        "transport_url": "fake://",
        "compute_driver": "hypervisor.NamespaceDriver",
        "state_path": place.state,
        "instances_path": place.instances,
        "host": HOST,
        "my_ip": place.internal,
        "vif_plugging_timeout": 0,
        "vif_plugging_is_fatal": False,
        "report_interval": 10,
        # What a template remembers of the services is as old as the template.
        "service_down_time": 10**9,
        # Builds that hang on purpose must not keep others waiting.
        "max_concurrent_builds": 0,
        "sync_power_state_interval": 5,
    }
    return {
        "DEFAULT": _log(place, "nova") | default,
        "api": {"auth_strategy": "keystone"},
        "api_database": {"connection": database_url(place, "nova_api")},
        "database": {"connection": database_url(place, "nova_cell1")},
        "oslo_concurrency": {"lock_path": place.state / "locks"},
        "scheduler": {"workers": 1},
        "conductor": {"workers": 1},
        "filter_scheduler": {"track_instance_changes": False},
        "compute": {"heal_instance_info_cache_interval": -1},
        "vnc": {"enabled": False},
        "key_manager": {"backend": "nova.keymgr.conf_key_mgr.ConfKeyManager"},
        "glance": _client(place, "glance"),
        "placement": _client(place, "placement"),
        "neutron": _client(place, "neutron"),
        # A server with a port cannot be deleted without.
        "service_user": _client(place, "nova") | {"send_service_user_token": True},
        "keystone_authtoken": _middleware(place, "nova"),
    }

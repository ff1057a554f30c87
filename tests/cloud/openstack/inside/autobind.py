"""A driver of Neutron that binds every port at once, on any host: servers here have no network of their own."""

from neutron.db.migration.models import head  # noqa: F401  fields that are loaded late need every model
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class AutoBind(api.MechanismDriver):  # type: ignore[misc]  # it has no types
    """Binds ports, and plugs nothing."""

    def initialize(self) -> None:
        """Nothing is to be prepared."""

    def bind_port(self, context: api.PortContext) -> None:
        """Binds the port to its first segment."""
        segment = context.segments_to_bind[0]
        details = {portbindings.CAP_PORT_FILTER: False, portbindings.OVS_HYBRID_PLUG: False}
        context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OVS, details, status=constants.ACTIVE)

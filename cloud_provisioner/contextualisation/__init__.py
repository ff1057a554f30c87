"""Contextualisation: the script that makes a worker of a new machine, local or at a cloud.

It is the user data of a server: self-contained, the same for the same facts, and secret, since it holds the worker's token.
"""

from cloud_provisioner.contextualisation.facts import WorkerFacts, host_name
from cloud_provisioner.contextualisation.script import render

__all__ = ["WorkerFacts", "host_name", "render"]

"""A real OpenStack cloud for the tests: Keystone, Nova, Placement, Glance and Neutron as released, on loopback.

A cloud is a folder and a number. The number gives it a network of its own, 127.HIGH.LOW.0/24, as a port does for an
instance: the address .1 is what users see (through a proxy that can be told to fail), on .2 the services listen, and
servers, which are machines of namespaces, have addresses from .64 on. So any number of clouds may run side by side.

`inside/` runs in the cloud's own Python environment, everything else in the project's.
"""

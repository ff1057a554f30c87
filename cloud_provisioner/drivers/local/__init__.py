"""Workers on this machine, each in namespaces of its own, as if it were a virtual machine."""

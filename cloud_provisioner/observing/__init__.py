"""The pool as the provisioner sees it and speaks to it: idle jobs, workers, reasons.

HTCondor's bindings hold a whole process while they wait for a daemon, some of them without end. So they live in a child
process (`process`), which is killed and made anew when it does not answer; `session` is the provisioner's end of it. The other
modules are pure, but for `observer`, which runs in the child, and `drains`, which runs HTCondor's own command.
"""

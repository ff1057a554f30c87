"""The provisioner at work: it observes, plans and acts, about once a second, and never waits inside a step."""

"""A whole PROMINENCE on one machine: appliance root file system, pool, workers and REST API, for trying out and for tests."""

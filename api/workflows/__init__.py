"""Workflows: families of jobs, each one DAGMan job in the queue."""

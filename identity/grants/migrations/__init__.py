"""Migrations of the table of grants, one file a step."""

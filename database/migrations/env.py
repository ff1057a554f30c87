"""Runs migrations on the connection that the caller holds, in its transaction."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
context.configure(connection=given["connection"], version_table=given["version_table"], transactional_ddl=True)
context.run_migrations()

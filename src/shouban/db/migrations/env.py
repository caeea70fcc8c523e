"""Alembic's environment: runs inside the connection that `engine.migrate` hands over."""

from __future__ import annotations

from alembic import context

from shouban.db.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

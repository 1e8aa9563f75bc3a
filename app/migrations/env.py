"""Alembic's entry: runs one owner's versions on the connection that `run` hands over."""

from alembic import context

from app.migrations.run import options

owner = context.config.attributes["owner"]
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=owner.metadata, **options(owner))
with context.begin_transaction():
    context.run_migrations()

"""How Alembic reaches the database: over the connection that `Store.migrate` hands in."""

from alembic import context

from metadata_server.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()

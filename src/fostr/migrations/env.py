"""Alembic's entry point; the connection is given by `fostr.kernel.db.migrate`."""

from alembic import context

from fostr.kernel.db.comparison import COMPARISON
from fostr.kernel.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    **COMPARISON,
)
with context.begin_transaction():
    context.run_migrations()

"""Records are counted in shards."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "recordset_counts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("recordset_id", sa.Uuid(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "recordset_id"],
            ["data.recordsets.workspace_id", "data.recordsets.id"],
            name=op.f("fk_recordset_counts_workspace_id_recordset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "recordset_id", "shard", name=op.f("pk_recordset_counts")),
        schema="data",
    )
    op.execute(
        "insert into data.recordset_counts (workspace_id, recordset_id, shard, count)"
        " select workspace_id, id, 32, record_count from data.recordsets"
    )
    # The floor is made anew after the migrations; its view holds on to every column.
    op.execute("drop view if exists app.recordsets")
    op.drop_column("recordsets", "record_count", schema="data")


def downgrade() -> None:
    """Take the change back."""
    op.add_column(
        "recordsets",
        sa.Column("record_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        schema="data",
    )
    op.execute(
        "update data.recordsets s set record_count = (select coalesce(sum(c.count), 0) from data.recordset_counts c"
        " where c.workspace_id = s.workspace_id and c.recordset_id = s.id)"
    )
    op.execute("drop view if exists app.recordset_counts")
    op.drop_table("recordset_counts", schema="data")

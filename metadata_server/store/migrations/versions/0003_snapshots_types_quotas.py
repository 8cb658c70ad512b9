"""Snapshots, what a volume was made from and where it lies, quotas; and no volume has two attachments."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    with op.batch_alter_table("volumes") as table:
        # Until here there was one backend.
        table.add_column(sa.Column("volume_type", sa.String(63), nullable=False, server_default="sparse"))
        table.add_column(sa.Column("snapshot_id", sa.String(36), nullable=False, server_default=""))
        table.add_column(sa.Column("source_volid", sa.String(36), nullable=False, server_default=""))
        table.add_column(sa.Column("bootable", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("readonly", sa.Boolean, nullable=False, server_default=sa.false()))
        table.create_index("ix_volumes_lifecycle", ["lifecycle"])
        table.create_index("ix_volumes_created_at_id", ["created_at", "id"])
    op.drop_index("ix_attachments_volume_id", "attachments")
    op.create_index("ix_attachments_volume_id", "attachments", ["volume_id"], unique=True)
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("volume_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name="fk_snapshots_volume_id"),
    )
    op.create_index("ix_snapshots_volume_id_created_at", "snapshots", ["volume_id", "created_at"])
    op.create_index("ix_snapshots_status", "snapshots", ["status"])
    op.create_table(
        "quotas",
        sa.Column("resource", sa.String(80), nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("resource", name="pk_quotas"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("quotas")
    op.drop_table("snapshots")
    op.drop_index("ix_attachments_volume_id", "attachments")
    op.create_index("ix_attachments_volume_id", "attachments", ["volume_id"])
    with op.batch_alter_table("volumes") as table:
        table.drop_index("ix_volumes_created_at_id")
        table.drop_index("ix_volumes_lifecycle")
        for column in ("readonly", "bootable", "source_volid", "snapshot_id", "volume_type"):
            table.drop_column(column)

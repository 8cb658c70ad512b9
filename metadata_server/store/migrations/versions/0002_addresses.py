"""Addresses and projects of instances; keys that all servers share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("instances", sa.Column("project_id", sa.String(255), nullable=False, server_default=""))
    op.create_table(
        "addresses",
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_addresses"),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], name="fk_addresses_instance_id", ondelete="CASCADE"),
    )
    op.create_index("ix_addresses_instance_id", "addresses", ["instance_id"])
    op.create_table(
        "shared_keys",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shared_keys"),
    )

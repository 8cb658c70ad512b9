"""What several servers share (faults of exports, ids of keys), and indexes for what is asked most."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("released OR status = 'error_attaching'")
INDEXES = (
    ("ix_instances_created_at_id", "instances", ["created_at", "id"]),
    ("ix_attachments_created_at_id", "attachments", ["created_at", "id"]),
)


def upgrade() -> None:
    """Make the tables and indexes."""
    op.create_table(
        "export_faults",
        sa.Column("iqn", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("iqn", name="pk_export_faults"),
    )
    op.create_table(
        "secret_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secret_keys"),
    )
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    op.create_index("ix_attachments_unfinished", "attachments", ["id"], sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_attachments_unfinished", "attachments")
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for table in ("secret_keys", "export_faults"):
        op.drop_table(table)

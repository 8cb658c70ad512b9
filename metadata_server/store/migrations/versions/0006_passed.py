"""What is known of volumes that another service owns, and the attachments reserved there."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "passed_volumes",
        sa.Column("volume_id", sa.String(36), nullable=False),
        sa.Column("content", sa.String(16), nullable=False),
        sa.Column("as_of", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("volume_id", name="pk_passed_volumes"),
    )
    op.create_table(
        "passed_attachments",
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("attachment_id", sa.String(36), nullable=False),
        sa.Column("volume_id", sa.String(36), nullable=False),
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.Column("mode", sa.String(2), nullable=False),
        sa.Column("initiator", sa.String(223), nullable=False),
        sa.Column("completed", sa.Boolean, nullable=False),
        sa.Column("detaching", sa.Boolean, nullable=False),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_passed_attachments"),
        sa.UniqueConstraint("volume_id", name="uq_passed_attachments_volume_id"),
    )
    op.create_index("ix_passed_attachments_attachment_id", "passed_attachments", ["attachment_id"])
    op.create_index("ix_passed_attachments_instance_id_created_at", "passed_attachments", ["instance_id", "created_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("passed_attachments", "passed_volumes"):
        op.drop_table(table)

"""Instances with tokens and reports, volumes, attachments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "instances",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("initiator_name", sa.String(223), nullable=False),
        sa.Column("user_data", sa.Text, nullable=False),
        sa.Column("network_config", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        sa.UniqueConstraint("initiator_name", name="uq_instances_initiator_name"),
    )
    op.create_index("ix_instances_name", "instances", ["name"])
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_tokens"),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], name="fk_tokens_instance_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_instance_id", "tokens", ["instance_id"])
    op.create_table(
        "reports",
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name="pk_reports"),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], name="fk_reports_instance_id", ondelete="CASCADE"),
    )
    _volumes()
    _attachments()


def _volumes() -> None:
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("lifecycle", sa.String(16), nullable=False),
        sa.Column("blank", sa.Boolean, nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volumes"),
    )
    op.create_index("ix_volumes_name", "volumes", ["name"])


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("volume_id", sa.String(36), nullable=False),
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(2), nullable=False),
        sa.Column("mutual", sa.Boolean, nullable=False),
        sa.Column("connector", sa.JSON(none_as_null=True)),
        sa.Column("username", sa.String(64)),
        sa.Column("password", sa.String(255)),
        sa.Column("username_in", sa.String(64)),
        sa.Column("password_in", sa.String(255)),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("attached_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name="fk_attachments_volume_id"),
        sa.UniqueConstraint("username", name="uq_attachments_username"),
        sa.UniqueConstraint("username_in", name="uq_attachments_username_in"),
    )
    op.create_index("ix_attachments_volume_id", "attachments", ["volume_id"])
    op.create_index("ix_attachments_instance_id_created_at", "attachments", ["instance_id", "created_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("attachments", "volumes", "reports", "tokens", "instances"):
        op.drop_table(table)

"""Reports that were there before the newest one, and whether the newest one is healthy."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column, and fill it."""
    op.add_column("reports", sa.Column("healthy", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index("ix_reports_healthy_received_at", "reports", ["healthy", "received_at"])
    op.create_table(
        "earlier_reports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("instance_id", sa.String(255), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_reports"),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], name="fk_earlier_reports_instance_id", ondelete="CASCADE"),
    )
    op.create_index("ix_earlier_reports_instance_id_id", "earlier_reports", ["instance_id", "id"])
    _fill()


def _fill() -> None:
    reports = sa.table("reports", sa.column("instance_id"), sa.column("body", sa.JSON), sa.column("healthy", sa.Boolean))
    connection = op.get_bind()
    bad = [row.instance_id for row in connection.execute(sa.select(reports)) if not _healthy(row.body)]
    for each in bad:
        connection.execute(sa.update(reports).where(reports.c.instance_id == each).values(healthy=False))


def _healthy(body: Any) -> bool:
    found = json.loads(body) if isinstance(body, str) else body
    return not found.get("faults") and all(each.get("result") == "ok" for each in found.get("volumes") or ())


def downgrade() -> None:
    """Drop them."""
    op.drop_table("earlier_reports")
    op.drop_index("ix_reports_healthy_received_at", "reports")
    op.drop_column("reports", "healthy")

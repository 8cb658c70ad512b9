"""The tables. A change here needs a migration beside it; a test compares the two."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, false, text, true

from metadata_server.store.encrypted import EncryptedString, EncryptedText

# What is to be done again, in words that an index and a query must share to the letter.
UNFINISHED = "released OR status = 'error_attaching'"

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

instances = Table(
    "instances", METADATA,
    Column("id", String(255), primary_key=True),
    Column("name", String(255), nullable=False, index=True),
    Column("initiator_name", String(223), nullable=False, unique=True),
    # Whatever the manuals say, people put passwords there.
    Column("user_data", EncryptedText("instances.user_data"), nullable=False),
    Column("network_config", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("project_id", String(255), nullable=False),
    Index("ix_instances_created_at_id", "created_at", "id"),
)  # fmt: skip

# An address is one instance's; as text, in the form that the ipaddress module writes.
addresses = Table(
    "addresses", METADATA,
    Column("address", String(45), primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False, index=True),
)  # fmt: skip

# What all servers of one database must have in common.
shared_keys = Table(
    "shared_keys", METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", EncryptedText("shared_keys.value"), nullable=False),
)  # fmt: skip

# Of a token only its SHA-256 is kept.
tokens = Table(
    "tokens", METADATA,
    Column("digest", String(64), primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", String(32), nullable=False),
)  # fmt: skip

volumes = Table(
    "volumes", METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(255), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("lifecycle", String(16), nullable=False),
    Column("blank", Boolean, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("volume_type", String(63), nullable=False, server_default="sparse"),
    Column("snapshot_id", String(36), nullable=False, server_default=""),
    Column("source_volid", String(36), nullable=False, server_default=""),
    Column("bootable", Boolean, nullable=False, server_default=false()),
    Column("readonly", Boolean, nullable=False, server_default=false()),
    Index("ix_volumes_lifecycle", "lifecycle"),
    Index("ix_volumes_created_at_id", "created_at", "id"),
)  # fmt: skip

snapshots = Table(
    "snapshots", METADATA,
    Column("id", String(36), primary_key=True),
    Column("volume_id", ForeignKey("volumes.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Index("ix_snapshots_volume_id_created_at", "volume_id", "created_at"),
    Index("ix_snapshots_status", "status"),
)  # fmt: skip

# Only what was set; everything else has no limit.
quotas = Table(
    "quotas", METADATA,
    Column("resource", String(80), primary_key=True),
    Column("amount", Integer, nullable=False),
)  # fmt: skip

# instance_id is no foreign key: it may name an instance that is registered elsewhere (Nova's).
attachments = Table(
    "attachments", METADATA,
    Column("id", String(36), primary_key=True),
    Column("volume_id", ForeignKey("volumes.id"), nullable=False),
    Column("instance_id", String(255), nullable=False),
    Column("status", String(32), nullable=False),
    Column("mode", String(2), nullable=False),
    Column("mutual", Boolean, nullable=False),
    Column("connector", JSON(none_as_null=True)),
    Column("username", String(64), unique=True),
    Column("password", EncryptedString("attachments.password", 255)),
    Column("username_in", String(64), unique=True),
    Column("password_in", EncryptedString("attachments.password_in", 255)),
    Column("released", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("attached_at", String(32), nullable=False),
    # No volume has two: the database's own guard, whatever the isolation of transactions.
    Index("ix_attachments_volume_id", "volume_id", unique=True),
    Index("ix_attachments_instance_id_created_at", "instance_id", "created_at"),
    Index("ix_attachments_created_at_id", "created_at", "id"),
    Index("ix_attachments_unfinished", "id", sqlite_where=text(UNFINISHED), postgresql_where=text(UNFINISHED)),
)  # fmt: skip

reports = Table(
    "reports", METADATA,
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("received_at", String(32), nullable=False),
    Column("healthy", Boolean, nullable=False, server_default=true()),
    Index("ix_reports_healthy_received_at", "healthy", "received_at"),
)  # fmt: skip

# Those that the newest one of an instance took the place of, a bounded number of them.
earlier_reports = Table(
    "earlier_reports", METADATA,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_at", String(32), nullable=False),
    Index("ix_earlier_reports_instance_id_id", "instance_id", "id"),
)  # fmt: skip

# What is to be exported and is not, or the other way round, by target name.
export_faults = Table(
    "export_faults", METADATA,
    Column("iqn", String(255), primary_key=True),
    Column("reason", Text, nullable=False),
)  # fmt: skip

# Of several servers the one that leads. ``beat`` changes as long as it does; no time is written, because no two clocks agree.
leases = Table(
    "leases", METADATA,
    Column("name", String(64), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("beat", Integer, nullable=False),
)  # fmt: skip

# Ids of the keys that secrets of this database are encrypted with.
secret_keys = Table("secret_keys", METADATA, Column("id", String(16), primary_key=True))

# Of volumes that another service owns (engine = "cinder"): what we know of their content, and the attachments that we
# reserved there. One of ours to a volume; attachment_id is "" while it is being reserved.
passed_volumes = Table(
    "passed_volumes", METADATA,
    Column("volume_id", String(36), primary_key=True),
    Column("content", String(16), nullable=False),
    Column("as_of", String(32), nullable=False),
)  # fmt: skip

passed_attachments = Table(
    "passed_attachments", METADATA,
    Column("key", String(36), primary_key=True),
    Column("attachment_id", String(36), nullable=False, index=True),
    Column("volume_id", String(36), nullable=False, unique=True),
    Column("instance_id", String(255), nullable=False),
    Column("mode", String(2), nullable=False),
    Column("initiator", String(223), nullable=False),
    Column("completed", Boolean, nullable=False),
    Column("detaching", Boolean, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Index("ix_passed_attachments_instance_id_created_at", "instance_id", "created_at"),
)  # fmt: skip

"""PostgreSQL's advisory locks of ours: one number for the application, one for each purpose."""

from __future__ import annotations

_APPLICATION, _MIGRATION = 0x626C6F63, 1

WAIT_FOR_MIGRATION = f"SELECT pg_advisory_xact_lock({_APPLICATION}, {_MIGRATION})"

"""PostgreSQL's advisory locks of ours: one number for the application, one for each purpose."""

from __future__ import annotations

_APPLICATION, _MIGRATION, _LEADER = 0x626C6F63, 1, 2

WAIT_FOR_MIGRATION = f"SELECT pg_advisory_xact_lock({_APPLICATION}, {_MIGRATION})"
TRY_LEADER = f"SELECT pg_try_advisory_lock({_APPLICATION}, {_LEADER})"

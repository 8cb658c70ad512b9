"""The long profile must be known before the command line chooses it."""

from __future__ import annotations

from tests.unit.hostile import hostility

__all__ = ["hostility"]

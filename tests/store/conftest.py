"""The store, on both databases."""

from tests.databases import kind, migrated, opened, postgresql, settings, store

__all__ = ["kind", "migrated", "opened", "postgresql", "settings", "store"]

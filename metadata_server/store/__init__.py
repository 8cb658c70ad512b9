"""State, through SQLAlchemy: called synchronously on the event loop (measured three times as fast as threads on SQLite)."""

from metadata_server.store.store import Store
from metadata_server.store.transaction import Transaction

__all__ = ["Store", "Transaction"]

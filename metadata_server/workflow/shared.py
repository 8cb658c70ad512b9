"""What there is whoever owns the volumes."""

from __future__ import annotations

from collections.abc import Sized
from typing import Protocol

from metadata_server.store import Store
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.parts import Observer


class SharedParts(Protocol):
    """What every workflow has; `workflow.parts.Parts` has more."""

    @property
    def store(self) -> Store:
        """The database."""

    @property
    def changes(self) -> Changes:
        """Who waits."""

    @property
    def faults(self) -> Sized:
        """What is not as it should be."""

    @property
    def observe(self) -> Observer:
        """Hears the name of every step before it is done."""

"""Keystone in a virtual environment of its own."""

from pathlib import Path

from testbed import pinned

CONSTRAINTS = Path(__file__).parent / "constraints.txt"


def build() -> Path:
    """See `pinned.build`."""
    return pinned.build("keystone", CONSTRAINTS, ("keystone",))

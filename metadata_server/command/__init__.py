"""The ``blockstore-server`` command. Exit codes: 0 done, 1 it could not be done, 2 a wrong call or document."""

from metadata_server.command.main import main

__all__ = ["main"]

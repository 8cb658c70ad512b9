"""The transports by which a volume may be connected: a registry, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from cc_blockstore.protocols import iscsi
from cc_blockstore.protocols.transport import Batch, Transport, Trouble

# The key is connection_info's driver_volume_type.
TRANSPORTS: Mapping[str, Transport] = {"iscsi": iscsi.Iscsi()}

__all__ = ["TRANSPORTS", "Batch", "Transport", "Trouble"]

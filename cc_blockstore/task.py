"""A volume that is to be brought up, and how it is reached."""

from __future__ import annotations

from blockstore.attachment import Volume
from blockstore.errors import BlockstoreError
from blockstore.iscsi import IscsiPath
from blockstore.values import dataclass
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.protocols import Transport


@dataclass(frozen=True)
class Task:
    """One volume to bring up: what is wanted, and how it is reached. ``credentials``: how to connect is known.
    ``serial`` is what the device must answer, "" where nobody named one; ``trouble`` what went wrong in the preparation."""

    wanted: Wanted
    path: IscsiPath
    transport: Transport
    serial: str = ""
    credentials: bool = True
    trouble: BlockstoreError | None = None

    @property
    def volume(self) -> Volume:
        """The volume."""
        return self.wanted.attachment.volume

    @property
    def read_only(self) -> bool:
        """Whether it is attached read-only."""
        return self.wanted.attachment.mode == "ro"

"""What the user wishes of a volume, complete and typed."""

from __future__ import annotations

import enum

from blockstore.values import dataclass


class Table(str, enum.Enum):
    """The partition table that is wished."""

    GPT = "gpt"
    NONE = "none"


@dataclass(frozen=True)
class FilesystemWish:
    """A file system, or swap, or ``type`` "none". ``mount`` is "" where nothing is to be mounted; ``mode`` None to leave it.

    ``named`` is the mount point as the document has it, once ``mount`` is where links lead from there (`plan.points`).
    """

    type: str = "ext4"
    label: str = ""
    mount: str = ""
    options: tuple[str, ...] = ()
    owner: str = ""
    mode: int | None = None
    named: str = ""

    def __str__(self) -> str:
        return self.type + (f" labelled {self.label!r}" if self.label else "")


@dataclass(frozen=True)
class PartitionWish:
    """One partition: ``size`` in bytes, None for the rest of the volume."""

    size: int | None
    filesystem: FilesystemWish


@dataclass(frozen=True)
class VolumeWish:
    """A volume: with a GPT its partitions, without a table one file system on the whole device."""

    table: Table
    partitions: tuple[PartitionWish, ...] = ()
    filesystem: FilesystemWish | None = None
    required: bool = False
    grow: bool = True
    overwrite: bool = False

    @property
    def filesystems(self) -> tuple[FilesystemWish, ...]:
        """All that are wished, in the order of the partitions."""
        if self.table is Table.NONE:
            return (self.filesystem,) if self.filesystem else ()
        return tuple(partition.filesystem for partition in self.partitions)

    @property
    def points(self) -> list[str]:
        """The mount points of these."""
        return [each.mount for each in self.filesystems if each.mount]

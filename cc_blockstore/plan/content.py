"""What is seen of a block device: signature, partitions, emptiness, use. The words that the decisions are made of."""

from __future__ import annotations

from dataclasses import dataclass

from blockstore.size import format_size
from cc_blockstore.plan.decision import Refuse


@dataclass(frozen=True)
class Partition:
    """A partition as the kernel has it: ``start`` and ``size`` in bytes."""

    number: int
    node: str
    start: int
    size: int


@dataclass(frozen=True)
class Content:
    """One block device. What is None was not looked at, and counts as data where it matters.

    ``kind`` is blkid's TYPE (ext4, LVM2_member, …) or "" for no signature, ``table`` its PTTYPE (gpt, dos) or "".
    ``data_at`` is the offset of the first byte that is not zero among the sampled blocks, -1 where all were zero.
    ``used_by`` says what uses it (a mount point, a holder, swap), "" for nothing. ``size`` in bytes.
    """

    device: str
    size: int
    kind: str | None = None
    label: str = ""
    uuid: str = ""
    table: str | None = None
    partitions: tuple[Partition, ...] = ()
    data_at: int | None = None
    used_by: str = ""
    read_only: bool = False

    def __str__(self) -> str:
        """What is found, in words."""
        if self.table:
            sizes = ", ".join(format_size(partition.size) for partition in self.partitions)
            return f"a {self.table} partition table with {len(self.partitions)} partitions" + (f" ({sizes})" if sizes else "")
        if self.kind:
            return self.kind + (f" labelled {self.label!r}" if self.label else "")
        if self.kind is None or self.table is None:
            return "something that could not be read"
        if self.data_at is None:
            return "no signature"
        return "nothing" if self.data_at < 0 else f"no known signature, but data at byte {self.data_at}"


OVERWRITE = "detach it and attach an empty volume, or change the wish to what is found"


def unfit_for_writing(seen: Content, wished: str, blank: bool | None) -> Refuse | None:
    """Why nothing may be made on this device, or None: it is empty beyond doubt, in nobody's use, and may be written.

    ``blank`` is the server's word; None where there is no server to say. The order is that of docs/reuse-rules.md.
    """
    if seen.kind or seen.table or seen.kind is None or seen.table is None:
        return Refuse(f"refusing to overwrite {seen.device}: found {seen}; wished {wished}", OVERWRITE)
    if seen.data_at is None or seen.data_at >= 0:
        return Refuse(f"refusing to overwrite {seen.device}: found {seen}; wished {wished}", OVERWRITE)
    if seen.used_by:
        return Refuse(f"refusing to write to {seen.device}: in use by {seen.used_by}; wished {wished}", "end that use first")
    if seen.read_only:
        return Refuse(f"refusing to write to {seen.device}: it is attached read-only; wished {wished}", "attach it with mode rw")
    if blank is False:
        return Refuse(
            f"refusing to write to {seen.device}: found nothing, but the server does not say that it is blank; wished {wished}",
            "attach a new volume",
        )
    return None

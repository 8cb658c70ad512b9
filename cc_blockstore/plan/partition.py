"""Which partition table the volume should carry, and whether one may be written."""

from __future__ import annotations

from blockstore.size import MIB, format_size
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.filesystems.filesystem import LINUX_DATA
from cc_blockstore.plan.content import OVERWRITE, Content, unfit_for_writing
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse
from cc_blockstore.wish import PartitionWish, Table, VolumeWish

# The first and the last MiB: alignment, the table itself and its copy (UEFI specification 5.3).
RESERVED = 2 * MIB


def decide(wish: VolumeWish | None, seen: Content, blank: bool | None) -> Decision:
    """What to do about the partition table. Rows as in docs/reuse-rules.md, "partition"."""
    if wish is None:
        return Keep("nothing is wished of it")
    wished = describe(wish)
    if wish.table is Table.NONE:
        if seen.table:
            return Refuse(f"refusing to use {seen.device}: found {seen}; wished {wished}", OVERWRITE)
        return Keep("no partition table wished")
    if seen.table == "gpt":
        why_not = difference(wish, seen)
        if why_not:
            return Refuse(f"refusing to repartition {seen.device}: {why_not}", OVERWRITE)
        return Keep(f"found {seen}")
    refusal = unfit_for_writing(seen, wished, blank) or _too_small(wish, seen)
    return refusal or Do(f"write {wished} to {seen.device}")


def describe(wish: VolumeWish) -> str:
    """The wish in words."""
    if wish.table is Table.NONE:
        return f"{wish.filesystem} on the whole device"
    contents = ", ".join(str(each) for each in wish.filesystems)
    return f"a gpt partition table with {len(wish.partitions)} partition{'s' * (len(wish.partitions) != 1)} ({contents})"


def difference(wish: VolumeWish, seen: Content) -> str | None:
    """Why the partitions that are there are not the wished ones, with both sides; None where they are."""
    if [partition.number for partition in seen.partitions] != list(range(1, len(wish.partitions) + 1)):
        return f"found {seen}; wished {describe(wish)}"
    for wanted, found in zip(wish.partitions, seen.partitions):
        if wanted.size is not None and wanted.size != found.size:
            return (
                f"partition {found.number}: found {format_size(found.size)}, wished {format_size(wanted.size)}"
            )  # fmt: skip
    return None


def _too_small(wish: VolumeWish, seen: Content) -> Refuse | None:
    needed = RESERVED + sum(partition.size or _smallest(partition) for partition in wish.partitions)
    if needed <= seen.size:
        return None
    return Refuse(
        f"{seen.device} has {format_size(seen.size)}; {describe(wish)} needs {format_size(needed)}", "extend the volume"
    )


def _smallest(partition: PartitionWish) -> int:
    kind = partition.filesystem.type
    return FILESYSTEMS[kind].smallest if kind in FILESYSTEMS else MIB


def script(wish: VolumeWish) -> str:
    """The input of sfdisk(8). Sizes are whole MiB, and sfdisk aligns to 1 MiB, so what is found is what was wished."""
    lines = ["label: gpt"]
    for number, partition in enumerate(wish.partitions, 1):
        size = f"size={partition.size // MIB}MiB, " if partition.size is not None else ""
        kind = FILESYSTEMS.get(partition.filesystem.type)
        lines.append(f'{size}type={kind.partition_type if kind else LINUX_DATA}, name="blockstore-{number}"')
    return "\n".join(lines) + "\n"

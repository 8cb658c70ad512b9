"""Which partition table the volume should carry, and whether one may be written."""

from __future__ import annotations

from blockstore.size import MIB, format_size
from blockstore.values import replace
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.filesystems.filesystem import LINUX_DATA
from cc_blockstore.plan.content import OVERWRITE, Content, Overwrite, overwriting, unfit_for_writing
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse, Verb
from cc_blockstore.plan.gpt import ALIGNMENT, MADE, MAKING, Entry, Gpt, derived, guid
from cc_blockstore.wish import PartitionWish, Table, VolumeWish

# The first and the last MiB: alignment, the table itself and its copy (UEFI specification 5.3).
RESERVED = 2 * MIB


def decide(wish: VolumeWish | None, seen: Content, blank: bool | None, overwrite: Overwrite = Overwrite.NO) -> Decision:
    """What to do about the partition table. Rows as in docs/reuse-rules.md, "partition"."""
    if wish is None:
        return Keep("nothing is wished of it")
    if wish.table is Table.NONE:
        return _without_table(wish, seen, overwrite)
    if (smaller := _smaller_device(wish, seen)) is not None:
        return smaller
    decision = _found_gpt(wish, seen) if seen.table == "gpt" else unfit_for_writing(seen, describe(wish), blank)
    if isinstance(decision, (Keep, Do)):
        return decision
    too_small = _too_small(wish, seen)
    if isinstance(decision, Refuse):
        decision = overwriting(decision, seen, describe(wish), overwrite)
        return too_small if too_small and isinstance(decision, Do) else decision
    if seen.begun:
        return too_small or Do(f"write {describe(wish)} to {seen.device} again, where it was begun", Verb.FINISH)
    return too_small or Do(f"write {describe(wish)} to {seen.device}", Verb.CREATE)


def _without_table(wish: VolumeWish, seen: Content, overwrite: Overwrite) -> Decision:
    if not seen.table:
        return Keep("no partition table wished")
    refused = Refuse(f"refusing to use {seen.device}: found {seen}; wished {describe(wish)}", OVERWRITE)
    return overwriting(refused, seen, describe(wish), overwrite)


def _smaller_device(wish: VolumeWish, seen: Content) -> Refuse | None:
    """Not even `overwrite` helps here: that a device lost its end is nothing that a document can have meant."""
    found = seen.gpt.table if seen.gpt else None
    if seen.table != "gpt" or found is None or found.sectors * found.sector <= seen.size:
        return None
    return Refuse(
        f"refusing to use {seen.device}: found {format_size(seen.size)}, but its partition table was written for "
        f"{format_size(found.sectors * found.sector)}; wished {describe(wish)}",
        "a volume is never shrunk; extend it to its former size",
    )


def _found_gpt(wish: VolumeWish, seen: Content) -> Decision:
    found = seen.gpt.table if seen.gpt else None
    why_not = difference(wish, seen)
    if why_not and not (found and _may_grow(wish, seen, found)):
        return Refuse(f"refusing to repartition {seen.device}: {why_not}", OVERWRITE)
    if found is None or seen.gpt is None or seen.read_only:
        return Keep(f"found {seen}")
    if _may_grow(wish, seen, found):
        size = format_size(_last_size(grown(found, wish, seen.size)))
        return Do(f"grow partition {seen.partitions[-1].number} of {seen.device} to {size}", Verb.GROW)
    if seen.own and not seen.gpt.whole and found.sectors * found.sector == seen.size:
        return Do(f"write the damaged copy of the partition table of {seen.device} again", Verb.FINISH)
    return Keep(f"found {seen}")


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


def _may_grow(wish: VolumeWish, seen: Content, found: Gpt) -> bool:
    """Whether only the last partition differs, is smaller than it should be, and has the room behind it: on a device that was
    extended since its table was written, or where the table is ours. Room that somebody else left was left on purpose."""
    if not (seen.own or found.sectors * found.sector < seen.size):
        return False
    if not wish.grow or seen.read_only or len(seen.partitions) != len(wish.partitions):
        return False
    if difference(replace(wish, partitions=(*wish.partitions[:-1], PartitionWish(None, wish.partitions[-1].filesystem))), seen):
        return False
    wanted, last = wish.partitions[-1].size, seen.partitions[-1]
    if last.start != max(each.start for each in seen.partitions):
        return False
    target = _last_size(grown(found, wish, seen.size))
    return target - last.size >= ALIGNMENT and (wanted is None or target == wanted)


def grown(found: Gpt, wish: VolumeWish, size: int) -> Gpt:
    """The table with its last partition as large as it may and should be on a device of ``size`` bytes; else as it is."""
    table = replace(found, sectors=size // found.sector)
    last, wanted = table.entries[-1], wish.partitions[-1].size
    end = _aligned_end(table)
    if wanted is not None:
        end = min(end, last.first + wanted // table.sector - 1)
    return replace(table, entries=(*table.entries[:-1], replace(last, last=max(end, last.last))))


def _last_size(table: Gpt) -> int:
    return (table.entries[-1].last - table.entries[-1].first + 1) * table.sector


def _aligned_end(table: Gpt) -> int:
    grain = ALIGNMENT // table.sector
    return (table.last_usable + 1) // grain * grain - 1


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


def disk_guid(volume_id: str, *, again: bool) -> str:
    """The GUID of our table on this volume; ``again``: of one that replaces what was there."""
    return guid(derived(volume_id, "disk", *(("overwrite",) if again else ())))


def table(wish: VolumeWish, volume_id: str, size: int, sector: int, *, again: bool) -> Gpt:
    """The wished table for a device of ``size`` bytes with logical sectors of ``sector`` bytes, every partition aligned to
    1 MiB. Names tell which partitions get a file system: those are in the making."""
    empty = Gpt(disk_guid(volume_id, again=again), sector, size // sector, ())
    entries, start = [], ALIGNMENT // sector
    for number, partition in enumerate(wish.partitions, 1):
        end = _aligned_end(empty) if partition.size is None else start + partition.size // sector - 1
        kind = FILESYSTEMS.get(partition.filesystem.type)
        name = f"{MAKING if kind else MADE}{number}"
        own = guid(derived(volume_id, "partition", number))
        entries.append(Entry(number, kind.partition_type if kind else LINUX_DATA, own, start, end, name))
        start = end + 1
    return replace(empty, entries=tuple(entries))

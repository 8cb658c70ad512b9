"""What a block device carries: at a glance from sysfs and udev's database, or closely with a low-level probe.

A glance starts no process and is good for one conclusion only: that all is as wished. Whatever else it seems to show is
looked at closely before anything is decided.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from blockstore.errors import CommandFailed
from blockstore.run import Command
from blockstore.size import MIB
from blockstore.values import replace
from cc_blockstore.filesystems.filesystem import Read
from cc_blockstore.machine import files, gpt, provisioning
from cc_blockstore.machine.device import SECTOR
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.provisioning import Area
from cc_blockstore.machine.untouched import untouched
from cc_blockstore.machine.usage import used_by
from cc_blockstore.plan import gpt as plan_gpt
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan.content import Content, Partition

PROBE_SECONDS = 60.0
# blkid(8), RETURN CODE: 2 nothing was found, 8 several signatures that contradict each other.
FOUND, NOTHING, AMBIVALENT = 0, 2, 8
SAMPLE, SAMPLES = 4096, 256
_ESCAPED = rb"\\x([0-9a-f]{2})"


def glance(machine: Machine, node: str, *, read_only: bool = False) -> Content:
    """What the kernel and udev know already, and the disk's own partition table. ``kind`` and ``table`` stay None where udev
    has not said anything yet."""
    properties = udev_properties(machine, node)
    known = bool(properties)
    whole = not _is_partition(machine, node)
    seen = Content(
        device=node,
        size=size_of(machine, node),
        kind=properties.get("ID_FS_TYPE", "") if known else None,
        label=_decoded(properties.get("ID_FS_LABEL_ENC", "")),
        uuid=properties.get("ID_FS_UUID", ""),
        table=properties.get("ID_PART_TABLE_TYPE", "") if known and whole else ("" if known else None),
        partitions=partitions(machine, node),
        used_by=used_by(machine, node),
        read_only=read_only,
    )
    return _with_table(machine, seen) if whole else seen


def probe(machine: Machine, node: str, *, read_only: bool = False, volume_id: str = "") -> Content:
    """Look closely: blkid at low level (no cache), and sampled blocks where it finds nothing; no process for what nobody ever
    wrote to. A table of ours whose writing was cut short counts as nothing for the volume that ``volume_id`` names."""
    size, whole = size_of(machine, node), not _is_partition(machine, node)
    fresh = untouched(machine, node, size, whole=whole)
    values = {} if fresh else _blkid(machine, node)
    kind = None if values is None else values.get("ID_FS_TYPE", "")
    table = None if values is None else values.get("ID_PART_TABLE_TYPE", "")
    seen = Content(
        device=node,
        size=size,
        kind=kind,
        label=_decoded(values.get("ID_FS_LABEL_ENC", "")) if values else "",
        uuid=values.get("ID_FS_UUID", "") if values else "",
        table=table,
        partitions=partitions(machine, node),
        used_by=used_by(machine, node),
        read_only=read_only,
        untouched=fresh,
    )
    if fresh:
        return replace(seen, data_at=-1)
    if kind == "" and table == "":
        begun = _begun(gpt.see(machine, node, size), volume_id) if whole and volume_id else ()
        return replace(seen, data_at=first_data(machine.paths.node(node), size, begun), begun=bool(begun))
    return _with_table(machine, seen) if whole else seen


def _with_table(machine: Machine, seen: Content) -> Content:
    """With the table as it is on the disk: what the kernel shows may be older."""
    found = gpt.see(machine, seen.device, seen.size).copies
    if found.table is None or seen.kind:
        return seen
    return replace(seen, table="gpt", gpt=found, partitions=gpt.partitions(seen.device, found.table))


def _begun(seen: gpt.Seen, volume_id: str) -> tuple[Area, ...]:
    """Where a table of ours was begun (offset, length): the places of both copies, if nothing else is there."""
    owners = [plan_partition.disk_guid(volume_id, again=again) for again in (False, True)]
    front, back = seen.front[seen.sector :], seen.back
    if not (any(front) or any(back)) or not all(plan_gpt.begun(area, seen.sector, volume_id, owners) for area in (front, back)):
        return ()
    return ((seen.sector, len(front)), (-len(back), len(back)))


def _blkid(machine: Machine, node: str) -> dict[str, str] | None:
    """blkid's values; {} for nothing found; None where it could not tell, which counts as data.

    In udev's words, as `glance` reads them: the form `export` writes ü as ``M-C\\<`` and cannot be read back.
    """
    command = Command(("blkid", "-p", "-o", "udev", node), ok=(FOUND, NOTHING, AMBIVALENT))
    try:
        done = machine.run(command, timeout=PROBE_SECONDS)
    except CommandFailed:
        return None
    if done.code == AMBIVALENT:
        return None
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {key: value for key, separator, value in pairs if separator}


def _decoded(value: str) -> str:
    """udev's and blkid's ``\\x20`` form as text."""
    return re.sub(_ESCAPED, lambda match: bytes.fromhex(match[1].decode()), value.encode()).decode("utf-8", "replace")


def first_data(path: str, size: int, besides: Sequence[Area] = ()) -> int:
    """The offset of the first sampled block that is not zero, -1 where all are: the first and the last MiB whole, and
    blocks of 4 KiB between them, spread over all that the disk has stored there, or over everything where its target does not
    say. ``besides`` are areas that do not count (a negative offset: from the end)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    skipped = [(begin % size, length) for begin, length in besides]
    try:
        # No read-ahead: for a sample of 4 KiB the kernel would fetch 128 over the network.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        samples = _samples(size, provisioning.stored(descriptor, size))
        # Asked for all at once: one after the other each would cost a round trip to the target.
        for offset, length in samples:
            os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_WILLNEED)
        for offset, length in samples:
            if _without(os.pread(descriptor, length, offset), offset, skipped) != bytes(length):
                return offset
    finally:
        os.close(descriptor)
    return -1


def _without(data: bytes, offset: int, areas: Iterable[Area]) -> bytes:
    """These bytes, zero where they lie in one of the areas."""
    for begin, length in areas:
        low, high = max(begin - offset, 0), min(begin + length - offset, len(data))
        if low < high:
            data = data[:low] + bytes(high - low) + data[high:]
    return data


def _samples(size: int, stored: Sequence[Area] | None) -> list[Area]:
    if size <= 4 * MIB:
        return [(0, size)]
    low, high = MIB, size - MIB
    between = [(low, high - low)] if stored is None else list(_clipped(stored, low, high))
    return [(0, MIB), (high, MIB), *_spread(between)]


def _clipped(areas: Iterable[Area], low: int, high: int) -> Iterator[Area]:
    for begin, length in areas:
        first, end = max(begin, low), min(begin + length, high)
        if first < end:
            yield first, end - first


def _spread(areas: Sequence[Area]) -> Iterator[Area]:
    """Blocks of all areas, or of some of very many, one at the start and one at the end of each at least."""
    total = sum(length for _, length in areas)
    for begin, length in areas[:: 1 + len(areas) // SAMPLES]:
        step = max(SAMPLE, length // max(1, SAMPLES * length // total) // SAMPLE * SAMPLE)
        last = max(begin, begin + length - SAMPLE)
        for offset in (*range(begin, last, step), last):
            yield offset, min(SAMPLE, length)


def udev_properties(machine: Machine, node: str) -> dict[str, str]:
    """udev's database entry of a device; {} where udev has not finished with it (or does not run)."""
    number = files.read(f"{_sysfs(machine, node)}/dev")
    lines = files.read(f"{machine.paths.udev}/b{number}").splitlines() if number else []
    pairs = (line[2:].partition("=") for line in lines if line.startswith("E:"))
    return {key: value for key, _, value in pairs}


def partitions(machine: Machine, node: str) -> tuple[Partition, ...]:
    """The partitions as the kernel has them, by number."""
    name, folder = os.path.basename(node), _sysfs(machine, node)
    parts = [(each, files.read(f"{folder}/{each}/partition")) for each in files.names(folder) if each.startswith(name)]
    found = [
        Partition(
            number=int(number),
            node=f"/dev/{part}",
            start=int(files.read(f"{folder}/{part}/start")) * SECTOR,
            size=int(files.read(f"{folder}/{part}/size")) * SECTOR,
        )
        for part, number in parts
        if number
    ]
    return tuple(sorted(found, key=lambda part: part.number))


def size_of(machine: Machine, node: str) -> int:
    """The size of a device in bytes."""
    return int(files.read(f"{_sysfs(machine, node)}/size") or 0) * SECTOR


def _is_partition(machine: Machine, node: str) -> bool:
    return os.path.exists(f"{_sysfs(machine, node)}/partition")


def _sysfs(machine: Machine, node: str) -> str:
    return f"{machine.paths.sys}/class/block/{os.path.basename(node)}"


def reader(machine: Machine, node: str) -> Read:
    """Reads the device's bytes, through the page cache."""

    def read(offset: int, length: int) -> bytes:
        descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    return read

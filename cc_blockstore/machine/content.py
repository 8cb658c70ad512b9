"""What a block device carries: at a glance from sysfs and udev's database, or closely with a low-level probe.

A glance starts no process and is good for one conclusion only: that all is as wished. Whatever else it seems to show is
looked at closely before anything is decided.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from blockstore.errors import CommandFailed
from blockstore.run import Command
from blockstore.size import MIB
from cc_blockstore.machine import files
from cc_blockstore.machine.device import SECTOR
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.usage import used_by
from cc_blockstore.plan.content import Content, Partition

PROBE_SECONDS = 60.0
# blkid(8), RETURN CODE: 2 nothing was found, 8 several signatures that contradict each other.
FOUND, NOTHING, AMBIVALENT = 0, 2, 8
SAMPLE, SAMPLES = 4096, 256
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def glance(machine: Machine, node: str, *, read_only: bool = False) -> Content:
    """What the kernel and udev know already. ``kind`` and ``table`` stay None where udev has not said anything yet."""
    properties = udev_properties(machine, node)
    known = bool(properties)
    return Content(
        device=node,
        size=_size(machine, node),
        kind=properties.get("ID_FS_TYPE", "") if known else None,
        label=_decoded(properties.get("ID_FS_LABEL_ENC", "")),
        uuid=properties.get("ID_FS_UUID", ""),
        table=properties.get("ID_PART_TABLE_TYPE", "") if known and not _is_partition(machine, node) else ("" if known else None),
        partitions=partitions(machine, node),
        used_by=used_by(machine, node),
        read_only=read_only,
    )


def probe(machine: Machine, node: str, *, read_only: bool = False) -> Content:
    """Look closely: blkid at low level (no cache), and sampled blocks where it finds nothing."""
    values = _blkid(machine, node)
    kind = None if values is None else values.get("ID_FS_TYPE", "")
    table = None if values is None else values.get("ID_PART_TABLE_TYPE", "")
    nothing = kind == "" and table == ""
    return Content(
        device=node,
        size=_size(machine, node),
        kind=kind,
        label=_decoded(values.get("ID_FS_LABEL_ENC", "")) if values else "",
        uuid=values.get("ID_FS_UUID", "") if values else "",
        table=table,
        partitions=partitions(machine, node),
        data_at=first_data(machine.paths.dev / Path(node).name, _size(machine, node)) if nothing else None,
        used_by=used_by(machine, node),
        read_only=read_only,
    )


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
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), value.encode()).decode("utf-8", "replace")


def first_data(path: Path, size: int) -> int:
    """The offset of the first sampled block that is not zero, -1 where all are: the first and the last MiB whole, and
    blocks of 4 KiB spread evenly between them."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # No read-ahead: for a sample of 4 KiB the kernel would fetch 128 over the network.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        for offset, length in _samples(size):
            if os.pread(descriptor, length, offset) != bytes(length):
                return offset
    finally:
        os.close(descriptor)
    return -1


def _samples(size: int) -> list[tuple[int, int]]:
    if size <= 4 * MIB:
        return [(0, size)]
    step = max(SAMPLE, (size - 2 * MIB) // SAMPLES // SAMPLE * SAMPLE)
    between = [(offset, SAMPLE) for offset in range(MIB, size - MIB - SAMPLE, step)]
    return [(0, MIB), (size - MIB, MIB), *between]


def udev_properties(machine: Machine, node: str) -> dict[str, str]:
    """udev's database entry of a device; {} where udev has not finished with it (or does not run)."""
    number = files.read(machine.paths.sys / "class/block" / Path(node).name / "dev")
    lines = files.read(machine.paths.udev / f"b{number}").splitlines() if number else []
    pairs = (line[2:].partition("=") for line in lines if line.startswith("E:"))
    return {key: value for key, _, value in pairs}


def partitions(machine: Machine, node: str) -> tuple[Partition, ...]:
    """The partitions as the kernel has them, by number."""
    name = Path(node).name
    folder = machine.paths.sys / "class/block" / name
    found = [
        Partition(
            number=int(files.read(part / "partition")),
            node=f"/dev/{part.name}",
            start=int(files.read(part / "start")) * SECTOR,
            size=int(files.read(part / "size")) * SECTOR,
        )
        for part in folder.glob(f"{name}*")
        if (part / "partition").exists()
    ]
    return tuple(sorted(found, key=lambda part: part.number))


def _size(machine: Machine, node: str) -> int:
    return int(files.read(machine.paths.sys / "class/block" / Path(node).name / "size") or 0) * SECTOR


def _is_partition(machine: Machine, node: str) -> bool:
    return (machine.paths.sys / "class/block" / Path(node).name / "partition").exists()

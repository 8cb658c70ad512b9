"""The close look, on crafted files: signatures of all kinds, and data without any."""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Callable

import pytest

from blockstore.size import GIB, MIB, TIB
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine.content import SAMPLE, SAMPLES, first_data
from cc_blockstore.plan import filesystem as plan_filesystem
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan.decision import Do, Keep, Refuse
from tests.files.conftest import Disk
from tests.files.real import SECTOR, File, real
from tests.files.wishes import wished

Make = Callable[[File], None]


def tool(*argv: str, text: str = "") -> Make:
    """A real tool, with the file's name at the end."""
    return lambda file: void(real(*argv, file.node, text=text))


def crafted(offset: int, data: bytes) -> Make:
    return lambda file: file.put(offset, data)


def void(_: object) -> None:
    """For tables of lambdas."""


def ambivalent(file: File) -> None:
    """The superblock of an xfs and that of an ext4, side by side: they exclude each other."""
    real("mkfs.ext4", "-q", file.node)
    scratch = File.of(file.root / "scratch", 300 * MIB)
    real("mkfs.xfs", "-q", scratch.node)
    with open(scratch.path, "rb") as handle:
        file.put(0, handle.read(SECTOR))


def md_superblock(offset: int) -> bytes:
    """linux/raid/md_p.h, version 1.x: magic, major version, and where it lies itself."""
    return struct.pack("<II", 0xA92B4EFC, 1) + bytes(136) + struct.pack("<Q", offset // SECTOR) + bytes(104)


def lvm_label() -> bytes:
    """LVM2's lib/format_text/layout.h; the checksum has an initial value of its own and no last inversion."""
    summed = struct.pack("<I8s", 32, b"LVM2 001") + b"x" * 32 + bytes(SECTOR - 20 - 44)
    checksum = zlib.crc32(summed, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    return struct.pack("<8sQI", b"LABELONE", 1, checksum) + summed


BCACHE = struct.pack("<QQQ", 0, 8, 0) + bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81") + bytes(16)

# What is there, and what is seen of it: kind and table.
SEEN: dict[str, tuple[Make, str | None, str | None]] = {
    "nothing": (lambda file: None, "", ""),
    "ext4": (tool("mkfs.ext4", "-q"), "ext4", ""),
    "ext2": (tool("mkfs.ext2", "-q"), "ext2", ""),
    "vfat": (tool("mkfs.vfat"), "vfat", ""),
    "swap": (tool("mkswap"), "swap", ""),
    "gpt": (tool("sfdisk", "-q", "--no-tell-kernel", text="label: gpt\nsize=8MiB\n") , "", "gpt"),
    "dos": (tool("sfdisk", "-q", "--no-tell-kernel", text="label: dos\nsize=8MiB\n"), "", "dos"),
    "an empty gpt": (tool("sfdisk", "-q", "--no-tell-kernel", text="label: gpt\n"), "", "gpt"),
    "LUKS1": (tool("cryptsetup", "-q", "luksFormat", "--type", "luks1", "--pbkdf-force-iterations", "1000", text="secret"),
              "crypto_LUKS", ""),
    "LUKS2": (tool("cryptsetup", "-q", "luksFormat", "--type", "luks2", "--pbkdf", "pbkdf2",
                   "--pbkdf-force-iterations", "1000", text="secret"), "crypto_LUKS", ""),
    "a md member": (crafted(4096, md_superblock(4096)), "linux_raid_member", ""),
    "bcache": (crafted(4096, BCACHE), "bcache", ""),
    "a LVM2 label": (crafted(SECTOR, lvm_label()), "LVM2_member", ""),
    "squashfs": (crafted(0, b"hsqs" + bytes(24) + struct.pack("<HH", 4, 0)), "squashfs", ""),
    "ext4 and xfs": (ambivalent, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_what_the_close_look_sees(name: str, disk: Disk) -> None:
    make, kind, table = SEEN[name]
    file = disk(32 * MIB)
    make(file)
    seen = file.probe()
    assert (seen.kind, seen.table) == (kind, table)


@pytest.mark.parametrize("name", [name for name in SEEN if name != "nothing"])
def test_no_signature_is_ever_written_over(name: str, disk: Disk) -> None:
    """Whatever is there: no wish leads to a write, with or without a server that calls the volume blank."""
    file = disk(32 * MIB)
    SEEN[name][0](file)
    seen = file.probe()
    for kind, blank in itertools.product(FILESYSTEMS, (None, True, False)):
        wish = wished(partition_table="none", filesystem=kind)
        assert wish.filesystem is not None
        table, filesystem = (
            plan_partition.decide(wished(filesystem=kind), seen, blank),
            plan_filesystem.decide(wish.filesystem, seen, blank),
        )
        # One partition, as wished: kept. Everything else of any kind is refused.
        assert isinstance(table, Keep if name == "gpt" else Refuse)
        assert isinstance(filesystem, Keep if kind == name else Refuse)


def test_a_file_that_cannot_be_probed_counts_as_data(disk: Disk) -> None:
    file = disk(32 * MIB)
    os.truncate(file.path, 0)
    seen = file.probe()
    assert isinstance(plan_partition.decide(wished(), seen, True), Refuse)


SIZE = 1 * GIB
# Where one byte lies, and where it is found (the offset of the sample), in a device of 1 GiB.
FOUND = [
    (0, 0),
    (511, 0),
    (4096, 0),
    (MIB - 1, 0),
    (MIB, MIB),
    (MIB + SAMPLE - 1, MIB),
    (SIZE - MIB, SIZE - MIB),
    (SIZE - 1, SIZE - MIB),
]


@pytest.mark.parametrize(("at", "found"), FOUND)
def test_one_byte_is_found(at: int, found: int, disk: Disk) -> None:
    file = disk(SIZE)
    file.put(at, b"\x01")
    assert first_data(file.path, SIZE) == found


@pytest.mark.parametrize("size", [SAMPLE, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 512, 64 * MIB, SIZE, 5 * TIB])
def test_an_empty_device_is_empty(size: int, disk: Disk) -> None:
    assert first_data(disk(size).path, size) == -1


@pytest.mark.parametrize("size", [1 * MIB, 3 * MIB, 4 * MIB])
def test_a_small_device_is_read_whole(size: int, disk: Disk) -> None:
    for at in (0, size // 2, size - 1):
        file = disk(size)
        file.put(at, b"\x01")
        assert first_data(file.path, size) == 0


def test_a_run_longer_than_the_distance_of_the_samples_is_always_found(disk: Disk) -> None:
    """What covers as much of the device as lies between two samples is hit, wherever it begins."""
    length = SIZE // SAMPLES + SAMPLE
    for begin in range(0, SIZE - length, SIZE // 23):
        file = disk(SIZE)
        file.put(begin, b"\xff" * length)
        assert first_data(file.path, SIZE) >= 0, begin


def test_a_lone_block_between_two_samples_is_missed(disk: Disk) -> None:
    """The known limit: sampling is no proof of emptiness. A single block without a signature, far from both ends, is not
    seen; where it may exist, the server's word (`blank: false`) is what protects it."""
    file = disk(SIZE)
    file.put(MIB + 2 * SAMPLE, b"\xff" * SAMPLE)
    assert first_data(file.path, SIZE) == -1
    seen = file.probe()
    assert isinstance(plan_partition.decide(wished(), seen, None), Do)
    assert isinstance(plan_partition.decide(wished(), seen, False), Refuse)


def test_a_device_that_is_shorter_than_it_says_counts_as_data(disk: Disk) -> None:
    file = disk(64 * MIB)
    os.truncate(file.path, 32 * MIB)
    assert first_data(file.path, 64 * MIB) >= 0

"""Disks that must not be touched: refused, the reason names what was found and what was wished, and no byte is different."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from blockstore.run import ENVIRONMENT
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import Disk, attached, mounted, read_table, run
from tests.loop.instance import SERIAL, Instance

# Puts something on a disk that is not attached.
Before = Callable[[Disk, Path], None]

NONE: dict[str, Any] = {"partition_table": "none"}
WHOLE_XFS = {**NONE, "filesystem": "xfs"}
TABLE: dict[str, Any] = {}
GPT_WISHED = "wished a gpt partition table with 1 partition (ext4)"


def on_device(*argv: str, text: str = "") -> Before:
    """A real tool, on the device."""

    def put(disk: Disk, place: Path) -> None:
        with attached(disk):
            run(*argv, disk.node, text=text)

    return put


def bytes_at(offset: int, data: bytes) -> Before:
    """Bytes that are no signature of anything (negative: from the end)."""
    return lambda disk, place: disk.write(offset, data)


def ext4_with_files(disk: Disk, place: Path) -> None:
    on_device("mkfs.ext4", "-q", "-L", "old")(disk, place)
    with mounted(disk, place / "before") as folder:
        (folder / "file").write_text("theirs\n")


def vg(disk: Disk, place: Path) -> None:
    """A bare physical volume, by LVM itself, which is told to see nothing but this device."""
    with attached(disk):
        only = f'devices {{ use_devicesfile=0 filter=["a|^{disk.node}$|", "r|.*|"] }} global {{ locking_dir="{place}" }}'
        place.mkdir(parents=True, exist_ok=True)
        run("pvcreate", "-qq", "--yes", "--config", only, disk.node)


def partitioned(script: str, *makers: tuple[str, ...]) -> Before:
    """A table, and on its partitions in turn what these make."""

    def put(disk: Disk, place: Path) -> None:
        with attached(disk):
            run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk.node, text=script)
            read_table(disk)
            for node, maker in zip(disk.partitions, makers):
                run(*maker, node)

    return put


def luks(disk: Disk, place: Path) -> None:
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    on_device("cryptsetup", "-q", "luksFormat", *cheap, text="secret")(disk, place)


def ambivalent(disk: Disk, place: Path) -> None:
    """The superblock of an xfs before that of an ext4: blkid says rc 8."""
    on_device("mkfs.ext4", "-q")(disk, place)
    scratch = Disk(place / "scratch")
    place.mkdir(parents=True, exist_ok=True)
    with open(scratch.file, "wb") as handle:
        handle.truncate(300 * MIB)
    run("mkfs.xfs", "-q", str(scratch.file))
    with open(scratch.file, "rb") as handle:
        disk.write(0, handle.read(512))
    done = subprocess.run(("blkid", "-p", str(disk.file)), capture_output=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 8


# linux/raid/md_p.h, version 1.0: 8 KiB before the end, aligned to 4 KiB.
MD = struct.pack("<II", 0xA92B4EFC, 1) + bytes(136) + struct.pack("<Q", (64 * MIB - 8192) // 512) + bytes(104)
BCACHE = struct.pack("<QQQ", 0, 8, 0) + bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81") + bytes(16)


def zfs(disk: Disk, place: Path) -> None:
    """Uberblocks in the first two labels (zfs on-disk format, 1.3.3): blkid wants to see several."""
    for label in (0, 256 * 1024):
        for index in range(128):
            disk.write(label + 128 * 1024 + index * 1024, struct.pack("<QQQ", 0x00BAB10C, 5000, index + 1) + bytes(24))


@dataclass(frozen=True)
class DiskTest:
    """A disk of ``size`` MiB with something on it, a wish, and what the reason must say. ``arguments`` go to the run."""

    before: Before
    wish: dict[str, Any]
    says: tuple[str, ...]
    size: int = 64
    arguments: dict[str, Any] = field(default_factory=dict)


def empty(disk: Disk, place: Path) -> None:
    """As it came."""


RANDOM = bytes(range(1, 256)) * 17
TESTS = {
    # What is on the whole device.
    "ext4 where xfs is wished": DiskTest(ext4_with_files, WHOLE_XFS, ("found ext4 labelled 'old'", "wished xfs")),
    "ext4 where a gpt is wished": DiskTest(ext4_with_files, TABLE, ("found ext4 labelled 'old'", GPT_WISHED)),
    "ext4 where swap is wished": DiskTest(ext4_with_files, {**NONE, "filesystem": "swap"}, ("found ext4", "wished swap")),
    "ext4 with another label": DiskTest(
        ext4_with_files, {**NONE, "label": "new"}, ("found ext4 labelled 'old'", "wished ext4 labelled 'new'")
    ),
    "ext2 where ext4 is wished": DiskTest(on_device("mkfs.ext2", "-q"), NONE, ("found ext2", "wished ext4")),
    "xfs where ext4 is wished": DiskTest(on_device("mkfs.xfs", "-q"), NONE, ("found xfs", "wished ext4"), size=300),
    "btrfs where a gpt is wished": DiskTest(on_device("mkfs.btrfs", "-q"), TABLE, ("found btrfs", GPT_WISHED), size=128),
    "vfat where ext4 is wished": DiskTest(on_device("mkfs.vfat"), NONE, ("found vfat", "wished ext4")),
    "vfat where a gpt is wished": DiskTest(on_device("mkfs.vfat"), TABLE, ("found vfat", GPT_WISHED)),
    "a bare LVM PV where ext4 is wished": DiskTest(vg, NONE, ("found LVM2_member", "wished ext4")),
    "a bare LVM PV where a gpt is wished": DiskTest(vg, TABLE, ("found LVM2_member", GPT_WISHED)),
    "LUKS where ext4 is wished": DiskTest(luks, NONE, ("found crypto_LUKS", "wished ext4")),
    "LUKS where a gpt is wished": DiskTest(luks, TABLE, ("found crypto_LUKS", GPT_WISHED)),
    "swap where ext4 is wished": DiskTest(on_device("mkswap"), NONE, ("found swap", "wished ext4")),
    "swap where a gpt is wished": DiskTest(on_device("mkswap"), TABLE, ("found swap", GPT_WISHED)),
    "md 1.0": DiskTest(bytes_at(-8192, MD), NONE, ("found linux_raid_member", "wished ext4")),
    "bcache": DiskTest(bytes_at(4096, BCACHE), TABLE, ("found bcache", GPT_WISHED)),
    "zfs": DiskTest(zfs, NONE, ("found zfs_member", "wished ext4")),
    "xfs and ext4 at once, ext4 wished": DiskTest(ambivalent, NONE, ("found something that could not be read", "wished ext4")),
    "xfs and ext4 at once, a gpt wished": DiskTest(ambivalent, TABLE, ("found something that could not be read", GPT_WISHED)),
    # Tables of somebody else.
    "a dos table where a gpt is wished": DiskTest(
        partitioned("label: dos\nsize=20MiB\n", ("mkfs.ext4", "-q")), TABLE, ("found a dos partition table with", GPT_WISHED)
    ),
    "a dos table where ext4 is wished": DiskTest(
        partitioned("label: dos\nsize=20MiB\n"), NONE, ("found a dos partition table with", "wished ext4 on the whole device")
    ),
    "a gpt where ext4 is wished": DiskTest(
        partitioned("label: gpt\nsize=20MiB\n", ("mkfs.ext4", "-q")), NONE,
        ("found a gpt partition table with 1 partitions (20 MiB)", "wished ext4 on the whole device"),
    ),
    "a gpt of two partitions where one is wished": DiskTest(
        partitioned("label: gpt\nsize=20MiB\nsize=20MiB\n", ("mkfs.ext4", "-q"), ("mkfs.ext4", "-q")), TABLE,
        ("found a gpt partition table with 2 partitions (20 MiB, 20 MiB)", GPT_WISHED),
    ),
    "a gpt of another size": DiskTest(
        partitioned("label: gpt\nsize=20MiB\n", ("mkfs.ext4", "-q")), {"partitions": [{"size": "10MiB"}]},
        ("partition 1: found 20 MiB, wished 10 MiB",),
    ),
    "an empty gpt": DiskTest(
        partitioned("label: gpt\n"), TABLE, ("found a gpt partition table with 0 partitions", GPT_WISHED)
    ),
    "a matching gpt with xfs on its partition": DiskTest(
        partitioned('label: gpt\nname="theirs"\n', ("mkfs.xfs", "-q")), TABLE, ("p1: found xfs", "wished ext4"), size=310
    ),
    "a matching gpt with another label on its second partition": DiskTest(
        partitioned("label: gpt\nsize=20MiB\nsize=20MiB\n", ("mkfs.ext4", "-q"), ("mkfs.ext4", "-q", "-L", "old")),
        {"partitions": [{"size": "20MiB"}, {"size": "20MiB", "label": "new"}]},
        ("p2: found ext4 labelled 'old'", "wished ext4 labelled 'new'"),
    ),
    # Data without any signature.
    "random bytes at the start": DiskTest(bytes_at(0, RANDOM), NONE, ("no known signature, but data at byte 0", "wished ext4")),
    "one byte at the start": DiskTest(bytes_at(0, b"\1"), TABLE, ("no known signature, but data at byte 0", GPT_WISHED)),
    "random bytes in the middle": DiskTest(
        bytes_at(32 * MIB, RANDOM * 256), TABLE, ("no known signature, but data at byte", GPT_WISHED)
    ),
    "random bytes at the end": DiskTest(
        bytes_at(-len(RANDOM), RANDOM), NONE, (f"no known signature, but data at byte {63 * MIB}", "wished ext4")
    ),
    "one byte at the end": DiskTest(bytes_at(-1, b"\1"), TABLE, (f"but data at byte {63 * MIB}", GPT_WISHED)),
    # Empty, and yet not.
    "empty, but the server says not blank": DiskTest(
        empty, NONE, ("found nothing, but the server does not say that it is blank", "wished ext4"),
        arguments={"blank": False},
    ),
    "empty, a gpt wished, not blank": DiskTest(
        empty, TABLE, ("found nothing, but the server does not say that it is blank", GPT_WISHED),
        arguments={"blank": False},
    ),
    "a lone block that sampling misses, but the server says not blank": DiskTest(
        bytes_at(MIB + 4096, RANDOM[:4096]), TABLE, ("the server does not say that it is blank", GPT_WISHED), size=1024,
        arguments={"blank": False},
    ),
    "empty and read-only": DiskTest(
        empty, NONE, ("it is attached read-only", "wished ext4"), arguments={"mode": "ro"}
    ),
    "empty and read-only, a gpt wished": DiskTest(
        empty, TABLE, ("it is attached read-only", GPT_WISHED), arguments={"mode": "ro"}
    ),
    "too small for xfs": DiskTest(empty, WHOLE_XFS, ("has 64 MiB", "xfs needs 300 MiB")),
    "too small for the partitions": DiskTest(
        empty, {"partitions": [{"size": "40MiB"}, {"size": "40MiB"}]}, ("has 64 MiB", "needs 82 MiB")
    ),
    "the serial of another volume, empty": DiskTest(
        empty, NONE, (f"wanted serial '{SERIAL}', found 'another'",), arguments={"found": "another"}
    ),
    "no serial where one was named": DiskTest(
        empty, TABLE, (f"wanted serial '{SERIAL}', found ''",), arguments={"found": ""}
    ),
    "the serial of another volume, with files": DiskTest(
        ext4_with_files, NONE, (f"wanted serial '{SERIAL}', found 'another'",), arguments={"found": "another"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TESTS)
def test_refused_and_unchanged(name: str, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    test = TESTS[name]
    disk, point = make_disk(test.size * MIB), place / "data"
    test.before(disk, place)
    before, fstab = disk.contents(), instance.fstab
    assert before or test.before is empty
    disk.attach()

    swap = test.wish.get("filesystem") == "swap"
    wish = dict(test.wish)
    if not swap and "partitions" not in wish:
        wish["mount"] = str(point)
    done = instance.bring_up(disk, wished(**wish), **{"blank": True, **test.arguments})

    assert done.report.result is Result.REFUSED
    for each in test.says:
        assert each in done.report.reason
    assert (done.report.changed, done.processes.wrote, done.report.filesystems) == (False, [], ())
    if "serial" in done.report.reason:
        assert done.processes.started == []  # nothing was even read
    assert disk.contents() == before
    disk.detach()
    assert disk.contents() == before
    assert instance.fstab == fstab
    assert not point.exists()


def test_a_lone_block_between_the_samples_is_missed_where_nobody_says_that_there_is_data(
    make_disk: MakeDisk, instance: Instance
) -> None:
    """The known limit of sampling, kept in view: in a big and otherwise empty device a single block of 4 KiB that is no
    signature may be missed, and without a server (``blank`` unknown) the volume is formatted. The row above with the same
    block shows what protects it."""
    disk = make_disk(1024 * MIB)
    disk.write(MIB + 4096, RANDOM[:4096])
    disk.attach()
    assert instance.bring_up(disk, wished(partition_table="none"), blank=None).report.result is Result.OK


@pytest.mark.parametrize("wish", [WHOLE_XFS, TABLE, NONE])
def test_mounted_elsewhere(wish: dict[str, Any], make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Not even where the file system is the wished one; read-only, so that the mount itself writes nothing."""
    disk = make_disk(64 * MIB)
    ext4_with_files(disk, place)
    disk.attach()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    run("mount", "-o", "ro", disk.node, str(elsewhere))
    before = disk.contents()
    done = instance.bring_up(disk, wished(**wish, mount=f"{place}/data"), blank=True)
    assert done.report.result is Result.REFUSED
    assert ("found mounted on " + str(elsewhere) if wish is NONE else "found ext4") in done.report.reason
    assert (done.processes.wrote, done.report.changed) == ([], False)
    assert disk.contents() == before


def test_swap_that_is_on(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(16 * MIB)
    on_device("mkswap")(disk, place)
    before = disk.contents()
    disk.attach()
    run("swapon", disk.node)
    done = instance.bring_up(disk, wished(partition_table="none", mount=f"{place}/data"), blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert "found swap; wished ext4" in done.report.reason
    assert disk.node in Path("/proc/swaps").read_text()
    assert disk.contents() == before


def wipe(disk: Disk) -> None:
    """Take away all that could be found, under the one who uses it (the device itself takes no writes while it is swap)."""
    with open(disk.file, "r+b", buffering=0) as file:
        file.write(bytes(MIB))
        os.fsync(file.fileno())
    run("blockdev", "--flushbufs", disk.node)


@pytest.mark.parametrize("wish", [NONE, TABLE])
def test_an_empty_device_in_use_as_swap(wish: dict[str, Any], make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """All that speaks for emptiness is there; only the use speaks against it."""
    disk = make_disk(16 * MIB)
    on_device("mkswap")(disk, place)
    disk.attach()
    run("swapon", disk.node)
    wipe(disk)
    assert disk.contents() == {}
    done = instance.bring_up(disk, wished(**wish), blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert f"in use by swap ({disk.node}); wished" in done.report.reason
    assert disk.contents() == {}


@pytest.mark.parametrize("wish", [NONE, TABLE])
def test_an_empty_device_that_is_held(wish: dict[str, Any], make_disk: MakeDisk, instance: Instance) -> None:
    """By the device mapper, where this kernel has one."""
    if "device-mapper" not in Path("/proc/devices").read_text():
        pytest.skip("this kernel has no device mapper")
    disk = make_disk(16 * MIB)
    disk.attach()
    name = f"blockstore-test-{os.getpid()}"
    run("dmsetup", "create", name, "--table", f"0 {disk.size // 512} linear {disk.node} 0")
    try:
        done = instance.bring_up(disk, wished(**wish), blank=True)
    finally:
        run("dmsetup", "remove", name)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert f"(which holds {disk.node})" in done.report.reason
    assert disk.contents() == {}


@pytest.mark.parametrize("wish", [NONE, TABLE])
def test_a_device_that_somebody_has_locked(wish: dict[str, Any], make_disk: MakeDisk, instance: Instance) -> None:
    """The lock of "Locking Block Device Access": udev's, or that of another tool at work on the disk. Waited for, until the
    deadline."""
    disk = make_disk(16 * MIB)
    disk.attach()
    with open(disk.node, "rb") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_SH)
        done = instance.bring_up(disk, wished(**wish), blank=True, seconds=0.2)
    assert (done.report.result, done.processes.started) == (Result.FAILED, [])
    assert f"for udev to be done with {disk.node}" in done.report.reason
    assert disk.contents() == {}


@pytest.mark.parametrize("wish", [NONE, TABLE])
def test_a_device_that_somebody_has_open_for_himself(wish: dict[str, Any], make_disk: MakeDisk, instance: Instance) -> None:
    """O_EXCL, as mounts, holders and swap have it, but by a process, which sysfs does not show."""
    disk = make_disk(16 * MIB)
    disk.attach()
    theirs = os.open(disk.node, os.O_RDONLY | os.O_EXCL)
    try:
        done = instance.bring_up(disk, wished(**wish), blank=True, seconds=1)
    finally:
        os.close(theirs)
    assert done.report.result is not Result.OK
    assert disk.contents() == {}


def test_a_mount_point_that_another_device_has(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    theirs, disk, point = make_disk(64 * MIB), make_disk(64 * MIB), place / "data"
    for each in (theirs, disk):
        ext4_with_files(each, place)
    point.mkdir()
    for each in (theirs, disk):
        each.attach()
    run("mount", "-o", "ro", theirs.node, str(point))
    before = theirs.contents(), disk.contents()
    done = instance.bring_up(disk, wished(partition_table="none", mount=str(point)), blank=False)
    assert done.report.result is Result.REFUSED
    assert f"refusing to mount {disk.node} over {point}: found {theirs.node} there" in done.report.reason
    assert (theirs.contents(), disk.contents()) == before
    assert SERIAL not in instance.fstab


def test_a_taken_place_is_noticed_before_anything_is_written_and_the_next_run_finishes(
    make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    theirs, disk, point = make_disk(64 * MIB), make_disk(64 * MIB), place / "data"
    ext4_with_files(theirs, place)
    point.mkdir()
    for each in (theirs, disk):
        each.attach()
    run("mount", "-o", "ro", theirs.node, str(point))
    before = theirs.contents(), disk.contents()
    done = instance.bring_up(disk, wished(mount=str(point)), blank=True)
    assert done.report.result is Result.REFUSED
    assert f"found {theirs.node} there" in done.report.reason
    assert not done.report.changed
    assert (theirs.contents(), disk.contents()) == before
    run("umount", str(point))
    done = instance.bring_up(disk, wished(mount=str(point)), blank=True)
    assert (done.report.result, done.report.reason) == (Result.OK, "")


def in_its_place(make_disk: MakeDisk, instance: Instance, point: Path) -> Disk:
    """Another volume, mounted."""
    disk = make_disk(64 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(mount=str(point)), blank=True).report.result is Result.OK
    return disk


def test_what_is_mounted_behind_a_link_is_not_mounted_over(make_disk: MakeDisk, make_instance: MakeInstance, place: Path) -> None:
    one, two = in_its_place(make_disk, make_instance(), place / "real"), make_disk(64 * MIB)
    (place / "link").symlink_to("real")
    two.attach()
    done = make_instance().bring_up(two, wished(mount=f"{place}/link"), blank=True)
    assert done.report.result is Result.REFUSED
    assert f"over {place}/real: found {one.node}p1 there" in done.report.reason
    assert done.processes.wrote == []


def test_what_is_mounted_below_is_not_hidden(make_disk: MakeDisk, make_instance: MakeInstance, place: Path) -> None:
    one, two = in_its_place(make_disk, make_instance(), place / "a/b"), make_disk(64 * MIB)
    two.attach()
    done = make_instance().bring_up(two, wished(mount=f"{place}/a"), blank=True)
    assert done.report.result is Result.REFUSED
    assert f"it would hide {place}/a/b, where {one.node}p1 is mounted" in done.report.reason
    assert done.processes.wrote == []


def test_what_is_hidden_is_told(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = in_its_place(make_disk, instance, place / "a/b")
    run("mount", "-t", "tmpfs", "none", str(place / "a"))
    done = instance.bring_up(disk, wished(mount=f"{place}/a/b"))
    run("umount", str(place / "a"))
    assert done.report.result is Result.REFUSED
    assert f"is mounted on {place}/a/b, but cannot be seen: none was mounted on {place}/a later" in done.report.reason
    assert instance.bring_up(disk, wished(mount=f"{place}/a/b")).report.result is Result.OK

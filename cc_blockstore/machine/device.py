"""The disk behind a session: found and identified in sysfs, linked through udev."""

from __future__ import annotations

import contextlib
import os
import string
from collections.abc import Iterable, Iterator

from blockstore.attachment import Volume
from blockstore.iscsi import IscsiPath
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import files
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.session import Session
from cc_blockstore.plan.device import Device

SECTOR = 512  # the unit of sysfs's `size`, whatever the disk's own sectors are (Documentation/ABI/stable/sysfs-block)
_SAFE = frozenset(f"{string.ascii_letters}{string.digits}#+.:=@_-")


def see(machine: Machine, session: Session, path: IscsiPath) -> Device | None:
    """The disk of this LUN; None until the kernel's scan has found it and devtmpfs has its node."""
    for scsi in _luns(f"{session.folder}/device", path.lun):
        for name in files.names(f"{scsi}/block"):
            if os.path.exists(f"{machine.paths.dev}/{name}") and files.read(f"{scsi}/block/{name}/size") not in ("", "0"):
                return identify(f"{scsi}/block/{name}", scsi)
    return None


def behind(session: Session) -> list[str]:
    """The nodes of all disks behind a session, be they ours or not."""
    folder = f"{session.folder}/device"
    found = [f"{folder}/{target}/{name}/block" for target in files.names(folder) if target.startswith("target")
             for name in files.names(f"{folder}/{target}")]  # fmt: skip
    return [f"/dev/{name}" for each in found for name in files.names(each)]


def _luns(behind: str, lun: int) -> Iterator[str]:
    """The folders of the SCSI devices with this LUN. By hand: a pattern takes three times as long, and this is asked often."""
    for target in files.names(behind):
        if target.startswith("target"):
            yield from (f"{behind}/{target}/{name}" for name in files.names(f"{behind}/{target}") if name.endswith(f":{lun}"))


def identify(block: str, scsi: str) -> Device:
    """What sysfs says of a disk: ``block`` is its folder, ``scsi`` that of its SCSI device."""
    return Device(
        node=f"/dev/{os.path.basename(block)}",
        serial=serial(scsi),
        size=int(files.read(f"{block}/size") or 0) * SECTOR,
        read_only=files.read(f"{block}/ro") == "1",
    )


def serial(scsi: str) -> str:
    """The unit serial number: VPD page 80h as the kernel cached it (SPC-4 section 7.8.15), "" where there is none."""
    page = files.read_bytes(f"{scsi}/vpd_pg80")
    length = int.from_bytes(page[2:4], "big")
    return page[4 : 4 + length].decode("ascii", "replace").strip(" \0")


def place(found: str, path: IscsiPath) -> str:
    """Under which name our udev rule finds a disk whose serial nobody named: the one that it has, and where it is.

    Such a serial is the storage's own affair. tgt's default tells target and LUN numbers of one daemon (``beaf11``), so that two
    portals have the same ones, and a restart exchanges them. The second part is udev's ID_PATH (systemd's
    udev-builtin-path_id.c): portal, target name and LUN of the session.
    """
    lun = str(path.lun) if path.lun < 256 else f"0x{path.lun & 0xFFFF:04x}{path.lun >> 16 & 0xFFFF:04x}00000000"
    return f"{found}@ip-{path.portal.host}:{path.portal.port}-iscsi-{path.iqn}-lun-{lun}"


def link(machine: Machine, volume: Volume, found: str, put: Writer = files.write) -> bool:
    """Write what our udev rule imports for the disk with this serial, or at this `place`. True where that is news.

    Written before the login where the serial is known, so that the disk's first event makes the links; else the disk is
    asked for another event afterwards (`refresh`).
    """
    if not found.strip(".") or "/" in found or not found.isprintable() or len(found.encode()) > 255:
        return False  # a target may answer with anything; this names no file, and udev would not look for one
    text = f"BLOCKSTORE_ID={link_name(volume.id)}\nBLOCKSTORE_NAME={link_name(volume.name)}\n"
    return put(f"{_links(machine)}/{found}", text, 0o644)


def unlink(machine: Machine, volumes: Iterable[Volume]) -> None:
    """Remove what `link` wrote for these volumes, whatever their serials were; all in one pass."""
    ours = {f"BLOCKSTORE_ID={link_name(each.id)}" for each in volumes}
    folder = _links(machine)
    for path in [f"{folder}/{name}" for name in files.names(folder)] if ours else ():
        if ours & set((files.read_exact(path) or "").splitlines()):
            files.remove(path)


def link_name(name: str) -> str:
    """A name as it stands below /dev/disk/by-blockstore: what udev would not take is written as ``\\x2f``, its own way."""
    encoded = "".join(c if c in _SAFE else "".join(f"\\x{byte:02x}" for byte in c.encode()) for c in name)
    return encoded if encoded.strip(".") else encoded.replace(".", "\\x2e")


def link_of(volume: Volume, number: int) -> str:
    """The stable link of a partition of this volume, of the whole device for 0."""
    return f"/dev/disk/by-blockstore/{link_name(volume.id)}" + (f"-part{number}" if number else "")


def settle(machine: Machine, volume: Volume, node: str, deadline: Deadline) -> None:
    """Wait until the link by id is there, where udev runs to make it. An event that came before what `link` wrote is asked
    for again. Raises `DeadlineExceeded`."""
    if relink(machine, volume, node):
        wait_for(f"udev to link {node}", lambda: linked(machine, volume.id) or None, deadline)


def relink(machine: Machine, volume: Volume, node: str) -> bool:
    """Ask for the events again where udev saw the disk before what `link` wrote. True while the link by id is still to come."""
    if linked(machine, volume.id) or not os.path.exists(f"{machine.paths.root}/run/udev/control"):
        return False
    if seen_by_udev(machine, node):
        refresh(machine, node)
    return True


def await_links(machine: Machine, volume_ids: Iterable[str], deadline: Deadline) -> None:
    """Wait until udev, where it runs, has linked all of these. Raises `DeadlineExceeded`."""
    ids = list(volume_ids)
    if (machine.paths.root / "run/udev/control").exists():
        wait_for("udev to make the links", lambda: all(linked(machine, each) for each in ids) or None, deadline)


def linked(machine: Machine, volume_id: str) -> bool:
    """Whether the link by id is there."""
    return os.path.islink(f"{machine.paths.dev}/disk/by-blockstore/{link_name(volume_id)}")


def seen_by_udev(machine: Machine, node: str) -> bool:
    """Whether udev's database knows the device: it makes the links first, then writes there."""
    number = files.read(f"{_block(machine, node)}/dev")
    return os.path.exists(f"{machine.paths.udev}/b{number}")


def rescan(machine: Machine, node: str) -> None:
    """Have the kernel ask the disk for its size again (READ CAPACITY; Documentation/ABI/testing/sysfs-class-scsi_device): of
    an extended volume it knows the old one until then. Returns when it has. Nothing where the disk cannot be asked."""
    with contextlib.suppress(OSError):
        files.tell(f"{_block(machine, node)}/device/rescan", "1")


def delete(machine: Machine, node: str) -> None:
    """Have the kernel let go of this disk alone, while its session stays (scsi_sysfs.c, sdev_store_delete). It has the disk write
    out its cache, and returns when it is gone. Who still has it open gets errors, so it is asked before that nobody does."""
    files.tell(f"{_block(machine, node)}/device/delete", "1")


def scan(machine: Machine, session: Session, path: IscsiPath) -> None:
    """Have the kernel look behind a session for this LUN, as `iscsiadm --rescan` has it do for all of them: of itself it looks
    once, at the login. Returns when it has looked. Nothing where it cannot be told to."""
    host = os.path.basename(os.path.dirname(os.path.realpath(f"{session.folder}/device")))  # …/host2/session1
    target = files.read(f"{session.folder}/target_id") or "-"  # an adapter's one host has all of its sessions
    with contextlib.suppress(OSError):
        files.tell(f"{machine.paths.sys}/class/scsi_host/{host}/scan", f"- {target} {path.lun}")


def refresh(machine: Machine, node: str) -> None:
    """Ask the kernel to send the events of a disk and its partitions again, as `udevadm trigger` does, without the process."""
    refresh_one(machine, node)
    refresh_partitions(machine, node)


def refresh_one(machine: Machine, node: str) -> None:
    """That of this device alone, be it a disk or a partition."""
    files.tell(f"{_block(machine, node)}/uevent", "change")


def refresh_partitions(machine: Machine, node: str) -> None:
    """Those of its partitions that udev has seen already. The first event of the others is still to come: it was
    put off while we held the disk, and will find what is there by then."""
    for part in _parts(machine, node):
        if seen_by_udev(machine, part):
            refresh_one(machine, part)


def refresh_all(machine: Machine, node: str) -> None:
    """Those of the disk and of all its partitions, seen or not."""
    refresh_one(machine, node)
    for part in _parts(machine, node):
        refresh_one(machine, part)


def _parts(machine: Machine, node: str) -> list[str]:
    name = os.path.basename(node)
    return [each for each in files.names(_block(machine, node)) if each.startswith(name)]


def _block(machine: Machine, node: str) -> str:
    return f"{machine.paths.sys}/class/block/{os.path.basename(node)}"


def _links(machine: Machine) -> str:
    return f"{machine.paths.state}/links"

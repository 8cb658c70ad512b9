"""The initiator name, as open-iscsi reads it at its start."""

from __future__ import annotations

from pathlib import Path

from cc_blockstore.machine import files

NAME_FILE = "etc/iscsi/initiatorname.iscsi"


def write_name(name: str, root: Path = Path("/")) -> bool:
    """Write /etc/iscsi/initiatorname.iscsi (0600). True where it changed.

    Left alone where the root file system is on iSCSI: that session was made with another name, and iscsid would no longer
    find itself in it. Every record of ours pins the name anyway.
    """
    if read_name(root) == name or root_on_iscsi(root):
        return False
    from blockstore.plain import render  # late: at a re-run there is nothing to write

    return files.write(root / NAME_FILE, render("initiatorname.iscsi.j2", name=name))


def read_name(root: Path = Path("/")) -> str:
    """The name that is written there, "" where there is none."""
    for line in files.read(root / NAME_FILE).splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "InitiatorName":
            return value.strip()
    return ""


def root_on_iscsi(root: Path = Path("/")) -> bool:
    """Whether the firmware or the initramfs logged in before us (iBFT: a target's flags, valid and selected)."""
    if (root / "run/initramfs/open-iscsi.interface").exists() or (root / "etc/iscsi/iscsi.initramfs").exists():
        return True
    flags = (files.read(target / "flags") for target in (root / "sys/firmware/ibft").glob("target*"))
    return any(flag.strip() == "3" for flag in flags)

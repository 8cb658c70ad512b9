"""The calls of oci-utils, in its order: six of iscsiadm for each volume, one volume after the other, then the sessions' listing.

Source of the sequence: oracle/oci-utils, lib/oci_utils/iscsiadm.py, `attach` and `session`. It ends at the disk.
"""

from __future__ import annotations

import re
import time

from job import Job, Volume
from machine import run

from contenders.finish import finish

PAUSE = 1.0
_DISK = re.compile(r"^Target: (?P<iqn>\S+)|Attached scsi disk (?P<disk>\w+)", re.MULTILINE)


def prepare(job: Job) -> None:
    """Nothing."""


def bring_up(job: Job) -> None:
    """Attach all, then ask which disks they are, then the rest."""
    there = _disks()
    for volume in job.volumes:
        if volume.iqn not in there:
            _attach(volume)
    while any(volume.iqn not in there for volume in job.volumes):
        there = _disks()
        if any(volume.iqn not in there for volume in job.volumes):
            time.sleep(PAUSE)
    for volume in job.volumes:
        finish(f"/dev/{there[volume.iqn]}", volume.mount)


def _attach(volume: Volume) -> None:
    target = ("-T", volume.iqn, "-p", volume.portal)
    run("iscsiadm", "-m", "node", "-o", "new", *target)
    run("iscsiadm", "-m", "node", "-o", "update", "-T", volume.iqn, "-n", "node.startup", "-v", "automatic")
    for name, value in (("authmethod", "CHAP"), ("username", volume.user), ("password", volume.password)):
        run("iscsiadm", "-m", "node", "-o", "update", *target, "-n", f"node.session.auth.{name}", "-v", value)
    run("iscsiadm", "-m", "node", *target, "-l")


def _disks() -> dict[str, str]:
    """The disk of each target."""
    found, target = {}, ""
    for match in _DISK.finditer(run("iscsiadm", "-m", "session", "-P", "3", ok=(0, 21))):
        if match["iqn"]:
            target = match["iqn"]
        else:
            found[target] = match["disk"]
    return found

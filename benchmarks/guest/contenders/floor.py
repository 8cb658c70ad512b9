"""The floor: what cannot be left out, as fast as it can be done, and nothing for tomorrow.

Records written by hand, one batched login, and for each volume as soon as its disk is there one probe, one mkfs.ext4 and one
mount, all volumes side by side. The partition table is written and shown to the kernel without a process, the orphan file of
the file system is small, and the processor goes first to this service and to iscsid. No fstab, no marks against power cuts, no
identity check, no link, no report.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from job import INITIATOR, Job, Volume
from machine import RECORDS, disk, foremost, run, sessions

from contenders import table

PARALLEL = 32
PAUSE = 0.03
RECORD = """\
# BEGIN RECORD
node.name = {iqn}
node.tpgt = 1
node.startup = automatic
iface.iscsi_ifacename = default
iface.transport_name = tcp
iface.initiatorname = {initiator}
node.session.auth.authmethod = CHAP
node.session.auth.username = {user}
node.session.auth.password = {password}
node.conn[0].address = {host}
node.conn[0].port = {port}
node.conn[0].startup = automatic
# END RECORD
"""


def prepare(job: Job) -> None:
    """Nothing."""


def bring_up(job: Job) -> None:
    """Bring all of them up."""
    with foremost("iscsid.service"):
        _bring_up(job)


def _bring_up(job: Job) -> None:
    for volume in job.volumes:
        _record(volume)
    login = subprocess.Popen(["iscsiadm", "-m", "node", "--loginall=automatic"], stdout=subprocess.DEVNULL)
    with ThreadPoolExecutor(PARALLEL) as pool:
        for each in _as_they_come(job.volumes, pool):
            each.result()
    if login.wait():
        raise RuntimeError("the login failed")


def _record(volume: Volume) -> None:
    folder = RECORDS / volume.iqn / f"{volume.host},{volume.port},1"
    folder.mkdir(parents=True)
    text = RECORD.format(
        iqn=volume.iqn, initiator=INITIATOR, user=volume.user, password=volume.password, host=volume.host, port=volume.port
    )
    (folder / "default").write_text(text)


def _as_they_come(volumes: Iterable[Volume], pool: ThreadPoolExecutor) -> list[Future[None]]:
    """Start with each volume when the kernel has its disk."""
    missing, begun = {volume.iqn: volume for volume in volumes}, []
    while missing:
        there = sessions()
        for iqn in [each for each in missing if each in there]:
            name = disk(there[iqn], missing[iqn].lun)
            if name:
                begun.append(pool.submit(_shape, name, missing.pop(iqn)))
        time.sleep(PAUSE)
    return begun


def _shape(name: str, volume: Volume) -> None:
    if run("blkid", "-p", f"/dev/{name}", ok=(2,)):
        raise RuntimeError(f"/dev/{name} is not empty")
    with table.written(name) as partition:
        run("mkfs.ext4", "-q", "-E", "nodiscard,orphan_file_size=64k", partition)
        Path(volume.mount).mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "ext4", partition, volume.mount)

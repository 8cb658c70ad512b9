"""A volume to bring up."""

from __future__ import annotations

from blockstore.attachment import Attachment, Volume
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task


def test_a_task_knows_its_volume_and_whether_it_may_be_written():
    path = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:volume-1", 1)
    for mode, read_only in (("ro", True), ("rw", False)):
        task = Task(Wanted(Attachment("a", Volume("v1", "data"), mode=mode), None), path, TRANSPORTS["iscsi"])
        assert (task.volume.name, task.read_only) == ("data", read_only)

"""The healthy re-run: spared only where all is as it was sealed, and every difference there can be is looked at in full."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cc_blockstore import exchange, seal, unchanged
from cc_blockstore.machine.glimpse import ENTRIES
from tests.unit.cc_blockstore.sealed import CFG, CLOUD, GPT, LISTED, PARTITIONS, SERVICE, SIZE, VOLUME, Instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    made = Instance(tmp_path)

    def attachments(endpoint: str, token: str, ca_cert: str) -> Any:
        made.asked += 1
        assert (endpoint, token, ca_cert) == tuple(SERVICE.values())
        if isinstance(made.answer, Exception):
            raise made.answer
        return made.answer

    monkeypatch.setattr(exchange, "attachments", attachments)
    made.seal()
    return made


def test_the_very_same_is_spared_with_one_exchange(instance: Instance) -> None:
    assert instance.spared()
    assert instance.asked == 1
    told = json.loads((instance.root / "run/blockstore/status.json").read_text())
    assert [(each["result"], each["changed"], each["steps"]) for each in told["volumes"]] == [("ok", False, [])]
    assert told["started"]
    assert (instance.root / "run/blockstore/status.json").stat().st_mode & 0o777 == 0o644


def other(name: str, content: str | bytes) -> Callable[[Instance], None]:
    return lambda instance: instance.write(name, content)


def listed(**changes: Any) -> Callable[[Instance], None]:
    def change(instance: Instance) -> None:
        instance.answer = [{**instance.answer[0], **changes}]

    return change


def answered(answer: Any) -> Callable[[Instance], None]:
    return lambda instance: setattr(instance, "answer", answer)


def replaced(name: str) -> Callable[[Instance], None]:
    def change(instance: Instance) -> None:
        folder = (instance.root / name).parent
        folder.mkdir(parents=True, exist_ok=True)
        before = folder.stat().st_mtime_ns
        (instance.root / name).unlink(missing_ok=True)
        os.utime(folder, ns=(before + 10**9, before + 10**9))  # however coarse the file system's clock is

    return change


def moved(old: str, new: str) -> Callable[[Instance], None]:
    """The kernel never gives the number of a folder of sysfs to another."""

    def change(instance: Instance) -> None:
        link = instance.root / "sys/class/block/sda"
        before = link.resolve()
        after = Path(str(before).replace(old, new))
        shutil.copytree(before, after)
        link.unlink()
        link.symlink_to(after)

    return change


CHANGES: dict[str, Callable[[Instance], None]] = {
    "the session recovers": other("sys/class/iscsi_session/session1/state", "FAILED\n"),
    "the session is gone": lambda instance: (instance.root / "sys/class/iscsi_session/session1/state").unlink(),
    "the disk is another session's": moved("session1", "session2"),
    "the disk was taken away and came again": moved("session1", "again"),
    "the disk has grown": other("dev/sda", GPT.ljust(2 * SIZE, b"\0")),
    "a disk without a table has grown": other("proc/partitions", PARTITIONS.replace("  0  1024 sda", "  0  2048 sda")),
    "the disk is read-only": other("sys/class/block/sda/ro", "1\n"),
    "the disk is another": other("sys/class/block/sda/device/vpd_pg80", b"\0\x80\0\x02v2"),
    "the disk is gone": lambda instance: (instance.root / "sys/class/block/sda").unlink(),
    "the table was damaged": other("dev/sda", (GPT + b"x").ljust(SIZE, b"\0")),
    "a table's entry was damaged": other("dev/sda", GPT.ljust(1024 + ENTRIES - 1, b"\0").ljust(SIZE, b"x")),
    "a copy's entry was damaged": other("dev/sda", GPT.ljust(SIZE - 512 - ENTRIES, b"\0").ljust(SIZE, b"x")),
    "the table's copy was damaged": other("dev/sda", GPT.ljust(SIZE - 1, b"\0") + b"x"),
    "the table is gone": other("dev/sda", bytes(SIZE)),
    "a partition is gone": other("proc/partitions", "   8  0  1024 sda\n"),
    "it is unmounted": other("proc/self/mountinfo", "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"),
    "another swap": other("proc/swaps", "Filename\tType\n/dev/sdz partition\n"),
    "the mount point's mode": lambda instance: instance.point.chmod(0o711),
    "the mount point is gone": lambda instance: instance.point.rmdir(),
    "fstab": other("etc/fstab", "# theirs\n"),
    "the initiator's name": other("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.y\n"),
    "a link is gone": replaced("dev/disk/by-blockstore/v1"),
    "the ledger": replaced("var/lib/blockstore/volumes/v2.json"),
    "something in the making": replaced("var/lib/blockstore/making/v1"),
    "another boot": other("proc/sys/kernel/random/boot_id", "boot-2\n"),
    "a new file of the administrator's": other("etc/blockstore/conf.d/a.yaml", "deadline: 5\n"),
    "what the datasource keeps": other("var/lib/blockstore/datasource.yaml", "deadline: 5\n"),
    "a new attachment": lambda instance: setattr(instance, "answer", [*instance.answer, LISTED]),
    "no attachment": answered([]),
    "one that is to be detached": listed(status="detaching"),
    "one that the service waits for": listed(status="attaching"),
    "another mode": listed(mode="ro"),
    "another size": listed(volume={**VOLUME, "size": 2}),
    "another wish": listed(volume={**VOLUME, "metadata": {"blockstore.mount": "/mnt"}}),
    "an answer of another shape": answered([{"id": "a1"}]),
    "no list": answered({"x": 1}),
    "no answer": answered(OSError("refused")),
    "the seal is gone": lambda instance: instance.sealed.unlink(),
    "the seal is broken": lambda instance: instance.sealed.write_text('{"version"'),
    "the seal is no mapping": lambda instance: instance.sealed.write_text("[]"),
    "the seal is empty": lambda instance: instance.sealed.write_text("{}"),
    "the seal is another version's": lambda instance: instance.sealed.write_text(
        json.dumps({**json.loads(instance.sealed.read_text()), "version": "0"})
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_difference_is_looked_at_in_full(instance: Instance, change: str) -> None:
    CHANGES[change](instance)
    assert not instance.spared()
    assert not (instance.root / "run/blockstore/status.json").exists()


def test_another_document_or_instance_is_looked_at_in_full(instance: Instance) -> None:
    assert not instance.spared({"blockstore": {**CFG["blockstore"], "deadline": 30}})
    assert not instance.spared(cloud=SimpleNamespace(datasource=SimpleNamespace(metadata={"blockstore": {}})))
    assert not instance.spared(cloud=SimpleNamespace(datasource=CLOUD.datasource, get_instance_id=lambda: "i-2"))


def test_a_run_of_somebody_else_is_waited_for_by_the_whole_run(instance: Instance) -> None:
    with unchanged.Alone(instance.root):
        assert not instance.spared()
    assert instance.spared()


def test_an_instance_without_volumes_is_spared_in_the_next_boot_too(instance: Instance) -> None:
    instance.answer = []
    report = {**instance.report, "volumes": []}
    seal.write(instance.root, "i-1", unchanged.inputs(CFG, {}, instance.root), SERVICE, [], report)
    instance.write("proc/sys/kernel/random/boot_id", "boot-2\n")
    assert instance.spared()


def test_of_whatever_the_document_is_made_it_is_no_digest_without_json() -> None:
    with pytest.raises(TypeError):
        unchanged.inputs({"blockstore": {"deadline": object()}}, {}, Path("/nonexistent"))


def test_a_run_tells_its_own_moment_and_all_else_as_before(instance: Instance) -> None:
    assert instance.spared()
    told = json.loads((instance.root / unchanged.STATUS).read_text())
    assert {*told} == {*instance.report}
    assert {key: told[key] for key in ("version", "instance_id")} == {"version": 1, "instance_id": "i-1"}
    assert told["started"] != "then"
    assert isinstance(told["duration_ms"], int)
    assert told["uptime_ms"] > 7


@pytest.fixture
def linked(instance: Instance) -> Path:
    """The mount point as the document has it is a link to where the volume is mounted."""
    link, real = instance.point.parent / "link", instance.point
    link.symlink_to("data")
    instance.point = link
    instance.seal()
    assert real.stat() == link.stat()
    return link


def test_a_mount_point_behind_a_link_is_spared(instance: Instance, linked: Path) -> None:
    assert instance.spared()


@pytest.mark.parametrize("target", ["other", "data/inside", "nowhere"])
def test_a_link_that_leads_elsewhere_by_now_is_looked_at_in_full(instance: Instance, linked: Path, target: str) -> None:
    """Wherever: a folder of the same file system has the same device."""
    for folder in ("other", "data/inside"):
        (linked.parent / folder).mkdir()
    linked.unlink()
    linked.symlink_to(target)
    assert not instance.spared()


def test_a_link_to_where_it_is_not_mounted_is_never_sealed(instance: Instance, linked: Path) -> None:
    (linked.parent / "other").mkdir()
    linked.unlink()
    linked.symlink_to("other")
    instance.seal()
    assert not instance.sealed.exists()

"""A machine made of files with one sealed volume: what the tests of the seal and of the healthy re-run share."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cc_blockstore import seal, unchanged

TOKEN = "Plant3dT0ken"
SIZE = 1 << 20
GPT = bytes(512) + b"EFI PART"
PARTITIONS = "major minor  #blocks  name\n\n   8  0  1024 sda\n   8  1  1000 sda1\n 254  0  9 vda\n"
CFG = {"blockstore": {"endpoint": "http://service", "token": TOKEN}}
CLOUD = SimpleNamespace(datasource=SimpleNamespace(metadata={}), get_instance_id=lambda: "i-1")
SERVICE = {"endpoint": "http://service", "token": TOKEN, "ca_cert": ""}
VOLUME = {"id": "v1", "name": "data", "size": 1, "serial": "v1", "blank": True, "metadata": {}}
LISTED = {"id": "a1", "status": "attaching", "mode": "rw", "volume": VOLUME}


class Instance:
    """A machine made of files, with one volume mounted on a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.point = root, root / "srv/data"
        self.answer: Any = [{**LISTED, "status": "attached", "volume": {**VOLUME, "blank": False}}]
        self.asked = 0
        self.write("sys/devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda/size", f"{SIZE // 512}\n")
        disk = root / "sys/devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda"
        self.write("sys/class/block/none", "")
        (root / "sys/class/block/sda").symlink_to("../../devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda")
        (disk / "ro").write_text("0\n")
        (disk / "device").mkdir()
        (disk / "device/vpd_pg80").write_bytes(b"\0\x80\0\x02v1")
        self.write("sys/class/block/sda1/dev", "8:1\n")
        self.write("sys/class/iscsi_session/session1/state", "LOGGED_IN\n")
        self.write("dev/sda", GPT.ljust(SIZE, b"\0"))
        self.write(
            "proc/self/mountinfo", f"22 1 254:1 / / rw - ext4 /dev/vda1 rw\n40 22 8:1 / {self.point} rw - ext4 /dev/sda1 rw\n"
        )
        self.write("proc/partitions", PARTITIONS)
        self.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        self.write("proc/sys/kernel/random/boot_id", "boot-1\n")
        self.write("etc/fstab", "# ours\n")
        self.write("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.x\n")
        self.write("var/lib/blockstore/volumes/v1.json", "{}")
        self.write("dev/disk/by-blockstore/none", "")
        (root / "dev/disk/by-blockstore/none").unlink()
        (root / "dev/disk/by-blockstore/v1").symlink_to("../../sda")
        self.write("run/udev/control", "")
        self.point.mkdir(parents=True)

    def write(self, name: str, content: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    @property
    def report(self) -> dict[str, Any]:
        step = {"step": "mount", "changed": True, "start_ms": 1, "ms": 2}
        place = {"device": "/dev/sda1", "type": "ext4", "uuid": "u", "label": "", "mount": str(self.point)}
        volume = {
            "id": "v1",
            "name": "data",
            "result": "ok",
            "changed": True,
            "reason": None,
            "device": "/dev/sda",
            "serial": "v1",
        }
        moment = {"started": "then", "duration_ms": 5, "uptime_ms": 7}
        return {"version": 1, "instance_id": "i-1", **moment, "volumes": [{**volume, "filesystems": [place], "steps": [step]}]}

    def seal(self) -> None:
        """As a run does at its end."""
        digest = unchanged.inputs(CFG, {}, self.root)
        seal.write(self.root, "i-1", digest, SERVICE, [LISTED], self.report)

    @property
    def sealed(self) -> Path:
        return self.root / unchanged.SEAL

    def spared(self, cfg: Any = CFG, cloud: Any = CLOUD) -> bool:
        return unchanged.nothing_to_do(cfg, cloud, self.root)

"""What the scenarios of this folder share: a static seed's volumes, a guest's state as values, and searching for secrets."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from blockstore import report
from blockstore.report import Report, VolumeReport
from testbed.guest import Guest
from testbed.target import Chap, Export, ForeignTarget

GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class StaticVolume:
    """A volume of a tgtd that our server did not make, and the credentials that belong to it."""

    name: str
    backing: Path
    chap: Chap
    mutual: Chap | None = None
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def make(cls, folder: Path, name: str, *, mutual: bool = False, size: int = GIB) -> StaticVolume:
        """An empty one below ``folder``."""
        backing = folder / f"{name}.img"
        backing.touch()
        os.truncate(backing, size)
        answer = Chap(user=f"in-{name}", password=f"mutual-secret-{name}") if mutual else None
        return cls(name, backing, Chap(user=f"out-{name}", password=f"forward-secret-{name}"), answer)

    @property
    def iqn(self) -> str:
        return f"iqn.2010-10.org.openstack:volume-{self.id}"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.chap.password, *((self.mutual.password,) if self.mutual else ()))

    def export(self, target: ForeignTarget, *, serial: str = "") -> None:
        """Export it, as another volume where ``serial`` says so."""
        target.add(Export(iqn=self.iqn, backing=self.backing, serial=serial or self.id, chap=self.chap, mutual=self.mutual))

    def attachment(self, portal: str, *, serial: bool = True, password: str = "") -> dict[str, Any]:
        """The attachment as a static document names it."""
        connection: dict[str, Any] = {
            "driver_volume_type": "iscsi", "target_portal": portal, "target_iqn": self.iqn, "target_lun": 1,
            "auth_method": "CHAP", "auth_username": self.chap.user, "auth_password": password or self.chap.password,
        }  # fmt: skip
        if self.mutual:
            connection |= {"auth_username_in": self.mutual.user, "auth_password_in": self.mutual.password}
        if serial:
            connection["serial"] = self.id
        return {"volume": {"id": self.id, "name": self.name}, "connection_info": connection}

    def digest(self) -> str:
        """Of every byte of the backing file."""
        with self.backing.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def status(guest: Guest) -> Report:
    """status.json of the guest."""
    return report.from_wire(json.loads(guest.read("/run/blockstore/status.json")))


def volume(guest: Guest, name: str) -> VolumeReport:
    """What status.json says of one volume."""
    return next(each for each in status(guest).volumes if each.name == name)


def cloud_init(guest: Guest) -> tuple[int, dict[str, Any]]:
    """`cloud-init status --wait`: its exit code and what it says."""
    done = guest.run("cloud-init status --wait --format json", check=False, timeout=240)
    return done.code, json.loads(done.stdout)


def warnings(guest: Guest) -> list[str]:
    """The lines of cloud-init.log that are worse than INFO."""
    log = guest.read("/var/log/cloud-init.log").decode(errors="replace")
    return [
        line for line in log.splitlines() if any(f"[{level}]" in line for level in ("WARNING", "ERROR", "CRITICAL", "DEPRECATED"))
    ]


def single(guest: Guest) -> int:
    """`cloud-init single` for our module; its exit code."""
    return guest.run("cloud-init single --name blockstore --frequency always", check=False, timeout=240).code


def filesystem(guest: Guest, mount: str) -> dict[str, str]:
    """What is mounted there, by findmnt; {} for nothing."""
    done = guest.run(["findmnt", "--json", "-o", "SOURCE,FSTYPE,LABEL,UUID,OPTIONS", "--mountpoint", mount], check=False)
    found: dict[str, str] = json.loads(done.stdout)["filesystems"][0] if done.stdout.strip() else {}
    return found


def holds(backing: Path, needle: bytes) -> bool:
    """Whether the backing file of a volume holds these bytes; only its data is read, not its holes."""
    with backing.open("rb") as file:
        position = 0
        while True:
            try:
                position = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                return False
            end = os.lseek(file.fileno(), position, os.SEEK_HOLE)
            while position < end:
                chunk = os.pread(file.fileno(), min(4 << 20, end - position) + len(needle), position)
                if needle in chunk:
                    return True
                position += min(4 << 20, end - position)


# Where a secret may rest: root's own files of mode 0600 or 0400. The node record and our state hold them by design;
# cloud-init keeps its copies of the seed's vendor-data (and what it merges from it).
_RESTING = (
    "/var/lib/iscsi/nodes/", "/etc/iscsi/nodes/", "/var/lib/blockstore/", "/var/lib/cloud/instances/", "/run/cloud-init/",
    "/var/lib/cloud/seed/", "/etc/blockstore/",
)  # fmt: skip


def leaks(guest: Guest, secrets: tuple[str, ...]) -> list[str]:
    """Where the guest shows one of these secrets although it must not: logs and journal at all, other files unless they are
    root's alone and of the few that must hold it, and every command line that was watched."""
    patterns = "".join(f"{secret}\n" for secret in secrets)
    guest.write("/root/patterns", patterns.encode(), 0o600)
    found = [
        f"journal: {line}"
        for line in guest.run("journalctl -o cat --no-pager | grep -aF -f /root/patterns || :").stdout.splitlines()
    ]
    everywhere = "find /var/log /run /var/lib /etc /tmp /srv -xdev -type f -size -4M -print0"
    find = f"{everywhere} | xargs -0 grep -alF -f /root/patterns -- || :"
    for path in guest.run(find, timeout=240).stdout.splitlines():
        mode, owner = guest.run(["stat", "-c", "%a %u", path]).stdout.split()
        if not (path.startswith(_RESTING) and mode in ("600", "400") and owner == "0"):
            found.append(f"{path} (mode {mode}, owner {owner})")
    return found

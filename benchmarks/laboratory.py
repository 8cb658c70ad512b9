"""One guest, one metadata server, and volumes that nobody has used yet, for as many measurements as are asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests

from benchmarks.guest.job import INITIATOR
from benchmarks.measure import Contender, Sample, Use
from benchmarks.programs import programs_disk
from blockstore.portal import Portal
from testbed import image
from testbed.guest import Disk, Guest
from testbed.packages import newest_packages
from testbed.seed import StaticSeed
from testbed.server import LocalServer

SUITE = "trixie"
DEADLINE, SLOWEST = 900, 1800
CONNECTOR = {
    "initiator": INITIATOR, "ip": "10.0.2.15", "host": "guest", "platform": "x86_64", "os_type": "linux",
    "multipath": False, "system uuid": "",
}  # fmt: skip
# open-iscsi's daemon reads its name once, when it starts.
PREPARATION = f"""
mkdir -p /bench && mount /dev/disk/by-id/virtio-benchmark /bench
echo InitiatorName={INITIATOR} >/etc/iscsi/initiatorname.iscsi
modprobe iscsi_tcp && systemctl restart iscsid.service
python3 /bench/stage.py reset
"""


@dataclass(frozen=True)
class Subject:
    """A volume of the server that nobody has used, and its attachment; ``connection`` once that was asked for."""

    id: str
    name: str
    mount: str
    attachment: str
    connection: Mapping[str, Any]


class Laboratory:
    """In a `with` block: the guest is booted, the server serves."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="blockstore-benchmark-")))
            self._server = self._stack.enter_context(LocalServer(folder / "state"))
            self._busy = self._server.create_instance("busy", initiator_name=INITIATOR)
            self._idle = self._server.create_instance("idle")
            seed = StaticSeed().write(folder / "seed.iso")
            disk = Disk(programs_disk(folder / "programs.img"), "benchmark")
            self.guest = self._stack.enter_context(
                Guest(image.build(SUITE, newest_packages()), folder / SUITE, seed_iso=seed, disks=[disk], memory=2048)
            )
            self.guest.start()
            self.guest.wait_booted()
            self.guest.run(PREPARATION, timeout=SLOWEST)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def fresh(self, count: int, contender: Contender) -> list[Subject]:
        """New volumes, attached to the instance; ours asks the service itself, for the others that was done."""
        return [self._subject(number, asked=contender is not Contender.OURS) for number in range(count)]

    def _subject(self, number: int, *, asked: bool) -> Subject:
        name = f"v{number:02}"
        client = self._server.client
        volume = client.post("/v3/volumes", {"volume": {"name": name, "size": 1}})["volume"]["id"]
        body = {"volume_uuid": volume, "instance_uuid": self._busy["id"], "mode": "rw"}
        attachment = client.post("/v3/attachments", {"attachment": body})["attachment"]["id"]
        return Subject(volume, name, f"/srv/{name}", attachment, self._connection(attachment) if asked else {})

    def _connection(self, attachment: str) -> Mapping[str, Any]:
        answer = requests.put(
            f"{self._server.instance_url}/v1/attachments/{attachment}", json={"attachment": {"connector": CONNECTOR}},
            headers={"Authorization": f"Bearer {self._busy['token']}"}, timeout=60,
        )  # fmt: skip
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()["attachment"]["connection_info"]
        return found

    def release(self, subjects: Iterable[Subject]) -> None:
        """The guest as if it had never had a volume, the server too."""
        self.guest.run(["/usr/bin/python3", "/bench/stage.py", "reset"], timeout=SLOWEST)
        client = self._server.client
        for each in subjects:
            client.delete(f"/v3/attachments/{each.attachment}")
            client.delete(f"/v3/volumes/{each.id}")

    def rest(self) -> None:
        """Wait until the guest has nothing to do any more."""
        self.guest.run(["/usr/bin/python3", "/bench/stage.py", "rest"], timeout=SLOWEST)

    def measure(self, contender: Contender, use: Use, subjects: list[Subject], *, turn: int, times: int = 1) -> list[Sample]:
        """Have the contender do it. Raises RuntimeError where a volume did not come up."""
        instance = self._idle if use is Use.NONE else self._busy
        job = {
            "contender": contender.module,
            "instance_id": instance["id"], "volumes": _wire(subjects),
            "document": self._document(contender, subjects, instance), "endpoint": self._server.addresses.endpoint,
            "token": instance["token"], "times": times,
        }  # fmt: skip
        done = self.guest.run(["/usr/bin/python3", "/bench/stage.py", "measure"], stdin=json.dumps(job).encode(), timeout=SLOWEST)
        found = json.loads(done.stdout.splitlines()[-1])
        for each in found:
            if each["error"] or each["detail"].get("reasons"):
                raise RuntimeError(f"{contender.words}, {use.value}, {len(subjects)} volumes: {each['error']}\n{each['detail']}")
        return [
            Sample(
                contender, use, len(subjects), turn, each["seconds"], each["processes"], each["machine_processes"], each["detail"]
            )
            for each in found
        ]

    def _document(self, contender: Contender, subjects: list[Subject], instance: Mapping[str, Any]) -> Mapping[str, Any]:
        """What our module finds in cloud-config, with the service or without."""
        wishes = {each.name: {"mount": each.mount} for each in subjects}
        document: dict[str, Any] = {"initiator_name": INITIATOR, "deadline": DEADLINE, "volumes": wishes}
        if contender is Contender.STATIC:
            return {**document, "attachments": [_attachment(each) for each in subjects]}
        return {**document, "endpoint": self._server.addresses.endpoint, "token": instance["token"]}


def _attachment(subject: Subject) -> Mapping[str, Any]:
    return {
        "volume": {"id": subject.id, "name": subject.name, "size": 1, "serial": subject.id},
        "connection_info": dict(subject.connection),
    }  # fmt: skip


def _wire(subjects: Iterable[Subject]) -> list[Mapping[str, Any]]:
    """As benchmarks/guest/job.py reads them. Ours gets no credentials: its look at the result needs none."""
    found: list[Mapping[str, Any]] = []
    for each in subjects:
        portal = Portal.parse(each.connection["target_portal"]) if each.connection else Portal("", 1)
        found.append(
            {
                "serial": each.id, "mount": each.mount, "host": portal.host, "port": portal.port,
                "iqn": each.connection.get("target_iqn", ""), "lun": each.connection.get("target_lun", 1),
                "user": each.connection.get("auth_username", ""), "password": each.connection.get("auth_password", ""),
            }
        )  # fmt: skip
    return found

"""Our server as it is run: one process, SQLite, a real tgtd; and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.service import seeding
from benchmarks.service.cycle import connector
from benchmarks.service.seeding import Seeded
from benchmarks.service.wrk import Asked
from blockstore.waiting import Deadline, wait_for
from testbed.server import LocalServer

# So many attachments are shown in turn; with Cinder each takes a second to make.
SHOWN = 4
READY_SECONDS = 60.0
DOCUMENT = "/v1/meta-data"


class Ours:
    """A context manager. ``attachments`` are in its database when it starts, to be asked for; ``volumes`` can be attached."""

    def __init__(self, state: Path, *, attachments: int, volumes: int, each: int = seeding.EACH) -> None:
        self._seeded = seeding.seed(state, attachments, each=each)
        self._count = volumes
        self.server = LocalServer(state, advertised_host="")
        self.volumes: Sequence[str] = ()

    def __enter__(self) -> Ours:
        self.server.__enter__()
        self.operator, self.instance = self.server.operator_url, self.server.instance_url
        self.volumes = [self._volume(number) for number in range(self._count)]
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.__exit__(*exception)

    @property
    def headers(self) -> Mapping[str, str]:
        """An operator's."""
        return {"X-Auth-Token": self.server.token, "OpenStack-API-Version": "volume 3.54"}

    def fleet(self) -> list[Asked]:
        """Metadata, each time for another instance."""
        return [Asked(DOCUMENT, _bearer(each)) for each in self._seeded]

    def lists(self) -> list[Asked]:
        """Each time another instance's attachments."""
        return [Asked("/v1/attachments", _bearer(each)) for each in self._seeded]

    def shows(self, connected: Sequence[str] = ()) -> list[Asked]:
        """Each time another attachment, as the operator."""
        identifiers = connected or [each.attachment for each in self._seeded]
        return [Asked(f"/v3/attachments/{each}", self.headers) for each in identifiers]

    def connect(self) -> list[str]:
        """Attachments with connection_info."""
        return [self._attachment(volume) for volume in self.volumes[:SHOWN]]

    def release(self, attachments: Sequence[str]) -> None:
        """The volumes are free again."""
        for each in attachments:
            self.server.client.delete(f"/v3/attachments/{each}")

    def document_size(self) -> int:
        """Bytes of the metadata that an instance is answered."""
        import requests

        one = self.fleet()[0]
        return len(requests.get(self.instance + one.path, headers=dict(one.headers), timeout=READY_SECONDS).content)

    def _volume(self, number: int) -> str:
        identifier = str(self.server.create_volume(f"volume-{number}")["id"])
        wait_for("the volume", lambda: self._available(identifier) or None, Deadline.after(READY_SECONDS))
        return identifier

    def _available(self, identifier: str) -> bool:
        return bool(self.server.client.get(f"/v3/volumes/{identifier}")["volume"]["status"] == "available")

    def _attachment(self, volume: str) -> str:
        client = self.server.client
        made = client.post("/v3/attachments", {"attachment": {"volume_uuid": volume, "mode": "rw"}})["attachment"]["id"]
        client.put(f"/v3/attachments/{made}", {"attachment": {"connector": connector("iqn.2018-12.com.leftasexercise:shown")}})
        return str(made)


def _bearer(each: Seeded) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {each.token}"}

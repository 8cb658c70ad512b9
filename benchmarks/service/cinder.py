"""The real cinder-api, -scheduler and -volume in one process (SQLite, oslo.messaging's fake transport), with Cinder's tgt helper
and a tgtd of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.service.cycle import connector
from benchmarks.service.wrk import Asked
from blockstore.waiting import Deadline, wait_for
from testbed.cinder import LocalCinder
from testbed.cinder.local import PROJECT

# So many attachments are shown in turn; with Cinder each takes a second to make.
SHOWN = 4
READY_SECONDS = 120.0
HEADERS = {"X-Auth-Token": f"admin:{PROJECT}", "OpenStack-API-Version": "volume 3.54", "X-Service-Roles": "service"}


class Cinder:
    """A context manager; ``volumes`` can be attached."""

    headers: Mapping[str, str] = HEADERS

    def __init__(self, folder: Path, volumes: int) -> None:
        self.server, self._count = LocalCinder(folder), volumes
        self.volumes: Sequence[str] = ()

    def __enter__(self) -> Cinder:
        self.server.__enter__()
        try:
            self.volumes = [self._volume(number) for number in range(self._count)]
        except BaseException:
            self.server.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.__exit__(*exception)

    @property
    def operator(self) -> str:
        """Its URL, without the version."""
        return self.server.url.removesuffix("/v3")

    def shows(self, connected: Sequence[str]) -> list[Asked]:
        """Each time another attachment."""
        return [Asked(f"/v3/attachments/{each}", HEADERS) for each in connected]

    def connect(self) -> list[str]:
        """Attachments with connection_info."""
        return [self._attachment(volume) for volume in self.volumes[:SHOWN]]

    def release(self, attachments: Sequence[str]) -> None:
        """The volumes are free again."""
        for each in attachments:
            self.server.ask("DELETE", f"/attachments/{each}").raise_for_status()

    def _volume(self, number: int) -> str:
        answer = self.server.ask("POST", "/volumes", {"volume": {"size": 1, "name": f"volume-{number}"}})
        answer.raise_for_status()
        identifier = str(answer.json()["volume"]["id"])
        wait_for("the volume", lambda: self._available(identifier) or None, Deadline.after(READY_SECONDS))
        return identifier

    def _available(self, identifier: str) -> bool:
        return bool(self.server.ask("GET", f"/volumes/{identifier}").json()["volume"]["status"] == "available")

    def _attachment(self, volume: str) -> str:
        wish = {"volume_uuid": volume, "mode": "rw", "connector": connector("iqn.2018-12.com.leftasexercise:shown")}
        answer = self.server.ask("POST", "/attachments", {"attachment": wish})
        answer.raise_for_status()
        return str(answer.json()["attachment"]["id"])

"""What of a boot can be seen from outside, unnoticed by the guest: sessions, writes to the volumes, words on the console."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.campaign import witness
from testbed.campaign.cut import Aim, Window
from testbed.campaign.witness import Testimony
from testbed.guest import Guest
from testbed.server import LocalServer

INSTANCE = "cut-1"
_LOOK = 0.02
_ASK = 1.0
# From the module's report until a program in the guest has seen every mount and told of it.
_AFTER_REPORT = 8.0


class Watch:
    """One boot, from its power-on on."""

    def __init__(self, guest: Guest, server: LocalServer, volumes: Sequence[Path], mounts: Mapping[str, str]) -> None:
        self._guest, self._server, self._volumes, self._mounts = guest, server, volumes, mounts
        self._stamps_before, self._report_before = self._stamps(), self._report()
        self._seen: dict[Aim, float] = {}
        self._asked, self._over_since = 0.0, float("inf")

    @property
    def testimony(self) -> Testimony:
        """What the witness has said in this boot."""
        return witness.heard(self._guest.boot_console)

    def happened(self, aim: Aim) -> bool:
        """Whether the event that this aim counts from is there; once seen it stays."""
        if aim not in self._seen and self._now(aim):
            self._seen[aim] = self.seconds
        return aim in self._seen

    def wait(self, aim: Aim, deadline: float) -> bool:
        """Wait for its event until this many seconds after power-on; False where it does not come: the guest went off, or its
        module's run is over without it."""
        while not self.happened(aim):
            if self.seconds > deadline or not self._guest.running or self._over():
                return False
            time.sleep(_LOOK)
        return True

    def window(self, deadline: float) -> Window | None:
        """Watch the boot until all is mounted; when what happened, None where something did not."""
        if all(self.wait(aim, deadline) for aim in (Aim.LOGIN, Aim.FORMAT, Aim.USE)):
            return Window(*(self._seen[aim] for aim in (Aim.LOGIN, Aim.FORMAT, Aim.USE)))
        return None

    @property
    def seconds(self) -> float:
        """Seconds since power-on."""
        return time.monotonic() - self._guest.power_on_seconds

    def _over(self) -> bool:
        """Whether the module has reported, some time ago. That is asked for now and then only: an answer costs the host."""
        if self.seconds - self._asked > _ASK:
            self._asked = self.seconds
            if self._report() != self._report_before:
                self._over_since = min(self._over_since, self.seconds)
        return self.seconds - self._over_since > _AFTER_REPORT

    def _now(self, aim: Aim) -> bool:
        match aim:
            case Aim.BOOT:
                return True
            case Aim.LOGIN:
                return self._server.sessions > 0
            case Aim.FORMAT:
                return self._stamps() != self._stamps_before
            case Aim.USE:
                return self.testimony.kept.keys() >= self._mounts.keys()

    def _report(self) -> dict[str, Any] | None:
        return self._server.report(INSTANCE)

    def _stamps(self) -> list[int]:
        return [volume.stat().st_mtime_ns for volume in self._volumes]

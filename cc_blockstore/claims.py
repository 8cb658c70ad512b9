"""Whose is which path, and whose which serial: two volumes that could be taken for one another are told apart before a login."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from blockstore.attachment import Attachment, Status
from blockstore.errors import LoginFailed
from blockstore.iscsi import IscsiPath
from cc_blockstore.machine.ledger import Known, serial_of


class Claims:
    """Of what is known from before and of what is listed; what connection_info says is added as it is learned.

    ``serials``: each that somebody named, with the volume that it is of. ``own``: the paths of before whose sessions we made.
    """

    def __init__(self, known: Mapping[str, Known], listed: Iterable[Attachment]) -> None:
        self._paths = {each.path: volume_id for volume_id, each in known.items()}
        self.own = tuple(each.path for each in known.values() if not each.borrowed)
        self.serials: dict[str, str] = {}
        here = {each.volume.id: each for each in listed if each.status is not Status.DETACHING}
        for volume_id, each in known.items():  # before the new ones: these are connected, and links of theirs are in use
            self.serials.setdefault(serial_of(here.pop(volume_id, each.attachment), each), volume_id)
        for volume_id, new in here.items():
            self.serials.setdefault(serial_of(new, None), volume_id)
        self.serials.pop("", None)

    def path(self, path: IscsiPath, volume_id: str) -> None:
        """One path, one volume: where no serial is named, nothing else would tell two of them apart. Raises `LoginFailed`."""
        user = self._paths.setdefault(path, volume_id)
        if user != volume_id:
            raise LoginFailed(f"its connection_info leads to {path}, which is volume {user}")

    def of_others(self, volume_id: str) -> list[IscsiPath]:
        """The paths of all volumes but this one."""
        return [path for path, user in self._paths.items() if user != volume_id]

    def serial(self, serial: str, volume_id: str) -> None:
        """One serial, one volume: udev finds the links of a disk by it. "" is nobody's. Raises `LoginFailed`."""
        user = self.serials.setdefault(serial, volume_id) if serial else volume_id
        if user != volume_id:
            raise LoginFailed(f"its serial {serial!r} is that of volume {user}, too: their devices could not be told apart")

"""Which volumes are ours: one file a volume, without any secret, written before the first login.

It tells our sessions from those of others, names the volumes while the metadata service is away, and says what is to be
taken down when an attachment is no longer listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from blockstore import attachment, iqn, iscsi
from blockstore.attachment import Attachment
from blockstore.connection_info import PARSERS
from blockstore.errors import DocumentInvalid
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.reader import Faults, Reader
from blockstore.values import dataclass, replace
from cc_blockstore.machine import files
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.machine import Machine

JSON = ".json"


@dataclass(frozen=True)
class Known:
    """A volume that we connected, or mean to. ``borrowed``: somebody else's session, never closed by us. ``leaving``: it is being
    detached from here; whatever interrupts that, the next run completes it. ``serial``: what its connection_info named, "" for
    nothing; a list names what it names at every run, but connection_info is not asked for again while the session is there."""

    attachment: Attachment
    path: IscsiPath
    transport: str = "iscsi"
    borrowed: bool = False
    leaving: bool = False
    serial: str = ""

    def to_json(self) -> str:
        """The text of its file."""
        value = {
            "attachment": self.attachment.to_wire(), "transport": self.transport, "portal": str(self.path.portal),
            "iqn": self.path.iqn, "lun": self.path.lun, "borrowed": self.borrowed, "leaving": self.leaving,
            "serial": self.serial,
        }  # fmt: skip
        return json.dumps(value, indent=1) + "\n"


def read_all(machine: Machine) -> dict[str, Known]:
    """All known volumes by volume id. A file that cannot be understood is passed over: its session counts as not ours."""
    folder = _folder(machine)
    found = {name[: -len(JSON)]: _read(files.read(f"{folder}/{name}")) for name in files.names(folder) if name.endswith(JSON)}
    return {name: known for name, known in found.items() if known is not None and known.attachment.volume.id == name}


def write(machine: Machine, known: Known, put: Writer = files.write) -> bool:
    """Remember a volume, durably unless ``put`` leaves that to its caller. True where that was news."""
    bare = replace(known, attachment=replace(known.attachment, connection=None))
    return put(f"{_folder(machine)}/{known.attachment.volume.id}{JSON}", bare.to_json())


def forget(machine: Machine, volume_id: str) -> None:
    """Forget a volume that was taken down."""
    files.remove(f"{_folder(machine)}/{volume_id}{JSON}")


def leaving(known: Mapping[str, Known]) -> frozenset[str]:
    """The attachments (by id) whose detaching was begun and not completed: the volume may have come back under another one."""
    return frozenset(each.attachment.id for each in known.values() if each.leaving)


def moved(known: Mapping[str, Known], listed: Iterable[Attachment]) -> dict[str, str]:
    """The volumes whose connection_info, which the document holds, does not name the path that they were connected by; each (by
    id) with both in words. What the service would answer now is not known: it is asked only where there is no session."""
    there = ((known[each.volume.id].path, each) for each in listed if each.connection and each.volume.id in known)
    return {
        each.volume.id: f"connected to {path}, its connection_info names {each.connection.paths[0]} now"
        for path, each in there
        if each.connection and path not in each.connection.paths
    }


def serial_of(one: Attachment, known: Known | None) -> str:
    """What the device of this attachment must answer as its serial, whoever named it; "" where nobody did."""
    return one.volume.serial or connection_serial(one, known)


def connection_serial(one: Attachment, known: Known | None) -> str:
    """What its connection_info names, or named when it was asked for; "" for nothing."""
    if one.connection is not None:
        return one.connection.serial
    return known.serial if known is not None else ""


def _folder(machine: Machine) -> str:
    return f"{machine.paths.state}/volumes"


def _read(text: str) -> Known | None:
    faults = Faults()
    try:
        reader = Reader(json.loads(text), faults)
        one = attachment.parse(reader.inner("attachment"))
        portal = Portal.parse(reader.required_text("portal"))
        path = IscsiPath(portal, reader.required_text("iqn", check=iqn.fault), reader.integer("lun") or 0)
        transport = reader.choice("transport", PARSERS) or iscsi.IscsiConnection.driver_volume_type
        serial = reader.text("serial") or ""  # earlier versions wrote none
        borrowed, leaving = reader.boolean("borrowed") or False, reader.boolean("leaving") or False
        faults.raise_any()
    except (ValueError, RecursionError, DocumentInvalid):
        return None
    return Known(one, path, transport, borrowed, leaving, serial) if one else None

"""An attachment: this volume belongs to that instance. The words and states are Cinder's."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import field

from blockstore import connection_info
from blockstore.connection_info import Connection
from blockstore.reader import Reader, shown
from blockstore.values import dataclass

# Ids and names end up in file names and links; what could leave its folder is refused at the door.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
KEYS = ("id", "status", "mode", "volume", "connection_info")
VOLUME_KEYS = ("id", "name", "size", "serial", "blank", "metadata")
# Cinder's own limit; a link's name can be no longer either.
LONGEST_NAME = 255


class Status(str, enum.Enum):
    """Where an attachment stands between reserve and complete."""

    RESERVED = "reserved"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    ERROR_ATTACHING = "error_attaching"


@dataclass(frozen=True)
class Volume:
    """What the instance may know of a volume. ``size`` in GiB, None where unknown.

    ``serial`` is what the device must answer as its SCSI serial ("" where nothing was said). ``blank`` is the server's
    word that nobody ever wrote to it; None where there is no server to say.
    """

    id: str
    name: str
    size: int | None = None
    serial: str = ""
    blank: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attachment:
    """One volume for one instance; ``connection`` only where the answer was meant for the owner. ``mode`` rw or ro."""

    id: str
    volume: Volume
    status: Status = Status.RESERVED
    mode: str = "rw"
    connection: Connection | None = None

    def to_wire(self) -> dict[str, object]:
        """The list form: no connection_info, so no secret."""
        volume = self.volume
        return {
            "id": self.id, "status": self.status.value, "mode": self.mode,
            "volume": {"id": volume.id, "name": volume.name, "size": volume.size, "serial": volume.serial,
                       "blank": volume.blank, "metadata": dict(volume.metadata)},
        }  # fmt: skip


def id_fault(text: str) -> str | None:
    """Why this cannot be an id, or None."""
    return None if _ID.fullmatch(text) else f"{shown(text)} is not an id (letters, digits, '.', '_' and '-')"


def name_fault(text: str) -> str | None:
    """Why this cannot be a volume's name, or None."""
    return f"is longer than {LONGEST_NAME} characters" if len(text) > LONGEST_NAME else None


def parse(reader: Reader) -> Attachment | None:
    """Read one attachment as the server gives it; it may say more than we know. None where faults were noted."""
    return _parsed(reader, reader.inner("volume"), reader.inner("connection_info"))


def parse_written(reader: Reader) -> Attachment | None:
    """Read one that somebody wrote, in a static document. None where faults were noted.

    ``id`` and ``status`` may be absent: the volume's id stands for the former, and such an attachment counts as attached. A key
    that nobody knows is a fault; in connection_info, which comes from a storage with words of its own, one that is misspelt.
    """
    before = len(reader.faults)
    volume, connection = reader.inner("volume"), reader.inner("connection_info")
    reader.only(KEYS)
    volume.only(VOLUME_KEYS)
    connection_info.check_keys(connection)
    found = _parsed(reader, volume, connection)
    if reader.value("connection_info") in (None, {}):
        reader.faults.add(reader.at("connection_info"), "is missing")
    return found if len(reader.faults) == before else None


def _parsed(reader: Reader, inner: Reader, connecting: Reader) -> Attachment | None:
    before = len(reader.faults)
    volume = _volume(inner)
    status = reader.choice("status", tuple(status.value for status in Status)) or Status.ATTACHED.value
    mode = reader.choice("mode", ("rw", "ro")) or "rw"
    connection = connection_info.parse(connecting)
    identifier = reader.text("id", check=id_fault) or volume.id
    if len(reader.faults) > before:
        return None
    return Attachment(identifier, volume, Status(status), mode, connection)


def _volume(inner: Reader) -> Volume:
    identifier = inner.required_text("id", check=id_fault)
    metadata = inner.inner("metadata")
    return Volume(
        id=identifier,
        name=inner.text("name", check=name_fault) or identifier,
        size=inner.integer("size", least=1),
        serial=inner.text("serial") or "",
        blank=inner.boolean("blank"),
        metadata={key: value for key in metadata.names() if (value := metadata.text(key)) is not None},
    )

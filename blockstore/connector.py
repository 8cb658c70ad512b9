"""The connector: what an instance says of itself so that a volume can be exported to it (Cinder's words)."""

from __future__ import annotations

from blockstore import iqn
from blockstore.reader import Faults, Reader
from blockstore.values import dataclass


@dataclass(frozen=True)
class Connector:
    """``initiator`` is the IQN that the access list is bound to; ``ip`` the address that faces the portal."""

    initiator: str
    ip: str = ""
    host: str = ""
    platform: str = ""
    os_type: str = ""
    multipath: bool = False
    system_uuid: str = ""
    mountpoint: str = ""

    @classmethod
    def parse(cls, reader: Reader) -> Connector:
        """Read one; keys that are not ours are left alone, as Cinder does (other transports have their own)."""
        return cls(
            initiator=reader.required_text("initiator", check=iqn.fault),
            ip=reader.text("ip") or "",
            host=reader.text("host") or "",
            platform=reader.text("platform") or "",
            os_type=reader.text("os_type") or "",
            multipath=reader.boolean("multipath") or False,
            system_uuid=reader.text("system uuid") or "",
            mountpoint=reader.text("mountpoint") or "",
        )

    @classmethod
    def from_wire(cls, value: object, path: str = "connector") -> Connector:
        """Parse on its own. Raises `DocumentInvalid` with all faults."""
        faults = Faults()
        connector = cls.parse(Reader(value, faults, path))
        faults.raise_any()
        return connector

    def to_wire(self) -> dict[str, object]:
        """The mapping that travels; the optional words only where they say something."""
        wire: dict[str, object] = {
            "initiator": self.initiator, "ip": self.ip, "host": self.host,
            "platform": self.platform, "os_type": self.os_type, "multipath": self.multipath,
        }  # fmt: skip
        if self.system_uuid:
            wire["system uuid"] = self.system_uuid
        if self.mountpoint:
            wire["mountpoint"] = self.mountpoint
        return wire

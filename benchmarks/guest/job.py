"""What one measurement is asked for, as it comes over standard input, and what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INITIATOR = "iqn.2018-12.com.leftasexercise:benchmark"


@dataclass(frozen=True)
class Volume:
    """One volume that is to be mounted on ``mount``; ``serial`` is what its disk answers."""

    serial: str
    mount: str
    host: str
    port: int
    iqn: str
    lun: int
    user: str
    password: str

    @property
    def portal(self) -> str:
        """As iscsiadm is told it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Job:
    """``document`` is what our module finds in cloud-config; ``endpoint`` and ``token`` are for the bare HTTP exchange.
    ``instance_id`` is what the service knows this instance by."""

    contender: str
    instance_id: str
    volumes: tuple[Volume, ...]
    document: Mapping[str, Any]
    endpoint: str
    token: str
    times: int

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> Job:
        """From JSON."""
        volumes = tuple(Volume(**each) for each in wire["volumes"])
        return cls(
            wire["contender"], wire["instance_id"], volumes, wire["document"], wire["endpoint"], wire["token"], wire["times"]
        )

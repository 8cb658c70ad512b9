"""One measurement as a value, and which ones there are."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Contender(str, enum.Enum):
    """Who is measured; the value is the file in benchmarks/guest/contenders."""

    OURS = "blockstore"
    STATIC = "blockstore-static"
    FLOOR = "floor"
    OS_BRICK = "brick"
    OCI_UTILS = "oci_utils"
    RUNCMD = "runcmd"
    PYTHON_START = "python_start"
    EXCHANGE = "exchange"

    @property
    def module(self) -> str:
        """Its file: both of ours are the same program with another document."""
        return self.value.removesuffix("-static")

    @property
    def words(self) -> str:
        """As the table calls it."""
        return _TITLES[self]


_TITLES = {
    Contender.OURS: "blockstore",
    Contender.STATIC: "blockstore, no server",
    Contender.FLOOR: "floor",
    Contender.OS_BRICK: "os-brick",
    Contender.OCI_UTILS: "oci-utils' calls",
    Contender.RUNCMD: "runcmd script",
    Contender.PYTHON_START: "interpreter start",
    Contender.EXCHANGE: "one HTTP exchange",
}

# In the order of a round. The floor cannot be run twice over the same volumes: it looks at nothing that is there.
FIRST_USE = (
    Contender.FLOOR, Contender.OURS, Contender.RUNCMD, Contender.STATIC, Contender.OS_BRICK, Contender.OCI_UTILS,
)  # fmt: skip
RERUN = tuple(each for each in FIRST_USE if each is not Contender.FLOOR)


class Use(str, enum.Enum):
    """What the contender found: blank volumes, its own work of a moment ago, or no volume at all (at first, and ever after)."""

    FIRST = "first use"
    RERUN = "re-run"
    NONE = "no volumes"
    NONE_FIRST = "no volumes, first boot"
    NONE_UNEMULATED = "no volumes, on this machine's own processor"


@dataclass(frozen=True)
class Sample:
    """One measurement: ``processes`` by what was measured, ``machine_processes`` on the whole machine (udev's workers too)."""

    contender: Contender
    use: Use
    volumes: int
    round: int
    seconds: float
    processes: int
    machine_processes: int
    detail: Mapping[str, Any] = field(default_factory=dict)

"""One thin pool of LVM: what is in it, and the commands that change it, each for logical volumes by their names in the group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from blockstore.errors import CommandFailed, CommandTimedOut
from blockstore.run import Command, Runner
from metadata_server.domain.errors import Unavailable

# LVM waits for udev, and for other commands on the same group.
TIMEOUT = 120.0
# Else every command complains of sockets that our server has open.
ENVIRONMENT = {"LVM_SUPPRESS_FD_WARNINGS": "1"}
_REPORT = ("--reportformat", "json", "--units", "b", "--nosuffix")
NOT_FOUND = 5  # ECMD_FAILED (lvm(8)): lvmconfig's answer where nothing is set


@dataclass(frozen=True)
class LogicalVolume:
    """A logical volume. ``size`` in bytes; ``pool`` is "" where it is not thin."""

    name: str
    pool: str
    size: int


@dataclass(frozen=True)
class Pool:
    """How the pool is: its segment type, how full its two parts are in percent, LVM's word on its health ("" for a good one)."""

    kind: str
    data: float
    metadata: float
    zeroing: bool
    health: str


Row = Mapping[str, str]


def rows(report: str) -> list[Row]:
    """What ``lvs --reportformat json`` printed. Raises `Unavailable` for a text of another form."""
    try:
        return [{str(key): str(value) for key, value in row.items()} for row in json.loads(report)["report"][0]["lv"]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unavailable(f"lvs reports in an unknown form: {error!r}") from None


class Group:
    """``pool`` in the volume group ``name``. Everything raises `Unavailable` with LVM's own words."""

    def __init__(self, name: str, pool: str, runner: Runner) -> None:
        self.name, self.pool, self._runner = name, pool, runner

    def volumes(self) -> dict[str, LogicalVolume]:
        """All logical volumes of the group by name, the pool too. Nothing is asked of the kernel: a thousand are no matter."""
        found = self._report("lv_name,pool_lv,lv_size")
        return {row["lv_name"]: LogicalVolume(row["lv_name"], row["pool_lv"], int(row["lv_size"])) for row in found}

    def inactive(self) -> frozenset[str]:
        """The names of those that have no device."""
        return frozenset(row["lv_name"] for row in self._report("lv_name,lv_active") if row["lv_active"] != "active")

    def state(self) -> Pool | None:
        """The pool, or whatever else has its name."""
        for row in self._report("segtype,data_percent,metadata_percent,zero,lv_health_status", "-S", f"lv_name={self.pool}"):
            full, metadata = (float(row[key] or 0) for key in ("data_percent", "metadata_percent"))
            return Pool(row["segtype"], full, metadata, row["zero"] == "zero", row["lv_health_status"])
        return None

    def make(self, name: str, size: int) -> None:
        """A new thin volume. Nothing is looked for in it or wiped: it reads as zeros."""
        flags = ("-kn", "-Wn", "-y")
        self._lvm("lvcreate", "-V", f"{size}b", "--thinpool", self.pool, "-n", name, *flags, self.name)

    def copy(self, source: str, name: str, *flags: str) -> None:
        """A thin snapshot of ``source``, of the moment, whatever writes to it."""
        # Not "-s": for that LVM wants the module of the other kind of snapshots, and the unit lets it load none.
        self._lvm("lvcreate", "--type", "thin", "-n", name, *flags, f"{self.name}/{source}")

    def extend(self, name: str, size: int) -> None:
        """Grow it. LVM never extends what is in the file system: that is the guest's affair."""
        self._lvm("lvextend", "-L", f"{size}b", f"{self.name}/{name}")

    def rename(self, name: str, other: str) -> None:
        """Give it another name."""
        self._lvm("lvrename", self.name, name, other)

    def activate(self, *names: str) -> None:
        """Make their devices appear, those with the flag to be skipped too."""
        self._lvm("lvchange", "-ay", "-K", *(f"{self.name}/{name}" for name in names))

    def deactivate(self, name: str) -> None:
        """Make its device disappear; refused while anything has it open."""
        self._lvm("lvchange", "-an", f"{self.name}/{name}")

    def remove(self, *names: str) -> None:
        """Destroy them."""
        self._lvm("lvremove", "-y", *(f"{self.name}/{name}" for name in names))

    def global_filter(self) -> str:
        """What ``lvmconfig`` says of it; "" where it is not set."""
        return self._lvm("lvmconfig", "devices/global_filter", ok=(0, NOT_FOUND))

    def _report(self, fields: str, *selection: str) -> list[Row]:
        return rows(self._lvm("lvs", *_REPORT, "-o", fields, *selection, self.name))

    def _lvm(self, *words: str, ok: tuple[int, ...] = (0,)) -> str:
        command = Command(("lvm", *words), ok=ok, environment=ENVIRONMENT)
        try:
            return self._runner(command, timeout=TIMEOUT).stdout
        except CommandTimedOut as error:
            raise Unavailable(str(error)) from error
        except CommandFailed as error:
            raise Unavailable(f"{words[0]}: {_said(error.stderr) or f'exit code {error.code}'}") from error
        except OSError as error:
            raise Unavailable(f"cannot run lvm: {error.strerror}", hint="apt install lvm2 thin-provisioning-tools") from error


def _said(stderr: str) -> str:
    """LVM's reasons, without its warnings."""
    lines = [line.strip() for line in stderr.splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("WARNING"))

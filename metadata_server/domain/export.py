"""Exports: what a target must look like, and the difference between what is wanted and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blockstore.iscsi import Chap

IQN_PREFIX = "iqn.2010-10.org.openstack:volume-"
# tgt shows sizes in these.
MEGABYTE = 10**6


@dataclass(frozen=True)
class Export:
    """One volume for one initiator. ``path`` is the backing file or device, ``size`` what the LUN must have at least (0 while
    that is about to change), ``serial`` what it answers (36 characters)."""

    iqn: str
    path: str
    size: int
    serial: str
    readonly: bool
    initiator: str
    chap: Chap


@dataclass(frozen=True)
class SeenLun:
    """A logical unit as the target daemon shows it. ``size`` in bytes, rounded down or up by less than a megabyte."""

    lun: int
    path: str
    serial: str
    readonly: bool
    online: bool
    size: int


@dataclass(frozen=True)
class SeenConnection:
    """A connection of a logged-in initiator."""

    session: int
    connection: int
    initiator: str


@dataclass(frozen=True)
class SeenTarget:
    """A target as the target daemon shows it: enough to tell whether it is the wanted one, and nothing secret. One that is
    not ``ready`` lets nobody log in."""

    key: int
    iqn: str
    luns: tuple[SeenLun, ...] = ()
    accounts: frozenset[str] = frozenset()
    outgoing: str = ""
    access: frozenset[str] = frozenset()
    connections: tuple[SeenConnection, ...] = ()
    ready: bool = True

    @property
    def lun(self) -> SeenLun | None:
        """The one LUN that an export has."""
        return next((each for each in self.luns if each.lun == 1), None)


@dataclass(frozen=True)
class Difference:
    """What must be done: ``remove`` comes first, then ``add`` and ``reopen`` (the right target with an outdated LUN); ``keep``
    is left alone, so that I/O on it goes on."""

    remove: tuple[SeenTarget, ...]
    add: tuple[Export, ...]
    reopen: tuple[tuple[Export, SeenTarget], ...]
    keep: tuple[tuple[Export, SeenTarget], ...]


def fault(export: Export, seen: SeenTarget) -> str | None:
    """Why this target is not the wanted export, or None. User names are made anew for every attachment and never used
    again, so that an equal name means an equal secret."""
    if seen.accounts != {export.chap.username}:
        return f"accounts: wanted {export.chap.username}, found {', '.join(sorted(seen.accounts)) or 'none'}"
    if seen.outgoing != export.chap.username_in:
        return f"mutual account: wanted {export.chap.username_in or 'none'}, found {seen.outgoing or 'none'}"
    if seen.access != {export.initiator}:
        return f"access list: wanted {export.initiator}, found {', '.join(sorted(seen.access)) or 'nobody'}"
    lun = seen.lun
    if lun is None or len(seen.luns) != 1:
        return f"LUNs: wanted 1, found {', '.join(str(each.lun) for each in seen.luns) or 'none'}"
    for what, wanted, found in (
        ("path", export.path, lun.path), ("serial", export.serial, lun.serial),
        ("read-only", export.readonly, lun.readonly),
    ):  # fmt: skip
        if wanted != found:
            return f"{what}: wanted {wanted}, found {found}"
    return None


def outdated(export: Export, seen: SeenTarget) -> str | None:
    """Why the backing file of this target, which is the wanted one, must be opened again, or None: it grew, or a kill came
    between closing and opening. A LUN that is larger than wanted is left so: it never shrinks under its user."""
    lun = seen.lun
    if not seen.ready:
        return "target: wanted ready, found offline"
    if lun is None or not lun.online:
        return "LUN: wanted online, found offline"
    if lun.size + MEGABYTE < export.size:
        return f"size: wanted {export.size}, found about {lun.size}"
    return None


def difference(wanted: Mapping[str, Export], seen: Mapping[str, SeenTarget]) -> Difference:
    """Desired minus current, by target name."""
    right = {name: (wanted[name], seen[name]) for name in wanted.keys() & seen.keys() if fault(wanted[name], seen[name]) is None}
    pairs = [pair for _, pair in sorted(right.items())]
    return Difference(
        remove=tuple(target for name, target in sorted(seen.items()) if name not in right),
        add=tuple(export for name, export in sorted(wanted.items()) if name not in right),
        reopen=tuple(pair for pair in pairs if outdated(*pair)),
        keep=tuple(pair for pair in pairs if not outdated(*pair)),
    )

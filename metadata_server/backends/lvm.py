"""Volumes in a thin pool of LVM: snapshots and copies of a moment, shared until they are written to.

``blockstore-volume-<id>`` and ``blockstore-snapshot-<id>`` in the group: names that neither LVM keeps for itself (lvm(8)) nor
Cinder gives. ``blockstore-making-<id>`` is a volume that has not its size yet, ``blockstore-replaced-<id>`` one that a revert
took away.

A revert is an exchange of names, not LVM's own merge. A merge uses the snapshot up; it cuts the volume's other snapshots off, so
that none of them can be merged any more; and it is put off, without an error, while anything has the volume open, be it udev.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from blockstore.reader import Reader
from blockstore.run import run
from metadata_server.backends import lvm_filter
from metadata_server.backends.lvm_group import Group, LogicalVolume, Pool
from metadata_server.backends.protocol import Found, Observer
from metadata_server.domain.errors import Unavailable

LOG = logging.getLogger(__name__)

PREFIX = "blockstore-"
VOLUME, SNAPSHOT, MAKING, REPLACED = (PREFIX + word for word in ("volume-", "snapshot-", "making-", "replaced-"))
# Not "-k": activated as its origin is at boot; not skipped, as thin snapshots are.
ACTIVE = ("-kn", "-ay")
FULL = 80.0  # percent of a pool; past it the operator is warned at every start
_NAME = re.compile(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]*")


@dataclass(frozen=True)
class LvmSettings:
    """``group`` is the volume group, ``pool`` the thin pool in it."""

    group: str
    pool: str

    def open(self, observe: Observer) -> ThinPool:
        """See `Settings.open`."""
        return ThinPool(Group(self.group, self.pool, run), observe)


def read(reader: Reader, _state: Path) -> LvmSettings:
    """Its keys are ``group`` and ``pool``."""
    reader.only(("group", "pool"))
    return LvmSettings(reader.required_text("group", check=name_fault), reader.required_text("pool", check=name_fault))


def name_fault(text: str) -> str | None:
    """Why LVM can have no group or pool of this name (lvm(8), "Valid names"), or None."""
    if len(text) > 60 or not _NAME.fullmatch(text) or text in (".", ".."):
        return f"{text!r} is no name that LVM allows (at most 60 of letters, digits, + _ . -)"
    return None


class ThinPool:
    """See `metadata_server.backends.Backend`."""

    atomic = True

    def __init__(self, group: Group, observe: Observer) -> None:
        self._group, self._observe = group, observe

    def check(self) -> None:
        """The pool is a good one, LVM keeps off the volumes, and their devices are there."""
        if os.geteuid() != 0:
            raise Unavailable("LVM wants root", hint="User=root in the server's unit: see docs/operating.md, LVM and LIO")
        self._check_pool(self._group.state())
        self._check_filter()
        there = self._group.volumes()
        for each in self._ours(there, REPLACED):
            volume = each.name.removeprefix(REPLACED)
            if VOLUME + volume not in there:  # a revert failed, and could not bring it back
                self._try_put_back(volume, there)
        asleep = self._group.inactive() & {each.name for each in self._ours(there, VOLUME)}
        if asleep:
            self._group.activate(*sorted(asleep))

    def create(self, volume: str, size: int) -> None:
        """See `Backend.create`."""
        if VOLUME + volume not in self._group.volumes():
            self._observe("backend: make")
            self._group.make(VOLUME + volume, size)

    def create_from_snapshot(self, volume: str, snapshot: str, size: int) -> None:
        """See `Backend.create_from_snapshot`."""
        self._copy(SNAPSHOT + snapshot, volume, size)

    def create_from_volume(self, volume: str, source: str, size: int) -> None:
        """See `Backend.create_from_volume`."""
        self._copy(VOLUME + source, volume, size)

    def extend(self, volume: str, size: int) -> None:
        """See `Backend.extend`."""
        found = self._group.volumes().get(VOLUME + volume)
        if found is None:
            raise Unavailable(f"volume {volume}: there is no {self.path(volume)}")
        self._grow(found, size)

    def delete(self, volume: str) -> None:
        """See `Backend.delete`."""
        self._remove(VOLUME + volume, MAKING + volume, REPLACED + volume)

    def snapshot(self, snapshot: str, volume: str) -> None:
        """See `Backend.snapshot`."""
        if SNAPSHOT + snapshot not in self._group.volumes():
            self._observe("backend: snapshot")
            # To be skipped at activation: without a device, nothing can write to it.
            self._group.copy(VOLUME + volume, SNAPSHOT + snapshot, "-ky")

    def delete_snapshot(self, snapshot: str) -> None:
        """See `Backend.delete_snapshot`."""
        self._remove(SNAPSHOT + snapshot)

    def revert(self, volume: str, snapshot: str, size: int) -> None:
        """See `Backend.revert`. Whatever kill comes in between, the volume is what it was or what the snapshot is."""
        # What is left of this revert and of an earlier one looks the same: nothing of it is believed, and all is done anew.
        self.unrevert(volume)
        with self._making(SNAPSHOT + snapshot, volume, size):
            self._exchange(volume)
        try:
            self._observe("backend: remove what was replaced")
            self._group.remove(REPLACED + volume)
        except Unavailable as error:  # the volume has the snapshot's bytes: to say that it failed would be wrong
            LOG.error("volume %s is reverted, but %s%s stays until the next time: %s", volume, REPLACED, volume, error)

    def unrevert(self, volume: str) -> None:
        """See `Backend.unrevert`."""
        there = self._group.volumes()
        left = [name for name in (MAKING + volume, REPLACED + volume) if name in there]
        if VOLUME + volume not in there and REPLACED + volume in there:
            self._put_back(volume)
            left.remove(REPLACED + volume)
        if left:
            self._observe("backend: remove")
            self._group.remove(*left)

    def path(self, volume: str) -> str:
        """See `Backend.path`."""
        return f"/dev/{self._group.name}/{VOLUME}{volume}"

    def found(self) -> Found:
        """See `Backend.found`."""
        there = self._group.volumes()
        names = {kind: frozenset(each.name.removeprefix(kind) for each in self._ours(there, kind)) for kind in (VOLUME, SNAPSHOT)}
        return Found(names[VOLUME], names[SNAPSHOT])

    def _ours(self, there: dict[str, LogicalVolume], kind: str) -> list[LogicalVolume]:
        return [each for each in there.values() if each.name.startswith(kind) and each.pool == self._group.pool]

    def _copy(self, source: str, volume: str, size: int) -> None:
        if VOLUME + volume in self._group.volumes():
            return
        with self._making(source, volume, size):
            self._observe("backend: show the copy")
            self._group.rename(MAKING + volume, VOLUME + volume)

    @contextmanager
    def _making(self, source: str, volume: str, size: int) -> Iterator[None]:
        """A copy of the right size under a name that says that it is not the volume yet; gone where anything fails."""
        there = self._group.volumes()
        if MAKING + volume in there:  # of what, a kill left nobody to say
            self._group.remove(MAKING + volume)
        if source not in there:
            raise Unavailable(f"volume {volume}: there is no {source} in {self._group.name} to copy")
        try:
            self._observe("backend: copy")
            self._group.copy(source, MAKING + volume, *ACTIVE, "-K")
            self._grow(there[source], size, MAKING + volume)
            yield
        except Unavailable:
            with suppress(Unavailable):
                self._remove(MAKING + volume)
            raise

    def _exchange(self, volume: str) -> None:
        """The volume's name for the copy, or nothing."""
        try:
            # LVM refuses this while anything has it open.
            self._observe("backend: deactivate")
            self._group.deactivate(VOLUME + volume)
            self._observe("backend: put aside")
            self._group.rename(VOLUME + volume, REPLACED + volume)
            self._observe("backend: put in its place")
            self._group.rename(MAKING + volume, VOLUME + volume)
        except Unavailable:
            there = self._group.volumes()
            if MAKING + volume not in there and VOLUME + volume in there:
                return  # it was too slow for us, and was done all the same
            self._try_put_back(volume, there)
            raise

    def _try_put_back(self, volume: str, there: Collection[str]) -> None:
        """What fails here is tried again at the next start, and by the next revert."""
        try:
            if VOLUME + volume in there:
                self._group.activate(VOLUME + volume)
            else:
                self._put_back(volume)
        except Unavailable as error:
            LOG.error("volume %s has no device; as %s%s it may have its bytes still: %s", volume, REPLACED, volume, error)

    def _put_back(self, volume: str) -> None:
        self._observe("backend: put back")
        self._group.rename(REPLACED + volume, VOLUME + volume)
        self._group.activate(VOLUME + volume)

    def _grow(self, found: LogicalVolume, size: int, name: str = "") -> None:
        if found.size < size:
            self._observe("backend: extend")
            self._group.extend(name or found.name, size)

    def _remove(self, *names: str) -> None:
        there = self._group.volumes()
        if found := [name for name in names if name in there]:
            self._observe("backend: remove")
            self._group.remove(*found)

    def _check_pool(self, pool: Pool | None) -> None:
        name = f"{self._group.name}/{self._group.pool}"
        make = f"lvcreate --type thin-pool -l 90%FREE -n {self._group.pool} {self._group.name}"
        if pool is None or pool.kind != "thin-pool":
            found = f"is of the type {pool.kind}" if pool else "is not there"
            raise Unavailable(f"thin pool {name}: {found}", hint=make)
        if not pool.zeroing:
            # A first write that fills part of a block would show the rest of it as its last owner left it.
            raise Unavailable(f"thin pool {name} gives out blocks that are not zeroed", hint=f"lvchange --zero y {name}")
        if pool.health:
            LOG.error("thin pool %s: LVM says %s", name, pool.health)
        for what, percent in (("data", pool.data), ("metadata", pool.metadata)):
            said = LOG.warning if percent >= FULL else LOG.info
            said("thin pool %s: %.1f %% of its %s are free", name, 100 - percent, what)

    def _check_filter(self) -> None:
        found = lvm_filter.patterns(self._group.global_filter())
        try:
            seen = lvm_filter.lets_in(found, self._group.name, PREFIX)
        except ValueError as error:
            raise Unavailable(f"devices/global_filter in lvm.conf: {error}") from None
        if seen:
            raise Unavailable(
                f"LVM on this machine may look for guests' physical volumes in {seen}…: no global_filter rejects it",
                hint=f"put this into /etc/lvm/lvm.conf: {lvm_filter.line(found, self._group.name, PREFIX)}",
            )

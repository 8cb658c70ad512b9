"""Exports through LIO, the kernel's own target: one target a volume, one LUN, CHAP for the one initiator that may log in.

A target is made disabled and is enabled last; removed, it is disabled first. So whatever kill comes in between, nobody gets in
without the secret.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from blockstore.errors import BlockstoreError
from blockstore.portal import Portal
from blockstore.run import Command, Runner, run
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import Export, SeenTarget, difference, fault, outdated
from metadata_server.targets.lio_tree import Tree
from metadata_server.targets.settings import TargetSettings

LOG = logging.getLogger(__name__)

LOADED = Path("/sys/module")
MODULES = ("target_core_mod", "target_core_iblock", "target_core_file", "iscsi_target_mod")
MODPROBE_SECONDS = 30.0


class Lio:
    """See `metadata_server.targets.Target`. ``observe`` hears the name of every step before it is done."""

    # Linux takes the first of the initiator's list that it knows; every one that we meet knows this one (5.5, open-iscsi 2.1).
    chap_algorithms = ("SHA256",)

    def __init__(
        self, folder: Path, settings: TargetSettings, observe: Callable[[str], None], *, runner: Runner = run
    ) -> None:  # fmt: skip
        self._folder, self._portal, self._observe, self._run = folder, settings.portals[0], observe, runner
        self._pipe: tuple[int, int] | None = None
        self._entered: Tree | None = None

    @property
    def portals(self) -> tuple[Portal, ...]:
        """See `Target.portals`. The kernel listens while anything is exported."""
        return (self._portal,)

    def start(self) -> None:
        """See `Target.start`. There is no daemon, but modules."""
        self._enter()
        if self._portal.port == 0 or not self.seen():
            self._probe()

    def join(self) -> None:
        """See `Target.join`. The kernel is everybody's."""
        if self._pipe is None:
            self._enter()

    def _enter(self) -> None:
        if os.geteuid() != 0:
            raise Unavailable("LIO wants root", hint="User=root in the server's unit: see docs/operating.md, LVM and LIO")
        self._load()
        self._entered = Tree(self._folder / "lio")
        self._pipe = self._pipe or os.pipe()

    @property
    def _tree(self) -> Tree:
        """Raises `Unavailable` where `start` could not get in, and said why."""
        if self._entered is None:
            raise Unavailable("LIO was not started")
        return self._entered

    def stop(self) -> None:
        """See `Target.stop`."""
        if self._pipe is not None:
            with suppress(BlockstoreError):
                self.reconcile({})
            for end in self._pipe:
                os.close(end)
        self._pipe = None

    def abandon(self) -> None:
        """See `Target.abandon`. What the kernel has stays, as after a kill."""

    def watch(self) -> int:
        """See `Target.watch`. The kernel does not die alone: this never becomes readable."""
        return self._pipe[0] if self._pipe is not None else -1

    def seen(self) -> Mapping[str, SeenTarget]:
        """See `Target.seen`."""
        with self._tree.said("looking"), self._tree.locked():
            return self._seen()

    def ensure(self, export: Export) -> None:
        """See `Target.ensure`."""
        with self._tree.said(export.iqn), self._tree.locked():
            store = self._tree.stores().get(export.iqn)
            found = self._tree.seen(export.iqn, store, self._portal) if store is not None else None
            if found is not None and fault(export, found) is None:
                if outdated(export, found):
                    self._mend(export, found)
                return
            if found is not None:
                self._remove(export.iqn)
            self._create(export)

    def remove(self, iqn: str) -> None:
        """See `Target.remove`."""
        with self._tree.said(iqn), self._tree.locked():
            self._remove(iqn)

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        """See `Target.reconcile`."""
        faults: dict[str, str] = {}
        with self._tree.said("looking"), self._tree.locked():
            self._tree.sweep()
            change = difference(wanted, self._seen())
            for target in change.remove:
                self._try(faults, target.iqn, partial(self._remove, target.iqn))
            for export in change.add:
                if export.iqn not in faults:
                    self._try(faults, export.iqn, partial(self._create, export))
            for export, target in change.reopen:
                self._try(faults, export.iqn, partial(self._mend, export, target))
        return faults

    def _try(self, faults: dict[str, str], iqn: str, action: Callable[[], None]) -> None:
        try:
            with self._tree.said(iqn):
                action()
        except BlockstoreError as error:
            LOG.error("%s: %s", iqn, error)
            faults[iqn] = str(error)

    def _seen(self) -> dict[str, SeenTarget]:
        return {iqn: self._tree.seen(iqn, store, self._portal) for iqn, store in self._tree.stores().items()}

    def _create(self, export: Export) -> None:
        if self._tree.target(export.iqn) is not None:
            raise Unavailable(f"{export.iqn}: there is a target of this name that we did not make")
        try:
            with self._tree.said(export.iqn):
                self._build(export)
        except BlockstoreError:
            with suppress(BlockstoreError), self._tree.said(export.iqn):
                self._remove(export.iqn)
            raise

    def _build(self, export: Export) -> None:
        self._observe("target: backstore")
        self._tree.add_store(export)
        self._observe("target: create")
        group = self._tree.add_target(export)
        self._observe("target: access")
        self._tree.add_access(export, group)
        self._observe("target: enable")
        self._tree.open(export.iqn, self._portal)

    def _mend(self, export: Export, target: SeenTarget) -> None:
        LOG.info("%s: %s", export.iqn, outdated(export, target))
        self._observe("target: resize")
        self._tree.resize(export.iqn)
        self._observe("target: enable again")
        self._tree.open(export.iqn, self._portal)

    def _remove(self, iqn: str) -> None:
        self._observe("target: remove")
        self._tree.remove(iqn)

    def _load(self) -> None:
        missing = [name for name in MODULES if not (LOADED / name).exists()]
        if not missing:  # as it is under the unit, which may not load any itself
            return
        try:
            self._run(Command(("modprobe", "-a", *missing)), timeout=MODPROBE_SECONDS)
        except (BlockstoreError, OSError) as error:
            hint = f"load them at boot: {' '.join(missing)}, each on a line of /etc/modules-load.d/blockstore-server.conf"
            raise Unavailable(f"LIO's modules are not loaded: {error}", hint=hint) from error

    def _probe(self) -> None:
        """Find out whether the portal can be had while nothing of ours is there, and choose a port where any is right."""
        host, port = self._portal.host, self._portal.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                hint = "another target (tgt.service?) has the port, or the address is not ours"
                raise Unavailable(f"LIO cannot listen on {self._portal}: {error.strerror}", hint=hint) from error
            self._portal = replace(self._portal, port=probe.getsockname()[1])

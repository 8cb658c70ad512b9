"""LIO's targets in the kernel's configfs, one operation at a time, through rtslib-fb.

Each of our targets stands on a backstore that is called ``blockstore-<volume id>``, made before it and removed after it. So a
kill leaves no target whose backstore is not there to tell that it is ours; what others made (targetcli, Cinder) has other
names and is not touched. Nothing is saved to saveconfig.json: our database is what everything is made from again.
"""

from __future__ import annotations

import fcntl
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from blockstore.portal import Portal
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import IQN_PREFIX, Export, SeenConnection, SeenLun, SeenTarget

STORE = "blockstore-"
ADAPTERS = ("iblock_", "fileio_")
LUN = TAG = 1
# No access list is made up for strangers, and a target is shown to those alone who may log in.
ATTRIBUTES = (("authentication", 1), ("generate_node_acls", 0), ("demo_mode_discovery", 0), ("cache_dynamic_acls", 0))


def library() -> Any:
    """rtslib-fb. Raises `Unavailable` where it is not installed."""
    try:
        import rtslib_fb
        import rtslib_fb.tcm
    except ImportError as error:
        hint = "apt install python3-rtslib-fb, or pip install '.[lio]'"
        raise Unavailable(f"rtslib-fb cannot be used: {error}", hint=hint) from error
    return rtslib_fb


def address(portal: Portal) -> str:
    """A portal as the kernel calls its folder."""
    return f"[{portal.host}]:{portal.port}" if ":" in portal.host else f"{portal.host}:{portal.port}"


class Tree:
    """All of this may raise rtslib's errors and the kernel's: `said` puts them into words."""

    def __init__(self, folder: Path) -> None:
        self._lib = library()
        with self.said("the kernel's configfs"), warnings.catch_warnings():
            # rtslib wants a folder for the kernel's own notes, /etc/target or what a distribution made of it, and gives up
            # where it is not there. It may be any, and is not used once a fabric is loaded, of which rtslib warns.
            warnings.simplefilter("ignore")
            folder.mkdir(mode=0o700, exist_ok=True)
            self._lib.RTSRoot._preferred_dbroot = str(folder)
            self._root = self._lib.RTSRoot()
            self._fabric = self._lib.FabricModule("iscsi")

    @contextmanager
    def said(self, what: str) -> Iterator[None]:
        """Raises `Unavailable` with the kernel's words. None of them holds a secret: they name files, not what was written."""
        try:
            yield
        except (self._lib.RTSLibError, OSError) as error:
            raise Unavailable(f"LIO, {what}: {error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the tree, of all threads and servers on this machine: rtslib looks, then makes, and takes no lock."""
        descriptor = os.open(self._root.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # What it remembers of backstores is of the time before the lock.
            self._lib.tcm.bs_cache.clear()
            yield
        finally:
            os.close(descriptor)

    def stores(self) -> dict[str, Any]:
        """Our backstores by the name of their target."""
        found = Path(self._root.path, "core").glob(f"*_*/{STORE}*")
        return {
            IQN_PREFIX + path.name.removeprefix(STORE): self._lib.tcm.StorageObject.so_from_path(str(path))
            for path in found if path.is_dir()
        }  # fmt: skip

    def sweep(self) -> None:
        """Remove adapters that hold no backstore: a kill left them, and rtslib would stumble over their numbers for ever."""
        for adapter in Path(self._root.path, "core").glob("*_*"):
            if adapter.name.startswith(ADAPTERS) and not any(path.is_dir() for path in adapter.iterdir()):
                adapter.rmdir()

    def target(self, iqn: str) -> Any | None:
        """A target, whoever made it."""
        there = Path(self._fabric.path, iqn).is_dir()
        return self._lib.Target(self._fabric, iqn, "lookup") if there else None

    def seen(self, iqn: str, store: Any, portal: Portal) -> SeenTarget:
        """What stands on one of our backstores. It is ready when it is enabled and listens at ``portal`` alone."""
        target = self.target(iqn)
        groups = list(target.tpgs) if target is not None else []
        acls = [acl for group in groups for acl in group.node_acls]
        ready = len(groups) == 1 and groups[0].enable and _portals(groups[0]) == [address(portal)]
        return SeenTarget(
            key=0, iqn=iqn, ready=ready,
            luns=tuple(_lun(store, mapped) for acl in acls for mapped in acl.mapped_luns) if store.is_configured() else (),
            accounts=frozenset(acl.chap_userid for acl in acls),
            outgoing=next((acl.chap_mutual_userid for acl in acls), ""),
            access=frozenset(acl.node_wwn for acl in acls),
            connections=tuple(each for acl in acls for each in _connections(acl)),
        )  # fmt: skip

    def add_store(self, export: Export) -> None:
        """The backstore: a block device as it is, a file through the page cache (what the guest flushes is flushed)."""
        name = STORE + export.iqn.removeprefix(IQN_PREFIX)
        mode = os.stat(export.path)
        if stat.S_ISBLK(mode.st_mode):
            store = self._lib.BlockStorageObject(name, dev=export.path, wwn=export.serial)
        else:
            size, serial = mode.st_size, export.serial
            store = self._lib.FileIOStorageObject(name, dev=export.path, size=size, wwn=serial, write_back=True)
        with suppress(self._lib.RTSLibError):  # a disk that cannot give blocks back
            store.set_attribute("emulate_tpu", 1)

    def add_target(self, export: Export) -> Any:
        """A target that nobody can log in to: it is not enabled, and listens nowhere. Gives its portal group."""
        group = self._lib.TPG(self._lib.Target(self._fabric, export.iqn, "create"), TAG, "create")
        for name, value in ATTRIBUTES:
            group.set_attribute(name, value)
        group.set_parameter("AuthMethod", "CHAP")
        return group

    def add_access(self, export: Export, group: Any) -> None:
        """The LUN for the one initiator. The password goes before its user: who sees the user knows that both are there."""
        self._lib.LUN(group, LUN, self.stores()[export.iqn])
        acl = self._lib.NodeACL(group, export.initiator, "create")
        acl.chap_password = export.chap.password.reveal()
        acl.chap_userid = export.chap.username
        if export.chap.password_in is not None:
            acl.chap_mutual_password = export.chap.password_in.reveal()
            acl.chap_mutual_userid = export.chap.username_in
        self._lib.MappedLUN(acl, LUN, LUN, write_protect=export.readonly)

    def open(self, iqn: str, portal: Portal) -> None:
        """Listen at this portal alone, and let the initiator in."""
        target = self.target(iqn)
        for group in target.tpgs if target is not None else ():
            for other in group.network_portals:
                if other.path != f"{group.path}/np/{address(portal)}":
                    other.delete()
            self._lib.NetworkPortal(group, address(portal).rpartition(":")[0], portal.port)
            group.enable = True

    def resize(self, iqn: str) -> None:
        """Let a file's LUN have the file's size, under its user. A block device's is always the device's."""
        store = self.stores()[iqn]
        size = os.stat(store.udev_path)
        if not stat.S_ISBLK(size.st_mode):
            Path(store.path, "control").write_text(f"fd_dev_size={size.st_size}\n")

    def remove(self, iqn: str) -> None:
        """Drop the sessions, let nobody in, remove the target; then its backstore."""
        target, store = self.target(iqn), self.stores().get(iqn)
        if target is not None and store is not None:
            target.delete()
        if store is not None:
            store.delete()


def _portals(group: Any) -> list[str]:
    return [Path(portal.path).name for portal in group.network_portals]


def _lun(store: Any, mapped: Any) -> SeenLun:
    return SeenLun(mapped.mapped_lun, store.udev_path, store.wwn, mapped.write_protect, online=True, size=store.size)


def _connections(acl: Any) -> Iterator[SeenConnection]:
    session = acl.session
    for connection in session["connections"] if session else ():
        yield SeenConnection(session["id"], connection["cid"], acl.node_wwn)

"""Exports through tgt: one target a volume, one LUN, CHAP before anything else, the access list last.

tgt asks for no CHAP while no account is bound, and lets nobody in while no access list is there. So a target is safe
at every instant of this order, and a kill between any two lines leaves nothing open: target, account, LUN, access list;
back in the order access list, sessions, target, account. The list holds the initiator's name and never an address,
because tgt lets in whoever is on either list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from blockstore.errors import BlockstoreError, DeadlineExceeded
from blockstore.portal import Portal
from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import Export, SeenTarget, difference, fault, outdated
from metadata_server.targets import tgt_show
from metadata_server.targets.daemon import Tgtd
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt_request import Fault, Mode, Operation, Request, TgtError

LOG = logging.getLogger(__name__)

LUN = 1
VENDOR, PRODUCT = "BLOCKSTR", "VOLUME"

# A LUN with a command under way can neither be deleted nor opened again; the command ends, its session is closed already.
BUSY_SECONDS = 5.0


class Tgt:
    """See `metadata_server.targets.Target`. ``observe`` hears the name of every step before it is done."""

    # tgt gives number 7 to SHA1, the rest of the world to SHA256: with any other list a login may never succeed.
    chap_algorithms = ("MD5",)

    def __init__(self, folder: Path, settings: TargetSettings, observe: Callable[[str], None]) -> None:
        self._daemon = Tgtd(folder, settings)
        self._observe = observe

    @property
    def portal(self) -> Portal:
        """Where tgtd listens."""
        return self._daemon.portal

    @property
    def pid(self) -> int:
        """The process id of tgtd."""
        return self._daemon.pid

    def start(self) -> None:
        """See `Target.start`."""
        self._daemon.start()

    def join(self) -> None:
        """See `Target.join`."""
        self._daemon.join()

    def watch(self) -> int:
        """See `Target.watch`."""
        return self._daemon.watch()

    def stop(self) -> None:
        """See `Target.stop`."""
        with suppress(BlockstoreError):
            self.reconcile({})
        self._daemon.stop()

    def seen(self) -> Mapping[str, SeenTarget]:
        """See `Target.seen`."""
        return tgt_show.targets(self._send(Mode.TARGET, Operation.SHOW, tid=-1))

    def ensure(self, export: Export) -> None:
        """See `Target.ensure`."""
        there = self.seen()
        found = there.get(export.iqn)
        if found is not None:
            if fault(export, found) is None:
                if outdated(export, found):
                    self._reopen(export, found)
                return
            self._remove(found)
        self._create(export, 1 + max((target.key for target in there.values()), default=0))

    def remove(self, iqn: str) -> None:
        """See `Target.remove`."""
        found = self.seen().get(iqn)
        if found is not None:
            self._remove(found)

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        """See `Target.reconcile`."""
        faults: dict[str, str] = {}
        there = self.seen()
        change = difference(wanted, there)
        for target in change.remove:
            self._try(faults, target.iqn, partial(self._remove, target))
        key = max((target.key for target in there.values()), default=0)
        for number, export in enumerate(change.add, key + 1):
            if export.iqn not in faults:
                self._try(faults, export.iqn, partial(self._create, export, number))
        for export, target in change.reopen:
            self._try(faults, export.iqn, partial(self._reopen, export, target))
        self._sweep_accounts(wanted)
        return faults

    def _try(self, faults: dict[str, str], iqn: str, action: Callable[[], None]) -> None:
        try:
            action()
        except BlockstoreError as error:
            LOG.error("%s: %s", iqn, error)
            faults[iqn] = str(error)

    def _create(self, export: Export, tid: int) -> None:
        self._observe("target: create")
        tid = self._new(export.iqn, tid)
        try:
            self._bind_accounts(export, tid)
            self._add_lun(export, tid)
            self._observe("target: access list")
            self._send(Mode.TARGET, Operation.BIND, tid=tid, parameters=(("initiator-name", export.initiator),))
        except BlockstoreError:
            with suppress(BlockstoreError):
                self.remove(export.iqn)
            raise

    def _new(self, iqn: str, tid: int) -> int:
        """A target with this number, or the next one that is free: another server may have taken it meanwhile."""
        for attempts_left in (2, 1, 0):
            try:
                self._send(Mode.TARGET, Operation.NEW, tid=tid, parameters=(("targetname", iqn),))
                break
            except TgtError as error:
                there = self.seen()
                if error.code != Fault.TARGET_EXIST or iqn in there or not attempts_left:
                    raise
                tid = 1 + max((target.key for target in there.values()), default=0)
        return tid

    def _bind_accounts(self, export: Export, tid: int) -> None:
        chap = export.chap
        accounts = [(chap.username, chap.password, False)]
        if chap.password_in is not None:
            accounts.append((chap.username_in, chap.password_in, True))
        for user, password, outgoing in accounts:
            self._observe("target: account")
            self._delete_account(user)  # left by a kill: an account of this name has no target
            self._send(Mode.ACCOUNT, Operation.NEW, parameters=(("user", user), ("password", password)))
            self._observe("target: bind account")
            self._send(Mode.ACCOUNT, Operation.BIND, tid=tid, outgoing=outgoing, parameters=(("user", user),))

    def _add_lun(self, export: Export, tid: int) -> None:
        self._observe("target: LUN")
        # Few threads a LUN and no asynchronous I/O: that one cannot take a new size, and ends at 512 LUNs.
        opened = (("path", export.path), ("bstype", "rdwr"))
        self._send(Mode.LOGICALUNIT, Operation.NEW, tid=tid, lun=LUN, parameters=opened)
        self._observe("target: LUN parameters")
        described = (
            ("scsi_sn", export.serial), ("scsi_id", export.serial), ("vendor_id", VENDOR), ("product_id", PRODUCT),
            ("thin_provisioning", "1"), ("readonly", str(int(export.readonly))),
        )  # fmt: skip
        self._send(Mode.LOGICALUNIT, Operation.UPDATE, tid=tid, lun=LUN, parameters=described)

    def _reopen(self, export: Export, target: SeenTarget) -> None:
        """Let tgt see the file's new size, which it samples when it opens it.

        It closes the old descriptor under the feet of commands under way: these fail, or are said to be done and are not.
        So there must be none. A target that is not ready swallows new commands and refuses logins with an error after which
        initiators try again; a session is gone when its last command has ended. The initiators keep their commands, log in
        when the target is ready, and send them again.
        """
        LOG.info("%s: opening %s again (%s)", export.iqn, export.path, outdated(export, target))
        self._observe("target: offline")
        self._state(target, "offline")
        # Where this or the next one fails the target stays offline: initiators wait, and it is tried again. Were it ready, a
        # write that hangs in here could end after the same initiator's next write to the same place.
        self._idle(target, lambda: self._sessions_gone(target))
        self._observe("target: reopen")
        # One request, so that no kill comes in between.
        again = (("online", "0"), ("path", export.path))
        self._send(Mode.LOGICALUNIT, Operation.UPDATE, tid=target.key, lun=LUN, parameters=again)
        self._observe("target: ready")
        self._state(target, "ready")
        # Who was half logged in before all this may have had a command swallowed just now: it must come again, too.
        self._sessions_gone(target)

    def _state(self, target: SeenTarget, state: str) -> None:
        self._send(Mode.TARGET, Operation.UPDATE, tid=target.key, parameters=(("state", state),))

    def _sessions_gone(self, target: SeenTarget) -> bool | None:
        """Drop every session; True once none is left."""
        now = self.seen().get(target.iqn)
        if now is None or not now.connections:
            return True
        for each in now.connections:
            with suppress(TgtError):
                self._send(
                    Mode.CONNECTION, Operation.DELETE, tid=now.key, session=each.session, connection=each.connection,
                )  # fmt: skip
        return None

    def _idle(self, target: SeenTarget, look: Callable[[], bool | None]) -> None:
        try:
            wait_for(f"{target.iqn} to be idle", look, Deadline.after(BUSY_SECONDS))
        except DeadlineExceeded as error:
            raise Unavailable(f"{error}; its commands do not end", hint="is its disk slow or full?") from error

    def _remove(self, target: SeenTarget) -> None:
        for name in target.access:
            self._observe("target: revoke access")
            self._revoke(target, name)
        self._observe("target: drop sessions")
        self._idle(target, lambda: self._try_delete(target))
        # Only now: deleting a bound account would unbind it, and a target without one asks for no CHAP.
        for user in sorted({*target.accounts, *filter(None, (target.outgoing,))}):
            self._observe("target: delete account")
            self._delete_account(user)

    def _revoke(self, target: SeenTarget, name: str) -> None:
        """Take a name off the access list; one of a target that is not ours may be an address, or ALL."""
        for kind in ("initiator-name", "initiator-address"):
            try:
                self._send(Mode.TARGET, Operation.UNBIND, tid=target.key, parameters=((kind, name),))
            except TgtError as error:
                if error.code != Fault.ACL_NOEXIST:
                    raise

    def _try_delete(self, target: SeenTarget) -> bool | None:
        self._sessions_gone(target)
        try:
            self._send(Mode.TARGET, Operation.DELETE, tid=target.key, force=True)
        except TgtError as error:
            if error.code == Fault.NO_TARGET:
                return True
            if error.code != Fault.LUN_ACTIVE:
                raise
            return None
        return True

    def _sweep_accounts(self, wanted: Mapping[str, Export]) -> None:
        """Delete accounts that no wanted export and no target has (those of a kill between target and account)."""
        known = {name for export in wanted.values() for name in (export.chap.username, export.chap.username_in)}
        bound = {name for target in self.seen().values() for name in (*target.accounts, target.outgoing)}
        for user in sorted(tgt_show.accounts(self._send(Mode.ACCOUNT, Operation.SHOW)) - known - bound):
            self._delete_account(user)

    def _delete_account(self, user: str) -> None:
        try:
            self._send(Mode.ACCOUNT, Operation.DELETE, parameters=(("user", user),))
        except TgtError as error:
            if error.code != Fault.NO_USER:
                raise

    def _send(self, mode: Mode, operation: Operation, **words: object) -> str:
        return self._daemon.control.send(Request(mode, operation, **words))  # type: ignore[arg-type]

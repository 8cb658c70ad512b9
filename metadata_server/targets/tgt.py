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
from metadata_server.targets import tgt_making
from metadata_server.targets.daemon import Tgtd
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt_calls import Calls
from metadata_server.targets.tgt_made import Made, NothingMade
from metadata_server.targets.tgt_making import LUN
from metadata_server.targets.tgt_request import Fault, Mode, Operation, TgtError

LOG = logging.getLogger(__name__)

# A LUN with a command under way can neither be deleted nor opened again; the command ends, its session is closed already.
BUSY_SECONDS = 5.0


class Tgt:
    """A `metadata_server.targets.Target` of one tgtd. ``observe`` hears the name of every step before it is done."""

    # tgt gives number 7 to SHA1, the rest of the world to SHA256: with any other list a login may never succeed.
    chap_algorithms = ("MD5",)

    def __init__(self, folder: Path, settings: TargetSettings, observe: Callable[[str], None], number: int = 0) -> None:
        self._daemon = Tgtd(folder, settings, number)
        self._calls = Calls(self._daemon)
        self._observe = observe
        self._made: Made = Made() if settings.alone else NothingMade()
        self._last = 0

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
        self._made.clear()
        self._daemon.start()

    def join(self) -> None:
        """See `Target.join`."""
        self._made.clear()
        self._daemon.join()

    def watch(self) -> int:
        """See `Target.watch`."""
        return self._daemon.watch()

    def stop(self) -> None:
        """See `Target.stop`."""
        with suppress(BlockstoreError):
            self.reconcile({})
        self._daemon.stop()

    def abandon(self) -> None:
        """See `Target.abandon`."""
        if self._daemon.started:
            self.stop()

    def seen(self) -> Mapping[str, SeenTarget]:
        """See `Target.seen`."""
        return self._calls.seen()

    def ensure(self, export: Export) -> None:
        """See `Target.ensure`."""
        made = self._made.number(export)
        if made is not None and self._calls.has(made):
            return
        if export.iqn not in self._made and self._tried(export):
            return
        # Looking takes as long as there are targets; only what is there already, and not as it was made, needs it.
        there = self.seen()
        found = there.get(export.iqn)
        if found is not None and fault(export, found) is None:
            if outdated(export, found):
                self._reopen(export, found)
            self._made.add(export, found.key)
            return
        if found is not None:
            self._remove(found)
        self._create(export, _next(there))

    def _tried(self, export: Export) -> bool:
        """Make it under the next number, unless tgtd has one of this name or number."""
        self._observe("target: create")
        tid = self._last + 1
        try:
            self._calls.new(export.iqn, tid)
        except TgtError as error:
            if error.code == Fault.TARGET_EXIST:
                return False
            raise
        self._complete(export, tid)
        return True

    def remove(self, iqn: str) -> None:
        """See `Target.remove`."""
        made = self._made.take(iqn)
        if made is not None and self._removed(made):
            return
        found = self.seen().get(iqn)
        if found is not None:
            self._remove(found)

    def _end(self, target: SeenTarget) -> None:
        """Its accounts go at the end: tgtd looks through all targets for each account that it deletes."""
        if target.connections or not self._deleted(target):
            self._remove(target)

    def _removed(self, target: SeenTarget) -> bool:
        """Remove one without a look at all others; not where it has sessions."""
        deleted = self._deleted(target)
        if deleted:
            self._delete_accounts(target)
        return deleted

    def _deleted(self, target: SeenTarget) -> bool:
        """Not where it has sessions, which tgtd refuses untouched. It is one step of tgtd's: nobody gets in meanwhile, and the
        access list goes with the target."""
        self._made.take(target.iqn)
        self._observe("target: delete")
        try:
            self._calls.send(Mode.TARGET, Operation.DELETE, tid=target.key)
        except TgtError:
            return False
        return True

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        """See `Target.reconcile`."""
        faults: dict[str, str] = {}
        there = self.seen()
        change = difference(wanted, there)
        for target in change.remove:
            self._try(faults, target.iqn, partial(self._end, target))
        for number, export in enumerate(change.add, _next(there)):
            if export.iqn not in faults:
                self._try(faults, export.iqn, partial(self._create, export, number))
        for export, target in change.reopen:
            self._try(faults, export.iqn, partial(self._reopen, export, target))
        for export, target in change.keep:
            self._made.add(export, target.key)
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
        self._complete(export, self._new(export.iqn, tid))

    def _new(self, iqn: str, tid: int) -> int:
        """A target with this number, or the next one that is free: another server may have taken it meanwhile."""
        for attempts_left in (2, 1, 0):
            try:
                self._calls.new(iqn, tid)
                break
            except TgtError as error:
                there = self.seen()
                if error.code != Fault.TARGET_EXIST or iqn in there or not attempts_left:
                    raise
                tid = _next(there)
        return tid

    def _complete(self, export: Export, tid: int) -> None:
        """The rest of a new target; where something fails it goes again."""
        self._last = tid
        try:
            for step in tgt_making.steps(export, tid):
                self._observe(step.name)
                self._calls.do(step)
        except BlockstoreError:
            with suppress(BlockstoreError):
                self.remove(export.iqn)
            raise
        self._made.add(export, tid)

    def _reopen(self, export: Export, target: SeenTarget) -> None:
        """Let tgt see the file's new size, which it samples when it opens it.

        It closes the old descriptor under the feet of commands under way: these fail, or are said to be done and are not.
        So there must be none. A target that is not ready swallows new commands and refuses logins with an error after which
        initiators try again; a session is gone when its last command has ended. The initiators keep their commands, log in
        when the target is ready, and send them again.
        """
        LOG.info("%s: opening %s again (%s)", export.iqn, export.path, outdated(export, target))
        self._made.take(export.iqn)
        self._observe("target: offline")
        self._calls.state(target, "offline")
        # Where this or the next one fails the target stays offline: initiators wait, and it is tried again. Were it ready, a
        # write that hangs in here could end after the same initiator's next write to the same place.
        self._idle(target, lambda: self._calls.drop_sessions(target))
        self._observe("target: reopen")
        # One request, so that no kill comes in between.
        again = (("online", "0"), ("path", export.path))
        self._calls.send(Mode.LOGICALUNIT, Operation.UPDATE, tid=target.key, lun=LUN, parameters=again)
        self._observe("target: ready")
        self._calls.state(target, "ready")
        # Who was half logged in before all this may have had a command swallowed just now: it must come again, too.
        self._calls.drop_sessions(target)

    def _idle(self, target: SeenTarget, look: Callable[[], bool | None]) -> None:
        try:
            wait_for(f"{target.iqn} to be idle", look, Deadline.after(BUSY_SECONDS))
        except DeadlineExceeded as error:
            raise Unavailable(f"{error}; its commands do not end", hint="is its disk slow or full?") from error

    def _remove(self, target: SeenTarget) -> None:
        self._made.take(target.iqn)
        self._revoke_all(target)
        self._observe("target: drop sessions")
        self._idle(target, lambda: self._try_delete(target))
        self._delete_accounts(target)

    def _revoke_all(self, target: SeenTarget) -> None:
        for name in target.access:
            self._observe("target: revoke access")
            self._calls.revoke(target, name)

    def _delete_accounts(self, target: SeenTarget) -> None:
        """Only when it is gone: deleting a bound account would unbind it, and a target without one asks for no CHAP."""
        for user in sorted({*target.accounts, *filter(None, (target.outgoing,))}):
            self._observe("target: delete account")
            self._calls.delete_account(user)

    def _try_delete(self, target: SeenTarget) -> bool | None:
        self._calls.drop_sessions(target)
        try:
            self._calls.send(Mode.TARGET, Operation.DELETE, tid=target.key, force=True)
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
        for user in sorted(self._calls.accounts() - known - bound):
            self._calls.delete_account(user)


def _next(there: Mapping[str, SeenTarget]) -> int:
    """A number above all."""
    return 1 + max((target.key for target in there.values()), default=0)

"""What is asked of one tgtd, call by call. In which order these leave nothing open, `targets.tgt` knows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from metadata_server.domain.export import SeenTarget
from metadata_server.targets import tgt_making, tgt_show
from metadata_server.targets.daemon import Tgtd
from metadata_server.targets.tgt_making import Step
from metadata_server.targets.tgt_request import Fault, Mode, Operation, Request, TgtError


class Calls:
    """Everything raises `TgtError` where tgtd refuses, `Unavailable` where there is none."""

    def __init__(self, daemon: Tgtd) -> None:
        self._daemon = daemon

    def send(self, mode: Mode, operation: Operation, **words: object) -> str:
        """One request; gives the answer's text."""
        return self._daemon.control.send(Request(mode, operation, **words))  # type: ignore[arg-type]

    def do(self, step: Step) -> None:
        """One step of making an export."""
        try:
            self._daemon.control.send(step.request)
        except TgtError as error:
            if error.code != step.ignored:
                raise

    def seen(self) -> Mapping[str, SeenTarget]:
        """All targets by name: that takes as long as there are targets."""
        return tgt_show.targets(self.send(Mode.TARGET, Operation.SHOW, tid=-1))

    def has(self, tid: int) -> bool:
        """Whether there is a target of this number; the others are not looked at."""
        try:
            self.send(Mode.TARGET, Operation.SHOW, tid=tid)
        except TgtError:
            return False
        return True

    def new(self, iqn: str, tid: int) -> None:
        """A target that lets nobody in."""
        self.send(Mode.TARGET, Operation.NEW, tid=tid, parameters=(("targetname", iqn),))

    def state(self, target: SeenTarget, state: str) -> None:
        """``offline`` lets nobody log in, with an error after which initiators try again; ``ready``."""
        self.send(Mode.TARGET, Operation.UPDATE, tid=target.key, parameters=(("state", state),))

    def drop_sessions(self, target: SeenTarget) -> bool | None:
        """Drop every session; True once none is left."""
        now = self.seen().get(target.iqn)
        if now is None or not now.connections:
            return True
        for each in now.connections:
            with suppress(TgtError):
                self.send(
                    Mode.CONNECTION, Operation.DELETE, tid=now.key, session=each.session, connection=each.connection,
                )  # fmt: skip
        return None

    def revoke(self, target: SeenTarget, name: str) -> None:
        """Take a name off the access list; one of a target that is not ours may be an address, or ALL."""
        for kind in ("initiator-name", "initiator-address"):
            try:
                self.send(Mode.TARGET, Operation.UNBIND, tid=target.key, parameters=((kind, name),))
            except TgtError as error:
                if error.code != Fault.ACL_NOEXIST:
                    raise

    def accounts(self) -> frozenset[str]:
        """The names of all accounts."""
        return tgt_show.accounts(self.send(Mode.ACCOUNT, Operation.SHOW))

    def delete_account(self, user: str) -> None:
        """It is no more, whether it was there or not."""
        self.do(tgt_making.forget_account(user))

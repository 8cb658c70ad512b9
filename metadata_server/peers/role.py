"""What this server does for all of its folder: the one who leads keeps the target daemon and finishes what was begun, the others
use the same daemon; one of them leads next."""

from __future__ import annotations

import logging
from collections.abc import Callable

from blockstore.errors import BlockstoreError, DeadlineExceeded
from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.errors import Unavailable
from metadata_server.keeper import Keeper, Mender
from metadata_server.peers.leadership import Leadership
from metadata_server.targets import Target

LOG = logging.getLogger(__name__)

# The one who leads may be starting the daemon just now.
JOIN_SECONDS = 15.0


class Role:
    """``succeeded`` is called when this server begins to lead in another's place."""

    def __init__(
        self, leadership: Leadership, target: Target, keeper: Keeper, mender: Mender,
        *, leads: bool, succeeded: Callable[[], None],
    ) -> None:  # fmt: skip
        self._leadership, self._target, self._keeper, self._mender = leadership, target, keeper, mender
        self._succeeded = succeeded
        self.leads = leads

    def begin(self, restore: Callable[[], None]) -> None:
        """Lead, or follow. Raises `Unavailable` when there is no target daemon."""
        if self.leads:
            restore()
            self._keeper.watch()
            self._mender.begin()
        else:
            self._join()
        self._leadership.begin(lead=self._succeed, follow=self._follow)

    def end(self) -> None:
        """No more."""
        self._leadership.end()
        self._keeper.end()
        self._mender.end()

    @property
    def target_lives(self) -> bool:
        """Whether the target daemon runs."""
        return self._keeper.alive if self.leads else self._joined()

    def _join(self) -> None:
        try:
            wait_for("the target daemon", lambda: self._joined() or None, Deadline.after(JOIN_SECONDS))
        except DeadlineExceeded:
            raise Unavailable("the server that leads in this folder has no target daemon", hint="see its log") from None

    def _joined(self) -> bool:
        try:
            self._target.join()
        except BlockstoreError:
            return False
        return True

    def _succeed(self) -> None:
        LOG.warning("this server leads now, in another's place")
        self.leads = True
        self._keeper.restart()
        self._mender.begin()
        self._succeeded()

    def _follow(self) -> None:
        """Another one has taken the lead, and its daemon is ours, too."""
        self.leads = False
        self._keeper.end()
        self._mender.end()

"""What this server exported itself since its tgtd runs: to end one of a thousand exports nobody has to look at all of them."""

from __future__ import annotations

from metadata_server.domain.export import Export, SeenTarget


class Made:
    """By target name. True only for the one server of a tgtd: a number may be another target's when somebody else deleted it."""

    def __init__(self) -> None:
        self._targets: dict[str, SeenTarget] = {}

    def __contains__(self, iqn: str) -> bool:
        return iqn in self._targets

    def add(self, export: Export, tid: int) -> None:
        """It is there, under this number, just as it is wanted."""
        chap = export.chap
        self._targets[export.iqn] = SeenTarget(
            key=tid,
            iqn=export.iqn,
            accounts=frozenset({chap.username}),
            outgoing=chap.username_in,
            access=frozenset({export.initiator}),
        )

    def take(self, iqn: str) -> SeenTarget | None:
        """What is known of it, which is not known any more from here on."""
        return self._targets.pop(iqn, None)

    def clear(self) -> None:
        """Nothing is known: it is another tgtd, perhaps."""
        self._targets.clear()


class NothingMade(Made):
    """Where several servers share a tgtd."""

    def add(self, export: Export, tid: int) -> None:
        """Somebody else may remove it, and give its number to another."""

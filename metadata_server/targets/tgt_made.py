"""What this server exported itself since its tgtd runs: to end one of a thousand exports, or to see that it is there, nobody has
to look at all of them."""

from __future__ import annotations

from metadata_server.domain.export import Export, SeenTarget


class Made:
    """By target name. True only for the one server of a tgtd: a number may be another target's when somebody else deleted it."""

    def __init__(self) -> None:
        self._targets: dict[str, tuple[Export, int]] = {}

    def __contains__(self, iqn: str) -> bool:
        return iqn in self._targets

    def add(self, export: Export, tid: int) -> None:
        """It is there, under this number, just as it is wanted."""
        self._targets[export.iqn] = (export, tid)

    def number(self, export: Export) -> int | None:
        """Of the target that was made exactly so."""
        made, tid = self._targets.get(export.iqn, (None, 0))
        return tid if made == export else None

    def take(self, iqn: str) -> SeenTarget | None:
        """What is known of it, which is not known any more from here on."""
        made = self._targets.pop(iqn, None)
        if made is None:
            return None
        export, tid = made
        return SeenTarget(
            key=tid, iqn=iqn, accounts=frozenset({export.chap.username}), outgoing=export.chap.username_in,
            access=frozenset({export.initiator}),
        )  # fmt: skip

    def clear(self) -> None:
        """Nothing is known: it is another tgtd, perhaps."""
        self._targets.clear()


class NothingMade(Made):
    """Where several servers share a tgtd."""

    def add(self, export: Export, tid: int) -> None:
        """Somebody else may remove it, and give its number to another."""

"""Is the volume connected, and if not, what is to be done."""

from __future__ import annotations

import enum

from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse, Wait


class Connected(enum.Enum):
    """What the kernel says of the connection to a volume's target."""

    NO = "no session"
    YES = "logged in"
    RECOVERING = "a session that is recovering"


def decide(seen: Connected, where: str, *, credentials: bool) -> Decision:
    """What to do so that the volume is connected. ``credentials``: how to connect is known, from the server or a record."""
    if seen is Connected.YES:
        return Keep(f"logged in to {where}")
    if seen is Connected.RECOVERING:
        return Wait(f"the session to {where} to recover")
    if not credentials:
        return Refuse(f"not connected: the metadata service gave no connection_info for {where}", "is the service up?")
    return Do(f"log in to {where}")

"""Whether a file system should follow its device, which has become larger."""

from __future__ import annotations

import enum

from blockstore.size import MIB, format_size
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Decision, Do, Keep, Verb
from cc_blockstore.wish import FilesystemWish

# What a file system may leave of its device: ext4 and xfs do without a last group that is too small to be worth one.
SLACK = 4 * MIB


class Place(enum.Enum):
    """Where a file system is at the moment; swap is `MOUNTED` where it is active."""

    MOUNTED = "mounted"
    NOWHERE = "nowhere"


def decide(wish: FilesystemWish, seen: Content, place: Place, *, grow: bool) -> Decision:
    """What to do about the room behind a file system. Rows as in docs/reuse-rules.md, "growth"."""
    if not seen.extent or seen.size - seen.extent < SLACK:
        return Keep(f"{wish.type} has all of {seen.device}")
    room = f"{wish.type} on {seen.device} has {format_size(seen.extent)} of {format_size(seen.size)}"
    if not grow:
        return Keep(f"{room}; 'grow' is off")
    if seen.read_only:
        return Keep(f"{room}; it is attached read-only")
    kind = FILESYSTEMS[wish.type]
    if seen.size < kind.grow_smallest:
        return Keep(f"{room}; {wish.type} grows from {format_size(kind.grow_smallest)} on")
    if kind.grow is not None and place is Place.MOUNTED:
        return Do(f"grow {room}", Verb.GROW)
    if kind.remake_to_grow and place is Place.NOWHERE:
        return Do(f"make {wish} on {seen.device} again, over all of it", Verb.GROW)
    if kind.grow is None and not kind.remake_to_grow:
        return Keep(f"{room}; {wish.type} cannot grow")
    return Keep(f"{room}; it grows when it is {'switched off' if kind.remake_to_grow else 'mounted'}")

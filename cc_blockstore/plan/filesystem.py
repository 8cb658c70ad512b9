"""Which file system a device should carry, and whether one may be made."""

from __future__ import annotations

from blockstore.size import format_size
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.content import OVERWRITE, Content, unfit_for_writing
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse
from cc_blockstore.wish import FilesystemWish


def decide(wish: FilesystemWish, seen: Content, blank: bool | None) -> Decision:
    """What to do so that the device carries the wished file system. Rows as in docs/reuse-rules.md, "filesystem"."""
    if wish.type == "none":
        return Keep("no file system wished")
    if seen.kind == wish.type and not seen.table:
        if wish.label and wish.label != seen.label:
            return Refuse(
                f"{seen.device}: found {seen}; wished {wish}", "change the label with the file system's own tool, or the wish"
            )
        return Keep(f"found {seen}")
    if seen.kind or seen.table:
        return Refuse(f"refusing to format {seen.device}: found {seen}; wished {wish}", OVERWRITE)
    refusal = unfit_for_writing(seen, str(wish), blank) or _too_small(wish, seen)
    return refusal or Do(f"make {wish} on {seen.device}")


def _too_small(wish: FilesystemWish, seen: Content) -> Refuse | None:
    smallest = FILESYSTEMS[wish.type].smallest
    if seen.size >= smallest:
        return None
    return Refuse(
        f"{seen.device} has {format_size(seen.size)}; {wish.type} needs {format_size(smallest)}",
        "extend the volume or choose another file system",
    )

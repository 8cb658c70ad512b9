"""Which file system a device should carry, and whether one may be made."""

from __future__ import annotations

import uuid

from blockstore.size import format_size
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.content import OVERWRITE, Content, Overwrite, not_blank, not_free, overwriting, unfit_for_writing
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse, Verb
from cc_blockstore.plan.gpt import derived
from cc_blockstore.wish import FilesystemWish


def decide(wish: FilesystemWish, seen: Content, blank: bool | None, overwrite: Overwrite = Overwrite.NO) -> Decision:
    """What to do so that the device carries the wished file system. Rows as in docs/reuse-rules.md, "filesystem"."""
    if wish.type == "none":
        return Keep("no file system wished")
    if seen.making and _left_by_us(seen):
        return _finish(wish, seen, blank, overwrite)
    if seen.making and seen.kind and not seen.own and overwrite is Overwrite.YES:
        # An overwriting that replaced the table uncovers what is to go: of the wished type it would be kept otherwise.
        return _overwriting(_format(wish, seen), wish, seen, overwrite)
    if seen.kind == wish.type and not seen.table:
        return _same_type(wish, seen, overwrite)
    if seen.kind or seen.table:
        return _overwriting(_format(wish, seen), wish, seen, overwrite)
    refusal = unfit_for_writing(seen, str(wish), blank)
    if refusal is not None:
        return _overwriting(refusal, wish, seen, overwrite)
    return _too_small(wish, seen) or Do(f"make {wish} on {seen.device}", Verb.CREATE)


def _format(wish: FilesystemWish, seen: Content) -> Refuse:
    return Refuse(f"refusing to format {seen.device}: found {seen}; wished {wish}", OVERWRITE)


def _left_by_us(seen: Content) -> bool:
    """Whether what is there can only be what a mkfs of ours left: no signature yet, or its own, and no file in it."""
    if seen.table or seen.kind is None or seen.table is None:
        return False
    return seen.kind == "" or (seen.own and seen.unused)


def _finish(wish: FilesystemWish, seen: Content, blank: bool | None, overwrite: Overwrite) -> Decision:
    """Swap is made anew when it grows, on volumes that have long ceased to be blank; it never held anything that lasts."""
    refusal = not_free(seen, str(wish)) or _too_small(wish, seen)
    if refusal is not None:
        return refusal
    objection = None if wish.type == "swap" else not_blank(seen, str(wish), blank)
    if objection is not None and overwrite is not Overwrite.YES:
        return objection
    # Half of what an overwriting makes carries its identity already; it is done when the mark is gone.
    verb = Verb.OVERWRITE if overwrite is Overwrite.YES else Verb.FINISH
    return Do(f"make {wish} on {seen.device} again, where it was begun", verb)


def _same_type(wish: FilesystemWish, seen: Content, overwrite: Overwrite) -> Decision:
    if wish.label and wish.label != seen.label:
        refused = Refuse(
            f"{seen.device}: found {seen}; wished {wish}", "change the label with the file system's own tool, or the wish"
        )
        return _overwriting(refused, wish, seen, overwrite)
    if seen.extent is not None and seen.extent > seen.size:
        return Refuse(
            f"refusing to use {seen.device}: found {format_size(seen.size)}, but its {seen.kind} was made for "
            f"{format_size(seen.extent)}",
            "a volume is never shrunk; extend it to its former size",
        )
    return Keep(f"found {seen}")


def _overwriting(refused: Refuse, wish: FilesystemWish, seen: Content, overwrite: Overwrite) -> Decision:
    decision = overwriting(refused, seen, str(wish), overwrite)
    return (_too_small(wish, seen) or decision) if isinstance(decision, Do) else decision


def _too_small(wish: FilesystemWish, seen: Content) -> Refuse | None:
    smallest = FILESYSTEMS[wish.type].smallest
    if seen.size >= smallest:
        return None
    return Refuse(
        f"{seen.device} has {format_size(seen.size)}; {wish.type} needs {format_size(smallest)}",
        "extend the volume or choose another file system",
    )


def identity(volume_id: str, number: int, *, again: bool) -> uuid.UUID:
    """The identity of the file system that we make on this partition (0: the whole device) of this volume; ``again``: of
    one that replaces what was there."""
    return derived(volume_id, "filesystem", number, *(("overwrite",) if again else ()))

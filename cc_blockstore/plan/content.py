"""What is seen of a block device: signature, partitions, emptiness, use. The words that the decisions are made of."""

from __future__ import annotations

import enum

from blockstore.size import format_size
from blockstore.values import dataclass
from cc_blockstore.plan.decision import Decision, Do, Refuse, Verb
from cc_blockstore.plan.gpt import Copies


@dataclass(frozen=True)
class Partition:
    """A partition: ``start`` and ``size`` in bytes. ``making``: we are in the middle of making what is on it."""

    number: int
    node: str
    start: int
    size: int
    making: bool = False


@dataclass(frozen=True)
class Content:
    """One block device. What is None was not looked at, and counts as data where it matters.

    ``kind`` is blkid's TYPE (ext4, LVM2_member, …) or "" for no signature, ``table`` its PTTYPE (gpt, dos) or "".
    ``data_at`` is the offset of the first byte that is not zero among the sampled blocks, -1 where all were zero; ``begun``:
    but for a table that we began to write for this volume; ``untouched``: its target says that nothing was ever stored on it.
    ``used_by`` says what uses it (a mount point, a holder, swap), ""
    for nothing. ``size`` in bytes; ``extent`` how much of it the file system says it has, None where nobody asked.

    What we know of our own work: ``making``: its file system was begun and not yet declared finished; ``own``: it carries an
    identity that follows from this volume's id; ``remade``: one that only an overwriting gives; ``unused``: nobody can have
    put a file into the file system that is there.
    """

    device: str
    size: int
    kind: str | None = None
    label: str = ""
    uuid: str = ""
    table: str | None = None
    partitions: tuple[Partition, ...] = ()
    data_at: int | None = None
    used_by: str = ""
    read_only: bool = False
    gpt: Copies | None = None
    begun: bool = False
    untouched: bool = False
    extent: int | None = None
    making: bool = False
    own: bool = False
    remade: bool = False
    unused: bool = False

    def __str__(self) -> str:
        """What is found, in words."""
        if self.table:
            sizes = ", ".join(format_size(partition.size) for partition in self.partitions)
            return f"a {self.table} partition table with {len(self.partitions)} partitions" + (f" ({sizes})" if sizes else "")
        if self.kind:
            return self.kind + (f" labelled {self.label!r}" if self.label else "")
        if self.kind is None or self.table is None:
            return "something that could not be read"
        if self.data_at is None:
            return "no signature"
        if self.begun:
            return "the beginning of a partition table of ours"
        return "nothing" if self.data_at < 0 else f"no known signature, but data at byte {self.data_at}"


class Overwrite(enum.Enum):
    """What the document says of existing data: nothing; that it may be destroyed; that it might, but this was done once."""

    NO = "no"
    YES = "yes"
    SPENT = "spent"


OVERWRITE = "detach it and attach an empty volume, or change the wish to what is found"


def unfit_for_writing(seen: Content, wished: str, blank: bool | None) -> Refuse | None:
    """Why nothing may be made on this device, or None: it is empty beyond doubt, in nobody's use, and may be written.

    ``blank`` is the server's word; None where there is no server to say. The order is that of docs/reuse-rules.md.
    """
    if seen.kind or seen.table or seen.kind is None or seen.table is None:
        return Refuse(f"refusing to overwrite {seen.device}: found {seen}; wished {wished}", OVERWRITE)
    if seen.data_at is None or seen.data_at >= 0:
        return Refuse(f"refusing to overwrite {seen.device}: found {seen}; wished {wished}", OVERWRITE)
    return not_free(seen, wished) or not_blank(seen, wished, blank)


def not_free(seen: Content, wished: str) -> Refuse | None:
    """Why the device takes no writes of ours whatever is on it: somebody uses it, or it is attached read-only."""
    if seen.used_by:
        return Refuse(f"refusing to write to {seen.device}: in use by {seen.used_by}; wished {wished}", "end that use first")
    if seen.read_only:
        return Refuse(f"refusing to write to {seen.device}: it is attached read-only; wished {wished}", "attach it with mode rw")
    return None


def not_blank(seen: Content, wished: str, blank: bool | None) -> Refuse | None:
    """The server's objection, if it has one."""
    if blank is False:
        return Refuse(
            f"refusing to write to {seen.device}: found {seen}, but the server does not say that it is blank; wished {wished}",
            "attach a new volume",
        )
    return None


def overwriting(refused: Refuse, seen: Content, wished: str, overwrite: Overwrite) -> Decision:
    """What becomes of a refusal where the document has ``overwrite: true``. It counts once: what an overwriting made is
    never destroyed by another one, on whatever instance."""
    if overwrite is Overwrite.NO:
        return refused
    if overwrite is Overwrite.SPENT or seen.remade:
        return Refuse(f"{refused.why} (overwrite counts once, and was done)", "remove 'overwrite' and change the wish")
    return not_free(seen, wished) or Do(f"destroy what is on {seen.device} ({seen}): make {wished}", Verb.OVERWRITE)

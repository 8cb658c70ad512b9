"""Which volumes should be there: what is listed, what is known from before, and what the document wishes of each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from blockstore.attachment import Attachment, Status
from blockstore.errors import DocumentInvalid
from blockstore.values import dataclass, replace
from cc_blockstore.document.parse import EVERY_VOLUME, Document
from cc_blockstore.wish import VolumeWish

if TYPE_CHECKING:
    from cc_blockstore.plan.points import Below

TOLD = 10  # so many names a reason holds
UNKNOWN = "it is not known which volumes are attached"
_PARTITION = r"(-part[0-9]+)+\Z"  # the end of a partition's link, in our udev rule


@dataclass(frozen=True)
class Wanted:
    """A volume that should be there, and what is wished of it (None: nothing, so it is connected and linked). ``below``: its
    mount points that lie below another volume's."""

    attachment: Attachment
    wish: VolumeWish | None
    below: tuple[Below, ...] = ()

    @property
    def follows_its_disk(self) -> bool:
        """Whether it is to grow with its disk, and only the disk itself, asked anew, says how large that is now."""
        return self.wish is not None and self.wish.grow and self.attachment.volume.size is None


@dataclass(frozen=True)
class Turned:
    """A volume that is not touched, and why; ``required`` where the document cannot do without it. ``points`` are the mount
    points that it would have had."""

    volume_id: str
    name: str
    reason: str
    required: bool = False
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desired:
    """Desired state: bring these up, take those (by volume id) down, and say of the others why not."""

    bring_up: tuple[Wanted, ...]
    take_down: tuple[str, ...]
    turned: tuple[Turned, ...] = ()


def decide(
    document: Document, listed: Iterable[Attachment], known: Mapping[str, Attachment], *, complete: bool,
    leaving: Collection[str] = (), moved: Collection[str] = (), lacks: str = "",
) -> Desired:  # fmt: skip
    """What should be. ``known``: ours from before, by volume id. ``complete``: the list is the whole truth, so that what is
    known but not listed is to be taken down; an unreachable service gives no such list, and then nothing is. ``leaving``: the
    attachments (by id) whose detaching from here was begun; they are treated as if the service had asked for it. ``moved``: the
    volumes (by id) that are connected by another path than is named now; of these, what comes is to go there first.
    ``lacks``: why volumes may be missing in a list that is not the whole truth."""
    listed = tuple(replace(each, status=Status.DETACHING) if each.id in leaving else each for each in listed)
    here = tuple(each for each in listed if each.status is not Status.DETACHING)
    doubts = Doubts(document, here)
    wanted, turned = [], {}
    for each in here:
        problem = doubts.of(each)
        try:
            wish = document.wish(each)
        except DocumentInvalid as error:
            problem, wish = problem or str(error), None
        if problem:
            points = tuple(wish.points) if wish else ()
            turned[each.volume.id] = Turned(each.volume.id, each.volume.name, problem, document.requires(each), points)
        else:
            wanted.append(Wanted(each, wish))
    away = [*turned.values(), *_missing(document, here, "" if complete else lacks or UNKNOWN)]
    begun = {volume_id for volume_id, each in known.items() if each.id in leaving}
    clear = {each.attachment.volume.id for each in wanted}
    gone = _take_down(listed, here, known, doubts, begun, clear.intersection(moved), complete=complete)
    return Desired(tuple(wanted), gone, tuple(away))


def required(document: Document, known: Iterable[Attachment]) -> tuple[str, ...]:
    """What must be there, as the document names it; and of those that are ``known`` what the server's word alone requires."""
    named = [*document.required_names(), *([EVERY_VOLUME] if document.requires_all else ())]
    theirs = [each for each in known if document.requires(each) and not set(named) & set(document.keys(each))]
    return (*named, *(each.volume.name for each in theirs))


def _take_down(
    listed: Iterable[Attachment], here: Iterable[Attachment], known: Mapping[str, Attachment], doubts: Doubts,
    begun: Collection[str], moved: Collection[str], *, complete: bool,
) -> tuple[str, ...]:  # fmt: skip
    """By volume id, each once. Of a volume that is listed twice it is not known which attachment counts, so it stays."""
    ids = {each.volume.id for each in listed}
    staying = {each.volume.id: each.id for each in here}
    leaving = [each for each in listed if each.status is Status.DETACHING]
    gone = [each.volume.id for each in leaving if each.volume.id not in staying]
    gone += [volume_id for volume_id in known if volume_id not in ids and (complete or volume_id in begun)]
    # The same volume under a new attachment has new credentials: the session of the old one would never recover. And at another
    # path there is another disk, which only its session tells from the one that is named.
    gone += [each for each, now in staying.items() if each in known and (known[each].id != now or each in moved)]
    return tuple(dict.fromkeys(each for each in gone if not doubts.is_listed_twice(each)))


class Doubts:
    """What makes a volume one that could be taken for another. Counted once for all: a list may be long."""

    def __init__(self, document: Document, here: Iterable[Attachment]) -> None:
        self._document = document
        self._ids, self._names, self._serials, self._attachments = _groups(), _groups(), _groups(), _groups()
        for each in here:
            self._ids[each.volume.id].append(each.id)
            self._names[each.volume.name].append(each.volume.id)
            self._serials[_serial(each)].append(each.volume.id)
            self._attachments[each.id].append(each.volume.id)
        for same in self._names.values():
            same.sort()

    def is_listed_twice(self, volume_id: str) -> bool:
        """Whether more than one attachment is this volume's."""
        return len(self._ids.get(volume_id, ())) > 1

    def _is_link_of_another(self, name: str, volume_id: str) -> bool:
        """Whether /dev/disk/by-blockstore/<name> is to lead to another volume, or to a partition (``<id>-part1``)."""
        whole = re.sub(_PARTITION, "", name)
        return (name in self._ids and name != volume_id) or (whole in self._ids and whole != name)

    def of(self, one: Attachment) -> str:
        """Why this volume is left alone, "" where it is clear which one is meant."""
        volume = one.volume
        if self.is_listed_twice(volume.id):
            return f"listed more than once, as attachments {_some(self._ids[volume.id])}: which one counts is not known"
        if len(self._attachments[one.id]) > 1:
            return f"its attachment {one.id} is that of several volumes: {_some(self._attachments[one.id])}"
        serial = _serial(one)
        if serial and len(self._serials[serial]) > 1:
            same = _some(self._serials[serial])
            return f"several volumes have the serial {serial!r}, so that their devices cannot be told apart: {same}"
        if self._is_link_of_another(volume.name, volume.id) or self._is_link_of_another(volume.id, volume.id):
            return f"its link {volume.name!r} would be that of another volume or of a partition; give it another name"
        same_name = self._names[volume.name]
        if len(same_name) > 1 and self._document.wished_by_name(volume.name):
            return f"the wish for {volume.name!r} fits {len(same_name)} volumes: {_some(same_name)}; name it by id"
        return ""


def _serial(one: Attachment) -> str:
    return one.volume.serial or (one.connection.serial if one.connection is not None else "")


def _groups() -> defaultdict[str, list[str]]:
    return defaultdict(list)


def _some(names: Sequence[str]) -> str:
    """The names, or the first of many: a reason is one line."""
    return ", ".join(names[:TOLD]) + (f" and {len(names) - TOLD} more" if len(names) > TOLD else "")


def _missing(document: Document, here: Iterable[Attachment], lacks: str) -> list[Turned]:
    """What the document cannot do without and nobody listed: one that is known from before counts as there. Of what ``lacks``
    in the list nobody can say how many there are: who wishes all of them wishes one at least."""
    there = {key for each in here for key in document.keys(each)}
    names = [*document.required_names(), *([EVERY_VOLUME] if lacks and document.requires_all else ())]
    reason = f"required, but {lacks or 'not attached to this instance'}"
    return [Turned(name, name, reason, True) for name in names if name not in there]


def shared(point: str, names: Sequence[str]) -> str:
    """Why those who share a mount point are left alone."""
    return f"{point} is the mount point of {len(names)} file systems: {_some(names)}"

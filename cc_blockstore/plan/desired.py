"""Which volumes should be there: what is listed, what is known from before, and what the document wishes of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blockstore.attachment import Attachment, Status
from blockstore.errors import DocumentInvalid
from cc_blockstore.document.parse import Document
from cc_blockstore.wish import VolumeWish


@dataclass(frozen=True)
class Wanted:
    """A volume that should be there, and what is wished of it (None: nothing, so it is connected and linked)."""

    attachment: Attachment
    wish: VolumeWish | None


@dataclass(frozen=True)
class Turned:
    """A listed volume that is not touched, and why."""

    attachment: Attachment
    reason: str


@dataclass(frozen=True)
class Desired:
    """Desired state: bring these up, take those (by volume id) down, and say of the others why not."""

    bring_up: tuple[Wanted, ...]
    take_down: tuple[str, ...]
    turned: tuple[Turned, ...] = ()


def decide(document: Document, listed: Iterable[Attachment], known: Mapping[str, Attachment], *, complete: bool) -> Desired:
    """What should be. ``known``: ours from before, by volume id. ``complete``: the list is the whole truth, so that what is
    known but not listed is to be taken down; an unreachable service gives no such list, and then nothing is."""
    listed = tuple(listed)
    here = [each for each in listed if each.status is not Status.DETACHING]
    leaving = [each.volume.id for each in listed if each.status is Status.DETACHING]
    gone = [volume_id for volume_id in known if volume_id not in {each.volume.id for each in listed}] if complete else []
    wanted, turned = [], []
    for each in here:
        problem = _ambiguous(document, each, here)
        try:
            wish = document.wish(each)
        except DocumentInvalid as error:
            problem, wish = str(error), None
        if problem:
            turned.append(Turned(each, problem))
        else:
            wanted.append(Wanted(each, wish))
    return _without_shared_mounts(Desired(tuple(wanted), (*leaving, *gone), tuple(turned)))


def _ambiguous(document: Document, one: Attachment, listed: Iterable[Attachment]) -> str:
    name = one.volume.name
    same = [each.volume.id for each in listed if each.volume.name == name]
    if len(same) > 1 and document.wished_by_name(name):
        return f"the wish for {name!r} fits {len(same)} volumes: {', '.join(sorted(same))}; name it by id"
    return ""


def _without_shared_mounts(desired: Desired) -> Desired:
    users: dict[str, list[str]] = {}
    for wanted in desired.bring_up:
        for point in _points(wanted):
            users.setdefault(point, []).append(wanted.attachment.volume.name)
    shared = {point: names for point, names in users.items() if len(names) > 1}
    clear = tuple(wanted for wanted in desired.bring_up if not shared.keys() & set(_points(wanted)))
    turned = [
        Turned(wanted.attachment, f"{point} is the mount point of {len(shared[point])} file systems: {', '.join(shared[point])}")
        for wanted in desired.bring_up
        for point in [each for each in _points(wanted) if each in shared][:1]
    ]
    return Desired(clear, desired.take_down, (*desired.turned, *turned))


def _points(wanted: Wanted) -> list[str]:
    return [each.mount for each in (wanted.wish.filesystems if wanted.wish else ()) if each.mount]

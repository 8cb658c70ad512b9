"""Which volumes should be there: what is listed, what is known from before, and what the document wishes of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """A volume that is not touched, and why; ``required`` where the document cannot do without it."""

    volume_id: str
    name: str
    reason: str
    required: bool = False


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
    ids = {each.volume.id: each.id for each in listed}
    gone = [volume_id for volume_id in known if volume_id not in ids] if complete else []
    # The same volume under a new attachment has new credentials: the session of the old one would never recover.
    gone += [each.volume.id for each in here if each.volume.id in known and known[each.volume.id].id != each.id]
    wanted, turned = [], []
    for each in here:
        problem = _ambiguous(document, each, here)
        try:
            wish = document.wish(each)
        except DocumentInvalid as error:
            problem, wish = str(error), None
        if problem:
            turned.append(Turned(each.volume.id, each.volume.name, problem, document.requires(each)))
        else:
            wanted.append(Wanted(each, wish))
    turned += _not_attached(document, here) if complete else []
    return _without_shared_mounts(Desired(tuple(wanted), (*leaving, *gone), tuple(turned)))


def _not_attached(document: Document, here: Iterable[Attachment]) -> list[Turned]:
    there = {key for each in here for key in (each.volume.id, each.volume.name)}
    missing = [name for name in document.required_names() if name not in there]
    return [Turned(name, name, "required, but not attached to this instance", True) for name in missing]


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
        Turned(wanted.attachment.volume.id, wanted.attachment.volume.name, _shared(point, shared[point]), _required(wanted))
        for wanted in desired.bring_up
        for point in [each for each in _points(wanted) if each in shared][:1]
    ]
    return Desired(clear, desired.take_down, (*desired.turned, *turned))


def _points(wanted: Wanted) -> list[str]:
    return [each.mount for each in (wanted.wish.filesystems if wanted.wish else ()) if each.mount]


def _shared(point: str, names: Sequence[str]) -> str:
    return f"{point} is the mount point of {len(names)} file systems: {', '.join(names)}"


def _required(wanted: Wanted) -> bool:
    return wanted.wish is not None and wanted.wish.required

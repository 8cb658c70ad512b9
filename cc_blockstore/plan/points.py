"""Mount points as the kernel has them: which are one and the same, which belong to the system, and which lie below which.

Whatever is mounted hides what was mounted below its point before it, so that the outer one always comes first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from blockstore.values import dataclass, replace
from cc_blockstore.document import wishes
from cc_blockstore.plan.desired import Desired, Turned, Wanted, shared
from cc_blockstore.plan.mount import parents
from cc_blockstore.wish import FilesystemWish, PartitionWish, VolumeWish

# Where these really are nothing is mounted either. What lies below counts as it is written: /var/run leads to /run, below which
# one may well mount.
SYSTEM = (*sorted(wishes.SYSTEM_FOLDERS), *wishes.SYSTEM_TREES)


@dataclass(frozen=True)
class Below:
    """A mount point that lies below that of another volume, ``above``: it is mounted after that one, or not at all."""

    point: str
    above: str
    volume_id: str
    name: str


def of(desired: Desired) -> tuple[str, ...]:
    """All mount points that are wished."""
    wished = (point for each in desired.bring_up for point in _points(each.wish))
    return (*wished, *(point for each in desired.turned for point in each.points))


def decide(desired: Desired, real: Mapping[str, str]) -> Desired:
    """The same with every mount point where links lead from it (``real``, which has `SYSTEM`, too), and with what that tells: who
    is left alone, and who is below whom."""
    turned = tuple(replace(each, points=tuple(real[point] for point in each.points)) for each in desired.turned)
    desired = Desired(tuple(_placed(each, real) for each in desired.bring_up), desired.take_down, turned)
    system = {real[folder] for folder in SYSTEM}
    desired = _without(desired, {**_systems(desired.bring_up, system), **_shared(desired.bring_up)})
    owners = _owners(desired)
    nested = tuple(replace(each, below=tuple(_below(each, owners))) for each in desired.bring_up)
    return _without(replace(desired, bring_up=nested), _circles(nested))


def in_turn(wanted: Iterable[Wanted]) -> Iterator[Wanted]:
    """The same, each after those that it waits for."""
    left = {_id(each): each for each in wanted}
    while left:
        free = [key for key, each in left.items() if left.keys().isdisjoint(_above(each))]
        yield from [left.pop(key) for key in free]


def _placed(wanted: Wanted, real: Mapping[str, str]) -> Wanted:
    if not _points(wanted.wish) or wanted.wish is None:
        return wanted
    wish = wanted.wish
    partitions = tuple(PartitionWish(each.size, _really(each.filesystem, real)) for each in wish.partitions)
    return replace(
        wanted, wish=replace(wish, partitions=partitions, filesystem=wish.filesystem and _really(wish.filesystem, real))
    )


def _really(wish: FilesystemWish, real: Mapping[str, str]) -> FilesystemWish:
    return replace(wish, mount=real[wish.mount], named=wish.mount) if wish.mount else wish


def _shared(wanted: Iterable[Wanted]) -> dict[str, str]:
    """Why whose mount point is another one's, too, by volume id."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for each in wanted:
        for point in _points(each.wish):
            users[point].append(each.attachment.volume.name)
    return {
        _id(each): shared(point, users[point])
        for each in wanted
        for point in reversed(_points(each.wish))
        if len(users[point]) > 1
    }


def _systems(wanted: Iterable[Wanted], system: Collection[str]) -> dict[str, str]:
    """Of what links lead into the running system; of what does so as it is written nobody gets here."""
    return {
        _id(each): f"its mount point {wish.named} leads to {wish.mount}, which belongs to the running system"
        for each in wanted
        for wish in (each.wish.filesystems if each.wish else ())
        if wish.mount and (wish.mount in system or wishes.belongs_to_the_system(wish.mount))
    }


def _owners(desired: Desired) -> dict[str, tuple[str, str]]:
    """Whose a mount point is, by id and name; those that are left alone count as well: they may come later."""
    found = {point: (each.volume_id, each.name) for each in desired.turned for point in each.points}
    for each in desired.bring_up:
        found.update((point, (_id(each), each.attachment.volume.name)) for point in _points(each.wish))
    return found


def _below(wanted: Wanted, owners: Mapping[str, tuple[str, str]]) -> Iterator[Below]:
    for point in _points(wanted.wish):
        for above in parents(point):
            if above in owners and owners[above][0] != _id(wanted):
                yield Below(point, above, *owners[above])


def _circles(wanted: Iterable[Wanted]) -> dict[str, str]:
    """Why none of those that wait for each other can begin, by volume id."""
    left = {_id(each): each for each in wanted}
    while True:
        awaited = Counter(volume_id for each in left.values() for volume_id in _above(each))
        free = [key for key, each in left.items() if key not in awaited or left.keys().isdisjoint(_above(each))]
        if not free:
            return {key: _circle(next(below for below in each.below if below.volume_id in left)) for key, each in left.items()}
        for key in free:
            del left[key]


def _circle(below: Below) -> str:
    return (
        f"its mount point {below.point} lies below {below.above} of {below.name!r}, which itself waits for a mount point of this "
        "volume: neither can be mounted first"
    )


def _above(wanted: Wanted) -> set[str]:
    return {each.volume_id for each in wanted.below}


def _without(desired: Desired, wrong: Mapping[str, str]) -> Desired:
    """With these (by volume id, each with the reason) left alone: they do not come, and stay where they are."""
    away = [_turned(each, wrong[_id(each)]) for each in desired.bring_up if _id(each) in wrong]
    clear = tuple(each for each in desired.bring_up if _id(each) not in wrong)
    gone = tuple(each for each in desired.take_down if each not in wrong)
    return replace(desired, bring_up=clear, take_down=gone, turned=(*desired.turned, *away))


def _turned(wanted: Wanted, reason: str) -> Turned:
    wish = wanted.wish
    points = tuple(_points(wish))
    return Turned(_id(wanted), wanted.attachment.volume.name, reason, wish is not None and wish.required, points)


def _id(wanted: Wanted) -> str:
    return wanted.attachment.volume.id


def _points(wish: VolumeWish | None) -> list[str]:
    return wish.points if wish else []

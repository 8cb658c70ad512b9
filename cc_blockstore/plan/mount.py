"""Where a file system should be mounted (or swap switched on), and its line in fstab."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from blockstore.values import dataclass
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse
from cc_blockstore.wish import FilesystemWish, VolumeWish

if TYPE_CHECKING:
    from cc_blockstore.plan.points import Below

# Our marker in fstab. mount(8) and systemd take options beginning with "x-" for comments; cc_mounts removes only lines
# with "comment=cloudconfig".
MARKER = "x-blockstore.volume="


@dataclass(frozen=True)
class Mounted:
    """One line of /proc/self/mountinfo: what is mounted where."""

    device: str
    point: str
    type: str
    options: tuple[str, ...] = ()


class Twin(enum.Enum):
    """Whether another mounted file system has the same identity (a clone), and what the kernel makes of that."""

    NONE = "none"
    BEARABLE = "told apart"
    CONFUSED = "taken for each other"


def decide(
    wish: FilesystemWish, device: str, mounts: Iterable[Mounted], swaps: Iterable[str], *,
    former: Collection[str] = (), twin: Twin = Twin.NONE, absent: Iterable[Below] = (), leads: str = "",
) -> Decision:  # fmt: skip
    """What to do so that the device is in the wished place. ``swaps`` are the active swap devices, ``former`` the mount points
    that our own lines of fstab have for the volume, ``absent`` those below a volume that is not up; ``leads`` is where the wished
    one leads now ("": not looked at). Rows as in docs/reuse-rules.md, "mount"."""
    if wish.type == "swap":
        return Keep(f"{device} is active swap") if device in swaps else Do(f"switch swap on {device} on")
    if not wish.mount:
        return Keep("no mount point wished")
    mounts = tuple(mounts)
    there = [each for each in mounts if each.point == wish.mount]
    if there and there[-1].device == device:
        return _hidden(there[-1], mounts) or Keep(f"mounted on {wish.mount}")
    if there:
        return Refuse(
            f"refusing to mount {device} over {wish.mount}: found {there[-1].device} there", "choose another mount point"
        )
    elsewhere = [each.point for each in mounts if each.device == device]
    if any(point not in former for point in elsewhere):
        return Refuse(f"{device}: found mounted on {elsewhere[0]}; wished {wish.mount}", f"umount {elsewhere[0]} first")
    if problem := _out_of_turn(wish, device, absent) or _led_away(wish, device, leads) or _would_hide(wish, device, mounts):
        return problem
    if twin is Twin.CONFUSED:
        return Refuse(
            f"refusing to mount {device}: a mounted {wish.type} has the same UUID, and this kernel would take one for the other",
            "give the clone another UUID (btrfstune -u), or use Linux 6.7 or later",
        )
    if elsewhere:
        return Do(f"mount {device} on {wish.mount} instead of {', '.join(elsewhere)}")
    return Do(f"mount {device} on {wish.mount}")


def _hidden(one: Mounted, mounts: Sequence[Mounted]) -> Refuse | None:
    """Whether something was mounted over a folder above it since. Mountinfo has the order of mounting."""
    for each in mounts[len(mounts) - mounts[::-1].index(one) :]:
        if one.point.startswith(f"{each.point}/"):
            return Refuse(
                f"{one.device} is mounted on {one.point}, but cannot be seen: {each.device} was mounted on {each.point} later",
                f"umount {each.point} and {one.point}, then run it again",
            )
    return None


def _out_of_turn(wish: FilesystemWish, device: str, absent: Iterable[Below]) -> Refuse | None:
    for each in absent:
        if each.point == wish.mount:
            return Refuse(
                f"refusing to mount {device} on {wish.mount}: it lies below {each.above} of {each.name!r}, which is not up",
                f"see what is wrong with {each.name!r}",
            )
    return None


def _led_away(wish: FilesystemWish, device: str, leads: str) -> Refuse | None:
    if leads in ("", wish.mount):
        return None
    return Refuse(
        f"refusing to mount {device} on {wish.named or wish.mount}: a link on another volume leads to {leads}",
        f"wish for {leads} itself",
    )


def _would_hide(wish: FilesystemWish, device: str, mounts: Iterable[Mounted]) -> Refuse | None:
    below = f"{wish.mount}/"
    for each in mounts:
        if each.device != device and each.point.startswith(below):
            return _hiding(device, wish.mount, each)
    return None


def _hiding(device: str, point: str, below: Mounted) -> Refuse:
    return Refuse(
        f"refusing to mount {device} on {point}: it would hide {below.point}, where {below.device} is mounted",
        f"umount {below.point} first",
    )


def taken(wish: VolumeWish, node: str, parts: Collection[str], mounts: Iterable[Mounted]) -> Refuse | None:
    """Whether another device sits on a wished mount point, or below one that nothing is on: known before anything is written to
    this one. ``node`` is the whole device, ``parts`` are its partitions."""
    mounts = tuple(mounts)
    points, free = set(wish.points), set(wish.points) - {each.point for each in mounts}
    for each in mounts:
        if each.device == node or each.device in parts:
            continue
        if each.point in points:
            return Refuse(f"refusing to mount {node} over {each.point}: found {each.device} there", "choose another mount point")
        for point in free:
            if each.point.startswith(f"{point}/"):
                return _hiding(node, point, each)
    return None


def mount_options(wish: FilesystemWish, *, read_only: bool) -> tuple[str, ...]:
    """The wished options; of a read-only attachment also those that keep the mount itself from writing."""
    if not read_only or wish.type not in FILESYSTEMS:
        return wish.options
    wanted = ("ro", *FILESYSTEMS[wish.type].untouched)
    return (*wish.options, *(option for option in wanted if option not in wish.options))


@dataclass(frozen=True)
class FstabEntry:
    """One line of fstab that is ours."""

    volume_id: str
    source: str
    point: str
    type: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.source} {_escaped(self.point)} {self.type} {','.join(self.options)} 0 0"


def fstab_entry(
    wish: FilesystemWish, source: str, volume_id: str, *, read_only: bool, patience: int, besides: Iterable[str] = ()
) -> FstabEntry:
    """The line for a file system: after the network, never needed for the boot to go on.

    ``source`` is the device's link, which our udev rule gives to the disk with the volume's serial: by its UUID a clone could
    be taken for it. ``patience`` in seconds is how long systemd waits for the device in the background. ``besides`` are
    options that this machine needs. No line names a unit of cloud-init: a mount that waits for cloud-config.service would
    wait for the stage that mounts it. Swap is ``noauto``: swap.target belongs to the early boot, which would wait for a disk
    behind the network; the module switches it on.
    """
    swap = wish.type == "swap"
    wished = (*mount_options(wish, read_only=read_only), *(option for option in besides if option not in wish.options))
    options = (
        *(wished or (() if swap else ("defaults",))),
        *(("noauto",) if swap and "noauto" not in wish.options else ()),
        "_netdev", "nofail", f"x-systemd.device-timeout={patience}", f"{MARKER}{volume_id}",
    )  # fmt: skip
    return FstabEntry(volume_id, source, "none" if swap else wish.mount, wish.type, options)


def points(text: str, volume_id: str | None = None) -> tuple[str, ...]:
    """The mount points of this volume's lines in an fstab; without one, of all that are ours."""
    words = (_words(line) for line in text.split("\n") if is_ours(line, volume_id))
    return tuple(_unescaped(each[1]) for each in words if each[1] != "none")


def _escaped(text: str) -> str:
    """fstab(5): spaces, tabs and backslashes as octal."""
    return "".join(f"\\{ord(character):03o}" if character in " \t\n\\" else character for character in text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def unit_name(point: str) -> str:
    """The name of a mount point's unit: systemd.unit(5), "String escaping for inclusion in unit names"."""
    encoded = []
    for index, byte in enumerate(point.strip("/").encode()):
        character = chr(byte)
        if character == "/":
            encoded.append("-")
        elif (character.isascii() and character.isalnum()) or character in ":_" or (character == "." and index):
            encoded.append(character)
        else:
            encoded.append(f"\\x{byte:02x}")
    return "".join(encoded) + ".mount"


def is_ours(line: str, volume_id: str | None = None) -> bool:
    """Whether a line of fstab carries our marker (of this volume)."""
    marked = _marked(line)
    return bool(marked) and (volume_id is None or volume_id in marked)


def _words(line: str) -> list[str]:
    """fstab(5): fields are separated by spaces and tabs, and by nothing else that Unicode counts as a space."""
    return re.split(r"[ \t]+", line.strip(" \t\r"))


def _marked(line: str) -> tuple[str, ...]:
    """The ids of the volumes whose marker a line carries."""
    words = _words(line)
    if words[0].startswith("#") or len(words) < 4:
        return ()
    return tuple(option[len(MARKER) :] for option in words[3].split(",") if option.startswith(MARKER))


def fstab_with(text: str, wanted: Mapping[str, Iterable[FstabEntry]]) -> str:
    """The fstab with exactly these entries for these volumes (by id); every other line stays byte for byte.

    A line of ours that is right already keeps its place, so that an unchanged wish gives an unchanged file; only what lies below
    a new mount point goes behind it: "mount -a" takes the lines as they come.
    """
    entries = {volume_id: [str(entry) for entry in each] for volume_id, each in wanted.items()}
    # Lines end with "\n" and with nothing else: `splitlines` would end one at a form feed, and lose it.
    lines = text.removesuffix("\n").split("\n") if text else []
    kept = [line for line in lines if all(line in entries.get(volume_id, [line]) for volume_id in _marked(line))]
    there = set(kept)
    missing = [line for each in entries.values() for line in each if line not in there]
    if not missing and len(kept) == len(lines):
        return text
    new = {_point(line) for line in missing}
    below = {line for line in kept if is_ours(line) and not new.isdisjoint(parents(_point(line)))}
    behind = _outer_first([*missing, *(line for line in kept if line in below)])
    return "".join(f"{line}\n" for line in (*(line for line in kept if line not in below), *behind))


def _outer_first(lines: Sequence[str]) -> list[str]:
    """In their order, but for those whose mount points lie below others of them."""
    points = {_point(line) for line in lines}
    return sorted(lines, key=lambda line: sum(above in points for above in parents(_point(line))))


def parents(point: str) -> Iterator[str]:
    """The folders above, the nearest first, without the root."""
    while point := point.rpartition("/")[0]:
        yield point


def _point(line: str) -> str:
    return _words(line)[1]


def only_adds(before: str, after: str) -> bool:
    """Whether every line of ours that was in an fstab is still there."""
    return {line for line in before.split("\n") if is_ours(line)} <= set(after.split("\n"))

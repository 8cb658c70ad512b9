"""Whether LVM on this machine keeps its hands off what guests write into their volumes.

A guest may make physical volumes inside its disk. A host that scans its own logical volumes for such (``scan_lvs``, or an older
LVM) would activate the guest's volume groups, mix them up with its own of the same name, and write to them. `global_filter`
(lvm.conf(5)) is what all of LVM's commands and its udev rules obey.
"""

from __future__ import annotations

import re

_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


def patterns(shown: str) -> tuple[str, ...]:
    """The patterns in the answer of ``lvmconfig devices/global_filter``: ``global_filter=["r|a|","a|b|"]``, or one text alone."""
    return tuple(re.sub(r"\\(.)", r"\1", text) for text in _TEXT.findall(shown.partition("=")[2]))


def needed(group: str, prefix: str) -> tuple[str, ...]:
    """The patterns that reject our volumes in this volume group, and nothing else of it."""
    return tuple(f"r|^{place}|" for place in _places(group, prefix))


def lets_in(found: tuple[str, ...], group: str, prefix: str) -> str | None:
    """A name of a volume of ours under which the filter lets LVM look into it, or None.

    A device is passed over when one of its names is rejected and none is accepted; the first pattern that fits a name decides
    about that name. Raises `ValueError` for a pattern that is not understood.
    """
    place, mapped = (text.replace("\\", "") + "0" for text in _places(group, prefix))
    names = (place, mapped, "/dev/dm-0", f"/dev/disk/by-id/dm-name-{mapped.rpartition('/')[2]}", "/dev/disk/by-id/dm-uuid-LVM-0")
    verdicts = {name: _verdict(found, name) for name in names}
    accepted = [name for name, verdict in verdicts.items() if verdict == "a"]
    return accepted[0] if accepted else (None if "r" in verdicts.values() else place)


def line(found: tuple[str, ...], group: str, prefix: str) -> str:
    """The line for lvm.conf: ours first, then what is there already."""
    wanted = needed(group, prefix)
    listed = ", ".join(f'"{pattern}"' for pattern in (*wanted, *(each for each in found if each not in wanted)))
    return f"devices {{ global_filter = [ {listed} ] }}"


def _places(group: str, prefix: str) -> tuple[str, str]:
    # The device mapper joins group and volume with a hyphen, and doubles those of the names (dm names: lvm(8)).
    escaped = re.sub(r"([.+])", r"\\\1", group)
    return f"/dev/{escaped}/{prefix}", f"/dev/mapper/{escaped.replace('-', '--')}-{prefix.replace('-', '--')}"


def _verdict(found: tuple[str, ...], name: str) -> str:
    for pattern in found:
        action, fence = pattern[:1], pattern[1:2]
        closing = {"(": ")", "[": "]", "{": "}"}.get(fence, fence)
        if action not in ("a", "r") or len(pattern) < 3 or not pattern.endswith(closing):
            raise ValueError(f"{pattern!r} is no pattern of a filter")
        try:
            if re.search(pattern[2:-1], name):
                return action
        except re.error as error:
            raise ValueError(f"{pattern!r}: {error}") from None
    return ""

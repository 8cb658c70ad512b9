"""What is wished of a cycle's volumes: one GPT partition, two of them with swap, and a whole device that differs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_PLAIN = {"mount": "/srv/data", "label": "data", "filesystem": "ext4"}
_TWO = {"partitions": [{"size": "512MiB", "filesystem": "xfs", "mount": "/srv/two"}, {"size": "rest", "filesystem": "swap"}]}
_WHOLE = ("btrfs", "ext4", "xfs")


@dataclass(frozen=True)
class Layout:
    """The wishes by volume name, and where their file systems are to be found."""

    wishes: dict[str, Any]
    mounts: dict[str, str]
    swaps: int = 1

    @property
    def user_data(self) -> str:
        """The wishes as an instance's user-data."""
        return "#cloud-config\n" + json.dumps({"blockstore": {"deadline": 120, "volumes": self.wishes}})


def layout(number: int) -> Layout:
    """That of one cycle; the whole device carries another file system each time."""
    kind = _WHOLE[number % len(_WHOLE)]
    whole = {"partition_table": "none", "filesystem": kind, "mount": "/srv/whole"}
    return Layout(
        {"data": _PLAIN, "two": _TWO, "whole": whole},
        {"/srv/data": "ext4", "/srv/two": "xfs", "/srv/whole": kind},
    )

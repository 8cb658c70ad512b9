"""How the guests of this folder are shared out: a life stays on one worker, and the longest begin first.

A life is what one guest (or a pair) goes through: all tests of a file, or where the file tells it for each release, those of one
release. xdist's own scopes are whole files, and begin with the one that has the most tests, however short those are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# By their time, longest first; a file that is not named comes after these.
LONGEST = (
    "test_storage_guest", "test_faults", "test_clones", "test_server_mode", "test_static_seed", "test_scale", "test_trouble",
    "test_network_datasource", "test_power_cuts",
)  # fmt: skip
# Here a guest of one release meets the other's.
TOGETHER = ("test_clones",)


class Lives(LoadScopeScheduling):
    """The scheduler."""

    def _split_scope(self, nodeid: str) -> str:
        return life(nodeid)


def life(nodeid: str) -> str:
    """`…/test_trouble.py::test_x[trixie]` belongs to `…/test_trouble.py[trixie]`."""
    file, _, test = nodeid.partition("::")
    _, bracket, release = test.partition("[")
    return file if Path(file).stem in TOGETHER else f"{file}{bracket}{release}"


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Files in that order; within a file nothing changes places."""
    return sorted(items, key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))

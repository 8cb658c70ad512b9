"""Which daemon has an export, and how many there are: two decisions that every server of a folder must take alike."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata_server.domain.export import IQN_PREFIX
from metadata_server.targets.homes import MOST, count, home


@given(st.text(), st.integers(1, MOST))
def test_every_name_has_one_of_them_for_its_home(iqn: str, daemons: int) -> None:
    assert home(iqn, daemons) in range(daemons)
    assert home(iqn, daemons) == home(iqn, daemons)
    assert home(iqn, 1) == 0


@pytest.mark.parametrize(("daemons", "expected"), [(1, 0), (2, 0), (3, 2), (8, 4), (16, 12)])
def test_it_is_the_same_home_in_every_process_and_every_version(daemons: int, expected: int) -> None:
    # Were it another one after an upgrade, exports would move under their instances. The CRC-32 of this one is 0x3c7cdfcc.
    assert home(f"{IQN_PREFIX}00000000-0000-4000-8000-000000000000", daemons) == expected


@pytest.mark.parametrize("daemons", range(2, MOST + 1))
def test_they_are_spread_evenly(daemons: int) -> None:
    mixed = (UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128, version=4) for number in range(1, 5001))
    shares = Counter(home(f"{IQN_PREFIX}{each}", daemons) for each in mixed)
    assert len(shares) == daemons
    assert max(shares.values()) < 1.3 * 5000 / daemons
    assert min(shares.values()) > 0.7 * 5000 / daemons


@pytest.mark.parametrize(
    ("configured", "there", "free", "daemons"),
    [
        (1, 0, False, 1),  # a new folder
        (8, 0, False, 8),
        (3, 3, False, 3),
        (3, 3, True, 3),
        (8, 3, True, 8),  # nothing is exported
        (1, 3, True, 1),
        (8, 3, False, 3),  # something is, or another server goes by it
        (1, 3, False, 3),
    ],
)
def test_their_number_changes_only_when_nobody_could_notice(configured: int, there: int, free: bool, daemons: int) -> None:
    found = count(configured, there, free=free)
    assert found.daemons == daemons
    if daemons == configured:
        assert not found.warning
    else:
        assert f"daemons is {configured}, and the server goes on with {there}" in found.warning
        assert "detach all volumes" in found.warning

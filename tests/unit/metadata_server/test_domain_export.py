from dataclasses import replace

import pytest

from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.export import MEGABYTE, Export, SeenLun, SeenTarget, difference, fault, outdated

EXPORT = Export("iqn.x:v", "/volumes/v", 1 << 30, "v", False, "iqn.x:me", Chap("user", Secret("s")))
LUN = SeenLun(1, "/volumes/v", "v", False, True, 1074 * MEGABYTE)
TARGET = SeenTarget(4, "iqn.x:v", (LUN,), frozenset({"user"}), "", frozenset({"iqn.x:me"}))


def test_the_wanted_one_has_no_fault():
    assert fault(EXPORT, TARGET) is None
    mutual = replace(EXPORT, chap=Chap("user", Secret("s"), "back", Secret("t")))
    assert fault(mutual, replace(TARGET, outgoing="back")) is None


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(TARGET, accounts=frozenset()), "accounts: wanted user, found none"),
        (replace(TARGET, accounts=frozenset({"user", "other"})), "accounts"),
        (replace(TARGET, outgoing="back"), "mutual account"),
        (replace(TARGET, access=frozenset()), "access list: wanted iqn.x:me, found nobody"),
        (replace(TARGET, access=frozenset({"iqn.x:me", "ALL"})), "access list"),
        (replace(TARGET, luns=()), "LUNs: wanted 1, found none"),
        (replace(TARGET, luns=(LUN, replace(LUN, lun=2))), "LUNs"),
        (replace(TARGET, luns=(replace(LUN, path="/other"),)), "path: wanted /volumes/v, found /other"),
        (replace(TARGET, luns=(replace(LUN, serial="w"),)), "serial"),
        (replace(TARGET, luns=(replace(LUN, readonly=True),)), "read-only"),
    ],
)
def test_why_it_is_not_the_wanted_one(seen, said):
    assert said in str(fault(EXPORT, seen))


@pytest.mark.parametrize(
    ("export", "seen", "said"),
    [
        (EXPORT, TARGET, None),
        (replace(EXPORT, size=0), TARGET, None),
        (EXPORT, replace(TARGET, luns=(replace(LUN, size=2147 * MEGABYTE),)), None),
        (EXPORT, replace(TARGET, ready=False), "target: wanted ready"),
        (EXPORT, replace(TARGET, luns=(replace(LUN, online=False),)), "LUN: wanted online"),
        (replace(EXPORT, size=2 << 30), TARGET, "size: wanted 2147483648"),
        (EXPORT, replace(TARGET, luns=(replace(LUN, size=0),)), "size"),
    ],
)
def test_why_the_right_one_must_be_opened_again(export, seen, said):
    assert fault(export, seen) is None
    found = outdated(export, seen)
    assert found is None if said is None else said in found


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 16384])
def test_the_size_as_tgt_shows_it_is_near_enough(size):
    # tgt: usr/target.c, print_disksize
    sectors = (size << 30) // 512
    shown = (sectors - (sectors // 625 - 974)) // 1950 * MEGABYTE
    there = replace(TARGET, luns=(replace(LUN, size=shown),))
    assert outdated(replace(EXPORT, size=size << 30), there) is None
    assert outdated(replace(EXPORT, size=(size + 1) << 30), there)


def test_desired_minus_current():
    other = replace(EXPORT, iqn="iqn.x:w")
    wrong = replace(TARGET, iqn="iqn.x:w", access=frozenset())
    stray = replace(TARGET, iqn="iqn.x:stray")
    small = replace(EXPORT, iqn="iqn.x:u", size=2 << 30)
    shown = replace(TARGET, iqn="iqn.x:u")
    found = difference(
        {"iqn.x:v": EXPORT, "iqn.x:w": other, "iqn.x:u": small},
        {"iqn.x:v": TARGET, "iqn.x:w": wrong, "iqn.x:stray": stray, "iqn.x:u": shown},
    )
    assert found.keep == ((EXPORT, TARGET),)
    assert found.reopen == ((small, shown),)
    assert found.add == (other,)
    assert found.remove == (stray, wrong)

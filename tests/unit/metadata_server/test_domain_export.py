from dataclasses import replace

import pytest

from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.export import Export, SeenLun, SeenTarget, difference, fault

EXPORT = Export("iqn.x:v", "/volumes/v", 1 << 30, "v", False, "iqn.x:me", Chap("user", Secret("s")))
LUN = SeenLun(1, "/volumes/v", "v", False, True)
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
        (replace(TARGET, luns=(replace(LUN, online=False),)), "online"),
    ],
)
def test_why_it_is_not_the_wanted_one(seen, said):
    assert said in str(fault(EXPORT, seen))


def test_desired_minus_current():
    other = replace(EXPORT, iqn="iqn.x:w")
    wrong = replace(TARGET, iqn="iqn.x:w", access=frozenset())
    stray = replace(TARGET, iqn="iqn.x:stray")
    found = difference({"iqn.x:v": EXPORT, "iqn.x:w": other}, {"iqn.x:v": TARGET, "iqn.x:w": wrong, "iqn.x:stray": stray})
    assert found.keep == ((EXPORT, TARGET),)
    assert found.add == (other,)
    assert found.remove == (stray, wrong)

"""What cloud-init is told: nothing, a warning, or an error where a required volume is missing."""

from __future__ import annotations

import pytest

from blockstore.attachment import Attachment, Volume
from blockstore.report import Report, Result, VolumeReport
from cc_blockstore import verdict
from cc_blockstore.plan.desired import Desired, Turned, Wanted
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish


def wanted(name: str, *, required: bool = False) -> Wanted:
    wish = VolumeWish(Table.NONE, filesystem=FilesystemWish(), required=required)
    return Wanted(Attachment(name, Volume(name, name)), wish)


def report(*faults: str, **reasons: str) -> Report:
    volumes = [VolumeReport(n, n, Result.FAILED if reason else Result.OK, reason=reason) for n, reason in reasons.items()]
    return Report("i-1", "", "", 1, tuple(volumes), faults)


DESIRED = Desired((wanted("a", required=True), wanted("b")), (), (Turned("c", "c", "ambiguous", required=True),))


@pytest.mark.parametrize(
    ("told", "warning", "error"),
    [
        (report(a="", b=""), "", ""),
        (report(a="", b="broken"), "b: broken", ""),
        (report("no service", a="", b=""), "no service", ""),
        (report(a="broken", b=""), "", "required volumes are missing: a: broken"),
        (report("no service", a="broken", b="late"), "no service; b: late", "required volumes are missing: a: broken"),
        (report(a="", c="ambiguous"), "", "required volumes are missing: c: ambiguous"),
    ],
)
def test_each_is_told_once_and_at_its_place(told: Report, warning: str, error: str) -> None:
    found = verdict.of(told, DESIRED)
    assert (found.warning, found.error, found.bad_document) == (warning, error, False)

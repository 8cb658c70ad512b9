"""What iscsiadm says of one target of a batch; the texts are recorded from the real one."""

from __future__ import annotations

import pytest

from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from cc_blockstore.machine.iscsiadm import Exit, reason

IQN = "iqn.2010-10.org.openstack:volume-1"
PATH = IscsiPath(Portal("10.0.2.2"), IQN, 1)


def failed(iqn: str = IQN, host: str = "10.0.2.2", error: str = "20 - could not connect to iscsid") -> str:
    return (
        f"iscsiadm: Could not login to [iface: default, target: {iqn}, portal: {host},3260].\n"
        f"iscsiadm: initiator reported error ({error})\n"
    )


END = "iscsiadm: Could not log into all portals"


@pytest.mark.parametrize(("error", "words"), [
    ("20 - could not connect to iscsid", "iscsid does not run, so 10.0.2.2:3260 cannot be reached (systemctl status iscsid)"),
    ("24 - iSCSI login failed due to authorization failure", "authentication refused by 10.0.2.2:3260 (the CHAP secret"),
    ("8 - connection timed out", "no answer from 10.0.2.2:3260 (is the portal up"),
    ("4 - encountered connection failure", "no answer from 10.0.2.2:3260"),
    ("19 - encountered non-retryable iSCSI login failure", "10.0.2.2:3260 refused the login"),
    ("12 - iSCSI driver not found. Please make sure it is loaded, and retry the operation", "no module iscsi_tcp"),
    ("99 - something new", "login to 10.0.2.2:3260 failed: something new (iscsiadm code 99)"),
])  # fmt: skip
def test_the_reason_of_each_code(error, words):
    assert words in str(reason(failed(error=error) + END, PATH))


def test_each_target_of_a_batch_has_its_own_reason():
    output = (
        failed(IQN + "2", error="24 - x")
        + failed(error="8 - connection timed out")
        + failed(host="10.0.2.3", error="24 - x")
        + END
    )
    assert "no answer" in str(reason(output, PATH))
    assert "authentication" in str(reason(output, IscsiPath(Portal("10.0.2.3"), IQN, 1)))


def test_the_exit_code_of_another_target_is_not_this_one_s():
    output = failed(IQN + "2", error="24 - x") + END + "\nexit code 24"
    assert "said nothing of this target" in str(reason(output, PATH))


def test_an_ipv6_portal():
    assert "authentication" in str(reason(failed(host="fd00::1", error="24 - x"), IscsiPath(Portal("fd00::1"), IQN, 1)))


@pytest.mark.parametrize(("output", "words"), [
    ("\nexit code 24", "authentication refused"),
    ("\nexit code 21", "iscsiadm said nothing of this target (iscsiadm code 21)"),
    ("", "iscsiadm said nothing of this target (iscsiadm code 1)"),
    ("iscsiadm: Could not login to [iface: default, target: " + IQN, "said nothing"),
    (failed().splitlines()[0], "said nothing"),
])  # fmt: skip
def test_where_nothing_is_said_of_it(output, words):
    assert words in str(reason(output, PATH))


def test_the_codes_are_those_of_the_manual():
    assert (Exit.SESSION_EXISTS, Exit.NO_RECORDS, Exit.AUTHENTICATION, Exit.TIMEOUT, Exit.NO_DAEMON) == (15, 21, 24, 8, 20)

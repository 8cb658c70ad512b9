"""What tgtd is told when an export is made and ended: no look at all others, unless something is not as remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blockstore.iscsi import Chap
from blockstore.portal import Portal
from blockstore.secret import Secret
from metadata_server.configuration import TargetSettings
from metadata_server.domain.export import Export
from metadata_server.targets.tgt import Tgt
from metadata_server.targets.tgt_request import Fault, Mode, Operation, TgtError

EXPORT = Export("iqn.x:v", "/volumes/v", 2 << 30, "v", False, "iqn.x:me", Chap("user", Secret("s")))
OTHER = replace(EXPORT, iqn="iqn.x:w", serial="w", chap=Chap("other", Secret("t")))
SHOWN = """\
Target {tid}: {iqn}
    System information:
        State: ready
    I_T nexus information:
    LUN information:
        LUN: 1
            SCSI SN: {serial}
            Size: 2147 MB, Block size: 512
            Online: Yes
            Readonly: No
            Backing store path: /volumes/v
    Account information:
        {user}
    ACL information:
        iqn.x:me
"""


class Daemon:
    """Targets by number; ``used`` have a session."""

    def __init__(self):
        self.targets, self.used, self.looks, self.said = {}, set(), 0, []
        self.accounts = {}  # by name, and how many targets there were when it went

    def send(self, request):
        words = dict(request.parameters)
        if request.operation is Operation.SHOW and request.mode is Mode.ACCOUNT:
            return "Account list:\n" + "".join(f"    {name}\n" for name in self.accounts)
        if request.operation is Operation.SHOW and request.tid > 0:
            if request.tid not in self.targets:
                raise TgtError(request, Fault.NO_TARGET)
            return "nop_interval=0\n"
        if request.operation is Operation.SHOW:
            self.looks += 1
            return "".join(
                SHOWN.format(tid=tid, iqn=export.iqn, serial=export.serial, user=export.chap.username)
                for tid, export in self.targets.items()
            )
        self.said.append(f"{request.operation.name} {request.mode.name} {request.tid}")
        if (request.mode, request.operation) == (Mode.TARGET, Operation.NEW):
            export = next(each for each in (EXPORT, OTHER) if each.iqn == words["targetname"])
            if request.tid in self.targets or export in self.targets.values():
                raise TgtError(request, Fault.TARGET_EXIST)
            self.targets[request.tid] = export
        if (request.mode, request.operation) == (Mode.TARGET, Operation.DELETE):
            if request.tid not in self.targets:
                raise TgtError(request, Fault.NO_TARGET)
            if request.tid in self.used and not request.force:
                raise TgtError(request, 19)  # TARGET_ACTIVE
            del self.targets[request.tid]
        if (request.mode, request.operation) == (Mode.ACCOUNT, Operation.DELETE):
            if words["user"] in self.accounts:
                self.accounts[words["user"]] = len(self.targets)
                return ""
            raise TgtError(request, Fault.NO_USER)
        return ""


@pytest.fixture
def daemon():
    return Daemon()


def made(folder, daemon, *, alone):
    settings = TargetSettings("tgt", Portal("127.0.0.1"), "", "socket", "/usr/sbin/tgtd", 2, alone=alone)
    found = Tgt(folder, settings, lambda _: None)
    found._daemon.control = daemon
    found.alone = alone
    return found


@pytest.fixture(params=(True, False), ids=("alone", "with others"))
def tgt(request, tmp_path, daemon):
    return made(tmp_path, daemon, alone=request.param)


def test_a_new_export_needs_no_look(tgt, daemon):
    tgt.ensure(EXPORT)
    tgt.ensure(OTHER)
    assert daemon.targets == {1: EXPORT, 2: OTHER}
    assert daemon.looks == 0


def test_the_one_server_of_a_tgtd_ends_what_it_made_without_a_look(tgt, daemon):
    tgt.ensure(EXPORT)
    tgt.remove(EXPORT.iqn)
    assert daemon.targets == {}
    assert (daemon.looks == 0) is tgt.alone


def test_a_number_that_another_server_gave_away_is_not_trusted(tmp_path, daemon):
    tgt = made(tmp_path, daemon, alone=False)
    tgt.ensure(EXPORT)
    daemon.targets = {1: OTHER}  # removed there, and its number is another's now
    tgt.remove(EXPORT.iqn)
    assert daemon.targets == {1: OTHER}


def test_what_is_there_already_is_looked_at_and_left_alone(tgt, daemon):
    daemon.targets = {1: OTHER, 7: EXPORT}
    tgt.ensure(EXPORT)
    assert daemon.targets == {1: OTHER, 7: EXPORT}
    assert daemon.looks > 0


def test_a_number_that_is_taken_is_not_used(tgt, daemon):
    daemon.targets = {1: OTHER}
    tgt.ensure(EXPORT)
    assert daemon.targets == {1: OTHER, 2: EXPORT}


def test_one_that_is_in_use_goes_the_long_way(tgt, daemon):
    tgt.ensure(EXPORT)
    daemon.used = {1}
    tgt.remove(EXPORT.iqn)
    assert daemon.targets == {}
    # The access list before the sessions: nobody comes back meanwhile.
    assert daemon.said.index("UNBIND TARGET 1") < len(daemon.said) - 1 - daemon.said[::-1].index("DELETE TARGET 1")


def test_asking_twice_looks_the_second_time_unless_it_is_as_this_server_made_it(tgt, daemon):
    tgt.ensure(EXPORT)
    said = list(daemon.said)
    tgt.ensure(EXPORT)
    assert daemon.targets == {1: EXPORT}
    assert (daemon.looks == 0) is tgt.alone
    assert not tgt.alone or daemon.said == said
    tgt.ensure(replace(EXPORT, size=1 << 30))
    assert daemon.looks > 0


def test_one_that_was_found_is_not_looked_for_again(tmp_path, daemon):
    tgt = made(tmp_path, daemon, alone=True)
    daemon.targets = {7: EXPORT}
    tgt.ensure(EXPORT)
    looks = daemon.looks
    tgt.ensure(EXPORT)
    assert daemon.looks == looks


def test_one_that_somebody_took_away_is_made_again(tgt, daemon):
    tgt.ensure(EXPORT)
    daemon.targets.clear()
    tgt.ensure(EXPORT)
    assert list(daemon.targets.values()) == [EXPORT]


def test_where_all_are_ended_the_accounts_go_when_the_targets_are_gone(tgt, daemon):
    daemon.targets, daemon.accounts = {1: EXPORT, 2: OTHER}, {"user": None, "other": None}
    assert tgt.reconcile({}) == {}
    assert daemon.accounts == {"user": 0, "other": 0}


def test_nothing_is_remembered_of_an_earlier_tgtd(tgt, daemon, monkeypatch):
    monkeypatch.setattr(tgt._daemon, "start", lambda: None)
    tgt.ensure(EXPORT)
    tgt.start()
    daemon.targets = {1: OTHER}
    tgt.remove(EXPORT.iqn)
    assert daemon.targets == {1: OTHER}


def test_accounts_end_after_their_target(tgt, daemon):
    tgt.ensure(EXPORT)
    daemon.said.clear()
    tgt.remove(EXPORT.iqn)
    assert daemon.said[-1] == "DELETE ACCOUNT 0"
    assert daemon.said[-2] == "DELETE TARGET 1"

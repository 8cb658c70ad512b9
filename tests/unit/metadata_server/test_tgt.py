"""In what order tgtd is told things when a volume has grown; what tgtd itself does then, tests/target shows."""

from dataclasses import replace

import pytest

from blockstore.iscsi import Chap
from blockstore.portal import Portal
from blockstore.secret import Secret
from metadata_server.configuration import TargetSettings
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import Export
from metadata_server.targets import tgt as module
from metadata_server.targets.tgt import Tgt
from metadata_server.targets.tgt_request import Fault, Mode, Operation, TgtError

EXPORT = Export("iqn.x:v", "/volumes/v", 2 << 30, "v", False, "iqn.x:me", Chap("user", Secret("s")))
SHOWN = """\
Target 7: iqn.x:v
    System information:
        Driver: iscsi
        State: {state}
    I_T nexus information:
{sessions}    LUN information:
        LUN: 1
            SCSI SN: v
            Size: {size} MB, Block size: 512
            Online: Yes
            Readonly: No
            Backing store path: /volumes/v
    Account information:
        user
    ACL information:
        iqn.x:me
"""
SESSION = "        I_T nexus: {}\n            Initiator: iqn.x:me alias: none\n            Connection: 0\n"


class Daemon:
    """As much of tgtd as this needs. A session ends ``looks`` looks after it was dropped, once its command has ended; one of
    ``late`` was half logged in before, and appears at that look."""

    def __init__(self, sessions=(), looks=2, late=None):
        self.sessions = dict.fromkeys(sessions, looks)
        self.looks, self.late, self.seen = looks, dict(late or {}), 0
        self.dropped, self.said = set(), []
        self.state, self.size = "ready", 1074

    def send(self, request):
        if request.operation is Operation.SHOW:
            return self._show()
        if (request.mode, request.operation) == (Mode.TARGET, Operation.NEW):
            raise TgtError(request, Fault.TARGET_EXIST)
        if request.mode is Mode.CONNECTION:
            self.dropped.add(request.session)
            self.said.append(f"drop {request.session}")
            return ""
        words = dict(request.parameters)
        self.said.append(" ".join(f"{key}={value}" for key, value in words.items()))
        self.state = words.get("state", self.state)
        if "path" in words:
            assert self.state == "offline"
            assert not self.sessions, "a command under way would fail"
            self.size = 2147
        return ""

    def _show(self):
        self.seen += 1
        for session in self.late.pop(self.seen, ()):
            self.sessions[session] = self.looks
        for session in self.dropped & self.sessions.keys():
            self.sessions[session] -= 1
        self.sessions = {session: left for session, left in self.sessions.items() if left > 0}
        return SHOWN.format(state=self.state, size=self.size, sessions="".join(map(SESSION.format, self.sessions)))


@pytest.fixture
def tgt(tmp_path):
    return Tgt(tmp_path, TargetSettings("tgt", Portal("127.0.0.1"), "", "socket", "/usr/sbin/tgtd", 2), lambda _: None)


def said(tgt, daemon, export=EXPORT):
    tgt._daemon.control = daemon
    tgt.ensure(export)
    return daemon.said


def test_nobody_is_logged_in(tgt):
    assert said(tgt, Daemon()) == ["state=offline", "online=0 path=/volumes/v", "state=ready"]


def test_what_has_the_size_is_left_alone(tgt):
    assert said(tgt, Daemon([3]), replace(EXPORT, size=1 << 30)) == []


def test_the_file_is_opened_again_when_the_last_command_has_ended(tgt):
    found = said(tgt, Daemon([3, 4], looks=3))
    assert found[:3] == ["state=offline", "drop 3", "drop 4"]
    assert found[-2:] == ["online=0 path=/volumes/v", "state=ready"]


def test_who_was_half_logged_in_before_comes_again(tgt):
    # Look 1 finds the size, 2 finds nobody, 3 is the one after "ready".
    found = said(tgt, Daemon(late={3: [9]}))
    assert found == ["state=offline", "online=0 path=/volumes/v", "state=ready", "drop 9"]
    found = said(tgt, Daemon([5], late={3: [9]}))
    assert found[:2] == ["state=offline", "drop 5"]
    assert "drop 9" in found[2:-2]
    assert found[-2:] == ["online=0 path=/volumes/v", "state=ready"]


def test_a_command_that_does_not_end_leaves_the_target_offline_until_it_did(tgt, monkeypatch):
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    daemon = Daemon([3], looks=10**6)
    with pytest.raises(Unavailable, match=r"waited 0\.1 s for iqn.x:v to be idle.*its commands do not end"):
        said(tgt, daemon)
    assert daemon.state == "offline"
    assert daemon.size == 1074
    daemon.sessions.clear()
    # Asked for the old size again, because the growth was taken back: it is opened all the same, and ready.
    assert said(tgt, daemon, replace(EXPORT, size=1 << 30))[-1] == "state=ready"


def test_reconcile_opens_again_what_a_kill_left_offline(tgt):
    daemon = Daemon()
    daemon.state = "offline"
    tgt._daemon.control = daemon
    tgt._sweep_accounts = lambda wanted: None
    assert tgt.reconcile({EXPORT.iqn: EXPORT}) == {}
    assert (daemon.state, daemon.size) == ("ready", 2147)

"""LIO, against a fake of the kernel's configfs and the real rtslib-fb: what is made, in which order, and what any kill leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rtslib_fb
import rtslib_fb.node
import rtslib_fb.root
import rtslib_fb.tcm

from blockstore.iscsi import Chap
from blockstore.portal import Portal
from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import IQN_PREFIX, Export, fault, outdated
from metadata_server.targets import lio as targets_lio
from metadata_server.targets.lio import MODULES, Lio
from metadata_server.targets.settings import TargetSettings
from tests.unit.configfs import Kernel, Killed
from tests.unit.fakes import FakeRunner

pytestmark = pytest.mark.filterwarnings("ignore:Will be removed in 1.0:DeprecationWarning")  # rtslib's, of pyudev

IDENTIFIER = "c21e36a8-9b3f-4b0e-9d5c-1d7c6a5b0a01"
PORTAL = Portal("10.9.0.1", 3260)
IQN = IQN_PREFIX + IDENTIFIER
INITIATOR = "iqn.2018-12.com.leftasexercise:web-1"
SESSION = """\
InitiatorName: iqn.2018-12.com.leftasexercise:web-1
InitiatorAlias: web-1
LIO Session ID: 7   ISID: 0x00 02 3d 00 00 01  TSIH: 7  SessionType: Normal
Session State: TARG_SESS_STATE_LOGGED_IN
---------------------[iSCSI Session Values]-----------------------
  CmdSN/WR  :  CmdSN/WC  :  ExpCmdSN  :  MaxCmdSN  :     ITT    :     TTT
 0x00000040   0x00000040   0x00000010   0x0000004f   0x10000010   0x000004fc
----------------------[iSCSI Connections]-------------------------
CID: 0  Connection State: TARG_CONN_STATE_LOGGED_IN
   Address 10.9.0.2 TCP  StatSN: 0x5f3759df
"""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rtslib_fb.node.CFSNode, "configfs_dir", str(tmp_path / "target"))
    monkeypatch.setattr(rtslib_fb.root, "mount_configfs", lambda: None)
    monkeypatch.setattr(rtslib_fb.tcm, "lock_file", str(tmp_path / "rtslib.lock"))
    return Kernel(tmp_path / "target", monkeypatch)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    backing = tmp_path / "backing"
    backing.touch()
    os.truncate(backing, 64 << 20)
    chap = Chap("user-1", Secret("forward-secret-1"), "user-2", Secret("mutual-secret-2"))
    return Export(IQN, str(backing), 64 << 20, IDENTIFIER, False, INITIATOR, chap)


@pytest.fixture
def started(kernel: Kernel, runner: FakeRunner, tmp_path: Path, monkeypatch) -> Iterator[Callable[..., Lio]]:
    for name in MODULES:
        (tmp_path / "module" / name).mkdir(parents=True)
    monkeypatch.setattr(targets_lio, "LOADED", tmp_path / "module")
    monkeypatch.setattr(Lio, "_probe", lambda _: None)  # nothing real is bound here
    every: list[Lio] = []

    def start(portal: Portal = PORTAL, steps: list[str] | None = None) -> Lio:
        lio = Lio(tmp_path, TargetSettings("lio", portal, ""), (steps if steps is not None else []).append, runner=runner)
        every.append(lio)
        lio.start()
        return lio

    yield start
    for each in every:
        monkeypatch.setattr(each, "reconcile", lambda _: {})
        each.stop()  # else hundreds of its pipes stay open


def is_open(kernel: Kernel) -> bool:
    return kernel.text("iscsi/*/tpgt_1/enable") == "1"


def test_an_export_is_the_wanted_one_and_left_alone_the_second_time(kernel, started, export) -> None:
    steps: list[str] = []
    lio = started(steps=steps)
    lio.ensure(export)
    assert steps == ["target: backstore", "target: create", "target: access", "target: enable"]
    seen = lio.seen()[IQN]
    assert (fault(export, seen), outdated(export, seen)) == (None, None)
    assert (seen.accounts, seen.outgoing, seen.access) == ({"user-1"}, "user-2", {INITIATOR})
    before = kernel.changes
    lio.ensure(export)
    assert lio.reconcile({IQN: export}) == {}
    assert kernel.changes == before


def test_nobody_gets_in_without_chap_and_nobody_else_sees_it(kernel, started, export) -> None:
    started().ensure(export)
    group = f"iscsi/{IQN}/tpgt_1"
    attributes = {name: kernel.text(f"{group}/attrib/{name}") for name in ("authentication", "generate_node_acls")}
    assert attributes == {"authentication": "1", "generate_node_acls": "0"}
    assert kernel.text(f"{group}/attrib/demo_mode_discovery") == "0"
    assert kernel.text(f"{group}/param/AuthMethod") == "CHAP"
    auth = f"{group}/acls/{INITIATOR}/auth"
    assert [kernel.text(f"{auth}/{name}") for name in ("password", "password_mutual")] == ["forward-secret-1", "mutual-secret-2"]
    assert kernel.text("core/fileio_0/*/wwn/vpd_unit_serial").endswith(IDENTIFIER)
    assert kernel.text(f"{group}/np/10.9.0.1:3260/iser") == "0"


def test_the_algorithm_is_sha256(started) -> None:
    assert started().chap_algorithms == ("SHA256",)


def test_read_only_is_write_protected_for_the_initiator(kernel, started, export) -> None:
    lio = started()
    lio.ensure(replace(export, readonly=True))
    assert kernel.text("iscsi/*/tpgt_1/acls/*/lun_1/write_protect") == "1"
    assert fault(replace(export, readonly=True), lio.seen()[IQN]) is None
    lio.ensure(export)
    assert kernel.text("iscsi/*/tpgt_1/acls/*/lun_1/write_protect") == "0"


def test_a_file_that_grew_is_followed_under_its_user(kernel, started, export) -> None:
    lio = started()
    lio.ensure(export)
    os.truncate(export.path, 128 << 20)
    grown = replace(export, size=128 << 20)
    acl = kernel.root / f"iscsi/{IQN}/tpgt_1/acls/{INITIATOR}"
    lio.ensure(grown)
    assert lio.seen()[IQN].lun.size == 128 << 20
    assert acl.exists()


def test_a_session_is_seen(kernel, started, export) -> None:
    lio = started()
    lio.ensure(export)
    (kernel.root / f"iscsi/{IQN}/tpgt_1/acls/{INITIATOR}/info").write_bytes(SESSION.encode())
    [connection] = lio.seen()[IQN].connections
    assert (connection.session, connection.connection, connection.initiator) == (7, 0, INITIATOR)


def test_other_credentials_mean_another_target(kernel, started, export) -> None:
    lio = started()
    lio.ensure(export)
    other = replace(export, chap=Chap("user-3", Secret("another-secret-3")))
    lio.ensure(other)
    assert lio.seen()[IQN].accounts == {"user-3"}
    assert lio.seen()[IQN].outgoing == ""
    assert kernel.text("iscsi/*/tpgt_1/acls/*/auth/password_mutual") == ""


def test_removing_leaves_nothing_and_may_be_asked_twice(kernel, started, export) -> None:
    lio = started()
    lio.ensure(export)
    lio.remove(IQN)
    lio.remove(IQN)
    assert kernel.made() == set()


def test_what_others_made_is_neither_seen_nor_touched(kernel, started, export, tmp_path) -> None:
    lio = started()
    fabric = rtslib_fb.FabricModule("iscsi")
    rtslib_fb.TPG(rtslib_fb.Target(fabric, "iqn.2003-01.org.linux-iscsi:theirs"), 1)
    rtslib_fb.FileIOStorageObject("theirs", dev=export.path, size=1 << 20)
    before = kernel.made()
    lio.ensure(export)
    assert set(lio.seen()) == {IQN}
    lio.reconcile({})
    lio.stop()
    assert kernel.made() == before


def test_a_target_of_our_name_that_we_did_not_make_is_not_taken(kernel, started, export) -> None:
    lio = started()
    rtslib_fb.TPG(rtslib_fb.Target(rtslib_fb.FabricModule("iscsi"), IQN), 1)
    before = kernel.made()
    with pytest.raises(Unavailable, match="that we did not make"):
        lio.ensure(export)
    assert set(lio.reconcile({IQN: export})) == {IQN}
    lio.remove(IQN)
    assert kernel.made() == before


def test_another_portal_is_listened_at_instead(kernel, started, export) -> None:
    started().ensure(export)
    assert started(Portal("fd00::1", 3261)).reconcile({IQN: export}) == {}
    assert [path.name for path in (kernel.root / f"iscsi/{IQN}/tpgt_1/np").iterdir()] == ["[fd00::1]:3261"]
    assert is_open(kernel)


def test_a_failure_leaves_nothing_and_says_what_and_no_secret(kernel, started, export) -> None:
    lio = started()
    with pytest.raises(Unavailable, match=f"LIO, {IQN}: .*No such file") as caught:
        lio.ensure(replace(export, path="/nowhere"))
    assert "secret" not in str(caught.value)
    assert kernel.made() == set()


def ready(kernel: Kernel, lio: Lio, export: Export) -> bool:
    seen = lio.seen()[IQN]
    return is_open(kernel) and fault(export, seen) is None and outdated(export, seen) is None


def dies(kernel: Kernel, number: int, action: Callable[[], object]) -> bool:
    """Whether the process died at this change; it was done otherwise."""
    kernel.die_at = kernel.changes + number
    try:
        action()
    except Killed:
        return True
    finally:
        kernel.die_at = 10**9
    return False


def closed_or_complete(kernel: Kernel) -> bool:
    secret = kernel.text("iscsi/*/tpgt_1/acls/*/auth/password")
    demo, chap = (kernel.text(f"iscsi/*/tpgt_1/attrib/{name}") for name in ("generate_node_acls", "authentication"))
    return not is_open(kernel) or (
        demo == "0" and chap == "1" and (secret != "" or not kernel.text("iscsi/*/tpgt_1/acls/*/info"))
    )


def test_a_kill_at_any_change_leaves_nothing_open_and_the_next_server_makes_it_right(kernel, started, export) -> None:
    number = 0
    while dies(kernel, number, lambda: started().ensure(export)):
        assert closed_or_complete(kernel), number
        lio = started()
        assert lio.reconcile({IQN: export}) == {}
        assert ready(kernel, lio, export), number
        while dies(kernel, number, lambda: started().remove(IQN)):
            assert closed_or_complete(kernel), number
            break
        assert started().reconcile({}) == {}
        assert started().reconcile({}) == {}
        assert kernel.made() == set(), number
        number += 1
    assert number > 20


def test_it_wants_root_and_a_kernel_with_its_modules(tmp_path, runner, monkeypatch) -> None:
    lio = Lio(tmp_path, TargetSettings("lio", Portal("127.0.0.1"), ""), lambda _: None, runner=runner)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="LIO wants root"):
        lio.start()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    runner.expect("modprobe", "-a", *MODULES, code=1, stderr="modprobe: FATAL: Module target_core_mod not found")
    monkeypatch.setattr(targets_lio, "LOADED", tmp_path)
    with pytest.raises(Unavailable, match=r"not loaded: .*Module target_core_mod not found") as caught:
        lio.start()
    assert "/etc/modules-load.d" in caught.value.hint
    for ask in (lio.seen, lambda: lio.reconcile({}), lambda: lio.remove(IQN)):
        with pytest.raises(Unavailable, match="LIO was not started"):
            ask()
    lio.stop()


def test_another_server_joins_without_asking_for_the_port(started, kernel, export, tmp_path, runner, monkeypatch) -> None:
    started().ensure(export)
    monkeypatch.setattr(Lio, "_probe", lambda _: pytest.fail("the port is taken: that is right"))
    second = Lio(tmp_path, TargetSettings("lio", PORTAL, ""), lambda _: None, runner=runner)
    second.join()
    second.join()
    assert set(second.seen()) == {IQN}


def test_what_watches_it_never_wakes(started) -> None:
    import select

    lio = started()
    assert select.select([lio.watch()], [], [], 0)[0] == []
    lio.stop()
    assert lio.watch() == -1

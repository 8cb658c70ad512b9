"""The server killed with SIGKILL before any one of its steps, then started again: no attachment is lost, none is
exported without CHAP, none that should not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
import requests

from blockstore.errors import BlockstoreError
from tests.target import initiator
from tests.target.conftest import Guest, Scene, seen, until
from tests.target.initiator import Login
from tests.target.killing import ForkedServer, in_memory

# More than any scenario has; one that reaches it does not end.
MOST_STEPS = 40


@dataclass
class Stage:
    """What a scenario works with: a bystander that is attached and must stay so, and a volume to do things with."""

    server: ForkedServer
    guest: Guest
    bystander: Login
    volume: str
    attachment: str = ""

    @property
    def iqn(self) -> str:
        return f"iqn.2010-10.org.openstack:volume-{self.volume}"


def connect(stage: Stage) -> None:
    stage.guest.connect(stage.attachment)


def complete(stage: Stage) -> None:
    stage.guest.ask("POST", f"attachments/{stage.attachment}/action", {"os-complete": {}})


def release(stage: Stage) -> None:
    stage.guest.ask("DELETE", f"attachments/{stage.attachment}")


def force(stage: Stage) -> None:
    stage.server.client.delete(f"/v3/attachments/{stage.attachment}")


def ask_to_detach(stage: Stage) -> None:
    stage.server.client.post(f"/v3/volumes/{stage.volume}/action", {"os-begin_detaching": {}})


def reserve(stage: Stage) -> None:
    stage.server.attach(stage.volume, stage.guest.id)


def extend(stage: Stage) -> None:
    size = stage.server.client.volume(stage.volume)["size"]
    stage.server.client.post(f"/v3/volumes/{stage.volume}/action", {"os-extend": {"new_size": size + 1}})


def create(stage: Stage) -> None:
    stage.server.create_volume("made")


def delete(stage: Stage) -> None:
    stage.server.client.delete(f"/v3/volumes/{stage.volume}")


def snapshot(stage: Stage) -> None:
    stage.server.client.post("/v3/snapshots", {"snapshot": {"volume_id": stage.volume}})


def delete_snapshots(stage: Stage) -> None:
    for each in stage.server.client.get("/v3/snapshots", volume_id=stage.volume)["snapshots"]:
        stage.server.client.delete(f"/v3/snapshots/{each['id']}")


def clone(stage: Stage) -> None:
    stage.server.client.post("/v3/volumes", {"volume": {"source_volid": stage.volume, "size": 2}})


def restore(stage: Stage) -> None:
    stage.server.client.post("/v3/volumes", {"volume": {"snapshot_id": _latest(stage)}})


def revert(stage: Stage) -> None:
    stage.server.client.post(f"/v3/volumes/{stage.volume}/action", {"revert": {"snapshot_id": _latest(stage)}})


def delete_with_snapshots(stage: Stage) -> None:
    stage.server.client.delete(f"/v3/volumes/{stage.volume}?cascade=true")


def _latest(stage: Stage) -> str:
    return str(stage.server.client.get("/v3/snapshots", volume_id=stage.volume)["snapshots"][0]["id"])


Action = Callable[[Stage], None]
# The action, what comes before it, whether CHAP is mutual, the states of the attachment that may follow a kill,
# and the one that must follow when the action is done again. "" is no attachment.
SCENARIOS: dict[str, tuple[Action, tuple[Action, ...], bool, set[str], str]] = {
    "reserve": (reserve, (), False, {"", "reserved"}, "reserved"),
    "connect": (connect, (reserve,), True, {"reserved", "attaching"}, "attaching"),
    "complete": (complete, (reserve, connect), False, {"attaching", "attached"}, "attached"),
    "ask to detach": (ask_to_detach, (reserve, connect, complete), False, {"attached", "detaching"}, "detaching"),
    "release": (release, (reserve, connect, complete), True, {"attached", ""}, ""),
    "force": (force, (reserve, connect, complete, ask_to_detach), False, {"detaching", ""}, ""),
    "extend": (extend, (reserve, connect, complete), False, {"attached"}, "attached"),
    "create": (create, (), False, {""}, ""),
    "delete": (delete, (), False, {""}, ""),
    "snapshot": (snapshot, (), False, {""}, ""),
    "delete a snapshot": (delete_snapshots, (snapshot,), False, {""}, ""),
    "clone": (clone, (), False, {""}, ""),
    "restore": (restore, (snapshot,), False, {""}, ""),
    "revert": (revert, (snapshot,), False, {""}, ""),
    "delete with snapshots": (delete_with_snapshots, (snapshot, snapshot), False, {""}, ""),
}


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedServer]:
    with in_memory() as server:
        yield server


@pytest.fixture(autouse=True)
def _clean_before(forked: ForkedServer) -> None:
    """The last round of every test leaves its attachments."""
    _clean(forked)


def _stage(server: ForkedServer, before: tuple[Action, ...], mutual: bool) -> Stage:
    scene = Scene(server)
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    bystander = guest.login(attachment)
    guest.complete(attachment)
    stage = Stage(server, guest, bystander, scene.volume())
    for action in before:
        if action is reserve:
            stage.attachment = str(server.attach(stage.volume, guest.id, mutual=mutual)["id"])
        else:
            action(stage)
    return stage


def _try(action: Action, stage: Stage) -> None:
    """The action, whose answer may not come; what came is not looked at here."""
    with suppress(requests.RequestException, BlockstoreError):
        action(stage)


def _check(stage: Stage, allowed: set[str]) -> str:
    """The invariants, seen from outside: the daemon's own words, and an initiator without credentials."""
    assert initiator.inquiry(stage.bystander).ok, "an attachment that was complete is lost"
    attachments = stage.server.client.get("/v3/attachments/detail")["attachments"]
    exported = {f"iqn.2010-10.org.openstack:volume-{each['volume_id']}" for each in attachments if each["connection_info"]}
    there = seen(stage.server)
    assert set(there) == exported
    for iqn, target in there.items():
        assert len(target.accounts) == 1, f"{iqn} is exported without CHAP"
        assert len(target.access) == 1
        assert target.ready
        assert target.lun is not None
        assert target.lun.online
    open_to_all = stage.bystander.but(iqn=stage.iqn, user="", password="")
    assert not initiator.inquiry(open_to_all).ok
    state = next((each["status"] for each in attachments if each["volume_id"] == stage.volume), "")
    assert state in allowed
    return state


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_before_any_step(forked: ForkedServer, name: str) -> None:
    action, before, mutual, allowed, after = SCENARIOS[name]
    killed: list[str] = []
    forked.restart(step=1)
    while len(killed) < MOST_STEPS:
        stage = _stage(forked, before, mutual)
        forked.arm()
        _try(action, stage)
        if not forked.died:
            break
        killed.append(forked.steps[-1])
        _closed(stage, killed[-1])
        # The new one is not armed yet: it is whole, and will die one step later.
        forked.restart(step=len(killed) + 1)
        _check(stage, allowed)
        _check_volumes(stage, action)
        _try(action, stage)
        assert _check(stage, {after, *allowed}) == after
        _clean(forked)
    forked.disarm()
    assert 0 < len(killed) < MOST_STEPS, killed


def test_killed_while_everything_is_exported_again(forked: ForkedServer) -> None:
    killed: list[str] = []
    forked.restart(step=1)
    while len(killed) < MOST_STEPS:
        stage = _stage(forked, (reserve, connect), True)
        before = forked.tgtd_pid
        forked.arm()
        forked.end_tgtd()
        if not forked.dies(lambda stage=stage, before=before: forked.tgtd_pid != before and _all_let_in(stage)):
            break
        killed.append(forked.steps[-1])
        _closed(stage, killed[-1])
        forked.restart(step=len(killed) + 1)
        assert _check(stage, {"attaching"}) == "attaching"
        _clean(forked)
    forked.disarm()
    assert "recovery: reconcile" in killed
    # One for the reconciling, six for an export, eight for one with mutual CHAP.
    assert (len(killed), killed[-1]) == (15, "target: access list")


def test_killed_while_a_failed_export_is_told(forked: ForkedServer) -> None:
    killed: list[str] = []
    forked.restart(step=1)
    while len(killed) < MOST_STEPS:
        stage = _stage(forked, (reserve, connect, complete), False)
        file = forked.volume_file(stage.volume)
        hidden = file.rename(file.with_suffix(".away"))
        forked.arm()
        forked.end_tgtd()
        if not forked.dies(lambda stage=stage: _state(stage) == "error_attaching"):
            hidden.rename(file)
            break
        killed.append(forked.steps[-1])
        # The next one fails at it as well, and says so; with its file the export is there again.
        forked.restart(step=len(killed) + 1)
        assert initiator.inquiry(stage.bystander).ok
        assert _state(stage) == "error_attaching"
        hidden.rename(file)
        until("the export", lambda stage=stage: _state(stage) == "attached")
        assert _check(stage, {"attached"}) == "attached"
        _clean(forked)
    forked.disarm()
    # On a slow machine the next try has begun, and is killed as well.
    assert "attachment: fail" in killed


def _state(stage: Stage) -> str:
    return str(stage.server.client.get(f"/v3/attachments/{stage.attachment}")["attachment"]["status"])


def _all_let_in(stage: Stage) -> bool:
    """The last step of the last of the two exports is done."""
    return [len(target.access) for target in seen(stage.server).values()] == [1, 1]


def _closed(stage: Stage, step: str) -> None:
    """The daemon lives on without its server: what the killed one left must be safe already."""
    without = stage.bystander.but(iqn=stage.iqn, user="", password="")
    assert not initiator.inquiry(without).ok, f"open after a kill before {step!r}"


def _check_volumes(stage: Stage, action: Action) -> None:
    """Every volume and snapshot that the server has is whole, its file as large as it says; and there is no other file, not even
    a half one."""
    client, folder = stage.server.client, stage.server.state / "volumes"
    volumes, snapshots = (client.get(f"/v3/{kind}/detail")[kind] for kind in ("volumes", "snapshots"))
    assert {each["status"] for each in (*volumes, *snapshots)} <= {"available", "in-use", "attaching", "reserved", "detaching"}
    sizes = {each["id"]: each["size"] << 30 for each in volumes}
    sizes |= {f"snapshot-{each['id']}": each["size"] << 30 for each in snapshots}
    assert {file.name: file.stat().st_size for file in folder.iterdir()} == sizes
    assert client.get("/status")["status"]["unknown"] == {}
    if action in (delete, delete_with_snapshots) and stage.volume in sizes:
        assert client.volume(stage.volume)["status"] == "available"


def _clean(server: ForkedServer) -> None:
    for each in server.client.get("/v3/attachments")["attachments"]:
        server.client.delete(f"/v3/attachments/{each['id']}")
    for each in server.client.get("/v3/volumes")["volumes"]:
        server.client.delete(f"/v3/volumes/{each['id']}?cascade=true")
    assert server.client.get("/status")["status"]["exports"] == {"wanted": 0, "present": 0, "sessions": 0, "failed": []}

"""Several daemons are one target: each does its share, and what fails at one is done at the others."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from blockstore.iscsi import Chap
from blockstore.portal import Portal
from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import Export, SeenTarget
from metadata_server.targets import REGISTRY, driver_of, tgt_many
from metadata_server.targets.homes import home
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt_many import TgtMany

EXPORT = Export("", "/volumes/v", 1 << 30, "v", False, "iqn.x:me", Chap("user", Secret("s")))
EXPORTS = {iqn: replace(EXPORT, iqn=iqn) for iqn in (f"iqn.x:{number}" for number in range(30))}
ALL = {"start", "join", "stop", "seen", "reconcile"}


class Daemon:
    """One, that fails at what ``broken`` names; "alive" is an event descriptor: readable when it is dead."""

    chap_algorithms = ("MD5",)

    def __init__(self, _folder: Path, settings: TargetSettings, _observe: Callable[[str], None], number: int) -> None:
        self.portal, self.number = settings.portal, number
        self.broken: set[str] = set()
        self.done: list[str] = []
        self.exports: dict[str, Export] = {}
        self._alive = os.eventfd(0)

    def _do(self, what: str) -> None:
        if what in self.broken:
            raise Unavailable(f"no {what} with {self.number}")
        self.done.append(what)

    def start(self) -> None:
        self._do("start")

    def join(self) -> None:
        self._do("join")

    def stop(self) -> None:
        self._do("stop")

    def abandon(self) -> None:
        self._do("abandon")

    def watch(self) -> int:
        return self._alive

    def die(self) -> None:
        os.eventfd_write(self._alive, 1)

    def seen(self) -> Mapping[str, SeenTarget]:
        self._do("seen")
        return {iqn: SeenTarget(1, iqn) for iqn in self.exports}

    def ensure(self, export: Export) -> None:
        self.exports[export.iqn] = export

    def remove(self, iqn: str) -> None:
        del self.exports[iqn]

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        self._do("reconcile")
        self.exports = dict(wanted)
        return {iqn: "a full disk" for iqn in wanted if iqn.endswith(":7")}


class Left:
    """What is said to a tgtd that nobody has any more."""

    ended: list[int] = []

    def __init__(self, _folder: Path, _settings: TargetSettings, number: int) -> None:
        self._number = number

    def discard(self) -> None:
        self.ended.append(self._number)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], tuple[TgtMany, list[Daemon]]]:
    made: list[Daemon] = []

    def make(*words: object) -> Daemon:
        made.append(Daemon(*words))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(tgt_many, "Tgt", make)
    for name in ("start", "join", "stop"):
        monkeypatch.setattr(make, name, getattr(Daemon, name), raising=False)
    monkeypatch.setattr(tgt_many, "Tgtd", Left)
    monkeypatch.setattr(Left, "ended", [])

    def several(daemons: int) -> tuple[TgtMany, list[Daemon]]:
        settings = TargetSettings("tgt", Portal("127.0.0.1", 3260), "", daemons=daemons)
        return TgtMany(tmp_path, settings, lambda _: None), made

    return several


Several = Callable[[int], tuple[TgtMany, list[Daemon]]]


def test_each_listens_at_a_port_of_its_own(many: Several) -> None:
    target, daemons = many(3)
    assert [each.number for each in daemons] == [0, 1, 2]
    assert target.portals == tuple(Portal("127.0.0.1", port) for port in (3260, 3261, 3262))


def test_it_is_still_the_driver_tgt(tmp_path: Path) -> None:
    settings = TargetSettings("tgt", Portal("127.0.0.1", 3260), "", daemons=2)
    assert driver_of(REGISTRY["tgt"](tmp_path, settings, lambda _: None)) == "tgt"


def test_an_export_is_made_and_ended_at_its_home(many: Several) -> None:
    target, daemons = many(3)
    for export in EXPORTS.values():
        target.ensure(export)
    assert all(home(iqn, 3) == each.number for each in daemons for iqn in each.exports)
    assert all(each.exports for each in daemons)
    assert target.seen().keys() == EXPORTS.keys()
    for iqn in EXPORTS:
        target.remove(iqn)
    assert not any(each.exports for each in daemons)


def test_each_is_told_its_share_and_what_has_another_home_is_not_in_it(many: Several) -> None:
    target, daemons = many(3)
    daemons[(home("iqn.x:1", 3) + 1) % 3].exports["iqn.x:1"] = EXPORTS["iqn.x:1"]
    assert target.reconcile(EXPORTS) == {"iqn.x:7": "a full disk"}
    assert sum(len(each.exports) for each in daemons) == len(EXPORTS)
    assert all(home(iqn, 3) == each.number for each in daemons for iqn in each.exports)


def test_the_exports_of_a_dead_one_are_faults_and_the_others_are_made(many: Several) -> None:
    target, daemons = many(3)
    daemons[1].broken = ALL
    faults = target.reconcile(EXPORTS)
    mine = {iqn for iqn in EXPORTS if home(iqn, 3) == 1}
    assert faults.keys() == mine | {"iqn.x:7"}
    assert {faults[iqn] for iqn in mine} == {"target daemon 1 at 127.0.0.1:3261: no reconcile with 1"}
    assert target.seen().keys() == EXPORTS.keys() - mine


def test_where_none_answers_that_is_an_error(many: Several) -> None:
    target, daemons = many(2)
    for each in daemons:
        each.broken = ALL
    for action in (target.start, target.join, target.seen, lambda: target.reconcile(EXPORTS)):
        with pytest.raises(Unavailable, match=r"with 0$"):
            action()


@pytest.mark.parametrize("action", ["start", "join", "stop"])
def test_one_that_fails_is_named_when_all_others_are_done(many: Several, action: str) -> None:
    target, daemons = many(4)
    daemons[0].broken = daemons[2].broken = {action}
    with pytest.raises(Unavailable) as caught:
        getattr(target, action)()
    assert str(caught.value) == (
        f"target daemon 0 at 127.0.0.1:3260: no {action} with 0; target daemon 2 at 127.0.0.1:3262: no {action} with 2"
    )
    assert [each.done for each in daemons] == [[], [action], [], [action]]


def test_what_the_only_one_says_is_said_as_it_is(many: Several) -> None:
    target, daemons = many(1)
    daemons[0].broken = {"start"}
    with pytest.raises(Unavailable, match=r"^no start with 0$"):
        target.start()


@pytest.mark.parametrize("dead", range(3))
def test_any_ones_death_wakes_who_watches(many: Several, dead: int) -> None:
    target, daemons = many(3)
    poll = select.poll()
    poll.register(target.watch(), select.POLLIN)
    assert poll.poll(0) == []
    daemons[dead].die()
    assert poll.poll(0)


def test_who_watches_again_has_one_descriptor_still(many: Several) -> None:
    target, _ = many(3)
    assert len({target.watch() for _ in range(5)}) == 1


def test_those_that_are_too_many_are_ended_at_the_start(many: Several, tmp_path: Path) -> None:
    target, _ = many(2)
    for name in ("tgtd.0", "tgtd.1", "tgtd.2", "tgtd.2.lock", "tgtd.7", "tgtd.1.log"):
        (tmp_path / name).touch()
    target.start()
    assert Left.ended == [2, 7]

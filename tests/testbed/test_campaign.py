"""The campaign: when the power goes, what a console says was flushed, what a dead kernel counts for, and the count."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cc_blockstore.document.parse import parse
from testbed.campaign import cut, kept, witness
from testbed.campaign.cut import Aim, Cut, End, Fallen, Phase, Tally, Window, Windows
from testbed.campaign.cycle import Cycle, Story
from testbed.campaign.kept import Kept
from testbed.campaign.layout import layout
from testbed.campaign.witness import Memory
from testbed.guest import GuestFailed

WINDOW = Window(login=20.0, write=22.0, mounted=26.0)
FIRST = """
witness found /srv/data 11-11 none
witness kept /srv/data 11-11 1
witness found /srv/two 22-22 none
witness kept /srv/tw"""


def test_as_many_cuts_as_asked_for_are_drawn_and_the_same_for_a_seed() -> None:
    drawn = list(cut.cycles(200, random.Random(7)))
    assert sum(len(cycle) for cycle in drawn) == 200
    assert drawn == list(cut.cycles(200, random.Random(7)))
    assert {each.aim for cycle in drawn for each in cycle} == set(Aim)


def test_most_first_cuts_aim_at_partition_mkfs_and_mount() -> None:
    aims = [cycle[0].aim for cycle in cut.cycles(2000, random.Random(7))]
    assert aims.count(Aim.FORMAT) > len(aims) / 2


@pytest.mark.parametrize(
    ("aim", "latest"), [(Aim.BOOT, 20.0), (Aim.LOGIN, 2.5), (Aim.FORMAT, 5.0), (Aim.USE, 2.0)], ids=lambda value: str(value)
)
def test_a_cut_is_spread_over_what_it_aims_at(aim: Aim, latest: float) -> None:
    assert Cut(aim, 0.0).delay(WINDOW) == 0.0
    assert Cut(aim, 1.0).delay(WINDOW) == pytest.approx(latest)


@pytest.mark.parametrize(
    ("seen", "phase"),
    [
        ({}, Phase.BOOT),
        ({"sessions": True}, Phase.LOGIN),
        ({"sessions": True, "written": True}, Phase.FIRST_USE),
        ({"sessions": True, "written": True, "used_before": True}, Phase.AGAIN),
        ({"used_before": True}, Phase.BOOT),
        ({"sessions": True, "written": True, "mounted": True}, Phase.USE),
    ],
)
def test_what_a_cut_fell_into(seen: dict[str, bool], phase: Phase) -> None:
    assert cut.phase(**(dict.fromkeys(("sessions", "written", "mounted", "used_before"), False) | seen)) is phase


def test_only_whole_lines_of_the_witness_count() -> None:
    said = witness.heard(FIRST)
    assert said.kept == {"/srv/data": 1}
    assert said.found == {"/srv/data": frozenset(), "/srv/two": frozenset()}


def test_a_boot_is_held_against_what_was_kept_before_it() -> None:
    memory = Memory()
    first = witness.heard(FIRST)
    memory.add(first)
    assert memory.contradictions(first) == []
    assert memory.contradictions(witness.heard("")) == []  # it did not come to a mount
    assert memory.contradictions(witness.heard("\nwitness found /srv/data 11-11 1\n")) == []
    assert memory.used({"/srv/data": "ext4"})
    assert not memory.used({"/srv/data": "ext4", "/srv/two": "xfs"})


def test_a_file_that_is_gone_and_a_new_file_system_are_losses() -> None:
    memory = Memory()
    memory.add(witness.heard(FIRST))
    [gone] = memory.contradictions(witness.heard("\nwitness found /srv/data 11-11 none\n"))
    assert "power-on 1" in gone
    anew = memory.contradictions(witness.heard("\nwitness found /srv/data 33-33 none\n"))
    assert [each.split(":")[0] for each in anew] == ["/srv/data", "/srv/data"]
    assert "UUID" in anew[1]


def test_the_count_is_one_line() -> None:
    tally = Tally()
    fallen = Fallen(Cut(Aim.FORMAT, 0.5), 24.0, Phase.FIRST_USE)
    tally.add([fallen, fallen], End.CONVERGED)
    tally.add([fallen], End.LOST)
    tally.add([Fallen(Cut(Aim.BOOT, 0.5), 4.0, Phase.BOOT)], End.STUCK)
    assert str(tally) == "power cuts: 4 made, 2 converged, 1 lost"
    assert tally.of(End.LOST, Phase.FIRST_USE) == 1


@pytest.mark.parametrize("number", range(3))
def test_every_layout_is_a_document_that_the_guest_understands(number: int) -> None:
    document = yaml.safe_load(layout(number).user_data)["blockstore"]
    assert dict(parse(document).wishes).keys() == layout(number).wishes.keys()
    assert all(mount in layout(number).user_data for mount in layout(number).mounts)


def test_a_slower_machine_has_longer_windows() -> None:
    assert Windows.guessed(8).first.login == 8 * Windows.guessed(1).first.login


def test_what_a_campaign_has_come_to_is_kept_for_the_same_image_alone(tmp_path: Path) -> None:
    fallen = Fallen(Cut(Aim.FORMAT, 0.25), 24.5, Phase.FIRST_USE)
    stories = {"cycle-002": Story(End.STUCK, [fallen, fallen], ["not mounted"], 90.5, panics=1)}
    before = Kept("image-1", Windows.guessed(8), stories)
    assert kept.read(tmp_path, "image-1") is None
    kept.write(tmp_path, before)
    assert kept.read(tmp_path, "image-1") == before
    assert kept.read(tmp_path, "image-2") is None


class DyingGuest:
    """Its kernel panics so many times; ``console`` is what it says on the boot after that."""

    def __init__(self, panics: int, console: str = "") -> None:
        self.panics, self.console, self.running, self.boot_console = panics, console, False, ""

    def boot(self, _guest: object) -> None:
        self.running = self.panics == 0
        self.boot_console = self.console if self.running else "[   57.9] Kernel panic - not syncing: Fatal exception in interrupt"
        self.panics -= 1
        if not self.running:
            raise GuestFailed("QEMU has ended")

    def power_cut(self) -> None:
        self.running = False


@pytest.fixture
def cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    """One whose volumes are as they should be, and which leaves no evidence."""
    made = Cycle(image=None, folder=tmp_path, layout=layout(0), windows=Windows.guessed(8))  # type: ignore[arg-type]
    made._begun = 0.0
    made._server = SimpleNamespace(wait_no_sessions=lambda: None)  # type: ignore[assignment]
    made._memory.add(witness.heard("witness kept /srv/data u-1 1\n"))
    monkeypatch.setattr(made, "_faults", lambda _guest: [])
    monkeypatch.setattr(made, "_keep_evidence", lambda _guest: None)
    return made


def settled(cycle: Cycle, guest: DyingGuest, monkeypatch: pytest.MonkeyPatch) -> Story:
    monkeypatch.setattr(cycle, "_last_boot", guest.boot)
    try:
        cycle._settle(guest)  # type: ignore[arg-type]
    except GuestFailed as error:
        cycle._story.reasons.append(str(error))
    cycle._conclude(guest)  # type: ignore[arg-type]
    return cycle._story


def test_a_guest_whose_kernel_died_is_switched_on_again(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    story = settled(cycle, DyingGuest(2, "witness found /srv/data u-1 1\n"), monkeypatch)
    assert (story.end, story.panics, story.cuts) == (End.CONVERGED, 2, [])


def test_one_whose_kernel_always_dies_has_lost_nothing_and_come_to_nothing(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    story = settled(cycle, DyingGuest(9), monkeypatch)
    assert (story.end, story.reasons) == (End.STUCK, ["QEMU has ended"])


def test_what_is_gone_after_its_kernel_died_is_lost(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    story = settled(cycle, DyingGuest(1, "witness found /srv/data u-1 none\n"), monkeypatch)
    assert story.end is End.LOST
    assert "are gone or changed" in story.reasons[0]

"""Some power cuts as `make campaign` makes them by the hundred: in the middle of a first use, and with files being written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from testbed.accelerator import this_machine
from testbed.campaign.cut import Aim, Cut, End, Windows
from testbed.campaign.cycle import Cycle
from testbed.campaign.layout import layout
from testbed.image import Image

CUTS = (Cut(Aim.FORMAT, 0.3), Cut(Aim.USE, 0.5))


def test_a_first_boot_that_is_cut_off_twice_converges_and_loses_nothing(images: Callable[[str], Image], tmp_path: Path) -> None:
    cycle = Cycle(images("trixie"), tmp_path, layout(0), Windows.guessed(this_machine().slowdown))
    story = cycle.run(CUTS)
    assert (story.end, story.reasons) == (End.CONVERGED, []), story.to_wire()
    assert len(story.cuts) == len(CUTS)

"""The waterfall in a terminal: fits any width, needs no colour and no block character."""

from __future__ import annotations

import re

import pytest

from cc_blockstore.analysis import terminal
from cc_blockstore.analysis.terminal import Style
from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import verdict
from tests.unit.boots import boot, report, volume

DATA, LOGS = volume("data", 1900, 60, 240, 600, 200), volume("a long name of a volume " * 3, 300, 60, 240, 600, 200)
DEAD = volume("dead", 3600, failed="no answer")


def page(style: Style, *volumes: object) -> str:
    found = timeline(boot(report(*(volumes or (DATA, LOGS, DEAD)))))  # type: ignore[arg-type]
    return terminal.text(found, verdict(found), style)


@pytest.mark.parametrize("width", [1, 40, 60, 80, 132, 300])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(len(line) for line in page(Style(width)).splitlines()) <= max(width, terminal.NARROWEST)


def test_bars_are_where_their_times_are():
    lines = page(Style(80)).splitlines()
    starts = [line.index("█") for line in lines if "█" in line and not line.startswith("  ")]
    assert starts == sorted(starts)
    kernel = next(line for line in lines if line.startswith("kernel"))
    final = next(line for line in lines if line.startswith("cloud-init: final"))
    assert kernel.split()[1:5] == ["0.0", "s", "1.0", "s"]
    assert len(final) == 80


def test_steps_are_letters_in_their_order_and_each_is_seen():
    line = next(line for line in page(Style(100)).splitlines() if line.startswith("data "))
    assert re.search(r" l+d+p+f+m+$", line)
    [*_, dead] = (line for line in page(Style(100)).splitlines() if line.startswith("dead "))
    assert dead.endswith("l!")
    assert "l login  d device  p partition  f filesystem  m mount  ! failed or refused" in page(Style(100))


def test_colour_only_where_it_is_asked_for():
    coloured = page(Style(80, colour=True))
    assert "\x1b[" not in page(Style(80))
    assert re.sub(r"\x1b\[\d+m", "", coloured).replace(" \n", "\n") == page(Style(80))


def test_plain_ascii():
    page(Style(80, full="#"), DATA).encode("ascii")


def test_many_volumes_are_the_last_ones_and_a_word_on_the_others():
    many = [volume(f"v{index:03}", 100 + index) for index in range(128)]
    lines = page(Style(80), *many).splitlines()
    assert sum(line.startswith("v") for line in lines) == terminal.MOST
    assert any(line.startswith("v127") for line in lines)
    assert any(line.startswith("and 108 more, all up by") for line in lines)

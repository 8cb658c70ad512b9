"""The words of a timeline."""

from __future__ import annotations

from cc_blockstore.analysis.spans import FSTAB, Gated, Kind, Line, Span, Timeline


def span(name: str, begin: float, end: float) -> Span:
    return Span(name, Kind.MODULE, begin, end)


def test_a_volume_is_up_with_its_last_step_or_when_fstab_had_mounted_it():
    steps = (span("login", 5, 6), span("mount", 7, 9))
    assert (Line("data", steps).begin, Line("data", steps).up) == (5, 9)
    assert Line("data", (span(FSTAB, 1, 2), *steps)).up == 2
    assert not Line("data", ()).failed
    assert Line("data", (), result="refused").failed


def test_a_service_that_began_before_its_volume_was_early():
    assert Gated(span("a.service", 1, 2), "/srv", 1.5).early
    assert not Gated(span("a.service", 2, 3), "/srv", 1.5).early


def test_a_timeline_begins_with_the_firmware():
    assert Timeline("b", (span("firmware", -3, 0), span("kernel", 0, 2))).begin == -3
    assert Timeline("b", ()).end == 0

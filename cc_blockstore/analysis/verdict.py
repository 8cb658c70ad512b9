"""What held the volumes up longest, in phases that add up to the whole, and in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cc_blockstore.analysis.spans import Kind, Line, Span, Timeline

# A portal answered late where its login took that much more than those of the others.
LATE_FACTOR, LATE_SECONDS = 2.0, 0.5
MOST_FAILURES = 5


@dataclass(frozen=True)
class Phase:
    """A part of the time until the volumes were there; the phases follow each other without a gap."""

    name: str
    kind: Kind
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.begin


@dataclass(frozen=True)
class Verdict:
    """``up``: when the last volume was there, None without one; until then the phases count, else until the boot's end."""

    phases: tuple[Phase, ...]
    words: tuple[str, ...]
    last: Line | None = None

    @property
    def up(self) -> float | None:
        """When the last volume was there."""
        return self.last.up if self.last else None

    @property
    def seconds(self) -> float:
        """All phases together."""
        return sum(each.seconds for each in self.phases)

    @property
    def longest(self) -> Phase | None:
        """What held them up longest."""
        return max(self.phases, key=lambda each: each.seconds, default=None)

    def share(self, phase: Phase) -> float:
        """A phase's part of the whole, from 0 to 1."""
        return phase.seconds / self.seconds if self.seconds else 0.0

    def shares(self) -> dict[Kind, float]:
        """The same by what they belong to, in the order of their first appearance."""
        found: dict[Kind, float] = {}
        for phase in self.phases:
            found[phase.kind] = found.get(phase.kind, 0.0) + self.share(phase)
        return found


def verdict(timeline: Timeline) -> Verdict:
    """Judge one boot."""
    came = [each for each in timeline.volumes if each.steps and not each.failed]
    last = max(came, key=lambda each: each.up, default=None)
    if timeline.later:
        return Verdict(phases(timeline, None), tuple(_later(timeline, last)))
    found = Verdict(phases(timeline, last), (), last)
    words = [*_up(timeline, found, came), *_held(found), *_last(last, came), *_failures(timeline), *_services(timeline)]
    return Verdict(found.phases, (*words, *_clock(timeline)), last)


def phases(timeline: Timeline, last: Line | None) -> tuple[Phase, ...]:
    """The time until the last volume was there, cut where one thing ends and the next begins; the innermost counts."""
    end = last.up if last else max(timeline.end, timeline.finished)
    layers = _layers(timeline, last)
    cuts = {timeline.begin, end, *(at for layer in layers for span in layer for at in (span.begin, span.end))}
    # Rounded: a step that begins where another ends is not to leave a nanosecond of something else between them.
    inside = sorted({round(at, 4) for at in cuts if timeline.begin <= at <= end})
    return tuple(_merged(_covering(layers, begin, until) for begin, until in pairwise(inside) if until > begin))


def _layers(timeline: Timeline, last: Line | None) -> tuple[tuple[Span, ...], ...]:
    """From the innermost to the outermost."""
    steps = tuple(Span(f"{last.name}: {each.name}", each.kind, each.begin, each.end) for each in last.steps) if last else ()
    inner = tuple(each for each in timeline.rows if each.inside)
    return steps, inner, tuple(each for each in timeline.rows if not each.inside)


def _covering(layers: Iterable[Sequence[Span]], begin: float, end: float) -> Phase:
    middle = (begin + end) / 2
    for layer in layers:
        for span in layer:
            if span.begin <= middle < span.end:
                return Phase(span.name, span.kind, begin, end)
    return Phase("systemd", Kind.SYSTEMD, begin, end)


def _merged(found: Iterable[Phase]) -> list[Phase]:
    merged: list[Phase] = []
    for phase in found:
        if merged and (merged[-1].name, merged[-1].kind) == (phase.name, phase.kind):
            merged[-1] = Phase(phase.name, phase.kind, merged[-1].begin, phase.end)
        else:
            merged.append(phase)
    return merged


def _up(timeline: Timeline, found: Verdict, came: Sequence[Line]) -> list[str]:
    if found.last is None:
        return ["No volume came up." if timeline.volumes else "No volume was brought up in this boot."]
    count = (
        f"All {len(came)} volumes were"
        if len(came) == len(timeline.volumes)
        else f"{len(came)} of {len(timeline.volumes)} volumes were"
    )
    if len(timeline.volumes) == 1:
        count = f"The one volume, {found.last.name}, was"
    return [f"{count} up {seconds(found.last.up)} after the kernel started."]


def _held(found: Verdict) -> list[str]:
    longest = found.longest
    if longest is None:
        return []
    goal = "them up" if found.last else "the boot up"
    shares = ", ".join(f"{kind.value} {share:.0%}" for kind, share in found.shares().items())
    return [
        f"What held {goal} longest: {longest.name}, {seconds(longest.seconds)} ({found.share(longest):.0%}).",
        f"Shares: {shares}.",
    ]


def _last(last: Line | None, came: Sequence[Line]) -> list[str]:
    if last is None or not last.steps:
        return []
    begun = "The last was" if len(came) > 1 else "Of"
    if last.by_fstab:
        return [f"{begun} {last.name}: open-iscsi logged in and fstab mounted it, before our module came to it."]
    longest = max(last.steps, key=lambda each: each.seconds)
    own = f"{longest.name} took {seconds(longest.seconds)} of its {seconds(last.end - last.begin)}"
    return [f"{begun} {last.name}: {own}{_portal(last, longest, came)}."]


def _portal(last: Line, longest: Span, came: Sequence[Line]) -> str:
    if longest.name != "login" or not last.portal:
        return ""
    others = [_login(each) for each in came if each.portal != last.portal]
    usual = statistics.median(others) if others else longest.seconds
    if longest.seconds > max(usual * LATE_FACTOR, usual + LATE_SECONDS):
        return f"; its portal {last.portal} answered late (the others' logins: {seconds(usual)})"
    return f" (portal {last.portal})"


def _login(volume: Line) -> float:
    return sum(each.seconds for each in volume.steps if each.name == "login")


def _failures(timeline: Timeline) -> list[str]:
    failed = [each for each in timeline.volumes if each.failed]
    told = [
        f"{each.name} {each.result} after {seconds(each.end - each.begin)}: {each.reason or 'no reason is known'}."
        for each in failed[:MOST_FAILURES]
    ]
    return [*told, *([f"So did {len(failed) - MOST_FAILURES} more."] if len(failed) > MOST_FAILURES else [])]


def _services(timeline: Timeline) -> list[str]:
    return [
        f"{each.service.name} was started {seconds(each.there - each.service.begin)} before {each.after} was there."
        if each.early
        else f"{each.service.name} waited for {each.after} and was started at {seconds(each.service.begin)}."
        for each in timeline.services
    ]


def _later(timeline: Timeline, last: Line | None) -> list[str]:
    if last is None:
        return ["The last run, after the boot, brought no volume up."]
    return [f"The last run was {seconds(last.begin)} after the kernel started, not in the boot.", *_last(last, timeline.volumes)]


def _clock(timeline: Timeline) -> list[str]:
    return [
        f"The clock was set by {each.seconds:+.1f} s between {seconds(each.after)} and {seconds(each.before)}; "
        "the times here do not follow it."
        for each in timeline.jumps
    ]


def seconds(value: float) -> str:
    """``3.4 s``, ``31 ms``, ``2 min 05 s``."""
    if abs(value) < 0.0995:
        return f"{value * 1000:.0f} ms"
    if abs(value) < 119.95:
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"

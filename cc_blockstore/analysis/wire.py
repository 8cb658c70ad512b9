"""A timeline and its verdict as JSON: the same facts as the pictures, in milliseconds after the kernel's start."""

from __future__ import annotations

from cc_blockstore.analysis.spans import Gated, Line, Span, Timeline
from cc_blockstore.analysis.verdict import Verdict

VERSION = 1


def wire(timeline: Timeline, verdict: Verdict) -> dict[str, object]:
    """The mapping that `blockstore analyze --json` prints."""
    return {
        "version": VERSION, "boot_id": timeline.boot_id, "begin_ms": ms(timeline.begin),
        "finished_ms": ms(timeline.finished) or None,
        "boot": [{"kind": each.kind.value, "inside": each.inside, **_span(each)} for each in timeline.rows],
        "volumes": [_line(each) for each in timeline.volumes], "later": timeline.later,
        "services": [_gated(each) for each in timeline.services],
        "clock": [
            {"after_ms": ms(each.after), "before_ms": ms(each.before), "set_by_ms": ms(each.seconds)} for each in timeline.jumps
        ],
        "verdict": _verdict(verdict), "notes": list(timeline.notes),
    }  # fmt: skip


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "up_ms": None if verdict.up is None else ms(verdict.up),
        "last": verdict.last.name if verdict.last else None,
        "held_up_by": verdict.longest.name if verdict.longest else None,
        "phases": [
            {"name": each.name, "kind": each.kind.value, "start_ms": ms(each.begin), "ms": ms(each.end) - ms(each.begin),
             "share": round(verdict.share(each), 4)}
            for each in verdict.phases
        ],
        "shares": {kind.value: round(share, 4) for kind, share in verdict.shares().items()},
        "words": list(verdict.words),
    }  # fmt: skip


def _line(volume: Line) -> dict[str, object]:
    return {
        "id": volume.id or None, "name": volume.name, "result": volume.result or None, "reason": volume.reason or None,
        "portal": volume.portal or None, "mounts": list(volume.mounts),
        "steps": [{"step": each.name, "start_ms": ms(each.begin), "ms": ms(each.end) - ms(each.begin)} for each in volume.steps],
    }  # fmt: skip


def _gated(gated: Gated) -> dict[str, object]:
    return {**_span(gated.service), "after": gated.after, "early": gated.early}


def _span(span: Span) -> dict[str, object]:
    return {"name": span.name, "start_ms": ms(span.begin), "ms": ms(span.end) - ms(span.begin)}


def ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)

"""What cloud-init is told of a run (design, section 5)."""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.report import Report, Result
from blockstore.values import dataclass
from cc_blockstore.plan.desired import Desired

MISSING = "required volumes are missing"


@dataclass(frozen=True)
class Verdict:
    """Nothing, a warning (degraded), or an error (a required volume is missing). ``bad_document``: nothing was even begun."""

    report: Report
    warning: str = ""
    error: str = ""
    bad_document: bool = False


def of(report: Report, desired: Desired) -> Verdict:
    """One line for cloud-init, and an error only where a required volume is missing."""
    required = {each.attachment.volume.id for each in desired.bring_up if each.wish and each.wish.required}
    required |= {each.volume_id for each in desired.turned if each.required}
    bad = [each for each in report.volumes if each.result is not Result.OK]
    missing = "; ".join(f"{each.name}: {each.reason}" for each in bad if each.id in required)
    others = "; ".join([*report.faults, *(f"{each.name}: {each.reason}" for each in bad if each.id not in required)])
    return Verdict(report, others, f"{MISSING}: {missing}" if missing else "")


def undone(report: Report, reason: str, required: Iterable[str]) -> Verdict:
    """Nothing was done, for this reason; the ``required`` ones are missing then."""
    names = ", ".join(required)
    return Verdict(report, "", f"{MISSING}: {names}: {reason}") if names else Verdict(report, reason)

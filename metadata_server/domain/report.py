"""What an instance's report means for its volumes."""

from __future__ import annotations

from collections.abc import Mapping

from blockstore.report import Report


def written(report: Report) -> frozenset[str]:
    """Ids of the volumes that carry a finished file system by this report: they are not blank any more.

    Whatever the result was: an instance names a volume's file systems once all of them are there, and what fails or is
    refused after that (a mount point) takes none of them away.
    """
    return frozenset(volume.id for volume in report.volumes if volume.filesystems)


def same_run(before: Mapping[str, object], report: Report) -> bool:
    """Whether a report (as it was kept) is of the run that this one is of: an instance that got no answer sends it once more."""
    return bool(report.started) and before.get("started") == report.started

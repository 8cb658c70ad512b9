"""What an instance's report means for its volumes."""

from __future__ import annotations

from blockstore.report import Report, Result


def written(report: Report) -> frozenset[str]:
    """Ids of the volumes that carry a finished file system by this report: they are not blank any more."""
    return frozenset(volume.id for volume in report.volumes if volume.result is Result.OK and volume.filesystems)

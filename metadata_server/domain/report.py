"""What an instance's report means for its volumes."""

from __future__ import annotations

from blockstore.report import Report


def written(report: Report) -> frozenset[str]:
    """Ids of the volumes that carry a finished file system by this report: they are not blank any more.

    Whatever the result was: an instance names a volume's file systems once all of them are there, and what fails or is
    refused after that (a mount point) takes none of them away.
    """
    return frozenset(volume.id for volume in report.volumes if volume.filesystems)

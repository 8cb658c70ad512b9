"""A guest's own disk: an overlay on the image, and how to read one whose guest no longer answers."""

import tempfile
from pathlib import Path

from testbed.command import run


def create(image: Path, overlay: Path) -> None:
    """A new overlay at `overlay` on the raw disk `image`, which stays as it is."""
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image.resolve(), "-F", "raw", overlay])


def read(overlay: Path, path: str) -> bytes:
    """The file `path` as the guest's disk holds it; FileNotFoundError when it is not there.

    Works beside a running QEMU too (--force-share): what the guest has not written back is then missing.
    """
    with tempfile.TemporaryDirectory(dir=overlay.parent) as scratch:
        copy = Path(scratch) / "disk.raw"
        run(["qemu-img", "convert", "--force-share", "-O", "raw", overlay, copy])
        _replay_journal(copy)
        target = Path(scratch) / "file"
        # debugfs ends with 0 whatever happens: only the file tells.
        run(["debugfs", "-R", f'dump "{path}" {target}', copy])
        if not target.exists():
            raise FileNotFoundError(f"{path} is not on {overlay}")
        return target.read_bytes()


def _replay_journal(disk: Path) -> None:
    """debugfs reads around the journal: after a power cut the newest names and sizes are only there."""
    # e2fsck tells by its exit code what it had to repair: 1 is "repaired", which a replay is.
    run(["sh", "-c", 'e2fsck -fy "$1" || [ $? -le 1 ]', "sh", disk])

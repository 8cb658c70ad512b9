"""A seed image for cloud-init's NoCloud, as one file: ISO 9660 with Joliet and Rock Ridge."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pycdlib import PyCdlib


def write_iso(destination: Path, files: Mapping[str, bytes], *, volume_id: str = "cidata") -> None:
    """Write `files` (name in the root folder to content) as an image at `destination`: see `placed` and `compose`."""
    with placed(destination) as image:
        compose(files, image, volume_id=volume_id)


@contextmanager
def placed(destination: Path) -> Iterator[BinaryIO]:
    """What is written is at `destination` afterwards, mode 0600, whole and durably; after any exception all is as it was.

    Raises `OSError` where it cannot be written, before anything is asked of the caller where that can be known then. What is
    there and no plain file (a disk, a terminal) is never replaced, and neither is a link: what it leads to is.
    """
    if not _replaceable(destination):
        raise FileExistsError(errno.EEXIST, "it is there, and no plain file", str(destination))
    path = destination.resolve()
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made 0600
    try:
        with os.fdopen(descriptor, "wb") as image:
            yield image
            image.flush()
            os.fsync(image.fileno())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    _settle(path.parent)


def _replaceable(destination: Path) -> bool:
    try:
        return stat.S_ISREG(os.stat(destination).st_mode)
    except FileNotFoundError:
        return True


def _settle(folder: Path) -> None:
    """Make the new name last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # fsync(2): a file system that cannot do that with folders
            raise
    finally:
        os.close(descriptor)


def compose(files: Mapping[str, bytes], image: BinaryIO, *, volume_id: str = "cidata") -> None:
    """Write `files` as an image.

    Names such as `meta-data` are none that plain ISO 9660 has: Linux reads them from the Rock Ridge extension, where they are as
    given, others from Joliet. `volume_id` is the label by which cloud-init finds it.
    """
    iso = PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=volume_id)
    try:
        for number, (name, content) in enumerate(files.items()):
            # The plain name is only a place holder that is unique and legal.
            plain = f"/F{number:07d}.;1"
            iso.add_fp(BytesIO(content), len(content), plain, rr_name=name, joliet_path=f"/{name}", file_mode=0o100400)
        iso.write_fp(image)
    finally:
        iso.close()

"""A seed image for cloud-init's NoCloud, as one file: ISO 9660 with Joliet and Rock Ridge."""

import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pycdlib import PyCdlib


def write_iso(destination: Path, files: Mapping[str, bytes], *, volume_id: str = "cidata") -> None:
    """Write `files` (name in the root folder to content) as an image at `destination`, mode 0600, whole or not at all.

    Names such as `meta-data` are none that plain ISO 9660 has: Linux reads them from the Rock Ridge extension, where they are as
    given, others from Joliet. `volume_id` is the label by which cloud-init finds it. OSError when it cannot be written.
    """
    descriptor, partial = tempfile.mkstemp(prefix=f".{destination.name}.", dir=destination.parent)  # made 0600
    try:
        with os.fdopen(descriptor, "wb") as image:
            _compose(files, volume_id, image)
            image.flush()
            os.fsync(image.fileno())
        os.replace(partial, destination)
    except BaseException:
        os.unlink(partial)
        raise


def _compose(files: Mapping[str, bytes], volume_id: str, image: BinaryIO) -> None:
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

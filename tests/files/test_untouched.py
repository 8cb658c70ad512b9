"""Where blkid and wipefs read on an empty disk: all of it is read by our own look, too, before neither of them is started."""

from __future__ import annotations

import re
import subprocess

import pytest

from blockstore.run import ENVIRONMENT
from blockstore.size import GIB, MIB
from cc_blockstore.machine.untouched import places

from .conftest import Disk

READ = re.compile(r"read: off=(\d+) len=(\d+)")


@pytest.mark.parametrize("size", [5 * MIB, 7 * MIB, GIB, 1000 * GIB], ids=["5 MiB", "7 MiB", "1 GiB", "1000 GiB"])
@pytest.mark.parametrize("tool", [("blkid", "-p"), ("wipefs", "--no-act")], ids=["blkid", "wipefs"])
def test_all_that_the_real_tools_read_is_read(tool: tuple[str, ...], size: int, disk: Disk) -> None:
    file = disk(size)
    done = subprocess.run(
        [*tool, str(file.path)],
        env={**ENVIRONMENT, "LIBBLKID_DEBUG": "all"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    reads = [(int(offset), int(length)) for offset, length in READ.findall(done.stderr)]
    assert len(reads) > 20, "libblkid says where it reads"
    areas = [*places(size)]
    missed = [
        (offset, length)
        for offset, length in reads
        if not any(begin <= offset and offset + length <= begin + room for begin, room in areas)
    ]
    assert missed == []

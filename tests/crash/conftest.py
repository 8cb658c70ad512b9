"""What the real part of this tier needs: root and FUSE."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def able() -> None:
    if os.geteuid() != 0:
        pytest.fail("tests/crash needs root (loop devices, mount); without it name the other folders to pytest", pytrace=False)
    if not Path("/dev/fuse").exists():
        pytest.fail("tests/crash needs /dev/fuse: modprobe fuse", pytrace=False)
